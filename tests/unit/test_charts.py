"""Charts of combined tables show the right numbers, and say what they leave out."""

import base64
import gzip
import io
import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest
import vl_convert

from scripts.fanfold.bands import (
    MAX_POINTS,
    MAX_SCENARIOS,
    NO_SCENARIO,
    QUANTILES,
    fan_bands,
    limit_layout,
    read_layout,
)
from scripts.fanfold.charts import COLORS, chart_tables, packed_spec, vega_javascript

FIRST_DAY = date(2026, 1, 1)


def timeline(states=("CA", "NY"), scenarios=("base", "less"), runs=7, days=5, x="date"):
    """Return a combined table: one row per state, scenario, run and day."""
    rows = [
        {"state": state, "scenario": scenario, "seed": run, "run": f"{scenario}-s{run}"}
        | {x: FIRST_DAY + timedelta(day) if x == "date" else day}
        | {"infections": float(1000 * place + 100 * run**2 + day), "deaths": run}
        for place, state in enumerate(states)
        for scenario in scenarios
        for run in range(runs)
        for day in range(days)
    ]
    return pl.DataFrame(rows)


def written(folder, table):
    """Write a table as Parquet and return its path."""
    path = folder / "table.parquet"
    table.write_parquet(path)
    return path


def chart_of(folder, table, **options):
    """Return the chart and caption of a table."""
    return chart_tables({"table": written(folder, table)}, **options)["table"]


def data_of(chart):
    """Return the rows inside a chart's specification."""
    (text,) = chart.to_dict()["datasets"].values()
    return pl.read_csv(io.StringIO(text))


def params_of(chart):
    """Return the dropdowns of a chart: what they are called and what they offer."""
    binds = [
        param["bind"] for param in chart.to_dict()["params"] if "input" in param.get("bind", {})
    ]
    return {bind["name"].strip(): bind.get("labels", bind["options"]) for bind in binds}


def test_bands_are_the_quantiles_over_the_runs_of_a_state_and_scenario(tmp_path):
    path = written(tmp_path, timeline())
    bands = fan_bands(path, read_layout(path))
    row = bands.row(
        by_predicate=(pl.col("state") == "NY")
        & (pl.col("scenario") == "less")
        & (pl.col("variable") == "infections")
        & (pl.col("x") == date(2026, 1, 4)),
        named=True,
    )
    # Of 1003 + 100 * run**2 for runs 0 to 6; 5 % is 0.3 of the way from the first to the second.
    assert [row[name] for name in QUANTILES] == pytest.approx([1033, 1253, 1903, 3053, 4273])
    assert row["values"] == 7
    assert bands.height == 2 * 2 * 5 * 2


def test_missing_and_infinite_values_do_not_count(tmp_path):
    table = timeline(states=("CA",), scenarios=("base",), runs=3).with_columns(
        pl.when(pl.col("run") == "base-s1")
        .then(float("nan"))
        .when(pl.col("run") == "base-s2")
        .then(float("inf"))
        .otherwise("infections")
        .alias("infections")
    )
    path = written(tmp_path, table)
    bands = fan_bands(path, read_layout(path)).filter(pl.col("variable") == "infections")
    assert bands["values"].unique().to_list() == [1]
    assert bands["q95"].to_list() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "to_axis",
    [
        pl.col("date"),
        pl.col("date").cast(pl.Datetime("us")),
        pl.col("date").cast(pl.String),
        pl.col("date").cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S"),
        pl.col("date").dt.ordinal_day(),
        pl.col("date").dt.ordinal_day() / 7,
    ],
    ids=["date", "datetime", "date as text", "datetime as text", "day", "week"],
)
def test_dates_and_numbers_are_axes(tmp_path, to_axis):
    path = written(tmp_path, timeline().with_columns(to_axis.alias("date")))
    layout = read_layout(path)
    assert (layout.x, layout.variables, layout.notes) == ("date", ("infections", "deaths"), ())
    assert fan_bands(path, layout)["x"].n_unique() == 5


def test_fans_are_drawn_for_a_chosen_state_and_variable(tmp_path):
    chart = chart_of(tmp_path, timeline()).chart
    assert params_of(chart) == {"State": ["CA", "NY"], "Variable": ["infections", "deaths"]}
    assert "infections · CA" in vl_convert.vegalite_to_svg(chart.to_dict())


def test_text_is_no_axis(tmp_path):
    table = timeline().with_columns(pl.format("week {}", pl.col("date").dt.week()).alias("date"))
    path = written(tmp_path, table)
    layout = read_layout(path)
    assert (layout.x, layout.variables) == (None, ("infections", "deaths"))
    assert layout.notes == ("Runs have several rows, which are all taken together.",)


def test_one_row_per_run_gives_boxes_of_all_its_numbers(tmp_path):
    found = chart_of(tmp_path, timeline(days=1, x="peak_day"))
    assert params_of(found.chart) == {
        "State": ["(all)", "CA", "NY"],
        "Variable": ["peak_day", "infections", "deaths"],
    }
    data = data_of(found.chart)
    median = data.filter(state="CA", scenario="base", variable=1)["q50"]
    assert median.to_list() == [900]
    vl_convert.vegalite_to_svg(found.chart.to_dict())


def test_samples_that_no_two_rows_share_are_no_axis(tmp_path):
    table = timeline(x="beta").with_columns(beta=(pl.int_range(pl.len()) * 0.618) % 1)
    assert read_layout(written(tmp_path, table)).x is None


