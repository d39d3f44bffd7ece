"""Every mistake that can be known beforehand is one line, and nothing is written to find it."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.check_experiment import main as check_main
from scripts.fanfold.errors import ConfigError, FanfoldError
from scripts.fanfold.expansion import load_design
from scripts.fanfold.preflight import (
    check_rendering,
    check_travels,
    load_and_check,
    sample_tasks,
)
from tests.conftest import as_nobody, write_files


@pytest.fixture
def problems_of(write_experiment, tmp_path):
    """Return a function that checks an experiment and returns its problems."""

    def problems_of(files=None, how=None, **keys):
        file = write_experiment(files, **keys)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(ConfigError) as caught:
            load_and_check([file], {}, **(how or {}))
        assert sorted(tmp_path.rglob("*")) == before
        return [line.removeprefix("exp/trial/") for line in caught.value.problems]

    return problems_of


@pytest.fixture
def accept(write_experiment):
    """Return a function that checks an experiment in which there is nothing wrong."""
    return lambda files=None, how=None, **keys: load_and_check(
        [write_experiment(files, **keys)], {}, **(how or {})
    )


# Names in templates, the command, the environment


def test_what_is_only_copied_may_be_anything(accept, tmp_path):
    folder = tmp_path / "exp/trial/templates"
    write_files(folder, {"tool": b"\x00\xff", "sub/a": ""})
    for name, to in (("to_folder", "sub"), ("later", "made_by_the_model"), ("up", "../nowhere")):
        (folder / name).symlink_to(to)
    accept(templates={"dir": "templates"})


@pytest.mark.parametrize("command", ["sh modle.sh {{ state }}", "python lib/no.py", "sh ./x.sh"])
def test_a_script_that_is_not_there_is_found(problems_of, command):
    files = {"model.sh": "", "lib/run.py": ""}
    (line,) = problems_of(files, command=command, model={"code": "lib"})
    script = command.split()[1]
    hint = "; did you mean `model.sh`?" if script == "modle.sh" else ""
    expected = f"`{script}` is no file of the experiment, nor of its templates{hint}"
    assert line == f"model.command: {expected}"


@pytest.mark.parametrize(
    "command",
    [
        "sh model.sh",
        "python -c 1",
        "sh {{ state }}.sh",
        "python lib/run.py",
        "sh made.sh",
        "sh -c x",
    ],
)
def test_a_script_that_is_there_or_cannot_be_known_is_fine(accept, command):
    files = {"model.sh": "", "lib/run.py": "", "templates/made.sh.j2": "", "all.sh": ""}
    keys = {"model": {"code": ["lib", "all.sh"]}, "templates": {"dir": "templates"}}
    accept(files, command=command, **keys)


def test_a_program_that_may_not_be_executed_is_found(problems_of):
    (line,) = problems_of({"model.sh": ""}, command="./model.sh")
    assert line == "model.command: exp/trial/model.sh may not be executed; chmod +x it"


def test_two_runs_with_the_same_name_are_found(problems_of, accept):
    runs = {"grid": {"x": [1.1, 1.14, 2]}, "seeds": 2}
    keys = {"states": ["CA", "NY"], "runs": runs}
    (line,) = problems_of(run_name="{{ x | round(1) }}-{{ seed }}", **keys)
    assert line == "run_name: two runs are called `1.1-1`: x=1.1 and x=1.14"
    accept(run_name="{{ x | round(2) }}-{{ seed }}", **keys)


def test_a_name_that_is_illegal_is_found_before(problems_of):
    (line,) = problems_of(run_name="{{ x }}/b", runs={"grid": {"x": [1]}})
    assert line.startswith("run_name: gives `1/b`, which is no name of a folder: letters, digits")


def test_each_undefined_name_is_listed_once_wherever_it_is(problems_of):
    files = {
        "templates/a.txt.j2": "{{ populaton }}",
        "templates/b.txt.j2": "\n{{ state.nmae }}",
        "templates/c.txt.j2": "{{ name }}",
    }
    problems = problems_of(
        files,
        states=["CA", "NY", "TX"],
        scenarios={"low": {}, "high": {}},
        runs={"seeds": 5, "grid": {"g": [1, 2, 3]}},
        templates={"dir": "templates"},
        command="echo {{ sede }}",
        model={"env": {"A": "{{ lanch }}"}},
    )
    assert problems == [
        "templates/a.txt.j2, line 1: 'populaton' is undefined; did you mean `population`?",
        "templates/b.txt.j2, line 2: 'state.nmae' is undefined; did you mean `name`?",
        "model.env.A, line 1: 'lanch' is undefined; did you mean `launch`?",
        "model.command, line 1: 'sede' is undefined; did you mean `seed`?",
    ]


@pytest.mark.parametrize(
    "keys",
    [
        {"scenarios": {"low": {"x": 1}, "high": {}}},
        {"runs": {"list": [{"name": "a", "x": 1}, {"name": "b"}]}},
        {"runs": {"grid": {"y": [1, 2, 0]}}, "command": "echo {{ 1 // y }}"},
        {"states": ["CA", "NY"], "command": "echo {{ 1 // (20201249 - population) }}"},
    ],
    ids=str,
)
def test_a_mistake_in_one_scenario_row_value_or_state_is_found(problems_of, keys):
    (line,) = problems_of(**{"command": "echo {{ x }}"} | keys)
    assert line.startswith("model.command, line 1: ")


def test_a_mistake_in_the_last_scenario_is_found_however_many_states_there_are(problems_of):
    codes = [f"S{number}" for number in range(500)]
    (line,) = problems_of(
        {"states.csv": "code\n" + "\n".join(codes)},
        states="all",
        states_table="states.csv",
        scenarios={"low": {"x": 1}, "high": {}},
        command="echo {{ x }}",
    )
    assert line == "model.command, line 1: 'x' is undefined"


def test_the_sample_has_every_scenario_value_and_state(load):
    design = load(
        states=["CA", "NY", "TX"],
        scenarios={"low": {}, "high": {}},
        runs={"seeds": 1000, "grid": {"g": [1, 2, 3], "h": [1, 2]}, "list": [{"a": 1}, {"a": 2}]},
        tasks_per_job=10,
    )
    tasks = list(sample_tasks(design))
    assert {str(task.state) for task in tasks} == {"CA", "NY", "TX"}
    assert {task.run.scenario for task in tasks} == {"low", "high"}
    assert {task.run.seed for task in tasks} == {*range(1, 61), 1000}
    for name, values in (("g", {1, 2, 3}), ("h", {1, 2}), ("a", {1, 2})):
        assert {task.variables[name] for task in tasks} == values
    assert len(tasks) == len({task.name for task in tasks}) == 1 + 1 + 2 + 1 + 1 + 2 + 60


def test_templates_that_are_no_templates_are_found(problems_of):
    assert problems_of({"t/a.j2": "{% if %}"}, templates={"dir": "t"})[0].startswith(
        "t/a.j2, line 1: "
    )
    assert "not UTF-8" in problems_of({"t/a.j2": b"\xff"}, templates={"dir": "t"})[0]
    assert problems_of(command="echo {{")[0].startswith("model.command: ")


# The command


@pytest.mark.parametrize(
    "command",
    [
        "no-such-program --x",
        "A=1 B={{launch}} no-such-program",
        "./no-such-program",
        "bin/no-such-program",
        "/no/such/program",
        "/etc/passwd",
        "model.sh",
    ],
)
def test_a_command_that_is_not_there_is_named(problems_of, command):
    (line,) = problems_of({"model.sh": ""}, command=command)
    word = command.split()[2] if command.startswith("A=") else command.split()[0]
    assert line == (
        f"model.command: `{word}` was not found: not a program on PATH, "
        "nor a file of the experiment or its templates"
    )


@pytest.mark.parametrize(
    "command",
    [
        "true",
        "cd . && true",
        "if true; then true; fi",
        "for x in 1; do echo; done",
        "A=1 true",
        "A='b c' no-such-program",
        "$MODEL",
        "(true)",
        "[ 1 = 1 ]",
        "./model.sh",
        "src/tool",
        "./rendered.sh",
        "/bin/sh -c true",
        "python -V",
        "# a comment\ntrue",
    ],
)
def test_a_command_that_is_there_or_cannot_be_judged_is_fine(accept, monkeypatch, command):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # the machine may have no `python`
    folder = Path("exp/trial")
    for name in ("model.sh", "src/tool", "templates/rendered.sh.j2"):
        write_files(folder, {name: ""})
        (folder / name).chmod(0o755)
    accept(command=command, model={"code": ["src"]}, templates={"dir": "templates"})


def test_where_jobs_go_elsewhere_the_program_need_not_be_here(accept):
    accept(command="no-such-program", how={"check_command": False})


def test_a_scenario_may_choose_the_program(problems_of):
    scenarios = {"good": {"program": "true"}, "bad": {"program": "no-such-program"}}
    (line,) = problems_of(command="{{ program }} x", scenarios=scenarios)
    assert line.startswith("model.command: `no-such-program` was not found")


# Places in the task's folder


def test_two_files_with_one_place_in_the_task_folder_are_an_error(problems_of):
    files = {"templates/a.txt": "", "templates/a.txt.j2": "", "templates/data.csv": ""}
    problems = problems_of(
        files | {"data.csv": "", "templates/task.log": ""},
        templates={"dir": "templates"},
        inputs=["data.csv"],
    )
    assert problems == [
        "templates/a.txt.j2: exp/trial/templates/a.txt would be `a.txt` in the task's folder too",
        "templates/task.log: Fanfold's log would be `task.log` in the task's folder too",
        "data.csv: exp/trial/templates/data.csv would be `data.csv` in the task's folder too",
    ]


def test_two_inputs_with_one_name_are_an_error(problems_of, tmp_path):
    write_files(tmp_path, {"one/pop.csv": "1", "two/pop.csv": "2"})
    inputs = [str(tmp_path / "one/pop.csv"), str(tmp_path / "two/pop.csv")]
    (line,) = problems_of(inputs=inputs)
    assert line == f"{inputs[1]}: {inputs[0]} would be `pop.csv` in the task's folder too"


def test_a_file_within_a_linked_folder_is_an_error(problems_of):
    (line,) = problems_of(
        {"src/a.py": "", "templates/src/b.py": ""},
        templates={"dir": "templates"},
        model={"code": "src"},
    )
    assert line == "templates/src/b.py: would be in `src`, which is exp/trial/src"


@pytest.mark.parametrize("path", [".", "..", "sub/.."])
def test_the_experiment_itself_cannot_be_linked_into_a_task(problems_of, path):
    (line,) = problems_of({"sub/x": ""}, inputs=[path])
    assert line == f"{path}: cannot be linked into a task's folder; name what is in it"


# Results


def test_a_results_folder_that_is_no_folder_is_named(problems_of, tmp_path):
    (tmp_path / "file").touch()
    assert problems_of(results="file") == ["results: file is not a folder"]
    assert problems_of(results="file/x") == ["results: file is not a folder"]


def test_a_variable_that_is_not_set_is_named(problems_of, monkeypatch):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    (line,) = problems_of(results="$NO_SUCH_PLACE/runs")
    assert line == ("results: $NO_SUCH_PLACE/runs/trial/main: this environment variable is not set")


@pytest.mark.parametrize("results", ["open/closed", "open/closed/in it", "open/private/in it"])
def test_a_results_folder_that_is_not_writable_is_named(write_experiment, tmp_path, results):
    (tmp_path / "open/closed").mkdir(parents=True)
    (tmp_path / "open/closed").chmod(0o555)
    (tmp_path / "open/private").mkdir()
    write_experiment(results=results)
    # Last: the helper opens the folders above the current one, not those below it.
    (tmp_path / "open/private").chmod(0)
    code = """
