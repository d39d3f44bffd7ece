"""What lies on top wins: over the files that it extends, and over the profile of the model."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.expansion import load_design
from scripts.fanfold.experiment import load_experiment, validate_experiment
from tests.conftest import content_of, write_files

MODEL = {"command": "true"}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return a function that writes path -> content and loads the first of them."""
    monkeypatch.chdir(tmp_path)

    def load(files, overrides=None, more=()):
        texts = {path: yaml.safe_dump(content) for path, content in files.items()}
        write_files(tmp_path, texts)
        first = next(iter(files))
        paths = [Path(first), *map(Path, more)]
        experiment, folder, read = load_experiment(paths, overrides or {})
        assert folder == Path(first).parent
        return experiment, [os.path.normpath(path) for path in read]

    return load


def problems_of(load, files, **keys):
    with pytest.raises(ConfigError) as caught:
        load(files, **keys)
    return caught.value.problems


# Files that extend others


def test_mappings_are_merged_and_everything_else_is_replaced(load):
    base = {
        "model": {"command": "base", "env": {"A": "1", "B": "1"}, "threads": 2},
        "vars": {"x": 1, "deep": {"a": 1, "b": [1, 2]}, "list": [1, 2, 3]},
        "runs": {"seeds": 5, "grid": {"R0": [1, 2], "g": [1]}},
        "inputs": ["a", "b"],
    }
    top = {
        "extends": "base.yaml",
        "model": {"env": {"B": "2", "C": "2"}},
        "vars": {"y": 2, "deep": {"b": [3]}, "list": 0},
        "runs": {"grid": {"R0": [3]}},
        "inputs": "c",
    }
    experiment, read = load({"top.yaml": top, "base.yaml": base})
    assert read == ["base.yaml", "top.yaml"]
    assert experiment.model.command == "base"
    assert experiment.model.env == {"A": "1", "B": "2", "C": "2"}
    assert experiment.model.threads == 2
    assert experiment.vars == {"x": 1, "y": 2, "deep": {"a": 1, "b": [3]}, "list": 0}
    assert experiment.runs.grid == {"R0": (3,), "g": (1,)}
    assert experiment.runs.seeds.count == 5
    assert experiment.inputs == ("c",)


def test_of_several_the_later_lies_on_top(load):
    files = {
        "top.yaml": {"extends": ["one.yaml", "two.yaml"], "vars": {"t": "top"}},
        "one.yaml": {"model": MODEL, "vars": {"o": "one", "both": "one", "t": "one"}},
        "two.yaml": {"vars": {"w": "two", "both": "two", "t": "two"}},
    }
    experiment, read = load(files)
    assert experiment.vars == {"o": "one", "both": "two", "t": "top", "w": "two"}
    assert read == ["one.yaml", "two.yaml", "top.yaml"]


def test_a_base_may_extend_others_itself(load):
    files = {
        "top.yaml": {"extends": "middle.yaml", "vars": {"a": 3}},
        "middle.yaml": {"extends": "bottom.yaml", "vars": {"a": 2, "b": 2}},
        "bottom.yaml": {"model": MODEL, "vars": {"a": 1, "b": 1, "c": 1}},
    }
    experiment, read = load(files)
    assert experiment.vars == {"a": 3, "b": 2, "c": 1}
    assert read == ["bottom.yaml", "middle.yaml", "top.yaml"]


def test_two_ways_to_one_base_are_no_circle(load):
    files = {
        "top.yaml": {"extends": ["one.yaml", "two.yaml"]},
        "one.yaml": {"extends": "base.yaml", "vars": {"x": 1}},
        "two.yaml": {"extends": "base.yaml", "vars": {"y": 2}},
        "base.yaml": {"model": MODEL, "vars": {"z": 3}},
    }
    assert load(files)[0].vars == {"x": 1, "y": 2, "z": 3}


def test_paths_are_relative_to_the_extending_file(load):
    files = {
        "exp/one/top.yaml": {"extends": "../shared/middle.yaml"},
        "exp/shared/middle.yaml": {"extends": "more/base.yaml"},
        "exp/shared/more/base.yaml": {"model": MODEL, "vars": {"x": 1}},
    }
    experiment, read = load(files)
    assert experiment.vars == {"x": 1}
    assert read[0] == "exp/shared/more/base.yaml"
    assert experiment.name == "one"


