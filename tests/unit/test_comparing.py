"""What differs between two tasks or launches is shown, and nothing else."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.compare_configs import main
from scripts.fanfold.call import Call
from scripts.fanfold.provenance import record_call
from scripts.write_plan import write_plan
from tests.conftest import run

FILES = {
    "model.sh": "true\n",
    "templates/a.txt.j2": "x={{ x }}\nsame\n",
    "templates/copied.txt": "copied\n",
}
KEYS = {
    "states": ["CA", "NY"],
    "scenarios": {"low": {"x": 1}, "high": {"x": 2}},
    "templates": {"dir": "templates"},
    "command": "sh model.sh {{ scenario }}",
}


@pytest.fixture
def compare(load):
    """Return a function that compares two things of an experiment, and what it says."""
    load(FILES, **KEYS)

    def compare(*words):
        done = CliRunner().invoke(main, ["--configfile", "exp/trial/experiment.yaml", *words])
        return done.exit_code, done.output.splitlines()

    return compare


@pytest.fixture
def launch(load):
    """Return a function that runs a launch with some keys changed."""

    def launch(name, **keys):
        design = load(FILES, **KEYS | keys, launch=name)
        run(design)
        record_call(design, None)
        write_plan(Call(design), Path(design.results, "plan/tasks.csv"))

    return launch


def test_two_tasks_as_they_are_now(compare):
    code, lines = compare("CA/low", "CA/high")
    assert code == 0
    changes = [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]
    assert changes == [
        *("-run: low", "-scenario: low", "+run: high", "+scenario: high"),
        *("-task: CA/low", "-x: 1", "+task: CA/high", "+x: 2"),
        *("-x=1", "+x=2"),
        *("-sh model.sh low", "+sh model.sh high"),
    ]
    assert "--- CA/low: a.txt" in lines


def test_a_task_does_not_differ_from_itself_and_from_what_ran(compare, launch):
    assert compare("CA/low", "CA/low") == (0, ["no difference"])
    launch("main")
    assert compare("main:CA/low", "CA/low") == (0, ["no difference"])


def test_two_launches_are_compared_task_by_task(compare, launch):
    launch("main")
    launch("second", scenarios={"low": {"x": 1}, "high": {"x": 3}, "more": {"x": 4}})
    code, lines = compare("main", "second")
    assert code == 0
    assert lines[0] == "only in second: 2 tasks, CA/more to NY/more"
    assert lines[-1] == "in both: 4 tasks, of which 2 differ"
    assert lines.count("+x=3") == 2
    assert "--- main:CA/high: a.txt" in lines
    assert not [line for line in lines if "low" in line]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"command": "sh model.sh {{ run }}"}, "+model.command: sh model.sh {{ run }}"),
        ({"model": {"env": {"SOLVER": "fast"}}}, "+model.env.SOLVER: fast"),
    ],
    ids=str,
)
def test_what_is_run_is_compared_too(compare, launch, changed, line):
    launch("main")
    launch("second", **changed)
    code, lines = compare("main:CA/low", "second:CA/low")
    assert code == 0
    assert line in lines
    assert not any(text.endswith("a.txt") for text in lines)


def test_a_changed_program_is_a_difference_and_what_it_writes_is_none(compare, launch):
    launch("main", command="sh model.sh; echo 1 > out; chmod 444 out")
    Path("exp/trial/model.sh").write_text("true # otherwise\n")
    code, lines = compare("main:CA/low", "CA/low")
    assert code == 0
    assert [text for text in lines if text.startswith("-code model.sh: ")]
    assert not any(": out" in text for text in lines)


def test_what_is_not_there_is_one_line(compare, launch):
    assert compare("CA/lo", "CA/low") == (1, ["select: no task `CA/lo`; did you mean `CA/low`?"])
    assert compare("CA/*", "CA/low") == (1, ["`CA/*` is 2 tasks; name one"])
    launch("main")
    shutil.rmtree("results/trial/main/tasks")
    (code, (line,)) = compare("main:CA/low", "CA/low")
    assert (code, line) == (
        1,
        "results/trial/main/tasks/CA/low: there is nothing of this task "
        "(it has not run, or `keep: none`)",
    )
    (code, (line,)) = compare("main:CA/lo", "CA/low")
    assert line == "results/trial/main: it has no task `CA/lo`; did you mean `CA/low`?"
    (code, (line,)) = compare("main", "third")
    assert line == "results/trial/third: there is no such launch, or its plan is not written"


def test_tasks_of_which_nothing_is_left_are_counted(compare, launch):
    launch("main")
    launch("second", scenarios={"low": {"x": 1}, "high": {"x": 3}})
    shutil.rmtree("results/trial/second/tasks/CA")
    lines = compare("main", "second")[1]
    assert lines[-1] == "in both: 4 tasks, of which 1 differ; of 2 there is nothing to compare"
