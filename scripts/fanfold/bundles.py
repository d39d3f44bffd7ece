"""Task folders as one object per job, for places without a shared file system."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import zstandard

from scripts.fanfold.atomic import replacing


def pack(bundle: Path, root: Path, folders: Sequence[str]) -> None:
    """Write the folders (relative to `root`) that exist into `bundle` (.tar.zst), atomically."""
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    with (
        replacing(bundle) as temporary,
        temporary.open("wb") as file,
        compressor.stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|") as archive,
    ):
        for folder in folders:
            if (root / folder).is_dir():
                archive.add(root / folder, arcname=folder)


def unpack(bundle: Path, root: Path) -> int:
    """Unpack `bundle` below `root`, over what is there; return the number of task folders."""
    folders = set()
    with (
        bundle.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            folders.add("/".join(member.name.split("/")[:2]))
            if not member.isdir():
                (root / member.name).unlink(missing_ok=True)
            # The filter refuses what would leave `root`: links to the experiment do, and are left out.
            _extract(archive, member, root)
    return len(folders)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    try:
        archive.extract(member, root, filter="tar")
    except tarfile.LinkOutsideDestinationError:
        return
