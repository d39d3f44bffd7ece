"""Charts of combined tables: fans (median and bands along an axis), or boxes without an axis."""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import altair as alt
import polars as pl
import vl_convert

#: The quantile columns. Quantiles are interpolated linearly (type 7 of Hyndman & Fan 1996).
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
MAX_VARIABLES = 6
MAX_POINTS, MIN_POINTS = 200, 50
MAX_BOXED_STATES = 100
#: Quantile values on one page, 2 to 3 bytes each: twice 60 states x 5 scenarios x 180 days x 5
#: variables x 5 quantiles.
MAX_VALUES = 2_700_000
#: Colours that remain distinct for colour-blind readers (Okabe & Ito 2008, darker yellow).
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#A89200", "#56B4E9", "#E69F00", "#444444"]
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


@dataclass(frozen=True)
class TableChart:
    """The chart of one table (none if there is nothing to draw) and its caption's sentences."""

    chart: alt.LayerChart | None
    caption: tuple[str, ...]


def chart_tables(
    tables: dict[str, Path], scenario_order: Sequence[str] = (), max_values: int = MAX_VALUES
) -> dict[str, TableChart]:
    """Chart the combined tables (Parquet) of a page that can hold `max_values` quantile values.

    Scenarios come in `scenario_order`, others after them by name.
    """
    layouts = {name: read_layout(table, scenario_order) for name, table in tables.items()}
    fans = sum(layout.x is not None for layout in layouts.values())
    share = max_values // max(fans, 1)
    return {name: _chart_table(tables[name], layout, share) for name, layout in layouts.items()}


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
        scenarios=layout.scenarios[: len(COLORS)],
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


def fan_chart(bands: pl.DataFrame, layout: TableLayout) -> alt.LayerChart:
    """Draw median lines, 50 % and 90 % bands along x, coloured by scenario.

    State and variable are chosen in dropdowns, where there is a choice.
    """
    temporal = bands["x"].dtype.is_temporal()
    hover = alt.selection_point(
        name="hover", fields=["x"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    legend = alt.selection_point(name="legend", fields=["scenario"], bind="legend")
    step = {} if temporal or (bands["x"] % 1 != 0).any() else {"tickMinStep": 1}
    x = alt.X(
        "x:T" if temporal else "x:Q",
        title=layout.x,
        scale=alt.Scale(type="utc") if temporal else alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False, labelOverlap=True, **step),
    )
    base = alt.Chart(_chart_data(bands, layout)).encode(x=x, color=_scenario_color(layout))
    band_90, band_50 = (
        base.mark_area(clip=True).encode(
            y=alt.Y(f"{low}:Q", title=None, scale=alt.Scale(zero=False), axis=_value_axis()),
            y2=high,
            opacity=alt.when(legend).then(alt.value(opacity)).otherwise(alt.value(0.02)),
        )
        for low, high, opacity in (("q05", "q95", 0.16), ("q25", "q75", 0.28))
    )
    shown = alt.when(legend).then(alt.value(1)).otherwise(alt.value(0.1))
    line = base.mark_line(strokeWidth=2).encode(y="q50:Q", opacity=shown).add_params(legend)
    points = base.mark_circle(size=55).encode(
        y="q50:Q",
        opacity=alt.when(hover).then(alt.value(1)).otherwise(alt.value(0)),
        tooltip=_tooltip(layout.x, temporal),
    )
    chart = alt.layer(band_90, band_50, line, points.add_params(hover)).properties(height=330)
    return _with_choices(chart, layout)


def box_chart(bands: pl.DataFrame, layout: TableLayout) -> alt.LayerChart:
    """Draw a box (50 %), whiskers (90 %) and the median for each state and scenario.

    One state or all, and the variable, are chosen in dropdowns, where there is a choice.
    """
    base = alt.Chart(_chart_data(bands, layout)).encode(
        y=alt.Y("state:N", title=None, sort=None, axis=alt.Axis(grid=False, domain=False)),
        yOffset=alt.YOffset("scenario:N", sort=list(layout.scenarios)),
        color=_scenario_color(layout),
        tooltip=_tooltip(),
    )
    value = alt.Scale(zero=False)
    whiskers = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("q05:Q", title=None, scale=value, axis=_value_axis(orient="top")), x2="q95"
    )
    box = base.mark_bar(size=7, opacity=0.45).encode(x="q25:Q", x2="q75")
    median = base.mark_tick(thickness=3, size=9).encode(x="q50:Q")
    row = alt.Step(max(22, 10 * len(layout.scenarios) + 8), **{"for": "position"})
    return _with_choices(alt.layer(whiskers, box, median).properties(height=row), layout)


