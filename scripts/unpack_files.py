"""Unpack the task folders of one job here."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.bundles import unpack
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def unpack_files(bundle: Path, tasks_folder: Path) -> int:
    """Unpack `bundle` into `tasks_folder`; return the number of task folders."""
    return unpack(bundle, tasks_folder)


if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        folders = unpack_files(Path(snakemake.input.bundle), Path(snakemake.params.tasks_folder))
        log.info("%d task folders", folders)
