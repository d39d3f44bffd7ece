"""A task either has all that it must have, or has failed and says why; nobody else suffers."""

import json
import os
import threading
from pathlib import Path

import polars as pl
import pytest

from scripts.configs import configs
from scripts.fanfold.call import Call
from scripts.fanfold.expansion import load_design
from scripts.fanfold.records import read_records
from scripts.fanfold.runner import Runner
from scripts.fanfold.selection import select
from scripts.fanfold.slots import open_slots
from scripts.fanfold.tables import tasks_in
from tests.conftest import folder_of, run, run_job_of

#: Counts its executions in the current folder; does what the task is told to do.
MODEL = """
echo "$FANFOLD_TASK" >> "$EXECUTIONS"
eval "$DO"
"""
GOOD = r"printf 'day,value\n1,10\n2,20\n' > out.csv"
OUTPUTS = {"out": {"path": "out.csv", "table": True}}
MODES = {
    "good": GOOD,
    "exit": f"{GOOD}; exit 3",
    "signal": f"{GOOD}; kill -KILL $$",
    "missing": "true",
    "unreadable": r"printf 'a,b\n1,2,3,4\n' > out.csv",
    "timeout": f"{GOOD}; sleep 60",
}


@pytest.fixture
def modes(load, tmp_path, monkeypatch):
    """Return a function that loads a design with one task per way to end."""
    monkeypatch.setenv("EXECUTIONS", str(tmp_path / "executions"))

    def design_of(*names, **keys):
        rows = [
            {"name": f"{number}-{name}", "do": MODES[name]} for number, name in enumerate(names)
        ]
        given = {
            "files": {"model.sh": MODEL},
            "runs": {"list": rows},
            "command": "bash model.sh",
            "outputs": OUTPUTS,
            "tasks_per_job": len(rows),
        }
        model = {"env": {"DO": "{{ do }}"}, "runtime": 0.01} | keys.pop("model", {})
        return load(**given | {"model": model} | keys)

    return design_of


def executed():
    path = Path(os.environ["EXECUTIONS"])
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def table_of(design, job, output="out", state="all"):
    return Path(design.results, f"tables/{output}/{state}/{job}.parquet")


# How a task ends


def test_a_task_that_does_what_it_must_is_done(modes):
    design = modes("good")
    (record,) = run(design, commit="abc+")
    assert (record.status, record.reason, record.exit_code) == ("done", None, 0)
    assert (record.task, record.state, record.run) == ("all/0-good", "all", "0-good")
    assert (record.scenario, record.seed, record.index, record.attempts) == (None, None, 1, 1)
    assert (record.job, record.commit, record.log_tail) == ("runs-1-1", "abc+", None)
    assert record.digest == next(design.all_tasks()).digest
    assert record.definition == design.definition.digest
    assert 0 < record.seconds < 10
    assert 0 < record.peak_memory_mb < 100


@pytest.mark.parametrize(
    ("mode", "reason", "code", "signal"),
    [
        ("exit", "exit code 3", 3, None),
        ("signal", "ended by signal 9 (SIGKILL)", None, 9),
        ("missing", "missing output out.csv", 0, None),
        ("unreadable", "unreadable table out.csv: found more fields than", 0, None),
        ("timeout", "timed out after 0.01 minutes (model.runtime)", None, 15),
    ],
)
def test_a_task_that_fails_says_why_and_its_neighbours_are_done(modes, mode, reason, code, signal):
    design = modes("good", mode, "good")
    records = run(design)
    assert [record.status for record in records] == ["done", "failed", "done"]
    assert records[1].reason.startswith(reason)
    assert (records[1].exit_code, records[1].signal) == (code, signal)
    table = pl.read_parquet(table_of(design, "runs-1-3"))
    assert table["run"].unique(maintain_order=True).to_list() == ["0-good", "2-good"]


def test_a_task_that_cannot_be_rendered_fails_without_being_run(modes):
    design = modes("good", "good", command="bash model.sh {{ 1 // (index - 1) }}")
    records = run(design)
    assert [record.status for record in records] == ["failed", "done"]
    assert records[0].reason == "model.command, line 1: integer division or modulo by zero"
    assert (records[0].exit_code, records[0].attempts) == (None, 1)
    assert executed() == ["all/1-good"]


