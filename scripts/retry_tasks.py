"""Run failed tasks again, and nothing else."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.design import Design, Task
from scripts.fanfold.retries import tasks_of_retry
from scripts.fanfold.script_log import script_log
from scripts.run_tasks import run_tasks

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def retry_tasks(design: Design, retry: Path) -> list[Task]:
    """Return the tasks that the retry job written to `retry` holds."""
    return tasks_of_retry(design, retry.read_text(encoding="utf-8"))


if __name__ == "__main__":
    with script_log(snakemake.log):
        design = snakemake.params.design
        run_tasks(
            design,
            snakemake.wildcards.retry,
            retry_tasks(design, Path(snakemake.input.tasks)),
            Path(snakemake.output.record),
            [Path(table) for table in snakemake.output.tables],
            Path(snakemake.output.bundle[0]) if snakemake.output.bundle else None,
            max(1, snakemake.threads // design.experiment.model.threads),
            os.environ.get("FANFOLD_COMMIT") or None,
        )
