"""Failures are data: neighbours keep their results, the next call runs what failed and no more."""

import csv

import pytest

from tests.workflow.conftest import once
from tests.workflow.test_reruns import HIGH, LOW

pytestmark = pytest.mark.workflow
REASONS = {
    "exit": "exit code 3",
    "signal": "ended by signal 9 (SIGKILL)",
    "timeout": "timed out after 0.05 minutes (model.runtime)",
    "missing": "missing output out.csv",
    "unreadable": "unreadable table out.csv",
}


@pytest.mark.parametrize("tasks_per_job", [3, 1])
def test_each_kind_of_failure_is_named_and_only_the_failed_tasks_run_again(project, tasks_per_job):
    project.experiment_file = project.write_experiment(tasks_per_job=tasks_per_job)
    broken = dict(zip((*LOW[:3], "NY/high-s2", "NY/high-s3"), REASONS, strict=True))
    counts, said = project.fail(BROKEN=" ".join(f"{task}={how}" for task, how in broken.items()))
    assert counts == once(*LOW, *HIGH), "a failure stops nobody"
    assert "5 of 12 tasks failed" in said
    for task, how in broken.items():
        assert f"{task}: {REASONS[how]}" in said
    assert "| it broke" in said, "the end of the log"
    assert "Traceback" not in said
    assert not (project.results / "combined/out.parquet").exists()
    with (project.results / "failed_tasks.csv").open() as file:
        assert {row["task"] for row in csv.DictReader(file)} == set(broken)

    # one of them fails again: it alone is left for the third call
    still = {"CA/low-s1": "exit"}
    counts, said = project.fail(BROKEN="CA/low-s1=exit")
    assert counts == once(*broken)
    assert "1 of 12 tasks failed" in said
    assert project.run() == once(*still)
    table = project.combined()
    assert table.select("state", "run", "day").is_unique().all()
    assert table.height == 24
    assert project.run() == once()


def test_a_job_made_again_after_its_retry_counts_each_task_once(project):
    project.fail(BROKEN="CA/low-s2=exit")
    project.run()
    (project.results / "records/CA/low-1-3.jsonl").unlink()
    assert project.run() == once()
    assert project.combined().height == 24


def test_what_failed_before_a_change_is_forgotten_with_it(project):
    project.fail(BROKEN="CA/high-s2=exit")
    project.experiment_file = project.write_experiment(scenarios={"low": {}, "high": {"x": 7}})
    assert project.run() == once(*HIGH)
    assert set(project.combined().filter(scenario="high", day=1)["value"]) == {7}


@pytest.mark.parametrize(
    ("tolerate", "enough"), [(2, True), (1, False), ("17%", True), ("16%", False)]
)
def test_so_many_failures_are_tolerated(project, tolerate, enough):
    project.experiment_file = project.write_experiment(failures={"tolerate": tolerate})
    broken = "CA/low-s2=exit NY/high-s1=signal"
    if not enough:
        project.fail(BROKEN=broken)
        return
    project.run("all", BROKEN=broken)
    assert project.combined().height == 20
    assert "NY/high-s1" in (project.results / "failed_tasks.csv").read_text()
    assert project.run("all") == once(), "what is tolerated is not run again"
    project.experiment_file = project.write_experiment(failures={"tolerate": 0})
    project.fail()
    assert project.run() == once("CA/low-s2", "NY/high-s1")


def test_retries_inside_the_job_are_bounded(project):
    project.experiment_file = project.write_experiment(failures={"retries": 2})
    counts, _ = project.fail(BROKEN="CA/low-s2=exit")
    assert counts == once(*LOW, *HIGH, "CA/low-s2", "CA/low-s2")


def test_a_task_that_could_not_be_rendered_fails_alone_and_says_where(project):
    (project.folder / "exp/trial/templates/params.sh.j2").write_text(
        "y=1\nx={{ 1 // (3 - seed) if state.code == 'NY' else 1 }}\n"
    )
    _, said = project.fail()
    assert "NY/low-s3: exp/trial/templates/params.sh.j2, line 2:" in said
    assert "2 of 12 tasks failed" in said