def packed_spec(chart: alt.LayerChart) -> str:
    """Return the chart's Vega-Lite JSON, gzipped, in base64: a fifth of its size, safe in HTML."""
    text = json.dumps(chart.to_dict(), separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


@cache
def vega_javascript() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script that loads nothing, safe in HTML."""
    version = ".".join(alt.VEGALITE_VERSION.split(".")[:2])
    return vl_convert.javascript_bundle(vl_version=version).replace("</script", "<\\/script")


def _chart_table(table: Path, layout: TableLayout, max_values: int) -> TableChart:
    """Chart one table, with at most `max_values` quantile values."""
    if not (layout.states and layout.variables):
        return TableChart(None, layout.notes)
    layout, points = limit_layout(layout, max_values)
    bands = fan_bands(table, layout, points)
    if bands.is_empty():
        return TableChart(None, layout.noting("It has no values to draw.").notes)
    over = ", ".join(layout.over)
    what = f"Median, middle 50 % and middle 90 % of all runs of a state and scenario (over {over})."
    if layout.x is None:
        return TableChart(box_chart(bands, layout), (what, *layout.notes))
    most = bands["x_values"].max()
    if most > points:
        layout = layout.noting(f"Drawn at {points} of up to {most:,} values of {layout.x}.")
    return TableChart(fan_chart(bands, layout), (what, *layout.notes))


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


def _round_for_chart(bands: pl.DataFrame) -> pl.DataFrame:
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


def _chart_data(bands: pl.DataFrame, layout: TableLayout) -> alt.InlineData:
    """Return the bands as CSV text, rounded; the variable as its number, a time x in ms."""
    numbers = {name: index for index, name in enumerate(layout.variables)}
    x = pl.col("x").dt.epoch("ms") if bands["x"].dtype.is_temporal() else pl.col("x")
    variable = pl.col("variable").replace_strict(numbers, return_dtype=pl.Int64)
    data = _round_for_chart(bands).select("state", "scenario", variable, x, "values", *QUANTILES)
    types = {"state": "string", "scenario": "string"}
    parse = {name: types.get(name, "number") for name in data.columns}
    return alt.InlineData(data.write_csv(), format=alt.CsvDataFormat(type="csv", parse=parse))


def _scenario_color(layout: TableLayout) -> alt.Color:
    """Return colours by scenario; a legend above the chart unless the scenarios have no names."""
    entry_width = min(40 + 7 * max(len(name) for name in layout.scenarios), 300)
    legend = alt.Legend(
        orient="top",
        title=None,
        symbolType="circle",
        symbolSize=120,
        symbolOpacity=1,
        labelLimit=260,
        columns=alt.expr(f"max(1, floor(width / {entry_width}))"),
    )
    named = layout.scenarios != (NO_SCENARIO,)
    scale = alt.Scale(domain=list(layout.scenarios), range=COLORS[: len(layout.scenarios)])
    return alt.Color("scenario:N", scale=scale, legend=legend if named else None)


def _value_axis(**options: str) -> alt.Axis:
    """Return an axis of model values: few grid lines, no frame, 1.5M instead of 1,500,000."""
    label = "format(datum.value, abs(datum.value) < 1000 ? '.4~r' : '.4~s')"
    return alt.Axis(domain=False, ticks=False, tickCount=6, labelExpr=label, **options)


def _tooltip(x: str | None = None, temporal: bool = False) -> dict[str, alt.ExprRef]:
    """Return a tooltip that says where a value comes from and how sure it is.

    One expression, as Vega-Lite 6.4 shows text fields as "undefined" where the nearest point is
    chosen: there the row is `datum.datum`.
    """
    row = "(datum.datum || datum)"
    x_text = f"utcFormat({row}.x, '%Y-%m-%d %H:%M')" if temporal else f"{row}.x"
    number = {name: f"format({row}.{name}, ',.7~r')" for name in QUANTILES}
    lines = {} if x is None else {x: f"replace({x_text}, ' 00:00', '')"}
    lines |= {
        "median": number["q50"],
        "50 %": f"{number['q25']} + ' to ' + {number['q75']}",
        "90 %": f"{number['q05']} + ' to ' + {number['q95']}",
        "values": f"{row}.values",
    }
    scenario = f"({row}.scenario === '{NO_SCENARIO}' ? '' : ' · ' + {row}.scenario)"
    fields = ", ".join(f"{json.dumps(name)}: {value}" for name, value in lines.items())
    return alt.value(alt.expr(f"{{title: {row}.state + {scenario}, {fields}}}"))


def _with_choices(chart: alt.LayerChart, layout: TableLayout) -> alt.LayerChart:
    """Add dropdowns, the title that says what was chosen, and the looks that all charts share."""
    every = [] if layout.x else [ALL_STATES]
    states, variables = json.dumps(layout.states), json.dumps(layout.variables)
    state, variable = f"{states}[0]", f"{variables}[0]"
    if len(layout.states) > 1:
        select = alt.binding_select(options=every + list(layout.states), name="State ")
        first = (every + list(layout.states))[0]
        chart = chart.add_params(alt.param(name="chosen_state", bind=select, value=first))
        chosen = f"chosen_state === {json.dumps(ALL_STATES)} || datum.state === chosen_state"
        chart = chart.transform_filter(chosen)
        state = "chosen_state"
    if len(layout.variables) > 1:
        numbers = list(range(len(layout.variables)))
        select = alt.binding_select(
            options=numbers, labels=list(layout.variables), name="Variable "
        )
        chart = chart.add_params(alt.param(name="chosen_variable", bind=select, value=0))
        chart = chart.transform_filter("datum.variable === chosen_variable")
        variable = f"{variables}[chosen_variable]"
    heading = alt.TitleParams(
        text=alt.expr(f"{variable} + ' · ' + {state}"), anchor="start", offset=8
    )
    return (
        chart.properties(width="container", title=heading)
        .configure(font="system-ui, sans-serif", autosize={"type": "fit-x", "contains": "padding"})
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#e8ecf0",
            labelColor="#445",
            labelFontSize=11,
            titleColor="#445",
            titleFontSize=12,
        )
        .configure_title(fontSize=14, fontWeight=600, color="#1c2733")
        .configure_legend(labelColor="#223", labelFontSize=12)
    )
