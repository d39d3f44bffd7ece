"""The report: one HTML page that says what ran and what came out, and opens without a network."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.fanfold.atomic import write_text
from scripts.fanfold.charts import chart_tables, packed_spec, vega_javascript

NONE = "–"
MAX_EXPERIMENT_CHARACTERS = 50_000
MAX_LOG_LINES, MAX_LOG_CHARACTERS = 40, 8_000


def write_report(
    report: Path,
    *,
    title: str,
    tasks: Path,
    tables: dict[str, Path],
    provenance: dict[str, Any],
    experiment: dict[str, Any],
    failed_shown: int = 50,
) -> None:
    """Write the report page of a launch, atomically.

    `tasks` (Parquet) has one row per task; `tables` are the combined tables (Parquet) by name;
    `provenance["calls"]` has the newest call last. Charts need at most about 7 MB of the page,
    however large the tables are.
    """
    rows = pl.scan_parquet(tasks)
    scenario_order = list(experiment.get("scenarios") or {})
    calls = provenance.get("calls") or [{}]
    page = _template().render(
        title=title,
        experiment=experiment,
        experiment_text=_shortened(json.dumps(experiment, indent=2, default=str)),
        name=experiment.get("name") or provenance.get("experiment"),
        launch=experiment.get("launch") or provenance.get("launch"),
        call=calls[-1],
        earlier_calls=calls[-2::-1],
        headline=headline(rows),
        success=success_table(rows, scenario_order),
        reasons=failure_reasons(rows),
        failures=failed_tasks(rows, failed_shown),
        resources=resources_by_scenario(rows, scenario_order),
        sources=task_sources(rows),
        charts=_charts(tables, scenario_order),
        vega=Markup(vega_javascript()),  # noqa: S704 (ours, not the user's)
    )
    write_text(report, page)


def headline(tasks: pl.LazyFrame) -> dict[str, Any]:
    """Return counts, `hours` of model time, first and last start, and the two heaviest tasks."""
    found = tasks.select(
        tasks=pl.len(),
        done=_is_done().sum(),
        failed=(~_is_done()).sum(),
        retried=(pl.col("attempts") > 1).sum(),
        states=pl.col("state").n_unique(),
        runs=pl.col("run").n_unique(),
        hosts=pl.col("host").drop_nulls().n_unique(),
        hours=pl.col("seconds").sum() / 3600,
        first=pl.col("started").min(),
        last=pl.col("started").max(),
    )
    heaviest = {
        name: tasks.select("task", name).drop_nulls(name).top_k(1, by=name).collect().to_dicts()
        for name in ("seconds", "peak_memory_mb")
    }
    return found.collect(engine="streaming").row(0, named=True) | {
        "longest": next(iter(heaviest["seconds"]), None),
        "largest": next(iter(heaviest["peak_memory_mb"]), None),
    }


def success_table(tasks: pl.LazyFrame, scenario_order: Sequence[str] = ()) -> dict[str, Any]:
    """Return `scenarios` (the columns; one null if there are none), `rows` and `total` (a row).

    A row is {state, cells, total}; a cell is {done, total}, or null where nothing was to run.
    """
    counts = tasks.group_by("state", "scenario").agg(done=_is_done().sum(), total=pl.len())
    cells = {
        (state, scenario): {"done": done, "total": total}
        for state, scenario, done, total in counts.collect(engine="streaming").iter_rows()
    }
    scenarios = _ordered({scenario for _, scenario in cells}, scenario_order)
    rows = []
    for state in sorted({state for state, _ in cells}):
        of_state = [cells.get((state, scenario)) for scenario in scenarios]
        rows.append({"state": state, "cells": of_state, "total": _sum_of(of_state)})
    columns = [[row["cells"][index] for row in rows] for index in range(len(scenarios))]
    total = {"cells": [_sum_of(column) for column in columns], "total": _sum_of(cells.values())}
    return {"scenarios": scenarios, "rows": rows, "total": total}


def failure_reasons(tasks: pl.LazyFrame, most: int = 10) -> list[dict[str, Any]]:
    """Return the most frequent reasons of failures: {reason, tasks}."""
    reasons = tasks.filter(~_is_done()).group_by("reason").agg(tasks=pl.len())
    reasons = reasons.sort(["tasks", "reason"], descending=[True, False])
    return reasons.head(most).collect().to_dicts()


def failed_tasks(tasks: pl.LazyFrame, most: int) -> list[dict[str, Any]]:
    """Return the first failed tasks, in the design's order; logs are cut to their last lines."""
    failed = tasks.filter(~_is_done()).sort("index").head(most).collect().to_dicts()
    return [task | {"log_tail": _last_lines(task["log_tail"] or "")} for task in failed]


