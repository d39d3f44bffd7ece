"""Where results come from can be looked up: who called what, when, with which files and commit."""

import getpass
import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scripts.fanfold.expansion import load_design
from scripts.fanfold.provenance import (
    FILE,
    RESOLVED,
    describe_call,
    git_commit,
    read_provenance,
    record_call,
)
from scripts.fanfold.yaml_files import read_yaml


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "exp").mkdir()
    (tmp_path / "exp/a").write_text("1")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def test_the_commit_is_the_one_checked_out(repository):
    assert git_commit(repository / "exp") == git(repository, "rev-parse", "HEAD")


def test_local_changes_of_the_experiment_are_marked_and_others_are_not(repository):
    (repository / "elsewhere").touch()
    assert not git_commit(repository / "exp").endswith("+")
    (repository / "exp/new").touch()
    assert git_commit(repository / "exp").endswith("+")
    (repository / "exp/new").unlink()
    (repository / "exp/a").write_text("2")
    assert git_commit(repository / "exp").endswith("+")


def test_without_a_repository_or_git_or_commit_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert git_commit(tmp_path) is None
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_commit(tmp_path) is None


def test_a_call_says_who_what_when_and_with_which_versions(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/bin/snakemake", "--config", "a b"])
    call = describe_call("abc+")
    assert call["command"] == "snakemake --config 'a b'"
    assert (call["commit"], call["dirty"], call["user"]) == ("abc", True, getpass.getuser())
    assert abs(datetime.now(UTC) - datetime.fromisoformat(call["started"])).total_seconds() < 60
    assert {"fanfold", "python", "snakemake", "polars"} <= call["versions"].keys()
    assert (describe_call(None)["commit"], describe_call(None)["dirty"]) == (None, False)


def test_a_user_that_nobody_knows_is_no_error(monkeypatch):
    def unknown():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert describe_call(None)["user"] == "unknown"


def test_each_call_is_added_and_each_definition_stands_once(load):
    first = load(command="true")
    record_call(first, "one")
    record_call(first, "two")
    second = load(command="exit 0")
    record_call(second, "three")
    known = read_provenance(Path(first.results, FILE))
    assert (known["experiment"], known["launch"]) == ("trial", "main")
    assert [call["commit"] for call in known["calls"]] == ["one", "two", "three"]
    assert known["definitions"].keys() == {first.definition.digest, second.definition.digest}
    assert known["definitions"][first.definition.digest]["commit"] == "one", "when it first ran"
    assert known["definitions"][second.definition.digest]["command"] == "exit 0"


@pytest.mark.parametrize("damage", ["", "{", "5", '"x"', "[1]", "\xff"])
def test_a_damaged_file_is_begun_anew(load, damage):
    design = load()
    path = Path(design.results, FILE)
    path.parent.mkdir(parents=True)
    path.write_text(damage, encoding="latin-1")
    assert read_provenance(path) == {}
    record_call(design, None)
    assert len(read_provenance(path)["calls"]) == 1


def test_without_a_file_nothing_is_known(tmp_path):
    assert read_provenance(tmp_path / "no.json") == {}


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"states": ["CA", "NY"], "vars": {"x": "1e3", "y": "NO", "z": "06", "w": [1, {"a": None}]}},
        {"runs": {"seeds": [3, 1], "grid": {"g": [1.5, "b"]}}, "scenarios": {"low": {}, "1": None}},
        {"runs": {"seeds": {"first": 5, "count": 2}, "list": [{"name": "a", "x": 1}]}},
        {"outputs": {"o": {"path": "o.csv", "table": True}}, "failures": {"tolerate": "5%"}},
        {
            "runs": {
                "range": {"d": {"start": "2020-01-31", "stop": "2020-05-31", "step": "1 month"}}
            }
        },
        {"runs": {"grid": {"d": [date(2020, 1, 31)]}, "derive": {"y": "{{ d.year }}"}}},
        {
            "runs": {
                "sample": {
                    "n": 3,
                    "parameters": {"x": {"normal": [0, 1]}, "c": {"choice": ["a", "b"]}},
                }
            }
        },
        {"runs": {"zip": {"a": [1, 2], "b": [3, 4]}, "only": "a == 1"}, "run_name": "n{{ a }}"},
        {"states": {"codes": ["CA", "NY"], "where": "population > 3e7"}},
        {"model": {"profile": "p", "profiles": {"p": {"threads": 2}}}},
        {"limits": {"jobs": 2}, "model": {"env": {"A": "{{ x }}"}}, "vars": {"x": 1}},
    ],
    ids=str,
)
def test_the_resolved_experiment_gives_the_same_tasks_again(load, keys):
    design = load({"templates/t.j2": ""}, templates={"dir": "templates"}, **keys)
    record_call(design, None)
    resolved = Path(design.results, RESOLVED)
    assert read_yaml(resolved)["tasks_per_job"] == 1, "with its defaults"
    copy = Path("exp/trial/again.yaml")
    copy.write_text(resolved.read_text())
    again = load_design([copy], {})
    assert [task.digest for task in again.all_tasks()] == [t.digest for t in design.all_tasks()]
    assert again.experiment == design.experiment


def test_provenance_is_json_that_a_person_can_read(load):
    design = load(vars={"x": "é"})
    record_call(design, None)
    text = Path(design.results, FILE).read_text(encoding="utf-8")
    assert json.loads(text)["experiment"] == "trial"
    assert text.count("\n") > 10
