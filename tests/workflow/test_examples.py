"""The examples run as they are, and what comes out of them is true of what they are about."""

import subprocess
import sys

import polars as pl
import pytest

from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.workflow


def hospital_is_emptier_the_more_are_vaccinated(folder):
    for script in ("1_peaks.py", "1_totals.py", "2_figure_table.py"):
        path = f"exp/hospital/postprocessing_scripts/{script}"
        subprocess.run([sys.executable, path, "-j", "main"], cwd=folder, check=True)
    hospital = table(folder, "hospital", "hospital")
    counts = hospital.select("infections", "admissions", "in_hospital")
    assert min(counts.min().row(0)) >= 0
    post = folder / "results/hospital/main/post"
    figure = pl.read_csv(post / "figure_table.csv")
    assert figure.height == 9
    for (state,), rows in figure.group_by("state"):
        admissions = dict(rows.select("scenario", "admissions_per_100k").iter_rows())
        assert admissions["none"] > admissions["usual"] > admissions["more"] > 0, state
        peaks = dict(rows.select("scenario", "peak_patients_per_100k").iter_rows())
        assert peaks["none"] > peaks["usual"] > peaks["more"] > 0, state
    totals = pl.read_csv(post / "totals.csv")
    most = totals.filter(state="CO", scenario="none", age="65+")["most"].item()
    runs = hospital.filter(state="CO", scenario="none", age="65+").group_by("seed")
    assert runs.agg(pl.sum("admissions"))["admissions"].max() == most
    assert pl.read_csv(post / "peaks.csv")["peak_patients"].min() > 0


def drift_is_seaward_at_the_surface_and_with_the_river(folder):
    track = table(folder, "drift", "track")
    released = track.filter(day=0)
    assert released["mean_km"].to_list() == [0] * released.height
    assert released["mean_depth_m"].to_list() == released["depth"].to_list()
    assert track["mean_depth_m"].is_between(0, 10).all()
    last = track.filter(day=8)
    assert last["mean_km"].mean() > 0
    by_depth = last.pivot("depth", index="release", values="mean_km")
    assert (by_depth["1"] > by_depth["5"]).all()
    assert (by_depth["5"] > by_depth["9"]).all()
    by_month = last.group_by(month=pl.col("release").dt.month()).agg(pl.mean("mean_km"))
    distance = dict(by_month.iter_rows())
    assert len(distance) == 12
    assert min(distance[4], distance[5]) > 2 * max(distance[10], distance[11])


def weather_is_forecast_better_by_the_mean_of_the_members(folder):
    truth = pl.read_csv(folder / "exp/weather/data/truth.csv", try_parse_dates=True)
    true = truth.unpivot(index="date", variable_name="site", value_name="true")
    true = true.rename({"date": "valid"})
    forecast = table(folder, "weather", "forecast")
    # A pattern added and the same subtracted leave the analysis between them.
    start = forecast.filter(lead_hours=0).group_by("start", "site", pl.col("pattern") > 0)
    between = start.agg(pl.mean("value")).pivot("pattern", values="value")
    assert (between["true"] - between["false"]).abs().max() < 0.002  # values have three digits
    mean = forecast.group_by("start", "lead_hours", "valid", "site").agg(pl.mean("value"))
    error = (pl.col("value") - pl.col("true")).pow(2).mean().sqrt()
    of_mean = mean.join(true, on=["valid", "site"]).group_by("start", "lead_hours").agg(error)
    assert of_mean.height == 4 * 21
    of_mean = dict(of_mean.group_by("lead_hours").agg(pl.mean("value")).iter_rows())
    control = table(folder, "weather", "scores").filter(sign=0)
    of_control = dict(control.group_by("lead_hours").agg(pl.mean("rmse")).iter_rows())
    assert of_control[0] < of_control[96] < of_control[240]
    assert of_mean[240] < of_control[240]


def cells_grow_and_the_drug_slows_them_down(folder):
    growth = table(folder, "cells", "growth").sort("run", "hour")
    change = growth.with_columns(more=pl.col("cells").diff().over("run")).drop_nulls("more")
    assert (change["more"] == change["divided"] - change["died"]).all()
    before = growth.filter(pl.col("hour") <= 48).group_by("seed", "hour")
    assert before.agg(pl.n_unique("cells"))["cells"].max() == 1, "there is no drug yet"
    end = growth.filter(hour=120).group_by("scenario").agg(pl.mean("cells"))
    cells = dict(end.iter_rows())
    assert cells["control"] > cells["drug_low"] > cells["drug_high"]
    assert cells["control"] > 3 * 20
    task = folder / "results/cells/main/tasks/all/drug_low-s1"
    assert {path.name for path in task.iterdir()} == {
        "growth.csv", "colony.csv", "task.log", "task.json"
    }  # fmt: skip
    living = growth.filter(run="drug_low-s1", hour=120)["cells"].item()
    assert pl.read_csv(task / "colony.csv").height == living


def table(folder, name, output):
    return pl.read_parquet(folder / f"results/{name}/main/combined/{output}.parquet")


EXAMPLES = {
    "hospital": hospital_is_emptier_the_more_are_vaccinated,
    "drift": drift_is_seaward_at_the_surface_and_with_the_river,
    "weather": weather_is_forecast_better_by_the_mean_of_the_members,
    "cells": cells_grow_and_the_drug_slows_them_down,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_once_and_what_comes_out_is_true(project, name):
    project.experiment_file = project.folder / f"exp/{name}/experiment.yaml"
    project.run_page(ROOT / f"exp/{name}/README.md")
    assert table(project.folder, name, "tasks")["status"].to_list() == ["done"] * 36
    EXAMPLES[name](project.folder)
    again = project.snakemake("combine")
    assert again.returncode == 0, again.stdout
    assert "Nothing to be done" in again.stdout
