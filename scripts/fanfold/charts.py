"""Charts of combined tables: fans (median and bands along an axis), or boxes without an axis."""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import altair as alt
import polars as pl
import vl_convert

from scripts.fanfold.bands import (
    ALL_STATES,
    MAX_VALUES,
    NO_SCENARIO,
    QUANTILES,
    TableLayout,
    fan_bands,
    limit_layout,
    read_layout,
    rounded_for_chart,
)

#: Colours that remain distinct for colour-blind readers (Okabe & Ito 2008, darker yellow).
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#A89200", "#56B4E9", "#E69F00", "#444444"]


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


def _chart_data(bands: pl.DataFrame, layout: TableLayout) -> alt.InlineData:
    """Return the bands as CSV text, rounded; the variable as its number, a time x in ms."""
    numbers = {name: index for index, name in enumerate(layout.variables)}
    x = pl.col("x").dt.epoch("ms") if bands["x"].dtype.is_temporal() else pl.col("x")
    variable = pl.col("variable").replace_strict(numbers, return_dtype=pl.Int64)
    data = rounded_for_chart(bands).select("state", "scenario", variable, x, "values", *QUANTILES)
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
