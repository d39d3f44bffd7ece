"""What running a task costs beside the model: `run_job` against a plain loop in Python.

`python -m benchmarks.runner_overhead profile` shows where the time goes (cProfile).
"""

import argparse
import cProfile
import os
import pstats
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import (
    Row,
    Settings,
    Usage,
    copy_project,
    interleave,
    make_folder,
    measure_inside,
    report,
    spread,
    took,
    work_folder,
    write_experiment,
)

TASKS = 500
OUTPUT = {"path": "values.csv"}
EXPERIMENTS = {"fanfold": OUTPUT | {"table": True}, "no_table": OUTPUT}


def prepare(folder: Path) -> Path:
    """Return a copy of the project with the experiments of this benchmark."""
    project = copy_project(make_folder(folder, "runner_overhead"))
    for name, output in EXPERIMENTS.items():
        write_experiment(
            project,
            name,
            states=["CA"],
            runs={"seeds": TASKS},
            outputs={"values": output},
            tasks_per_job=TASKS,
        )
    return project


def make_job(experiment: str, results: str) -> Callable[[], Any]:
    """Return a function that runs the experiment's one job as the rule `run_tasks` does."""
    # Here: only the process that is measured may be as large as these make it.
    from scripts.fanfold.expansion import load_design  # noqa: PLC0415
    from scripts.run_tasks import run_tasks  # noqa: PLC0415

    file = Path("exp", experiment, "experiment.yaml")
    design = load_design([file], {"results": results})
    (name,) = design.jobs_of("CA")
    tasks = list(design.tasks_of("CA", name))
    folder = Path(design.results)
    tables = [folder / f"tables/{table}/CA/{name}.parquet" for table in design.tables]
    record = folder / f"records/CA/{name}.jsonl"
    return lambda: check(run_tasks(design, name, tasks, record, tables, None, 1, None))


def check(records: Iterable[Any]) -> None:
    """Raise RuntimeError for the first task that failed."""
    for record in records:
        if not record.done:
            raise RuntimeError(f"{record.task}: {record.reason}")


class InlinePool:
    """Stands in for the thread pool: cProfile sees one thread."""

    def __init__(self, *_: int) -> None:
        """Take what a pool takes."""

    def __enter__(self) -> "InlinePool":
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    @staticmethod
    def map(function: Callable[[Any], Any], values: Iterable[Any]) -> Iterator[Any]:
        """Call `function` for each of `values`."""
        return map(function, values)


def profile(work: Callable[[], object]) -> None:
    """Print where `work` spends its time, in calls of this process."""
    from scripts.fanfold import job  # noqa: PLC0415

    job.ThreadPoolExecutor = InlinePool  # type: ignore[assignment,misc]
    profiler = cProfile.Profile()
    profiler.runcall(work)
    statistics = pstats.Stats(profiler)
    statistics.sort_stats("tottime").print_stats(25)
    statistics.sort_stats("cumtime").print_stats("fanfold/")


def run_variant(project: Path, name: str) -> Usage:
    """Run one variant in a process of its own."""
    folder = make_folder(project, "variant")
    if name == "plain":
        return measure_inside("benchmarks.plain", ["run", str(folder), str(TASKS)], project)
    return measure_inside("benchmarks.runner_overhead", ["job", name, str(folder)], project)


def run(settings: Settings) -> list[Row]:
    """Run the benchmark; return its rows."""
    project = prepare(settings.folder)
    names = ("plain", *EXPERIMENTS)
    taken = interleave(
        {name: partial(run_variant, project, name) for name in names}, settings.repeat
    )
    titles = {"fanfold": "with a table output", "no_table": "with a plain output"}
    lines = []
    for name, title in titles.items():
        pairs = list(zip(taken[name], taken["plain"], strict=True))
        wall = [(ours.seconds - plain.seconds) / TASKS * 1000 for ours, plain in pairs]
        cpu = [(ours.cpu_seconds - plain.cpu_seconds) / TASKS * 1000 for ours, plain in pairs]
        lines.append(
            Row(
                f"`run_job`, {TASKS} tasks one after another, {title}",
                took(taken[name], 2),
                f"{took(taken['plain'], 2)} plain loop",
                f"{spread(wall)} ms a task more ({spread(cpu)} ms CPU)",
                "at most 2 ms",
                median(wall) <= 2,
            )
        )
    return lines


def main() -> None:
    """Run one job, measured or profiled."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    job = commands.add_parser("job", help="run one job, in a prepared copy of the project")
    job.add_argument("experiment", choices=EXPERIMENTS)
    job.add_argument("results")
    job.add_argument("--report", required=True)
    commands.add_parser("profile", help="show where the time of a job goes")
    arguments = parser.parse_args()
    if arguments.what == "job":
        report(arguments.report, make_job(arguments.experiment, arguments.results))
        return
    with work_folder() as folder:
        os.chdir(prepare(folder))
        sys.path.insert(0, str(Path.cwd()))
        profile(make_job("fanfold", "results"))


if __name__ == "__main__":
    main()