def test_a_program_that_is_not_there_is_a_failed_task(load):
    (record,) = run(load(command="no-such-program"))
    assert (record.status, record.exit_code) == ("failed", 127)
    assert "no-such-program: command not found" in record.log_tail


def test_the_first_command_of_a_pipe_that_fails_fails_the_task(load):
    assert run(load(command="exit 4 | cat"))[0].exit_code == 4
    assert run(load(command="false\ntrue"))[0].exit_code == 1


def test_all_missing_outputs_are_named(load):
    outputs = {"a": {"path": "a"}, "b": {"path": "sub/b"}, "c": {"path": "c"}}
    (record,) = run(load(command="touch c", outputs=outputs))
    assert record.reason == "missing output a, sub/b"


def test_an_output_may_be_a_folder(load):
    (record,) = run(load(command="mkdir -p a/b", outputs={"a": {"path": "a/b"}}))
    assert record.done


def test_a_failed_tasks_log_stands_in_its_record(load):
    (record,) = run(load(command="seq 20; echo broken >&2; exit 1"))
    assert record.log_tail == "17\n18\n19\n20\nbroken"


def test_the_log_of_a_task_that_is_done_stays_in_its_folder(load):
    design = load(command="echo fine")
    assert run(design)[0].log_tail is None
    assert (folder_of(design, "all/run") / "task.log").read_text() == "fine\n"


# Where it runs


def test_a_task_runs_in_its_folder_with_rendered_files_and_links(load, tmp_path):
    files = {
        "model.sh": "cat params.txt data.csv shared/x > out.txt; echo log",
        "templates/params.txt.j2": "{{ state.code }} {{ x }}\n",
        "data.csv": "1\n",
    }
    outside = tmp_path / "shared"
    outside.mkdir()
    (outside / "x").write_text("x\n")
    design = load(
        files,
        states=["CA"],
        vars={"x": 5},
        templates={"dir": "templates"},
        inputs=["data.csv", "../../shared"],
        command="sh model.sh",
        outputs={"out": {"path": "out.txt"}},
    )
    run(design)
    folder = folder_of(design, "CA/run")
    assert (folder / "out.txt").read_text() == "CA 5\n1\nx\n"
    assert (folder / "task.log").read_text() == "log\n"
    assert sorted(path.name for path in folder.iterdir()) == [
        "data.csv",
        "model.sh",
        "out.txt",
        "params.txt",
        "shared",
        "task.json",
        "task.log",
    ]
    assert folder.is_relative_to("results/trial/main/tasks")


def test_code_below_a_linked_folder_is_there_once(load):
    files = {"src/main.sh": "cat src/lib/x > out", "src/lib/x": "x"}
    design = load(files, command="sh src/main.sh", model={"code": ["src", "src/lib"]})
    assert run(design)[0].done
    assert folder_of(design, "all/run/src").is_symlink()


def test_the_environment_says_where_a_model_is(load, tmp_path):
    design = load(
        command='env > env.txt; test "$PWD" = "$FANFOLD_TASK_FOLDER"',
        name="trial",
        launch="first",
        states=["CA"],
        scenarios={"low": {}},
        runs={"seeds": [7]},
        model={"threads": 3, "env": {"MINE": "{{ state.name }} {{ seed }}", "MKL_NUM_THREADS": 1}},
    )
    assert run(design)[0].done
    lines = (folder_of(design, "CA/low-s7") / "env.txt").read_text().splitlines()
    found = dict(line.partition("=")[::2] for line in lines)
    expected = {
        "FANFOLD_EXPERIMENT": "trial",
        "FANFOLD_LAUNCH": "first",
        "FANFOLD_STATE": "CA",
        "FANFOLD_SCENARIO": "low",
        "FANFOLD_RUN": "low-s7",
        "FANFOLD_TASK": "CA/low-s7",
        "FANFOLD_SEED": "7",
        "FANFOLD_INDEX": "1",
        "FANFOLD_THREADS": "3",
        "FANFOLD_TASK_FOLDER": str(tmp_path / "results/trial/first/tasks/CA/low-s7"),
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "1",
        "MINE": "California 7",
    }
    assert {name: found.get(name) for name in expected} == expected


