"""`--config select=...` runs a part of the ensemble now, and takes nothing from the whole."""

import polars as pl
import pytest

from tests.workflow.conftest import once

pytestmark = pytest.mark.workflow


def test_a_selection_runs_its_tasks_only_and_the_next_call_only_the_others(project):
    chosen = ("CA/low-s1", "CA/low-s2")
    selection = ("combine", "--config", "select=state=CA;scenario=low;seed=1-2")
    assert project.run(*selection) == once(*chosen)
    combined = pl.read_parquet(project.results / "selected/combined/out.parquet")
    assert combined["run"].unique().sort().to_list() == ["low-s1", "low-s2"]
    assert not (project.results / "combined").exists()
    assert not project.run(*selection), "the same selection again"
    others = project.run("combine")
    assert others == once(*(project.all_tasks() - set(chosen)))
    assert project.combined().height == 24
    selected = ("--config", "select=CA/low-s3,NY/*")
    assert not project.run("combine", *selected)
    assert project.combined().height == 24, "the whole is as it was"
    project.run("status", *selected)
    assert "total        0        0        7        0" in project.said


def test_what_fails_in_a_selection_runs_again_alone(project):
    selection = ("combine", "--config", "select=state=NY;seed=1")
    ran, said = project.fail(*selection, BROKEN="NY/high-s1=exit")
    assert ran == once("NY/low-s1", "NY/high-s1")
    assert "1 of 2 tasks failed" in said
    assert "results/trial/main/selected/failed_tasks.csv" in said
    assert project.run(*selection) == once("NY/high-s1")
    _, said = project.fail("combine", "--config", "select=failed")
    assert "select: no task fits `failed`" in said
    ran, _ = project.fail("combine", BROKEN="CA/low-s2=exit")
    assert ran == once(*(project.all_tasks() - {"NY/low-s1", "NY/high-s1"}))
    assert project.run("combine", "--config", "select=failed") == once("CA/low-s2")
    assert project.run("combine") == once()


def test_a_new_experiment_runs_as_it_is(project):
    done = project.python("-m", "scripts.new_experiment", "fresh")
    assert done.returncode == 0, done.stderr
    project.experiment_file = project.folder / "exp/fresh/experiment.yaml"
    project.run("combine")
    growth = pl.read_parquet(project.folder / "results/fresh/main/combined/growth.parquet")
    assert growth.select("state", "scenario", "start", "seed").unique().height == 2 * 2 * 2 * 3
    again = project.python("-m", "scripts.new_experiment", "fresh")
    assert again.returncode == 1
    assert again.stderr == "exp/fresh is there already; choose another name, or delete it\n"