def resources_by_scenario(
    tasks: pl.LazyFrame, scenario_order: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return, for each scenario, median, 95 % and max of `seconds` and of `peak_memory_mb`."""
    statistics = [
        statistic
        for name in ("seconds", "peak_memory_mb")
        for statistic in (
            pl.col(name).median().alias(f"{name}_median"),
            pl.col(name).quantile(0.95, "linear").alias(f"{name}_95"),
            pl.col(name).max().alias(f"{name}_max"),
        )
    ]
    found = tasks.group_by("scenario").agg(pl.len().alias("tasks"), *statistics)
    by_scenario = {row["scenario"]: row for row in found.collect(engine="streaming").to_dicts()}
    return [by_scenario[scenario] for scenario in _ordered(by_scenario, scenario_order)]


def task_sources(tasks: pl.LazyFrame) -> list[dict[str, Any]]:
    """Return what the tasks were made from: {definition, commit, tasks, first, last}, oldest first.

    More than one row means that the experiment or its code changed within the launch.
    """
    started = pl.col("started")
    sources = tasks.group_by("definition", "commit").agg(
        tasks=pl.len(), first=started.min(), last=started.max()
    )
    return sources.sort("first").collect(engine="streaming").to_dicts()


def duration(seconds: float | None) -> str:
    """Return a duration in the unit that a reader would use: `0.4 s`, `12 min`, `5.3 h`."""
    if seconds is None:
        return NONE
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds)} s"


def memory(mb: float | None) -> str:
    """Return an amount of memory given in MB: `512 MB`, `1.5 GB`."""
    if mb is None:
        return NONE
    return f"{_three_digits(mb / 1000)} GB" if mb >= 1000 else f"{_three_digits(mb)} MB"


def moment(text: str | None) -> str:
    """Return an ISO 8601 time as `2026-01-31 12:00 UTC`; what is not one as it is."""
    if not text:
        return NONE
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    time = time.astimezone(UTC) if time.tzinfo else time
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _template() -> Any:
    """Return the page's template; everything put into it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "memory": memory,
        "moment": moment,
        "count": "{:,}".format,
    }
    return environment.get_template("report.html.j2")


def _charts(tables: dict[str, Path], scenario_order: Sequence[str]) -> list[dict[str, Any]]:
    """Return {name, caption, spec} of each table; spec is packed, or null if there is no chart."""
    return [
        {
            "name": name,
            "caption": " ".join(found.caption),
            "spec": None if found.chart is None else packed_spec(found.chart),
        }
        for name, found in chart_tables(tables, scenario_order).items()
    ]


def _is_done() -> pl.Expr:
    """Whether a task is done."""
    return pl.col("status") == "done"


def _sum_of(cells: Iterable[dict[str, int] | None]) -> dict[str, int]:
    """Return the sum of {done, total} cells; nulls count nothing."""
    counted = [cell for cell in cells if cell]
    return {key: sum(cell[key] for cell in counted) for key in ("done", "total")}


def _ordered(scenarios: Iterable[str | None], order: Sequence[str]) -> list[str | None]:
    """Sort scenarios as in the experiment; others after them by name, null last."""
    rank = {name: index for index, name in enumerate(order)}
    return sorted(scenarios, key=lambda name: (name is None, rank.get(name, len(rank)), name or ""))


def _last_lines(log: str) -> str:
    """Return the end of a log, as far as the page shows it."""
    return "\n".join(log.splitlines()[-MAX_LOG_LINES:])[-MAX_LOG_CHARACTERS:]


def _shortened(text: str) -> str:
    """Cut a text that is too long for the page, and say so in it."""
    if len(text) <= MAX_EXPERIMENT_CHARACTERS:
        return text
    return f"{text[:MAX_EXPERIMENT_CHARACTERS]}\n... cut here; all of it is in plan/experiment.yaml"


def _three_digits(value: float) -> str:
    """Return a number with three significant digits and without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
