"""What became of all tasks: one table, a list of the failed, and whether that is acceptable."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_type_hints

import polars as pl

from scripts.fanfold.atomic import replacing
from scripts.fanfold.design_table import PLACE
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import FAILED, Record

_TYPES = {int: pl.Int64, float: pl.Float64}
SCHEMA = {
    name: _TYPES.get((get_args(kind) or (kind,))[0], pl.String)
    for name, kind in get_type_hints(Record).items()
}
FAILED_COLUMNS = ("task", "reason", "exit_code", "signal", "attempts", "seconds", "job", "log_tail")


def read_places(path: Path) -> pl.DataFrame:
    """Read where each task stands in the design, and its digest; not the variables."""
    types = dict.fromkeys(("seed", "index"), pl.Int64)
    texts = pl.scan_csv(path, infer_schema=False)
    return (
        texts.select(*PLACE, "digest")
        .with_columns(pl.col(name).cast(kind) for name, kind in types.items())
        .collect()
    )


def collect_records(plan: Path, records: Sequence[Path]) -> pl.DataFrame:
    """Return one row per task of the design table `plan`, in its order: columns of Record.

    Where a task has several records (it failed and was run again), one that is done counts, else
    the latest.

    Raises
    ------
    FanfoldError
        If a task has no record, or none for what it is now: naming the first such tasks.
    """
    places = read_places(plan)
    found = pl.scan_ndjson(list(records), schema=SCHEMA).collect()
    best = (
        found.with_row_index("_order")
        .sort((pl.col("status") == FAILED).not_(), "started", "_order")
        .unique("task", keep="last", maintain_order=True)
        .drop("_order")
    )
    keys = places.select("task", design_digest="digest")
    tasks = keys.join(best, on="task", how="left", maintain_order="left")
    stale = tasks.filter(pl.col("digest").ne_missing(pl.col("design_digest")))
    if stale.height:
        names = ", ".join(stale["task"].head(5))
        more = f" and {stale.height - 5} more" if stale.height > 5 else ""
        raise FanfoldError(
            f"{stale.height} tasks have no current record: {names}{more}; "
            "delete their records (records/<state>/) and start again"
        )
    return tasks.select(*SCHEMA)


def write_failed(tasks: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Write the failed tasks as CSV (only a header if there are none); return them."""
    failed = tasks.filter(pl.col("status") == FAILED)
    with replacing(path) as temporary:
        failed.select(*FAILED_COLUMNS).write_csv(temporary)
    return failed


def describe_failures(failed: pl.DataFrame, tasks_folder: str, most: int = 10) -> str:
    """Return what to tell the user: for each failed task why, its log's end, and where to look."""
    lines = []
    for row in failed.head(most).iter_rows(named=True):
        lines.append(
            f"{row['task']}: {row['reason']}  (log: {tasks_folder}/{row['task']}/task.log)"
        )
        if row["log_tail"]:
            lines += [f"    | {line}" for line in row["log_tail"].splitlines()]
    if failed.height > most:
        lines.append(f"... and {failed.height - most} more")
    return "\n".join(lines)
