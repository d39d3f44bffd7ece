"""An experiment file is one checked Experiment, or one line for each mistake in it."""

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.experiment import load_experiment, merge, validate_experiment
from scripts.fanfold.names import RESERVED
from scripts.fanfold.schema import Experiment
from tests.conftest import content_of, write_files

MISTAKES = [
    ({"seeds": 5}, "seeds: unknown key; it belongs under `runs`"),
    ({"select": "failed"}, "select: unknown key; it goes on the command line: --config select=..."),
    ({"model": {"memory": 5}}, "model.memory: unknown key; write `mem_mb`"),
    (
        {"runs": {"seeds": "1-10"}},
        "runs.seeds: write a number (10), a list ([3, 5]) or {first: 1, count: 10}, not `1-10`",
    ),
    ({"tasks_per_job": "many"}, "tasks_per_job: must be a whole number, not `'many'`"),
    (
        {"runs": {"seeds": 10**20}},
        "runs.seeds.count: must be at most 4611686018427387904, not `100000000000000000000`",
    ),
    (
        {"runs": {"sample": {"n": 2**31, "parameters": {"x": {"uniform": [0, 1]}}}}},
        "runs.sample.n: must be at most 1073741824, not `2147483648`",
    ),
    (
        {"model": {"profile": ["a"], "profiles": {"a": {}}}},
        "model.profile: must be a text, not `['a']`",
    ),
    # Keys
    ({"scenarois": {}}, "scenarois: unknown key; did you mean `scenarios`?"),
    ({"model": {"comand": "x"}}, "model.comand: unknown key; did you mean `command`?"),
    ({"runs": {"lst": []}}, "runs.lst: unknown key; did you mean `list`?"),
    ({"runs": {"seeds": {"frist": 1, "count": 2}}}, None),
    (
        {"outputs": {"o": {"path": "o", "tabel": True}}},
        "outputs.o.tabel: unknown key; did you mean `table`?",
    ),
    ({"limits": {"x": 1}}, "limits.x: unknown key; known: `tasks`, `jobs`"),
    ({"hooks": {}}, None),
    ({5: 1}, "5: keys should be strings, not `5`"),
    ({"outputs": {"o": {}}}, "outputs.o.path: is missing"),
    # Types
    ({"tasks_per_job": "many"}, None),
    ({"runs": None}, "runs: must be a mapping (`key: value` lines), not `None`"),
    ({"scenarios": ["a"]}, "scenarios: must be a mapping (`key: value` lines), not `['a']`"),
    ({"scenarios": {"a": 5}}, "scenarios.a: must be a mapping (`key: value` lines), not `5`"),
    ({"outputs": {"o": "x.csv"}}, None),
    ({"states": [36]}, "states.0: must be a text, not `36`"),
    ({"runs": {"grid": {"x": 5}}}, "runs.grid.x: must be a list (`[a, b]`), not `5`"),
    ({"runs": {"grid": {"x": []}}}, "runs.grid.x: is empty; write at least one"),
    ({"runs": {"list": [{}]}}, None),
    ({"model": {"command": ""}}, None),
    ({"vars": {"x": {1, 2}}}, "vars.x: {1, 2} is not a text, number, date, list or mapping"),
    # Numbers
    ({"parallel": 0}, "parallel: must be at least 1, not `0`"),
    ({"tasks_per_job": 1.5}, None),
    ({"model": {"runtime": 0}}, "model.runtime: must be above 0, not `0`"),
    (
        {"model": {"runtime": math.inf}},
        "model.runtime: input should be a finite number, not `inf`",
    ),
    ({"model": {"runtime": math.nan}}, None),
    ({"model": {"mem_mb": -5}}, None),
    ({"vars": {"x": math.inf}}, "vars.x: inf is not a finite number"),
    ({"vars": {"x": [1, {"y": math.nan}]}}, "vars.x: nan is not a finite number"),
    ({"scenarios": {"a": {"x": -math.inf}}}, "scenarios.a.x: -inf is not a finite number"),
    ({"runs": {"grid": {"x": [1.0, math.nan]}}}, "runs.grid.x.1: nan is not a finite number"),
    ({"failures": {"tolerate": -1}}, None),
    ({"failures": {"tolerate": 1.5}}, None),
    (
        {"failures": {"tolerate": "lots"}},
        "failures.tolerate: `lots` is not a count, nor a percentage like `5%`",
    ),
    ({"failures": {"tolerate": "101%"}}, None),
    ({"failures": {"tolerate": [1]}}, None),
    ({"failures": {"tolerate": True}}, None),
    # Seeds
    ({"runs": {"seeds": 0}}, None),
    ({"runs": {"seeds": [1, 1]}}, "runs.seeds: a seed stands twice"),
    ({"runs": {"seeds": [-1]}}, None),
    ({"runs": {"seeds": ["a"]}}, None),
    ({"runs": {"seeds": True}}, None),
    (
        {"runs": {"seeds": []}},
        "runs.seeds: write a count (`100`), a list, or `{first: 1, count: 100}`",
    ),
    ({"runs": {"seeds": {"count": 2, "values": [1]}}}, None),
    # Names
    (
        {"launch": "a b"},
        "launch: `a b` is not a legal name: letters, digits, `.`, `_`, `-`, "
        "starting with a letter or digit",
    ),
    ({"name": "../x"}, None),
    ({"scenarios": {"a/b": {}}}, None),
    ({"scenarios": {"two\nlines": {}}}, None),
    ({"outputs": {"a b": {"path": "x"}}}, None),
    ({"runs": {"list": [{"name": "a b"}]}}, None),
    (
        {"vars": {"R 0": 1}},
        "vars.R 0: `R 0` is not a legal variable: letters, digits and `_`, "
        "not starting with a digit",
    ),
    ({"vars": {1: 1}}, None),
    (
        {"runs": {"grid": {"x": [1]}, "list": [{"a": 1}, {"x": 2}]}},
        "runs: `x` is in `list` and in `grid`",
    ),
    (
        {"outputs": {"tasks": {"path": "x"}}},
        "outputs: `tasks` is the table of all tasks; choose another name",
    ),
    (
        {"model": {"env": {"A=B": "x"}}},
        "model.env.A=B: `A=B` is not a legal environment variable: letters, digits and `_`",
    ),
    # Paths
    (
        {"outputs": {"o": {"path": "../o"}}},
        "outputs.o.path: `../o` must be a path inside the task's folder (no `/` first, no `..`)",
    ),
    ({"outputs": {"o": {"path": "/o"}}}, None),
    ({"outputs": {"o": {"path": "a/../../o"}}}, None),
    ({"outputs": {"o": {"path": "."}}}, None),
    (
        {"outputs": {"o": {"path": "o.json", "table": True}}},
        "outputs.o: `o.json` cannot be a table: write .csv, .tsv or .parquet",
    ),
    # Together
    (
        {"parallel": 4, "limits": {"tasks": 2}},
        "parallel is 4 but limits.tasks only 2: no job could ever start",
    ),
]