def test_an_absolute_path_is_one_too(load, tmp_path):
    write_files(tmp_path, {"else/base.yaml": yaml.safe_dump({"model": MODEL})})
    assert load({"top.yaml": {"extends": str(tmp_path / "else/base.yaml")}})[0].extends == ()


def test_the_name_of_a_base_is_used_if_there_is_no_other(load):
    files = {"exp/one/top.yaml": {"extends": "base.yaml"}, "exp/one/base.yaml": {"model": MODEL}}
    assert load(files)[0].name == "one"
    files["exp/one/base.yaml"]["name"] = "base"
    assert load(files)[0].name == "base"


@pytest.mark.parametrize(
    ("extends", "circle"),
    [
        ({"a": "a"}, "a.yaml extends a.yaml"),
        ({"a": "b", "b": "a"}, "a.yaml extends b.yaml extends a.yaml"),
        ({"a": "b", "b": "c", "c": "b"}, None),
        (
            {"a": ["d", "b"], "b": "c", "c": "a"},
            "a.yaml extends b.yaml extends c.yaml extends a.yaml",
        ),
    ],
    ids=str,
)
def test_a_circle_is_named(load, extends, circle):
    files = {"a.yaml": {}, "d.yaml": {"model": MODEL}} | {
        f"{name}.yaml": {
            "extends": f"{of}.yaml" if isinstance(of, str) else [f"{one}.yaml" for one in of]
        }
        for name, of in extends.items()
    }
    (line,) = problems_of(load, files)
    assert line.startswith("extends: ")
    assert line.endswith(": nothing to begin with")
    assert circle is None or line == f"extends: {circle}: nothing to begin with"


def test_a_circle_is_seen_through_a_symlink(load, tmp_path):
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    (line,) = problems_of(load, {"a.yaml": {"extends": "link.yaml", "model": MODEL}})
    assert line == "extends: a.yaml extends a.yaml: nothing to begin with"


def test_a_file_that_is_missing_is_named(load):
    (line,) = problems_of(load, {"exp/a.yaml": {"extends": "../no.yaml", "model": MODEL}})
    assert "exp/../no.yaml" in line


@pytest.mark.parametrize("extends", [5, None, {"a": 1}, [1], ["a", None], True], ids=str)
def test_what_is_no_path_is_refused(load, extends):
    assert problems_of(load, {"a.yaml": {"extends": extends, "model": MODEL}}) == [
        "a.yaml: extends: must be the path of a file, or a list of them"
    ]


def test_extends_belongs_in_a_file(load):
    assert problems_of(load, {"a.yaml": {"model": MODEL}}, overrides={"extends": "b.yaml"}) == [
        "extends: belongs in a file; give several after --configfile"
    ]


def test_more_files_and_overrides_lie_on_top_of_all_that_is_extended(load, tmp_path):
    write_files(
        tmp_path,
        {
            "more.yaml": yaml.safe_dump({"extends": "under.yaml", "vars": {"m": "more"}}),
            "under.yaml": yaml.safe_dump({"vars": {"m": "under", "u": "under", "t": "under"}}),
        },
    )
    files = {
        "top.yaml": {"extends": "base.yaml", "vars": {"t": "top", "o": "top"}},
        "base.yaml": {"model": MODEL, "vars": {"t": "base", "b": "base"}},
    }
    experiment, read = load(files, {"vars": {"o": "override"}}, more=["more.yaml"])
    assert experiment.vars == {
        "t": "under",
        "b": "base",
        "u": "under",
        "m": "more",
        "o": "override",
    }
    assert read == ["base.yaml", "top.yaml", "under.yaml", "more.yaml"]


def test_a_mistake_in_a_base_is_shown(load):
    files = {"top.yaml": {"extends": "base.yaml"}, "base.yaml": {"model": MODEL, "scenarois": {}}}
    assert problems_of(load, files) == [
        "scenarois: unknown key; did you mean `scenarios`?",
    ]


def test_all_files_are_those_of_the_design(load):
    files = {"top.yaml": {"extends": "base.yaml"}, "base.yaml": {"model": MODEL}}
    load(files)
    design = load_design([Path("top.yaml")], {})
    assert [path.name for path in design.files] == ["base.yaml", "top.yaml"]


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
VARS = st.dictionaries(KEYS, VALUES, max_size=3)


