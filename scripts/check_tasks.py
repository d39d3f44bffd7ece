"""Fail, naming the tasks that failed, unless so many are tolerated."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.fanfold.atomic import replacing
from scripts.fanfold.call import Call
from scripts.fanfold.checking import collect_records, describe_failures, write_failed
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.retries import plan_retries
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def check_tasks(call: Call, plan: Path, records: Sequence[Path], tasks: Path) -> int:
    """Write the table of all tasks to `tasks` (Parquet) and the failed ones to failed_tasks.csv.

    Returns
    -------
    The number of failed tasks, all tolerated.

    Raises
    ------
    FanfoldError
        If more tasks failed than are tolerated: says which and why. The next call then runs them
        again, and only them.
    """
    table = collect_records(plan, records)
    failed = write_failed(table, Path(call.folder, "failed_tasks.csv"))
    allowed = call.design.experiment.failures.allowed_of(table.height)
    if failed.height > allowed:
        plan_retries(call, failed.select("state", "scenario", "index").iter_rows())
        tolerated = f", {allowed} tolerated" if allowed else ""
        raise FanfoldError(
            f"{failed.height} of {table.height} tasks failed{tolerated}:\n"
            f"{describe_failures(failed, f'{call.design.results}/tasks')}\n"
            f"All of them: {call.folder}/failed_tasks.csv. "
            "Call snakemake again to run only these tasks again."
        )
    with replacing(tasks) as temporary:
        table.write_parquet(temporary)
    return failed.height


if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        failures = check_tasks(
            snakemake.params.call,
            Path(snakemake.input.plan),
            [Path(record) for record in snakemake.input.records],
            Path(snakemake.output.tasks),
        )
        log.info("%d failed tasks, tolerated", failures)
        if failures:
            folder = snakemake.params.call.folder
            click.echo(f"{failures} failed tasks, tolerated: {folder}/failed_tasks.csv")
