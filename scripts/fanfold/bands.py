"""What a chart shows of a combined table: its axis, and bands of quantiles over the runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

#: The quantile columns. Quantiles are interpolated linearly (type 7 of Hyndman & Fan 1996).
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
MAX_VARIABLES = 6
MAX_POINTS, MIN_POINTS = 200, 50
MAX_BOXED_STATES = 100
#: As many as there are colours that can be told apart.
MAX_SCENARIOS = 8
#: Quantile values on one page, 2 to 3 bytes each: twice 60 states x 5 scenarios x 180 days x 5
#: variables x 5 quantiles.
MAX_VALUES = 2_700_000
NO_SCENARIO = "(no scenario)"
ALL_STATES = "(all)"
AXIS = "(axis)"
_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class TableLayout:
    """What of a combined table is charted, and what a reader must be told about it."""

    x: str | None
    """The column along which the fans spread; None: the table has none."""
    variables: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    """The coordinates that tell the runs of one state and scenario apart."""
    states: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def noting(self, *notes: str) -> "TableLayout":
        """Return this layout with more notes."""
        return replace(self, notes=self.notes + notes)


def read_layout(table: Path, scenario_order: Sequence[str] = ()) -> TableLayout:
    """Find the axis, the variables, the states and the scenarios of a combined table.

    Its columns are coordinates up to and including `run`, then the model's. The axis is the model's
    first column if that is a date (also as ISO 8601 text) or a number with several values per run.
    """
    rows = pl.scan_parquet(table)
    schema = rows.collect_schema()
    names = schema.names()
    first_of_model = names.index("run") + 1 if "run" in names else len(names)
    coordinates, model = names[:first_of_model], names[first_of_model:]
    numeric = tuple(name for name in model if schema[name].is_numeric())
    if not numeric:
        return TableLayout(None, notes=("It has no numeric columns to draw.",))
    groups = rows.select(pl.col("state").cast(pl.String), _scenario()).unique()
    groups = groups.collect(engine="streaming")
    if groups.is_empty():
        return TableLayout(None, notes=("It has no rows.",))
    rank = {name: index for index, name in enumerate(scenario_order)}
    scenarios = sorted(
        groups["scenario"].unique(), key=lambda name: (rank.get(name, len(rank)), name)
    )
    over = tuple(name for name in coordinates if name not in ("state", "scenario", "run"))
    layout = TableLayout(
        None,
        numeric,
        over or ("run",),
        tuple(sorted(groups["state"].unique())),
        tuple(scenarios),
    )
    others = tuple(name for name in numeric if name != model[0])
    first_state = rows.filter(pl.col("state") == layout.states[0])
    if others and _is_axis(first_state, model[0]):
        layout = replace(layout, x=model[0], variables=others)
        layout = layout.noting(*_unusable_rows(rows, model[0]))
    return layout.noting(*_several_rows(first_state, layout))


def limit_layout(layout: TableLayout, max_values: int = MAX_VALUES) -> tuple[TableLayout, int]:
    """Leave out what a page cannot hold, and note it; return also the points per fan.

    First the points become fewer, then the states.
    """
    limited = replace(
        layout,
        variables=layout.variables[:MAX_VARIABLES],
        scenarios=layout.scenarios[:MAX_SCENARIOS],
    )
    per_point = len(limited.variables) * len(limited.scenarios) * len(QUANTILES)
    if layout.x is None:
        points, most_states = 1, MAX_BOXED_STATES
    else:
        points = max_values // (per_point * len(limited.states))
        points = min(MAX_POINTS, max(MIN_POINTS, points))
        most_states = max(1, max_values // (per_point * points))
    limited = replace(limited, states=layout.states[:most_states])
    sizes = {
        word: (len(getattr(limited, word)), len(getattr(layout, word)))
        for word in ("variables", "scenarios", "states")
    }
    notes = [
        f"The first {kept:,} of {all_:,} {word} are drawn."
        for word, (kept, all_) in sizes.items()
        if kept < all_
    ]
    return limited.noting(*notes), points


def fan_bands(table: Path, layout: TableLayout, max_points: int = MAX_POINTS) -> pl.DataFrame:
    """Return the quantiles over runs, for each state, scenario, x and variable of `layout`.

    Columns: state, scenario, variable, x, values (how many the quantiles are of), x_values (how
    many x the state has; `max_points` of them are used), q05, q25, q50, q75, q95. Missing and
    infinite values are left out. Without an axis, x is 0. One variable of one state is in memory
    at a time.
    """
    return pl.concat(_state_bands(table, layout, state, max_points) for state in layout.states)


def _scenario() -> pl.Expr:
    """Return the scenario as text, never null."""
    return pl.col("scenario").cast(pl.String).fill_null(NO_SCENARIO)


def _finite(name: str) -> pl.Expr:
    """Return a numeric column as 64-bit floats, what is not finite as null."""
    value = pl.col(name).cast(pl.Float64)
    return pl.when(value.is_finite()).then(value)


def _axis_values(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as dates, times or numbers, what is none of these as null."""
    if dtype.is_numeric():
        return _finite(name)
    if dtype == pl.String:
        return pl.coalesce(pl.col(name).str.to_datetime(f, strict=False) for f in _DATE_FORMATS)
    return pl.col(name)