@given(VARS, VARS)
def test_extending_is_giving_the_files_one_after_the_other(tmp_path_factory, under, over):
    folder = tmp_path_factory.getbasetemp()
    contents = {
        "base.yaml": {"model": MODEL, "vars": under},
        "over.yaml": {"vars": over},
        "top.yaml": {"extends": "base.yaml", "vars": over},
    }
    write_files(folder, {path: yaml.safe_dump(content) for path, content in contents.items()})
    one = load_experiment([folder / "base.yaml", folder / "over.yaml"], {})[0]
    other = load_experiment([folder / "top.yaml"], {})[0]
    assert one == other


# Profiles of the model

PROFILES = {
    "small": {"threads": 1, "mem_mb": 100, "command": "small", "env": {"A": "small", "B": "small"}},
    "large": {"threads": 8, "mem_mb": 900, "code": ["lib"], "env": {"A": "large"}},
}


def model_of(load, overrides=None, **model):
    content = {"model": {"profiles": PROFILES} | model}
    return load({"top.yaml": content}, overrides)[0].model


def test_a_profile_says_what_the_model_does_not(load):
    model = model_of(load, command="own", profile="large")
    assert (model.command, model.threads, model.mem_mb) == ("own", 8, 900)
    assert (model.code, model.env) == (("lib",), {"A": "large"})
    assert model_of(load, profile="small").command == "small"


def test_without_a_profile_none_is_taken(load):
    model = model_of(load, command="own")
    assert (model.threads, model.mem_mb, model.env) == (1, 1000, {})


def test_what_the_model_says_itself_goes_before_its_profile(load):
    model = model_of(load, command="own", profile="small", threads=4, env={"A": "own"})
    assert (model.command, model.threads, model.mem_mb) == ("own", 4, 100)
    assert model.env == {"A": "own", "B": "small"}


def test_the_command_line_goes_before_all(load):
    overrides = {"model": {"profile": "large", "mem_mb": 5}}
    model = model_of(load, overrides, command="own", profile="small", threads=4)
    assert (model.profile, model.threads, model.mem_mb) == ("large", 4, 5)
    assert model.env == {"A": "large"}


def test_a_profile_may_be_extended(load):
    files = {
        "top.yaml": {"extends": "base.yaml", "model": {"profiles": {"large": {"mem_mb": 7}}}},
        "base.yaml": {"model": {"command": "x", "profile": "large", "profiles": PROFILES}},
    }
    model = load(files)[0].model
    assert (model.threads, model.mem_mb) == (8, 7)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (
            {"profile": "larg", "profiles": PROFILES},
            "model: profile: there is no `larg` in `profiles`; did you mean `large`?",
        ),
        (
            {"profile": "xxx", "profiles": PROFILES},
            "model: profile: there is no `xxx` in `profiles`; there are: `small`, `large`",
        ),
        ({"profile": "large"}, None),
        (
            {"profiles": {"a": {"thread": 1}}},
            "model.profiles.a.thread: unknown key; did you mean `threads`?",
        ),
        ({"profiles": {"a": {"profile": "b"}}}, None),
        ({"profiles": {"a b": {}}}, None),
        ({"profiles": {"a": {"threads": 0}}}, None),
        ({"profiles": {"a": 5}}, None),
    ],
    ids=str,
)
def test_a_profile_that_is_none_is_named(model, problem):
    with pytest.raises(ConfigError) as caught:
        validate_experiment(content_of(model=model))
    assert all(line.startswith("model") for line in caught.value.problems)
    assert problem is None or caught.value.problems == [problem]


def test_a_model_without_a_command_anywhere_is_a_mistake(load):
    assert problems_of(load, {"top.yaml": {"model": {"profile": "a", "profiles": {"a": {}}}}}) == [
        "model.command: is missing"
    ]


@pytest.mark.parametrize(("chosen", "key"), [(1, 1), (1, "1"), ("1", 1)])
def test_a_profile_may_be_called_by_a_number(load, chosen, key):
    model = {"command": "own", "profile": chosen, "profiles": {key: {"threads": 3}}}
    assert load({"top.yaml": {"model": model}})[0].model.threads == 3