def problems_of(content):
    with pytest.raises(ConfigError) as caught:
        validate_experiment(content)
    assert str(caught.value).splitlines() == caught.value.problems, "one line each"
    return caught.value.problems


@pytest.mark.parametrize(("keys", "line"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_one_line_with_its_path(keys, line):
    (problem,) = problems_of(content_of(**keys) if 5 not in keys else content_of() | keys)
    if line:
        assert problem == line
    else:
        assert problem.startswith(str(next(iter(keys))))


@pytest.mark.parametrize("name", sorted(RESERVED))
@pytest.mark.parametrize("where", ["vars", "scenarios", "grid", "list"])
def test_what_fanfold_sets_cannot_be_set(where, name):
    keys = {
        "vars": {"vars": {name: 1}},
        "scenarios": {"scenarios": {"a": {name: 1}}},
        "grid": {"runs": {"grid": {name: [1]}}},
        "list": {"runs": {"list": [{name: 1}]}},
    }
    (problem,) = problems_of(content_of(**keys[where]))
    assert problem.endswith(f"`{name}` is set by Fanfold; choose another name")


def test_all_mistakes_are_shown_at_once_in_the_order_of_the_keys():
    content = {
        "launch": "a b",
        "vars": {"x": math.nan, "run": 1},
        "outputs": {"o": {"path": "/o"}},
        "keep": "some",
        "modle": {},
    }
    assert [problem.split(":")[0] for problem in problems_of(content)] == [
        "launch",
        "vars.x",
        "vars.run",
        "model",
        "outputs.o.path",
        "keep",
        "modle",
    ]


def test_every_default_but_the_command_is_there():
    experiment = validate_experiment({"model": {"command": "true"}})
    assert (experiment.launch, experiment.keep, experiment.tasks_per_job) == ("main", "all", 1)
    assert problems_of({}) == ["model: is missing"]
    assert problems_of({"model": {}}) == ["model.command: is missing"]


def test_a_number_may_be_a_name_and_an_environment_value():
    model = {"env": {"N": 5, "X": 1.5}}
    experiment = validate_experiment(content_of(launch=2026, scenarios={1.5: {}}, model=model))
    assert experiment.launch == "2026"
    assert list(experiment.scenarios) == ["1.5"]
    assert experiment.model.env == {"N": "5", "X": "1.5"}


def test_one_text_is_a_list_of_one():
    experiment = validate_experiment(content_of(states="CA", inputs="a.csv"))
    assert (experiment.states.codes, experiment.inputs) == (("CA",), ("a.csv",))


def test_an_experiment_cannot_be_changed():
    experiment = validate_experiment(content_of())
    with pytest.raises(ValueError, match="frozen"):
        experiment.launch = "other"


@pytest.mark.parametrize(
    ("seeds", "numbers"),
    [
        (3, [1, 2, 3]),
        ([5, 0], [5, 0]),
        ({"first": 10, "count": 2}, [10, 11]),
        ({"values": [7]}, [7]),
    ],
)
def test_seeds_have_three_forms(seeds, numbers):
    experiment = validate_experiment(content_of(runs={"seeds": seeds}))
    assert list(experiment.runs.seeds.numbers) == numbers


def test_a_million_seeds_are_a_range():
    experiment = validate_experiment(content_of(runs={"seeds": 10**6}))
    assert experiment.runs.seeds.numbers == range(1, 10**6 + 1)


@pytest.mark.parametrize(
    ("tolerate", "tasks", "allowed"),
    [(0, 100, 0), (3, 100, 3), ("5%", 100, 5), ("5 %", 19, 0), ("0.5%", 1000, 5), ("100%", 7, 7)],
)
def test_tolerance_is_a_count_or_a_percentage(tolerate, tasks, allowed):
    failures = validate_experiment(content_of(failures={"tolerate": tolerate})).failures
    assert failures.allowed_of(tasks) == allowed


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.binary(max_size=3)
    | st.sampled_from(["CA", "5%", "a b", "x.csv", "../x", "{{ x }}", "all"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.integers() | st.sampled_from(["x", "name", "path", "seeds"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def mapping_of(model):
    """Return what YAML may have for a section: right and wrong keys with anything in them."""
    known = [field.alias or name for name, field in model.model_fields.items()]
    return st.dictionaries(st.sampled_from(known) | st.text(max_size=3), ANYTHING, max_size=4)


SECTIONS = {
    name: mapping_of(field.annotation) | ANYTHING
    for name, field in Experiment.model_fields.items()
    if hasattr(field.annotation, "model_fields")
}


@given(
    mapping_of(Experiment),
    st.fixed_dictionaries({}, optional=SECTIONS),
    st.fixed_dictionaries(
        {}, optional={"outputs": ANYTHING, "scenarios": ANYTHING, "model": st.just(content_of())}
    ),
)
def test_anything_is_an_experiment_or_lines_that_say_why_not(one, two, three):
    try:
        experiment = validate_experiment(one | two | three)
    except ConfigError as error:
        assert error.problems
        assert all(error.problems)
        assert len(str(error).splitlines()) == len(error.problems)
    else:
        assert isinstance(experiment, Experiment)


# Loading


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes a file below an empty current folder."""
    monkeypatch.chdir(tmp_path)

    def write(name, content):
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        write_files(tmp_path, {name: text})
        return Path(name)

    return write


def test_the_name_is_that_of_the_folder_unless_it_is_given(write):
    content = content_of()
    del content["name"]
    file = write("exp/flu/experiment.yaml", content)
    assert load_experiment([file], {})[0].name == "flu"
    assert load_experiment([file], {"name": "cold"})[0].name == "cold"
    strange = write("exp/my flu!/trial.yaml", content)
    with pytest.raises(ConfigError, match=r"^name: `my flu!` is not a legal name"):
        load_experiment([strange], {})


def test_paths_are_relative_to_the_first_file(write):
    one = write("exp/flu/experiment.yaml", content_of())
    other = write("more/here.yaml", {"launch": "other"})
    experiment, folder, files = load_experiment([one, other], {})
    assert (folder, files) == (Path("exp/flu"), [one, other])
    assert experiment.launch == "other"


def test_later_files_and_then_overrides_win_key_by_key(write):
    one = write("a.yaml", content_of(vars={"x": 1, "y": 1, "z": 1}, launch="one"))
    two = write("b.yaml", {"vars": {"y": 2, "z": 2}, "launch": "two"})
    experiment, *_ = load_experiment([one, two], {"vars": {"z": 3}, "launch": "three"})
    assert experiment.vars == {"x": 1, "y": 2, "z": 3}
    assert experiment.launch == "three"


def test_a_pointer_file_leads_to_the_experiment(write):
    target = write("exp/flu/experiment.yaml", content_of(vars={"x": 1, "y": 1}))
    pointer = write("config/config.yaml", f"experiment: {target}\nvars: {{x: 2}}\n")
    experiment, folder, files = load_experiment([pointer], {})
    assert (folder, files) == (Path("exp/flu"), [target])
    assert experiment.vars == {"x": 2, "y": 1}, "what stands beside the pointer goes on top"


def test_a_pointer_in_the_overrides_replaces_the_first_file(write):
    other = write("exp/cold/experiment.yaml", content_of(vars={"y": 1}))
    pointer = write("config/config.yaml", "experiment: exp/flu/experiment.yaml\nvars: {x: 2}")
    experiment, folder, _ = load_experiment([pointer], {"experiment": str(other)})
    assert folder == Path("exp/cold")
    assert experiment.vars == {"y": 1}


def test_a_pointer_to_nothing_is_one_line(write):
    pointer = write("config.yaml", "experiment: exp/no/experiment.yaml\n")
    with pytest.raises(ConfigError, match=r"^exp/no/experiment.yaml: cannot be read: No such file"):
        load_experiment([pointer], {})
    with pytest.raises(ConfigError, match=r"^experiment: must be the path of an experiment file$"):
        load_experiment([write("config.yaml", "experiment: [a]\n")], {})


def test_overrides_get_their_type_as_in_yaml(write):
    file = write("experiment.yaml", content_of(name="a"))
    overrides = {"vars": {"x": "1e-3", "y": "NO", "z": ["2", "06"]}, "tasks_per_job": 3}
    experiment, *_ = load_experiment([file], overrides)
    assert experiment.vars == {"x": 0.001, "y": "NO", "z": [2, "06"]}
    assert overrides["vars"]["x"] == "1e-3", "what the caller has stays as it is"


def test_an_override_that_is_no_key_is_named(write):
    file = write("experiment.yaml", content_of())
    with pytest.raises(ConfigError, match=r"^lunch: unknown key; did you mean `launch`\?$"):
        load_experiment([file], {"lunch": "x"})


# Merging

KEYS = st.sampled_from("abc")
TREES = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=3)

#: The same key is always of the same kind.
ALIKE = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(),
        "b": st.lists(st.integers()),
        "c": st.fixed_dictionaries({}, optional={"a": st.text(), "b": st.dictionaries(KEYS, KEYS)}),
    },
)


def leaves(tree, path=()):
    if not isinstance(tree, dict):
        return {path: tree}
    return {key: leaf for name in tree for key, leaf in leaves(tree[name], (*path, name)).items()}


@given(MAPPINGS)
def test_merging_with_nothing_changes_nothing(tree):
    assert merge(tree, {}) == merge({}, tree) == merge(tree, tree) == tree


@given(MAPPINGS, MAPPINGS)
def test_every_value_on_top_is_in_the_result(base, over):
    merged = leaves(merge(base, over))
    assert leaves(over).items() <= merged.items()
    assert merged.items() <= (leaves(base) | leaves(over)).items()


@given(ALIKE, ALIKE, ALIKE)
def test_merging_does_not_depend_on_what_is_merged_first(a, b, c):
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(MAPPINGS, MAPPINGS)
def test_merging_leaves_its_arguments_alone(base, over):
    before = repr(base), repr(over)
    merge(base, over)
    assert (repr(base), repr(over)) == before


def test_a_list_is_replaced_and_not_continued():
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}
