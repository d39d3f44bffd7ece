"""Stack the tables of a state's jobs: each task once, and none missing."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import DONE
from scripts.fanfold.tables import scan_stacked, sink, tasks_in


def stack_jobs(tasks: Path, state: str, tables: Sequence[Path], combined: Path) -> int:
    """Stack a state's job tables into `combined`, streaming; return the number of rows.

    A task may be in two of them (it failed in a job that was run again after its retry): `tasks`
    says which one counts.

    Raises
    ------
    FanfoldError
        If the tables do not hold exactly the tasks that are done, as they are defined now.
    """
    done = (
        pl.scan_parquet(tasks)
        .filter((pl.col("state") == state) & (pl.col("status") == DONE))
        .select("run", "job", "digest")
        .collect()
    )
    wanted: dict[str, dict[str, str]] = defaultdict(dict)
    for run, job, digest in done.iter_rows():
        wanted[job][run] = digest
    chosen = []
    for table in tables:
        job, held = tasks_in(table)
        mine = wanted.pop(job, {})
        stale = [run for run, digest in mine.items() if held.get(run) != digest]
        if stale:
            raise FanfoldError(
                f"{table}: does not hold {state}/{stale[0]} as it is now; "
                f"delete {table.stem}'s record and start again"
            )
        if mine:
            chosen.append((table, None if len(mine) == len(held) else list(mine)))
    if wanted:
        raise FanfoldError(f"{state}: there is no table of the jobs {', '.join(wanted)}")
    return sink(scan_stacked(chosen or [(tables[0], [])]), combined)
