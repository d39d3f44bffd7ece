"""Files that are either there and whole, or not there: written under another name, then renamed."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` at the end, or remove it on error.

    Missing parent folders are made. What stood at `path` stays untouched when the block fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_folder(path: Path) -> None:
    """Remove `path` and all below it; fine if it is not there. Symlinks are not followed."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:  # a model may leave folders that are read-only
        for folder, names, _ in os.walk(path):
            for inner in [Path(folder), *(Path(folder, name) for name in names)]:
                if not inner.is_symlink():
                    inner.chmod(0o700)
        shutil.rmtree(path)