def _is_axis(rows: pl.LazyFrame, name: str) -> bool:
    """Whether the fans of these rows (of one state) can spread along the column."""
    dtype = rows.collect_schema()[name]
    if not (dtype.is_numeric() or dtype in (pl.Date, pl.Datetime, pl.String)):
        return False
    rows = rows.select("run", x=_axis_values(name, dtype), given=pl.col(name).is_not_null())
    per_run = rows.group_by("run").agg(
        several=pl.col("x").min() < pl.col("x").max(),
        is_text=(pl.col("x").is_null() & pl.col("given")).any() & (dtype == pl.String),
    )
    found = per_run.select(pl.col("several").any(), pl.col("is_text").any(), runs=pl.len())
    several, is_text, runs = found.collect(engine="streaming").row(0)
    if not several or is_text:
        return False
    if not dtype.is_float():
        return True
    # Numbers that hardly any two rows share are no grid: samples of a posterior, times of events.
    xs = rows.select("x").collect(engine="streaming")["x"]
    return 2 * xs.n_unique() <= xs.len() or (runs == 1 and xs.is_sorted())


def _unusable_rows(rows: pl.LazyFrame, x: str) -> list[str]:
    """Return a note if some rows have no place on the axis."""
    values = _axis_values(x, rows.collect_schema()[x])
    count = rows.select(values.is_null().sum()).collect(engine="streaming").item()
    return [f"{count:,} rows without a usable {x} are left out."] if count else []


def _several_rows(rows: pl.LazyFrame, layout: TableLayout) -> list[str]:
    """Return a note if a run has several rows at the same place."""
    place = ["run"] if layout.x is None else ["run", layout.x]
    shared = rows.group_by(place).len().select((pl.col("len") > 1).any())
    if not shared.collect(engine="streaming").item():
        return []
    where = f" for the same {layout.x}" if layout.x else ""
    return [f"Runs have several rows{where}, which are all taken together."]


def _state_bands(table: Path, layout: TableLayout, state: str, max_points: int) -> pl.DataFrame:
    """Return the part of `fan_bands` that is of one state, one variable after the other."""
    rows = pl.scan_parquet(table)
    x = _axis_values(layout.x, rows.collect_schema()[layout.x]) if layout.x else pl.lit(0)
    rows = rows.filter(pl.col("state") == state).with_columns(_scenario(), x.alias(AXIS))
    xs = rows.select(pl.col(AXIS).drop_nulls().unique().sort()).collect(engine="streaming")
    kept = rows.filter(pl.col("scenario").is_in(layout.scenarios)).join(
        _evenly(xs, max_points).lazy(), on=AXIS, how="semi"
    )
    quantiles = {
        name: pl.col("value").quantile(level, "linear") for name, level in QUANTILES.items()
    }
    return pl.concat(
        kept.select("scenario", x=AXIS, value=_finite(variable))
        .group_by("scenario", "x")
        .agg(values=pl.col("value").count(), **quantiles)
        .filter(pl.col("values") > 0)
        .sort("scenario", "x")
        .select(
            pl.lit(state).alias("state"),
            "scenario",
            pl.lit(variable).alias("variable"),
            "x",
            "values",
            pl.lit(xs.height).alias("x_values"),
            *QUANTILES,
        )
        .collect(engine="streaming")
        for variable in layout.variables
    )


def _evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return at most `most` rows at even distances, with the first and the last."""
    if rows.height <= most:
        return rows
    return rows[[round(step * (rows.height - 1) / (most - 1)) for step in range(most)]]


def rounded_for_chart(bands: pl.DataFrame) -> pl.DataFrame:
    """Round quantiles to decimals finer than a pixel: to 1/1000 of the range in a state, or less.

    Significant digits would not do: a susceptible population of 39,512,345 that falls by 1,000.
    """
    top, bottom = pl.col("q95").max(), pl.col("q05").min()
    finest = 1e-9 * pl.max_horizontal(top.abs(), bottom.abs())
    span = pl.max_horizontal(top - bottom, finest).over("state", "variable")
    exponent = pl.when(span > 0).then((span / 1000).log10().floor()).otherwise(0)
    # Two branches, as dividing by a power of ten gives the shortest decimals, multiplying does not.
    fine, coarse = pl.lit(10.0).pow(-pl.col("exponent")), pl.lit(10.0).pow(pl.col("exponent"))
    return bands.with_columns(exponent=exponent).with_columns(
        pl.when(pl.col("exponent") < 0)
        .then((pl.col(name) * fine).round() / fine + 0.0)
        .otherwise((pl.col(name) / coarse).round() * coarse + 0.0)
        for name in QUANTILES
    )
