"""What folding the results back in takes: all job tables to one, against one call of polars.

`python -m benchmarks.combine make|fanfold|plain FOLDER TASKS` is one step, in a process of its own.
"""

import sys
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.common import (
    Row,
    Settings,
    Usage,
    copy_project,
    interleave,
    make_folder,
    measure,
    measure_inside,
    ratios,
    report,
    spread,
    took,
)

TASKS = 10_000
#: Sizes whose peak memory is compared.
SIZES = (TASKS, 2 * TASKS, 4 * TASKS, 8 * TASKS)
ROWS = 100
TASKS_PER_JOB = 100
STATES = ("CA", "NY")


def tables_in(folder: Path, state: str) -> list[Path]:
    """Return a state's job tables."""
    return sorted((folder / state).glob("*.parquet"))


def make(folder: Path, count: int) -> None:
    """Write what the jobs of `count` tasks leave behind: their tables, and the table of tasks."""
    import polars as pl  # noqa: PLC0415 (the process that measures must stay small)

    from scripts.fanfold.records import DONE  # noqa: PLC0415
    from scripts.fanfold.tables import JobTable, coordinate_types  # noqa: PLC0415

    names = ("state", "scenario", "R0", "seed", "run")
    types = coordinate_types(names, {"R0": [1.5, 2.5]})
    per_state = count // len(STATES)
    tasks = []
    for state in STATES:
        for first in range(1, per_state + 1, TASKS_PER_JOB):
            job = f"base-{first}-{first + TASKS_PER_JOB - 1}"
            table = JobTable(folder / state / f"{job}.parquet", job, types)
            for seed in range(first, first + TASKS_PER_JOB):
                run = f"base-s{seed}"
                task = {"state": state, "scenario": "base", "R0": 1.5, "seed": seed, "run": run}
                days = pl.int_range(ROWS, eager=True)
                values = {"day": days, "infected": days * seed * 0.37, "deaths": days * seed % 97}
                table.add(pl.DataFrame(values), task, f"digest-{seed}")
                tasks.append(task | {"job": job, "status": DONE, "digest": f"digest-{seed}"})
            table.write()
    pl.DataFrame(tasks).write_parquet(folder / "tasks.parquet")


def combine(folder: Path) -> None:
    """Combine as the rules `combine_state` and `combine_states` do."""
    from scripts.combine_state import combine_state  # noqa: PLC0415
    from scripts.combine_states import combine_states  # noqa: PLC0415

    combined = [folder / f"combined/{state}.parquet" for state in STATES]
    for state, path in zip(STATES, combined, strict=True):
        combine_state(folder / "tasks.parquet", state, tables_in(folder, state), path)
    combine_states(combined, folder / "combined/all.parquet")


def stack(folder: Path) -> None:
    """Write the same rows to one file, with nothing but polars."""
    import polars as pl  # noqa: PLC0415

    tables = [path for state in STATES for path in tables_in(folder, state)]
    pl.scan_parquet(tables).sink_parquet(folder / "plain.parquet")


def run(settings: Settings) -> list[Row]:
    """Run the benchmark; return its rows."""
    project = copy_project(make_folder(settings.folder, "combine"))
    for count in SIZES:
        folder = make_folder(project, f"tables-{count}")
        measure([sys.executable, "-m", "benchmarks.combine", "make", str(folder)], project)
    variants = {
        f"{what}-{count}": partial(
            measure_inside,
            "benchmarks.combine",
            [what, str(project / f"tables-{count}")],
            project,
        )
        for what in ("fanfold", "plain")
        for count in SIZES
    }
    return rows(interleave(variants, settings.repeat))


def rows(taken: dict[str, list[Usage]]) -> list[Row]:
    """Return what to say about the variants' usages."""
    ours, plain = taken[f"fanfold-{TASKS}"], taken[f"plain-{TASKS}"]
    to_plain = ratios(ours, plain)
    lines = [
        Row(
            f"combine {TASKS:,} tasks x {ROWS} rows in {TASKS // TASKS_PER_JOB} job tables",
            took(ours, 2),
            f"{took(plain, 2)} one `sink_parquet`",
            f"{spread(to_plain)} times as long",
            "at most 2",
            median(to_plain) <= 2,
        )
    ]
    for small, large in pairwise(SIZES):
        growth = [
            more.peak_mb / less.peak_mb
            for less, more in zip(taken[f"fanfold-{small}"], taken[f"fanfold-{large}"], strict=True)
        ]
        lines.append(
            Row(
                f"peak memory of that, {small:,} and {large:,} tasks",
                peaks(taken, "fanfold", (small, large)),
                f"{peaks(taken, 'plain', (small, large))} one `sink_parquet`",
                f"{spread(growth)} times as much",
                "flat (at most 1.2)",
                median(growth) <= 1.2,
            )
        )
    return lines


def peaks(taken: dict[str, list[Usage]], what: str, sizes: Sequence[int]) -> str:
    """Return the median peaks of two sizes, such as `120 and 130 MB`."""
    medians = [median(usage.peak_mb for usage in taken[f"{what}-{size}"]) for size in sizes]
    return f"{' and '.join(f'{peak:.0f}' for peak in medians)} MB"


def main() -> None:
    """Do one step."""
    what, folder, *rest = sys.argv[1:]
    if what == "make":
        make(Path(folder), int(Path(folder).name.rpartition("-")[2]))
    else:
        step = combine if what == "fanfold" else stack
        report(rest[-1], partial(step, Path(folder)))


if __name__ == "__main__":
    main()
