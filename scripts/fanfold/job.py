"""Run the tasks of one job, several at once, and collect their tables."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scripts.fanfold.design import Task
from scripts.fanfold.records import Record
from scripts.fanfold.runner import Runner
from scripts.fanfold.slots import open_slots
from scripts.fanfold.tables import JobTable, coordinate_types

log = logging.getLogger(__name__)


def run_job(
    runner: Runner,
    job: str,
    tasks: Sequence[Task],
    tables: dict[str, Path],
    parallel: int,
) -> list[Record]:
    """Run tasks, `parallel` at once; write one Parquet file per table output; return the records.

    A task that fails leaves the others alone. Tasks that have finished before are not run again.
    """
    design = runner.design
    values = {name: design.space.examples(name) for name in design.space.variables}
    types = coordinate_types(design.coordinates, values)
    collected = {name: JobTable(path, job, types) for name, path in tables.items()}
    records = []
    for task, (record, task_tables) in zip(
        tasks, _run_all(runner, job, tasks, parallel), strict=True
    ):
        records.append(record)
        log.info("%s: %s", record.task, record.reason or record.status)
        for name, table in task_tables.items():
            coordinates = task.run.variables | {
                "state": str(task.state),
                "scenario": task.run.scenario,
                "seed": task.run.seed,
                "run": task.run.name,
            }
            collected[name].add(table, coordinates, task.digest)
    for table in collected.values():
        table.write()
    return records


def _run_all(
    runner: Runner, job: str, tasks: Iterable[Task], parallel: int
) -> Iterator[tuple[Record, dict[str, Any]]]:
    """Yield what becomes of each task, in the order of the tasks."""

    def run(task: Task) -> tuple[Record, dict[str, Any]]:
        slot = free.get()
        try:
            return runner.run(task, job, slot)
        finally:
            free.put(slot)

    with ThreadPoolExecutor(parallel) as pool, open_slots(parallel) as free:
        try:
            yield from pool.map(run, tasks)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
