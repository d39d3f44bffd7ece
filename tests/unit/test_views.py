"""What a person looks at: the summary, the design table, the progress."""

import csv
import fcntl
import json
from pathlib import Path

import polars as pl
import pytest

from scripts.fanfold.call import Call
from scripts.fanfold.checking import read_places
from scripts.fanfold.progress import count_statuses
from scripts.fanfold.summary import summary
from scripts.list_tasks import list_tasks
from scripts.status import status
from scripts.write_plan import write_plan
from tests.conftest import design_in, folder_of, run, run_job_of

# The design table


def rows_of(design, path):
    assert write_plan(Call(design), path) == design.size
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_design_table_has_one_row_per_task_with_all_variables(load, tmp_path):
    design = load(
        states=["CA", "NY"],
        vars={"x": 1, "y": 'a "b", c'},
        scenarios={"low": {"z": [1, 2]}, "high": {"x": 5}},
        runs={"seeds": 2, "grid": {"g": [True]}},
    )
    rows = rows_of(design, tmp_path / "plan.csv")
    assert [row["task"] for row in rows] == [task.name for task in design.all_tasks()]
    first = rows[0]
    assert {
        name: first[name] for name in ("task", "state", "scenario", "run", "seed", "index")
    } == {
        "task": "CA/low-g_true-s1",
        "state": "CA",
        "scenario": "low",
        "run": "low-g_true-s1",
        "seed": "1",
        "index": "1",
    }
    assert (first["x"], first["y"], first["z"], first["g"]) == ("1", 'a "b", c', "[1, 2]", "true")
    assert (rows[2]["x"], rows[2]["z"], rows[2]["job"]) == ("5", "", "high-1-1")
    assert first["name"] == "California"
    assert [row["digest"] for row in rows] == [task.digest for task in design.all_tasks()]


def test_places_are_read_back_with_their_types(load, tmp_path):
    design = load(runs={"seeds": 2})
    write_plan(Call(design), tmp_path / "plan.csv")
    places = read_places(tmp_path / "plan.csv")
    assert places.select("task", "scenario", "seed", "index").rows() == [
        ("all/s1", None, 1, 1),
        ("all/s2", None, 2, 2),
    ]
    assert places.schema["seed"] == pl.Int64


def test_a_variable_called_like_a_column_of_the_table_does_not_double_it(load, tmp_path):
    rows = rows_of(load(vars={"job": "mine", "digest": "mine"}), tmp_path / "plan.csv")
    with (tmp_path / "plan.csv").open() as file:
        header = next(csv.reader(file))
    assert len(set(header)) == len(header)
    assert rows[0]["job"] == "runs-1-1"


# The summary


def test_the_summary_says_what_an_experiment_comes_to(load):
    design = load(
        states=["CA", "NY"],
        vars={"x": 1},
        scenarios={"low": {}, "high": {"x": 5}},
        runs={"seeds": 10, "grid": {"g": [1, 2]}},
        model={"threads": 2, "mem_mb": 1000, "runtime": 30},
        outputs={"o": {"path": "out.csv"}},
        tasks_per_job=8,
        parallel=2,
    )
    assert summary(Call(design)).splitlines() == [
        "experiment   trial, launch main",
        "states       2: CA, NY",
        "scenarios    2: low, high",
        "runs.grid.g  2: 1, 2",
        "runs.seeds   10: 1, 2, 3, ..., 10",
        "tasks        80 in 12 jobs of up to 8",
        "per job      4 cores, 2,500 MB, 125 minutes",
        "in total     80.0 core hours if each task takes its whole runtime; the jobs ask for 84.0",
        "outputs      1: o (out.csv)",
        "first task   CA/low-g_1-s1 (g=1)",
        "last task    NY/high-g_2-s10 (x=5, g=2)",
        "results      results/trial/main",
    ]


def test_the_summary_of_the_smallest_experiment(load):
    design = load()
    assert "tasks       1 in 1 jobs of up to 1" in summary(Call(design))
    assert "outputs     none" in summary(Call(design))
    assert summary(Call(design), "t.csv").endswith("\ndesign table  t.csv")


def test_the_summary_of_a_billion_tasks_costs_nothing(tmp_path):
    design = design_in(tmp_path, runs={"seeds": 10**9}, tasks_per_job=10**7)
    assert "1,000,000,000 in 100 jobs of up to 10,000,000" in summary(Call(design))


# Progress


