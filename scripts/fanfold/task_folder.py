"""A task's folder: prepared before each attempt, trimmed after success, one job at a time in it."""

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.fanfold.atomic import remove_folder

LOG = "task.log"
RECORD = "task.json"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)

log = logging.getLogger(__name__)


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make `folder` if need be and own it: another job that wants it waits until we are done.

    The operating system ends the ownership with the process, however that ends. On a file system
    without locks nobody waits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("%s: another job is running this task; waiting for it", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield


def clear(folder: Path, but: Sequence[str] = ()) -> None:
    """Remove everything in `folder` except its log and the paths `but` (relative to it)."""
    keep = {folder / LOG, *(folder / path for path in but)}
    parents = {parent for path in keep for parent in path.parents}
    _clear(folder, keep, parents)


def _clear(folder: Path, keep: set[Path], parents: set[Path]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if path in keep:
                continue
            if entry.is_dir(follow_symlinks=False):
                if path in parents:
                    _clear(path, keep, parents)
                else:
                    remove_folder(path)
            else:
                path.unlink()


def link(folder: Path, name: str, target: Path) -> None:
    """Make `name` in `folder` a symlink to `target`, relative, so that a moved tree still works."""
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(os.path.relpath(target, place.parent))
