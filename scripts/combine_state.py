"""Stack the tables of one state's jobs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.combining import stack_jobs
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def combine_state(tasks: Path, state: str, tables: Sequence[Path], combined: Path) -> int:
    """Stack `tables` into `combined` (Parquet) without loading them; return the number of rows.

    Each task's rows come from the job that `tasks` (the table of all tasks) names for it.
    """
    return stack_jobs(tasks, state, tables, combined)


if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        rows = combine_state(
            Path(snakemake.input.tasks),
            snakemake.wildcards.state,
            [Path(table) for table in snakemake.input.tables],
            Path(snakemake.output.table),
        )
        log.info("%d rows", rows)
