"""Task folders as one object per job, for places without a shared file system."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import zstandard

from scripts.fanfold.atomic import remove_folder, replacing
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.names import is_inside


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


def unpack(bundle: Path, root: Path) -> set[str]:
    """Unpack `bundle` below `root`, in place of the task folders there; return their names."""
    folders: set[str] = set()
    with (
        bundle.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        # Links to the experiment's files lead outside, but being relative to the same files here.
        archive.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        for member in archive:
            if _leads_outside(member, root):
                raise FanfoldError(f"{bundle}: `{member.name}` leads outside the tasks' folder")
            folder = "/".join(member.name.split("/")[:2])
            if folder not in folders:
                folders.add(folder)
                remove_folder(root / folder)
            archive.extract(member, root)
    return folders


def _leads_outside(member: tarfile.TarInfo, root: Path) -> bool:
    """Whether a member would be written, by its name or through a link, outside `root`."""
    names = [member.name, *([member.linkname] if member.islnk() else [])]
    return not all(
        is_inside(name) and (root / name).parent.resolve().is_relative_to(root.resolve())
        for name in names
    )