def progress_of(design):
    progress = count_statuses(design, design.all_tasks())
    return {
        state: {name: count for name, count in counts.items() if count}
        for state, counts in progress.items()
    }


@pytest.fixture
def halves(load):
    """Return a function that loads a design whose tasks with an even seed fail."""
    keys = {
        "states": ["CA", "NY"],
        "runs": {"seeds": 4},
        "command": "exit $((FANFOLD_SEED % 2 == 0))",
        "tasks_per_job": 4,
    }
    return lambda **changes: load(**keys | changes)


def test_before_it_starts_all_tasks_wait(halves):
    assert progress_of(halves()) == {"CA": {"waiting": 4}, "NY": {"waiting": 4}}


def test_done_and_failed_tasks_are_counted(halves):
    design = halves()
    run_job_of(design, "CA", "runs-1-4")
    assert progress_of(design) == {"CA": {"done": 2, "failed": 2}, "NY": {"waiting": 4}}


def test_tasks_of_a_job_that_is_under_way_are_counted_by_their_folders(halves):
    design = halves()
    run_job_of(design, "CA", "runs-1-4")
    Path(design.results, "records/CA/runs-1-4.jsonl").unlink()
    (folder_of(design, "CA/s2") / "task.json").unlink()
    with (folder_of(design, "CA/s2") / "task.log").open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        assert progress_of(design)["CA"] == {"done": 2, "failed": 1, "running": 1}
    assert progress_of(design)["CA"] == {"done": 2, "failed": 1, "waiting": 1}


def test_a_retry_goes_over_what_it_retries(halves):
    design = halves()
    run(design)
    record = Path(design.results, "records/CA/runs-1-4.jsonl")
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    retried = json.dumps(lines[1] | {"status": "done"})
    (record.parent / "retry1-1.jsonl").write_text(retried + "\n")
    assert progress_of(design)["CA"] == {"done": 3, "failed": 1}


def test_a_task_that_is_run_again_is_running(halves):
    design = halves()
    run(design)
    with (folder_of(design, "CA/s2") / "task.log").open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        assert progress_of(design)["CA"] == {"done": 2, "failed": 1, "running": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"scenarios": {"low": {}}},
        {"vars": {"x": 1}},
        {"runs": {"seeds": {"first": 11, "count": 4}}},
    ],
    ids=str,
)
def test_tasks_that_are_no_more_or_are_others_now_do_not_count(halves, changes):
    run(halves())
    assert progress_of(halves(**changes))["CA"] == {"waiting": 4}


def test_a_task_that_is_no_more_is_not_running(halves):
    design = halves()
    run_job_of(design, "CA", "runs-1-4")
    fewer = halves(runs={"seeds": 1})
    with (folder_of(design, "CA/s4") / "task.log").open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        assert progress_of(fewer)["CA"] == {"done": 1}


def test_with_more_seeds_the_new_tasks_wait(halves):
    run(halves())
    design = halves(runs={"seeds": 6})
    assert progress_of(design)["CA"] == {"done": 2, "failed": 2, "waiting": 2}


@pytest.mark.parametrize("damage", ["{", "[]", "5\n", "{}\n", "\xff"])
def test_a_record_that_is_being_written_or_damaged_does_not_count(halves, damage):
    design = halves()
    path = Path(design.results, "records/CA/runs-1-4.jsonl")
    path.parent.mkdir(parents=True)
    path.write_text(damage, encoding="latin-1")
    assert progress_of(design)["CA"] == {"waiting": 4}


def test_looking_leaves_no_trace(halves):
    design = halves()
    run_job_of(design, "CA", "runs-1-4")
    before = sorted(Path(design.results).rglob("*"))
    progress_of(design)
    assert sorted(Path(design.results).rglob("*")) == before


def test_the_status_is_a_table_with_totals(halves):
    design = halves()
    run_job_of(design, "CA", "runs-1-4")
    assert status(Call(design)).splitlines() == [
        "state  waiting  running     done   failed",
        "CA           0        0        2        2",
        "NY           4        0        0        0",
        "total        4        0        2        2",
    ]


def test_a_listed_job_is_written_for_wherever_it_runs(tmp_path):
    list_tasks('{"name": "retry1-1"}', tmp_path / "plan/listed/CA/retry1-1.json")
    assert (tmp_path / "plan/listed/CA/retry1-1.json").read_text() == '{"name": "retry1-1"}\n'
