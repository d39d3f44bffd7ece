"""Every mistake is one line that says what to write instead; nothing is written or lost."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.workflow


def refuse(project, *arguments, **changes):
    """Return the lines of the refusal; the project's folder must be as it was."""
    project.experiment_file = project.write_experiment(**changes)
    before = sorted(project.folder.glob("results/**/*"))
    counts, said = project.fail(*arguments)
    assert not counts
    assert "Traceback" not in said
    assert sorted(project.folder.glob("results/**/*")) == before
    return said.partition("Fanfold cannot run this:\n")[2].rstrip().splitlines()


def check_experiment(project, *how):
    """Call `python -m scripts.check_experiment` on the experiment."""
    file = str(project.experiment_file.relative_to(project.folder))
    return subprocess.run(
        [sys.executable, *(how or ("-m", "scripts.check_experiment")), file],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"scenarois": {}}, ["scenarois: unknown key; did you mean `scenarios`?"]),
        ({"tasks_per_job": "many"}, ["tasks_per_job: must be a whole number"]),
        (
            {"states": ["ca", "XX"]},
            ["states.0: unknown code `ca`; did you mean `CA`?", "states.1: unk"],
        ),
        ({"scenarios": {"a b": {}}}, ["scenarios.a b: `a b` is not a legal name"]),
        ({"runs": {"list": [{"name": "a"}, {"name": "a"}]}}, ["runs.list: `a` stands twice"]),
        ({"outputs": {"o": {"path": "../o"}}}, ["outputs.o.path: `../o` must be a path inside"]),
        ({"outputs": {"o": {"path": "/o"}}}, ["outputs.o.path: `/o` must be a path inside"]),
        ({"vars": {}}, ["exp/trial/templates/params.sh.j2, line 1: 'x' is undefined"]),
        (
            {"templates": {"dir": "nowhere"}},
            ["templates.dir: there is no folder exp/trial/nowhere"],
        ),
        ({"model": {"command": "bsah model.sh"}}, ["model.command: `bsah` was not found"]),
        ({"model": {"command": "./model"}}, ["model.command: `./model` was not found"]),
        ({"inputs": ["rain.csv"]}, ["inputs: exp/trial/rain.csv does not exist"]),
        ({"states": []}, ["states: no state is left"]),
        ({"runs": {"grid": {"x": []}}}, ["runs.grid.x: "]),
        ({"runs": {"seeds": 0}}, ["runs.seeds.count: must be at least 1"]),
        ({"results": "Makefile"}, ["results: Makefile is not a folder"]),
        ({"parallel": 4, "limits": {"tasks": 2}}, ["parallel is 4 but limits.tasks only 2"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_mistake_is_one_line(project, changes, lines):
    project.experiment_file = project.write_experiment(**changes)
    done = check_experiment(project)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert len(said) == len(lines), said
    for line, expected in zip(said, lines, strict=True):
        assert line.startswith(expected)


def test_all_mistakes_are_shown_at_once_and_nothing_is_written(project):
    said = refuse(project, keep="some", parallel=0, failures={"tolerate": "lots"})
    assert len(said) == 3


def test_results_of_earlier_calls_survive_a_mistake(finished):
    project = finished
    before = project.combined()
    said = refuse(project, vars={})
    assert said
    project.experiment_file = project.write_experiment()
    assert not project.run()
    assert project.combined().equals(before)


def test_a_template_that_is_not_utf8_is_named(project):
    template = project.folder / "exp/trial/templates/more.txt.j2"
    template.write_bytes("caf\xe9".encode("latin-1"))
    (line,) = refuse(project)
    assert line.startswith("exp/trial/templates/more.txt.j2: not UTF-8 text (byte 3)")


def test_yaml_that_is_not_yaml_is_named_with_its_line(project):
    project.experiment_file.write_text("name: x\nstates: [CA\nmodel: 1\n")
    done = check_experiment(project)
    assert done.returncode == 1
    assert done.stderr.startswith("exp/trial/experiment.yaml, line 3: not valid YAML: ")
    _, said = project.fail()
    assert "not valid JSON or YAML" in said
    assert not project.results.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_results_folder_that_is_not_writable_is_named(project, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    project.experiment_file = project.write_experiment(results=str(closed))
    for path in (project.folder, *project.folder.parents):
        path.chmod(path.stat().st_mode | 0o055)
        if path.name.startswith("pytest-of"):
            break
    # Imported as root, checked as nobody: the interpreter may be out of nobody's reach.
    as_nobody = (
        "import encodings.utf_8_sig, os; from scripts.check_experiment import main; "
        "os.setgid(65534); os.setuid(65534); main()"
    )
    done = check_experiment(project, "-c", as_nobody)
    assert done.returncode == 1
    assert done.stderr == f"results: {closed} is not writable for you; choose another place\n"


def test_check_experiment_says_the_same_without_running(project):
    done = check_experiment(project)
    assert "12 in 4 jobs" in done.stdout
    project.write_experiment(modle={"command": "true"}, model=None)
    done = check_experiment(project)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "model: is missing",
        "modle: unknown key; did you mean `model`?",
    ]
    assert not project.results.exists()


def test_a_disk_that_fills_up_fails_the_job_and_keeps_what_was_there(finished):
    project = finished
    table = project.results / "combined/out.parquet"
    before = table.read_bytes()
    project.experiment_file = project.write_experiment(states=["CA", "NY", "TX", "WA"])
    # A limit on file sizes is a disk that is full for everything above it.
    limited = ["bash", "-c", 'ulimit -f 2; exec "$@"', "bash", *project.command("combine")]
    done = subprocess.run(
        limited,
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert table.read_bytes() == before
    assert not list(project.results.glob("**/.*.tmp"))
    project.run()
    assert project.combined().height == 48
