"""Unpack the task folders of one state here."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.bundles import unpack
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def unpack_files(bundles: Sequence[Path], tasks_folder: Path) -> int:
    """Unpack bundles into `tasks_folder`, retries over what they retry; return how many tasks."""
    return len(set().union(*(unpack(bundle, tasks_folder) for bundle in bundles)))


if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        tasks = unpack_files(
            [Path(bundle) for bundle in snakemake.input.bundles],
            Path(snakemake.params.design.results, "tasks"),
        )
        log.info("%d task folders", tasks)