def test_rows_without_a_usable_date_are_left_out_and_counted(tmp_path):
    table = timeline().with_columns(pl.when(pl.col("date") > FIRST_DAY).then("date").alias("date"))
    found = chart_of(tmp_path, table)
    assert "28 rows without a usable date are left out." in found.caption
    assert data_of(found.chart)["x"].n_unique() == 4


def test_several_rows_of_a_run_on_a_day_are_mentioned(tmp_path):
    found = chart_of(tmp_path, pl.concat([timeline(), timeline()]))
    assert any("several rows for the same date" in note for note in found.caption)


def test_long_axes_are_thinned_to_existing_values_with_both_ends(tmp_path):
    path = written(tmp_path, timeline(("CA",), ("base",), runs=1, days=1001, x="day"))
    layout = read_layout(path)
    xs = fan_bands(path, layout)["x"].unique().sort().to_list()
    assert (len(xs), xs[0], xs[-1]) == (MAX_POINTS, 0, 1000)
    assert all(x == int(x) for x in xs)
    (found,) = chart_tables({"table": path}).values()
    assert "Drawn at 200 of up to 1,001 values of day." in found.caption


def test_what_a_page_cannot_hold_is_left_out_and_mentioned(tmp_path):
    states = [f"S{number:02d}" for number in range(30)]
    path = written(tmp_path, timeline(states, ("base",), runs=1, days=100))
    layout, points = limit_layout(read_layout(path), max_values=10_000)
    assert points == 50
    assert len(layout.states) == 20
    assert layout.notes == ("The first 20 of 30 states are drawn.",)
    bands = fan_bands(path, layout, points)
    assert bands.height * len(QUANTILES) <= 10_000


def test_only_the_first_six_variables_and_eight_scenarios_are_drawn(tmp_path):
    scenarios = [f"k{number}" for number in range(9)]
    table = timeline(("CA",), scenarios, runs=2).with_columns(
        pl.lit(number).alias(f"more_{number}") for number in range(5)
    )
    found = chart_of(tmp_path, table)
    assert "The first 6 of 7 variables are drawn." in found.caption
    assert "The first 8 of 9 scenarios are drawn." in found.caption
    assert data_of(found.chart)["scenario"].n_unique() == 8


def test_there_is_no_dropdown_without_a_choice(tmp_path):
    found = chart_of(tmp_path, timeline(("CA",), ("base",)).drop("deaths"))
    assert "params" not in found.chart.to_dict() or params_of(found.chart) == {}
    svg = vl_convert.vegalite_to_svg(found.chart.to_dict())
    assert "infections · CA" in svg


def test_experiments_without_scenarios_have_no_legend(tmp_path):
    table = timeline(scenarios=("x",)).with_columns(scenario=pl.lit(None, pl.String))
    found = chart_of(tmp_path, table)
    assert data_of(found.chart)["scenario"].unique().to_list() == [NO_SCENARIO]
    svg = vl_convert.vegalite_to_svg(found.chart.to_dict())
    assert "legend" not in svg
    assert "legend" in vl_convert.vegalite_to_svg(chart_of(tmp_path, timeline()).chart.to_dict())


def test_scenarios_come_in_the_order_of_the_experiment(tmp_path):
    path = written(tmp_path, timeline(scenarios=("a", "b", "c")))
    assert read_layout(path, ["c", "a"]).scenarios == ("c", "a", "b")


def test_small_changes_of_large_numbers_remain_visible(tmp_path):
    table = timeline(("CA",), ("base",), runs=1).with_columns(
        susceptible=39_512_345 - 10 * pl.col("infections")
    )
    data = data_of(chart_of(tmp_path, table).chart).filter(variable=2)
    assert data["q50"].to_list() == [39_512_345 - 10 * day for day in range(5)]


def test_tables_without_rows_numbers_or_model_columns_have_a_caption_and_no_chart(tmp_path):
    empty = chart_of(tmp_path, timeline().clear())
    assert (empty.chart, empty.caption) == (None, ("It has no rows.",))
    for table in (
        timeline().select("state", "scenario", "run"),
        timeline().clear().select("state"),
    ):
        assert chart_of(tmp_path, table).caption == ("It has no numeric columns to draw.",)
    nothing = timeline().with_columns(pl.lit(None, pl.Float64).alias("infections")).drop("deaths")
    assert chart_of(tmp_path, nothing).caption[-1] == "It has no values to draw."


def test_packed_specifications_unpack_to_the_chart(tmp_path):
    chart = chart_of(tmp_path, timeline(scenarios=("</script>",))).chart
    packed = packed_spec(chart)
    assert "<" not in packed
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == chart.to_dict()


def test_times_are_written_as_utc_milliseconds(tmp_path):
    data = data_of(chart_of(tmp_path, timeline()).chart)
    first = datetime.fromisoformat("2026-01-01T00:00:00+00:00").timestamp() * 1000
    assert data["x"].min() == first


def test_the_javascript_loads_nothing_from_elsewhere():
    script = vega_javascript()
    assert "vegaEmbed" in script
    assert "</script" not in script.lower()
    for word in ("jsdelivr", "unpkg", "cdnjs", "import(", "importScripts"):
        assert word not in script


def test_there_is_a_colour_for_each_scenario_of_a_chart():
    assert len(COLORS) == MAX_SCENARIOS
