"""Run the tasks of one job and combine their tables."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.bundles import pack
from scripts.fanfold.design import Design, Task
from scripts.fanfold.job import run_job
from scripts.fanfold.records import Record, write_records
from scripts.fanfold.runner import Runner
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def run_tasks(
    design: Design,
    job: str,
    tasks: Sequence[Task],
    record: Path,
    tables: Sequence[Path],
    bundle: Path | None,
    parallel: int,
    commit: str | None,
) -> list[Record]:
    """Run `tasks`, `parallel` at once; write their records, tables and, if asked, their folders.

    `tables` has one path per table output, in the order of `design.tables`. The record is written
    after all else: where it is, everything is.
    """
    runner = Runner(design, str(tasks[0].state), commit)
    records = run_job(runner, job, tasks, dict(zip(design.tables, tables, strict=True)), parallel)
    done = [task for task, found in zip(tasks, records, strict=True) if found.done]
    if bundle:
        # The bundle is all that leaves this machine: trim first.
        for task in done:
            runner.trim(task)
        pack(bundle, runner.tasks_folder, [task.name for task in tasks])
    write_records(record, records)
    if not bundle:
        for task in done:
            runner.trim(task)
    return records


if __name__ == "__main__":
    with script_log(snakemake.log):
        wildcards, design = snakemake.wildcards, snakemake.params.design
        run_tasks(
            design,
            wildcards.job,
            list(design.tasks_of(wildcards.state, wildcards.job)),
            Path(snakemake.output.record),
            [Path(table) for table in snakemake.output.tables],
            Path(snakemake.output.bundle[0]) if snakemake.output.bundle else None,
            max(1, snakemake.threads // design.experiment.model.threads),
            os.environ.get("FANFOLD_COMMIT") or None,
        )
