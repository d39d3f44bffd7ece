"""An ensemble from one command: what runs, what it leaves, where each number is from."""

import csv
import json
import subprocess

import polars as pl
import pytest

from tests.workflow.conftest import once

pytestmark = pytest.mark.workflow
TASKS = [
    f"{state}/{scenario}-s{seed}"
    for state in ("CA", "NY")
    for scenario in ("low", "high")
    for seed in (1, 2, 3)
]


def test_every_task_is_executed_once_and_every_combined_row_names_its_task(project):
    commit = project.commit()
    assert project.run("all") == once(*TASKS)
    table = project.combined()
    assert table.columns == ["state", "scenario", "seed", "run", "day", "value"]
    assert table.height == 2 * len(TASKS)
    row = table.filter(state="NY", run="high-s3", day=2).row(0, named=True)
    assert row == {
        "state": "NY",
        "scenario": "high",
        "seed": 3,
        "run": "high-s3",
        "day": 2,
        "value": 8,
    }
    # from the row to its task, from the task to the digests of what made it, and the commit
    record = json.loads((project.results / "tasks/NY/high-s3/task.json").read_text())
    provenance = json.loads((project.results / "plan/provenance.json").read_text())
    definition = provenance["definitions"][record["definition"]]
    assert record["commit"] == definition["commit"] == commit
    assert definition["templates"].keys() == {"templates/params.sh.j2"}
    assert definition["code"].keys() == {"model.sh"}
    assert provenance["calls"][-1]["versions"]["snakemake"]
    assert (project.results / "report/report.html").stat().st_size > 100_000
    assert (project.results / "combined/out.csv").read_text().count("\n") == 2 * len(TASKS) + 1
    state = pl.read_parquet(project.results / "combined/NY/out.parquet")
    assert state.equals(table.filter(state="NY"))


def test_inputs_are_linked_into_the_task_and_stand_in_the_provenance_by_digest(project):
    data = project.folder / "exp/trial/data/rain.csv"
    data.parent.mkdir()
    data.write_text("mm\n7\n")
    project.experiment_file = project.write_experiment(
        inputs=["data/rain.csv"], model={"command": "bash model.sh && grep 7 data/rain.csv"}
    )
    assert set(project.run().values()) == {1}
    provenance = json.loads((project.results / "plan/provenance.json").read_text())
    first = next(iter(provenance["definitions"].values()))
    assert first["inputs"].keys() == {"data/rain.csv"}
    data.write_text("mm\n78\n")
    assert project.run() == once(*TASKS)
    provenance = json.loads((project.results / "plan/provenance.json").read_text())
    assert len(provenance["definitions"]) == 2


def test_config_on_the_command_line_beats_the_file_and_names_another_launch(project):
    counts = project.run("combine", "--config", "launch=quick", "runs={seeds: 1}")
    assert counts == once("CA/low-s1", "CA/high-s1", "NY/low-s1", "NY/high-s1")
    assert (project.folder / "results/trial/quick/combined/out.parquet").exists()
    assert not project.results.exists()


def test_nothing_of_the_demo_leaks_into_another_experiment(project):
    project.experiment_file = project.write_experiment(scenarios=None, states=None, vars={"x": 2})
    project.run("plan")
    with (project.results / "plan/tasks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["task"] for row in rows] == ["all/s1", "all/s2", "all/s3"]
    assert rows[0].keys() == {
        "task", "state", "scenario", "run", "job", "seed", "index", "x", "digest"
    }  # fmt: skip


def test_an_experiment_outside_the_repository_works_on_a_shared_file_system(project, tmp_path):
    outside = tmp_path / "my model"
    project.experiment_file.parent.rename(outside)
    done = project.snakemake(
        "combine",
        "--configfile",
        str(outside / "experiment.yaml"),
        "--config",
        f"results={tmp_path}/scratch",
        "name=mine",
    )
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "scratch/mine/main/combined/out.parquet").exists()


def test_the_demo_without_a_configfile_is_what_config_yaml_names(project):
    done = project.snakemake("plan")  # warm: the experiment of the fixture
    assert "trial" in done.stdout
    command = project.command("plan")
    at = command.index("--configfile")
    del command[at : at + 2]
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "seir, launch main" in done.stdout + done.stderr


def test_configs_are_rendered_for_any_task_without_running_it(project):
    assert not project.run("configs", "--config", "select=NY/high-s3,CA/low*")
    folder = project.results / "configs"
    assert (folder / "NY/high-s3/params.sh").read_text() == "x=5\n"
    assert sorted(path.name for path in folder.glob("CA/*")) == ["low-s1", "low-s2", "low-s3"]
    _, said = project.fail("configs", "--config", "select=NY/hihg-s3")
    assert "select: no task `NY/hihg-s3`; did you mean `NY/high-s3`?" in said


def test_plan_shows_the_axes_the_counts_and_the_first_and_last_task(project):
    project.run("plan")
    for text in ("2: CA, NY", "2: low, high", "12 in 4 jobs", "CA/low-s1", "NY/high-s3 (x=5)"):
        assert text in project.said
    project.run("plan")
    assert "12 in 4 jobs" in project.said, "also when the design table is there already"


def test_status_counts_what_is_done_failed_and_waiting(project):
    project.run("status")
    assert project.said.count("6        0        0        0") == 2
    project.fail(BROKEN="CA/low-s2=exit")
    project.run("status")
    assert "CA           0        0        5        1" in project.said
    assert "total        0        0       11        1" in project.said


def test_limits_hold_however_many_cores_there_are(project, tmp_path):
    times = tmp_path / "times"
    project.experiment_file = project.write_experiment(
        tasks_per_job=1,
        limits={"jobs": 2},
        model={
            "command": f"echo 1 >> {times}; sleep 0.2; bash model.sh; echo -1 >> {times}",
            "runtime": 1,
        },
    )
    project.run("combine", "-c", "6")
    running = most = 0
    for change in times.read_text().split():
        running += int(change)
        most = max(most, running)
    assert most == 2