def test_a_model_finds_a_python_on_its_path(load, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert run(load(command="python -c 'import polars'"))[0].done


def test_a_task_without_scenario_and_seed_has_them_empty(load):
    (record,) = run(load(command='test -z "$FANFOLD_SEED$FANFOLD_SCENARIO"'))
    assert record.done


def test_the_tasks_of_a_job_run_side_by_side(load):
    """Each of two tasks waits for the other: one after another, both would time out."""
    design = load(
        command="touch ../{{ run }}.here; while ! [ -e ../{{ other }}.here ]; do sleep 0.01; done",
        runs={"list": [{"name": "a", "other": "b"}, {"name": "b", "other": "a"}]},
        tasks_per_job=2,
        model={"runtime": 0.2},
    )
    assert [record.run for record in run(design, parallel=2) if record.done] == ["a", "b"]


# Attempts


def test_a_task_that_fails_is_tried_again_in_its_job(load):
    # `tries` is outside of the task's folder, which is cleared before each attempt.
    command = "echo $(ls); echo x >> ../tries; touch left; [ $(wc -l < ../tries) = 3 ]"
    design = load(command=command, failures={"retries": 4})
    (record,) = run(design)
    assert (record.status, record.attempts) == ("done", 3)
    log = (folder_of(design, "all/run") / "task.log").read_text()
    assert log == "task.log\n--- attempt 2 ---\ntask.log\n--- attempt 3 ---\ntask.log\n"


def test_after_the_last_attempt_a_task_has_failed(load):
    (record,) = run(load(command="exit 5", failures={"retries": 2}))
    assert (record.status, record.attempts, record.exit_code) == ("failed", 3, 5)


def test_what_a_failed_attempt_left_is_no_output_of_the_next(load):
    command = "[ -e ../again ] && exit 0; touch ../again; echo a > out.csv; exit 1"
    design = load(command=command, outputs=OUTPUTS, failures={"retries": 1})
    (record,) = run(design)
    assert (record.status, record.reason) == ("failed", "missing output out.csv")


def test_what_an_earlier_call_left_is_no_output_of_this_one(modes):
    design = modes("exit")
    run(design)
    assert (folder_of(design, "all/0-exit") / "out.csv").exists(), "to look at"
    design = modes("missing", runs={"list": [{"name": "0-exit", "do": "true"}]})
    assert run(design)[0].reason == "missing output out.csv"


def test_an_unreadable_table_is_tried_again_too(load):
    command = f"if [ -e ../again ]; then {GOOD}; else touch ../again; : > out.csv; fi"
    (record,) = run(load(command=command, outputs=OUTPUTS, failures={"retries": 1}))
    assert (record.status, record.attempts) == ("done", 2)


# What is finished


def test_a_finished_task_is_taken_over_and_not_run_again(modes):
    design = modes("good", "exit", "good")
    first = run(design)
    assert len(executed()) == 3
    again = run(design)
    assert executed() == ["all/1-exit"]
    assert [again[0], again[2]] == [first[0], first[2]], "with the record of when it ran"
    table = pl.read_parquet(table_of(design, "runs-1-3"))
    assert set(table["run"]) == {"0-good", "2-good"}


def test_a_task_keeps_its_results_in_a_job_cut_otherwise(modes):
    run(modes("good", "good"))
    executed()
    records = run(modes("good", "good", tasks_per_job=1))
    assert executed() == []
    assert [record.job for record in records] == ["runs-1-1", "runs-2-2"]


def test_a_task_that_is_defined_otherwise_runs_again(modes):
    run(modes("good"))
    executed()
    run(modes("good", vars={"new": 1}))
    assert executed() == ["all/0-good"]


@pytest.mark.parametrize("lost", ["out.csv", "task.json"])
def test_a_task_that_lost_something_runs_again(modes, lost):
    design = modes("good")
    run(design)
    executed()
    (folder_of(design, "all/0-good") / lost).unlink()
    assert run(design)[0].done
    assert executed() == ["all/0-good"]


def test_a_task_that_lost_an_output_that_is_no_table_runs_again(load):
    design = load(command="touch out; echo run >> ../count", outputs={"o": {"path": "out"}})
    for _ in range(2):
        run(design)
        (folder_of(design, "all/run") / "out").unlink()
    assert (folder_of(design, "all/run") / "../count").read_text() == "run\nrun\n"


def test_the_log_of_a_task_that_runs_again_begins_anew(load):
    design = load(command="echo this; exit 1")
    run(design)
    assert run(design)[0].log_tail == "this"


@pytest.mark.parametrize("damage", ["", "{", "{}", '{"task": 1}', "\xff"])
def test_a_damaged_record_is_as_good_as_none(modes, damage):
    design = modes("good")
    run(design)
    executed()
    (folder_of(design, "all/0-good") / "task.json").write_text(damage, encoding="latin-1")
    assert run(design)[0].done
    assert executed() == ["all/0-good"]


def test_a_finished_task_whose_table_got_damaged_runs_again(modes):
    design = modes("good")
    run(design)
    executed()
    (folder_of(design, "all/0-good") / "out.csv").write_text("a,b\n1,2,3\n")
    assert run(design)[0].done
    assert executed() == ["all/0-good"]


def test_a_job_that_was_interrupted_goes_on_with_what_is_left(modes):
    design = modes("good", "good", "good")
    tasks = list(design.tasks_of("all", "runs-1-3"))
    runner = Runner(design, "all")
    with open_slots(1) as free:
        slot = free.get()
        for task in tasks[:2]:
            runner.run(task, "runs-1-3", slot)
    executed()
    assert all(record.done for record in run(design))
    assert executed() == ["all/2-good"]


def test_two_jobs_that_want_the_same_task_run_it_once(modes):
    design = modes("good", runs={"list": [{"name": "a", "do": f"sleep 0.3; {GOOD}"}]})
    (task,) = design.all_tasks()
    found = []

    def run_in(slot, job):
        found.append(Runner(design, "all").run(task, job, slot)[0])

    with open_slots(2) as free:
        threads = [threading.Thread(target=run_in, args=(free.get(), job)) for job in "xy"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
    assert executed() == ["all/a"]
    assert {record.job for record in found} == {"x", "y"}
    assert found[0].started == found[1].started


# What is kept


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        ("all", {"model.sh", "out.csv", "more", "task.json", "task.log"}),
        ("outputs", {"out.csv", "task.json", "task.log"}),
        ("none", None),
    ],
)
def test_keep_says_what_stays_of_a_task_that_is_done(modes, keep, left):
    rows = [{"name": "a", "do": f"{GOOD}; touch more"}, {"name": "b", "do": "touch more; exit 1"}]
    design = modes("good", "good", keep=keep, runs={"list": rows})
    run(design)
    folder = folder_of(design, "all/a")
    assert (set(os.listdir(folder)) if folder.exists() else None) == left
    assert (folder_of(design, "all/b") / "more").exists(), "a failed task is there to look at"
    assert pl.read_parquet(table_of(design, "runs-1-2")).height == 2
    assert len(read_records(Path(design.results, "records/all/runs-1-2.jsonl"))) == 2


