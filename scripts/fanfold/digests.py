"""Digests of values and of file contents: what decides whether something must be run again."""

import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.fanfold.atomic import write_text

#: Left behind by tools, never part of an experiment.
IGNORED = frozenset({"__pycache__", ".git", ".DS_Store", ".ipynb_checkpoints", ".snakemake"})
#: Below this size reading a file is as fast as looking its digest up.
REMEMBERED_BYTES = 1_000_000


def digest_of(*parts: Any) -> str:
    """Return 20 hexadecimal digits for plain data; equal data gives equal digits anywhere."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    # A file's name may be no UTF-8: Python then has surrogates in it.
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=10).hexdigest()


def files_below(path: Path) -> Iterator[Path]:
    """Yield `path` if it is a file, else the files and symlinks below it, sorted."""
    if not path.is_dir():
        yield path
        return
    for child in sorted(path.iterdir()):
        if child.name in IGNORED or child.name.endswith((".pyc", "~")):
            continue
        if child.is_symlink():
            yield child
        else:
            yield from files_below(child)


class FileDigests:
    """SHA-256 of files, remembered by path, size and time so that large inputs are read once."""

    def __init__(self, memory: Path) -> None:
        """Remember in the file `memory`; a missing or damaged one is as good as empty."""
        self._memory = memory
        try:
            self._known = dict(json.loads(memory.read_text()))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def of(self, path: Path) -> str:
        """Return the digest of one file's content; raise OSError if it cannot be read."""
        status = path.stat()
        key = str(path.absolute())
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
        if status.st_size >= REMEMBERED_BYTES and key in self._known:
            *known_stamp, digest = self._known[key]
            if known_stamp == stamp:
                return str(digest)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if status.st_size >= REMEMBERED_BYTES:
            self._known[key] = [*stamp, digest]
            self._save()
        return digest

    def of_tree(self, path: Path) -> dict[str, str]:
        """Return path (relative to `path`, `.` for itself) -> what decides about its content."""
        digests = {}
        for file in files_below(path):
            name = str(file.relative_to(path))
            if file.is_symlink() and file != path:
                digest = self.of(file) if file.is_file() else ""
                digests[name] = f"-> {file.readlink()} {digest}".rstrip()
            else:
                # What git keeps of the mode, and the same for whoever looks.
                executable = " x" if file.stat().st_mode & stat.S_IXUSR else ""
                digests[name] = self.of(file) + executable
        return digests

    def _save(self) -> None:
        try:
            write_text(self._memory, json.dumps(self._known))
        except OSError:
            return  # a read-only folder: the file is read again next time