from pathlib import Path
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.preflight import load_and_check
become_nobody()
try:
    load_and_check([Path("exp/trial/experiment.yaml")], {})
except ConfigError as error:
    print(error)
"""
    said = as_nobody(tmp_path, code)
    closed = results.removesuffix("/in it")
    assert said.stdout == (f"results: {closed} is not writable for you; choose another place\n"), (
        said.stderr
    )


def test_all_of_it_at_once(problems_of, tmp_path):
    (tmp_path / "file").touch()
    problems = problems_of(results="file", command="no-such-program {{ x }}")
    assert problems == ["results: file is not a folder", "model.command, line 1: 'x' is undefined"]


# Travelling


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    return lambda *paths: subprocess.run(["git", "add", *paths], check=True)


FILES = {"run.py": "", "src/a.py": "", "templates/t.j2": "", "data/x": "", "states.csv": "code\nCA"}
KEYS = {
    "command": "python run.py",
    "model": {"code": "src"},
    "templates": {"dir": "templates"},
    "inputs": ["data"],
    "states": ["CA"],
    "states_table": "states.csv",
}
REMOTE = {"shared": False}


def test_what_workers_would_not_get_is_listed(repository, problems_of, accept):
    problems = problems_of(FILES, REMOTE, **KEYS)
    wanted = ["data/x", "experiment.yaml", "run.py", "src/a.py", "states.csv", "templates/t.j2"]
    assert problems == [
        f"{name}: workers without a shared file system get only what git tracks here; `git add` it"
        for name in wanted
    ]
    repository("exp")
    accept(FILES, REMOTE, **KEYS)
    Path("exp/trial/src/new.py").touch()
    assert [line.split(":")[0] for line in problems_of(FILES, REMOTE, **KEYS)] == ["src/new.py"]
    accept(FILES, **KEYS)


def test_what_is_outside_of_the_repository_does_not_travel(repository, problems_of, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside.csv"
    outside.touch()
    write_files(tmp_path / "exp/trial", FILES)
    Path("exp/trial/experiment.yaml").touch()
    repository("exp")
    (line,) = problems_of(FILES, REMOTE, **KEYS | {"inputs": [str(outside)]})
    assert line.startswith(f"../{outside.name}: workers without")


def test_an_absolute_results_folder_does_not_travel(repository, problems_of, tmp_path):
    write_files(tmp_path / "exp/trial", FILES)
    Path("exp/trial/experiment.yaml").touch()
    repository("exp")
    (line,) = problems_of(FILES, REMOTE, **KEYS, results=str(tmp_path / "results"))
    assert line.startswith("results: no absolute path where there is no shared file system")


def test_without_a_repository_nothing_travels(load, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(FanfoldError, match="this folder is not a git repository"):
        check_travels(load())


# Loading


def test_a_worker_does_not_check_again(write_experiment):
    file = write_experiment(command="no-such-program {{ x }}", results="/proc/none")
    assert load_and_check([file], {}, check=False) == load_design([file], {})


def test_rendering_can_be_checked_alone(load):
    check_rendering(load(command="echo {{ launch }}"), check_command=True)
    with pytest.raises(ConfigError, match="'x' is undefined"):
        check_rendering(load(command="echo {{ x }}"), check_command=True)


# python -m scripts.check_experiment


def test_an_experiment_can_be_checked_without_running_it(write_experiment):
    file = str(write_experiment(runs={"seeds": 4}))
    done = CliRunner().invoke(check_main, [file])
    assert (done.exit_code, "4 in 4 jobs" in done.output) == (0, True)
    assert not Path("results").exists()


def test_overrides_are_read_as_in_an_experiment_file(write_experiment):
    file = str(write_experiment(vars={"x": "a"}, command="echo {{ x.y }}"))
    options = ["--config", "vars={x: {y: NO}}", "--config", "launch=06", "--config", "states=NY"]
    done = CliRunner().invoke(check_main, [file, *options])
    assert done.exit_code == 0, done.output
    assert "launch 06" in done.output
    assert "1: NY" in done.output


@pytest.mark.parametrize("override", ["lunch=x", "vars={x", "vars", "runs.seeds=5"])
def test_a_wrong_override_is_one_line(write_experiment, override):
    done = CliRunner().invoke(check_main, [str(write_experiment()), "--config", override])
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1


def test_mistakes_go_to_standard_error(write_experiment):
    file = write_experiment(command="no-such-program")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.check_experiment", str(file.absolute())],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("model.command: `no-such-program` was not found")