def test_a_task_of_which_only_outputs_stayed_is_not_run_again(modes):
    design = modes("good", keep="outputs")
    run(design)
    executed()
    run(design)
    assert executed() == []


def test_a_task_of_which_nothing_stayed_is_taken_from_the_job_that_held_it(modes):
    design = modes("good", "good", "exit", keep="none", tasks_per_job=3)
    before = pl.concat([pl.read_parquet(table_of(design, "runs-1-3"))] if run(design) else [])
    executed()
    design = modes("good", "good", "exit", keep="none", tasks_per_job=2)
    records = run(design)
    assert executed() == ["all/2-exit"]
    assert [(record.job, record.status) for record in records] == [
        ("runs-1-2", "done"),
        ("runs-1-2", "done"),
        ("runs-3-3", "failed"),
    ]
    assert pl.read_parquet(table_of(design, "runs-1-2")).equals(before)
    assert tasks_in(table_of(design, "runs-1-2"))[1].keys() == {"0-good", "1-good"}


def test_a_task_of_which_nothing_stayed_runs_again_if_it_is_another_one_now(modes):
    run(modes("good", "good", keep="none", tasks_per_job=2))
    executed()
    run(modes("good", "good", keep="none", tasks_per_job=1, vars={"new": 1}))
    assert len(executed()) == 2


