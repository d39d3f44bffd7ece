"""Run the tasks that a job lists: failed ones again, or selected ones."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.design import Design, Task
from scripts.fanfold.listed_jobs import tasks_listed
from scripts.fanfold.script_log import script_log
from scripts.run_tasks import run_tasks

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def run_listed(design: Design, listed: Path) -> list[Task]:
    """Return the tasks that the job written to `listed` holds."""
    return tasks_listed(design, listed.read_text(encoding="utf-8"))


if __name__ == "__main__":
    with script_log(snakemake.log):
        design = snakemake.params.design
        run_tasks(
            design,
            snakemake.wildcards.listed,
            run_listed(design, Path(snakemake.input.tasks)),
            Path(snakemake.output.record),
            [Path(table) for table in snakemake.output.tables],
            Path(snakemake.output.bundle[0]) if snakemake.output.bundle else None,
            max(1, snakemake.threads // design.experiment.model.threads),
            os.environ.get("FANFOLD_COMMIT") or None,
        )
