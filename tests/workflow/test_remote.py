"""Workers without a shared file system: an empty folder and an empty environment for each job."""

import os
import shutil

import polars as pl
import pytest

from tests.workflow.conftest import once
from tests.workflow.test_reruns import HIGH, LOW

REQUIRED = os.environ.get("FANFOLD_REQUIRE_ALL") == "1"
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.remote,
    pytest.mark.skipif(
        not REQUIRED and not shutil.which("rsync"), reason="the fs storage plugin needs rsync"
    ),
]


@pytest.fixture
def remote(project, tmp_path):
    """The project, with a profile `local` that sends jobs to simulated workers."""
    (tmp_path / "workers").mkdir()
    (tmp_path / "store").mkdir()
    standins = project.folder / "tests/standins"
    (project.folder / "profiles/local/profile.v9+.yaml").write_text(
        "executor: cluster-generic\n"
        "jobs: 2\n"
        f"cluster-generic-submit-cmd: {standins}/remote_worker.sh\n"
        f"cluster-generic-status-cmd: {standins}/remote_status.sh\n"
        "shared-fs-usage: none\n"
        "default-storage-provider: fs\n"
        f"default-storage-prefix: {tmp_path}/store\n"
        "job-deploy-sources: true\n"
        "seconds-between-status-checks: 1\n"
    )
    # The workers' environment is empty: the model is told in its command where to count.
    command = f'EXECUTIONS={project.executions} BROKEN="$(cat {tmp_path}/broken)" bash model.sh'
    (tmp_path / "broken").write_text("")
    project.model = {"command": command, "runtime": 1}
    project.experiment_file = project.write_experiment(model=project.model)
    project.commit()
    project.env["STANDIN"] = str(tmp_path / "workers")
    project.store = tmp_path / "store/results/trial/main"
    return project


def tasks_here(project):
    return sorted(
        str(path.parent.relative_to(project.results / "tasks"))
        for path in project.results.glob("tasks/*/*/task.json")
    )


def test_results_come_home_and_task_folders_on_request(remote):
    commit = remote.git("rev-parse", "HEAD")
    assert remote.run("all") == once(*LOW, *HIGH)
    assert remote.combined().height == 24
    assert (remote.results / "report/report.html").exists()
    assert set(pl.read_parquet(remote.results / "combined/tasks.parquet")["commit"]) == {commit}
    assert len(list(remote.store.glob("records/*/*.jsonl"))) == 4
    assert len(list(remote.store.glob("bundles/*/*.tar.zst"))) == 4
    assert tasks_here(remote) == []

    assert remote.run("files") == once()
    assert tasks_here(remote) == sorted([*LOW, *HIGH])
    assert (remote.results / "tasks/NY/high-s3/params.sh").read_text() == "x=5\n"
    assert (remote.results / "tasks/NY/high-s3/model.sh").read_text(), "the link works here too"
    assert remote.run("all") == once(), "a second call runs nothing"


def test_failed_tasks_run_again_alone(remote, tmp_path):
    (tmp_path / "broken").write_text("CA/low-s2=exit NY/high-s1=signal")
    counts, said = remote.fail()
    assert counts == once(*LOW, *HIGH)
    assert "CA/low-s2: exit code 3" in said
    assert "| it broke" in said
    (tmp_path / "broken").write_text("CA/low-s2=exit")
    counts, said = remote.fail()
    assert counts == once("CA/low-s2", "NY/high-s1")
    (tmp_path / "broken").write_text("")
    assert remote.run() == once("CA/low-s2")
    assert remote.combined().height == 24
    remote.run("files")
    assert tasks_here(remote) == sorted([*LOW, *HIGH])


def test_a_selection_of_sampled_runs_comes_home_too(remote):
    runs = {"sample": {"n": 4, "parameters": {"x": {"integers": [1, 9]}}}, "seeds": 2}
    remote.experiment_file = remote.write_experiment(
        model=remote.model, runs=runs, scenarios=None, states=["CA"]
    )
    assert remote.run("combine", "--config", "select=seed=2") == once(
        *(f"CA/p{point}-s2" for point in (1, 2, 3, 4))
    )
    combined = pl.read_parquet(remote.results / "selected/combined/out.parquet")
    assert combined.filter(day=1).select(pl.col("x") == pl.col("value")).to_series().all()
    assert combined["run"].n_unique() == 4


def test_a_change_runs_only_the_packs_that_it_touches(remote):
    remote.run()
    remote.experiment_file = remote.write_experiment(
        model=remote.model, scenarios={"low": {}, "high": {"x": 7}}
    )
    assert remote.run() == once(*HIGH)
    remote.experiment_file = remote.write_experiment(
        model=remote.model, scenarios={"low": {}, "high": {"x": 7}}, runs={"seeds": 4}
    )
    assert remote.run() == once(
        *(f"{state}/{name}-s4" for state in ("CA", "NY") for name in ("low", "high"))
    )
    assert remote.combined().height == 32


def test_what_workers_would_not_get_is_refused_before_anything_is_sent(remote):
    (remote.folder / "exp/trial/data.csv").write_text("1\n")
    remote.experiment_file = remote.write_experiment(
        model=remote.model, inputs=["data.csv"], results="/somewhere"
    )
    counts, said = remote.fail()
    assert not counts
    assert "exp/trial/data.csv: workers without a shared file system get only what git" in said
    assert "results: no absolute path where there is no shared file system" in said