def test_a_failed_task_of_an_earlier_job_is_not_taken_for_done(load):
    for per_job, broken in ((2, True), (1, False)):
        Path("broken").touch() if broken else Path("broken").unlink()
        design = load(
            command="! test -e {{ here }}/broken",
            vars={"here": str(Path.cwd())},
            runs={"seeds": 2},
            keep="none",
            tasks_per_job=per_job,
        )
        assert {record.done for record in run(design)} == {not broken}


@pytest.mark.parametrize("lost", ["tables/out/all/runs-1-2.parquet", "records/all/runs-1-2.jsonl"])
def test_a_task_of_which_nothing_at_all_is_left_runs_again(modes, lost):
    design = modes("good", "good", keep="none", tasks_per_job=2)
    run(design)
    executed()
    Path(design.results, lost).unlink()
    run(modes("good", "good", keep="none", tasks_per_job=1))
    assert len(executed()) == 2


# The job


def test_a_job_writes_its_record_and_its_tables(modes):
    design = modes("good", "exit", "good", vars={"unused": 1})
    records = run(design)
    assert read_records(Path(design.results, "records/all/runs-1-3.jsonl")) == records
    table = table_of(design, "runs-1-3")
    rows = pl.read_parquet(table)
    assert rows.columns == ["state", "scenario", "do", "seed", "run", "day", "value"]
    assert rows.select("run", "day", "value").rows() == [
        ("0-good", 1, 10),
        ("0-good", 2, 20),
        ("2-good", 1, 10),
        ("2-good", 2, 20),
    ]
    digests = {record.run: record.digest for record in records if record.done}
    assert tasks_in(table) == ("runs-1-3", digests)


def test_a_job_whose_tasks_all_failed_has_an_empty_table(modes):
    design = modes("exit", "missing")
    run(design)
    assert pl.read_parquet(table_of(design, "runs-1-2")).height == 0
    assert tasks_in(table_of(design, "runs-1-2")) == ("runs-1-2", {})


def test_a_job_leaves_no_file_of_its_own_in_the_task_folder(modes):
    design = modes("good")
    run(design)
    record = json.loads((folder_of(design, "all/0-good") / "task.json").read_text())
    assert record["status"] == "done"
    assert not list(Path(design.results).rglob(".*"))


def test_an_error_in_a_job_ends_what_it_runs_and_is_not_hidden(modes, monkeypatch):
    design = modes("good", "good")

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scripts.fanfold.runner.write_text", broken)
    with pytest.raises(OSError, match="No space left"):
        run_job_of(design, "all", "runs-1-2")
    assert not Path(design.results, "records").exists()


def test_the_files_of_a_task_can_be_made_without_running_it(load):
    files = {"templates/p.txt.j2": "{{ run }}", "model.sh": ""}
    experiment = {
        "states": ["CA", "NY"],
        "runs": {"seeds": 2},
        "templates": {"dir": "templates"},
        "command": "sh model.sh",
    }
    design = load(files, **experiment)
    made = configs(select(design, "CA/*"), Path("configs"))
    assert made == [Path("configs/CA/s1"), Path("configs/CA/s2")]
    assert Path("configs/CA/s2/p.txt").read_text() == "s2"
    assert configs(Call(design), Path("configs")) == [Path("configs/CA/s1"), Path("configs/NY/s1")]
    assert not Path("configs/CA/s2").exists(), "what was there before goes"


def test_a_design_that_traveled_to_a_worker_runs_the_same(load, write_experiment):
    here = load(states=["CA"], command="true")
    there = load_design([write_experiment(states=["CA"], command="true").absolute()], {})
    assert run(here)[0].digest == run(there)[0].digest
