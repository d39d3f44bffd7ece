"""Derived variables are computed from others: each ends with a value, or with a reason."""

import pickle
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.derived import Derived
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.states import State
from tests.conftest import design_in, run

TABLE = "code,size,kind\nCA,40,state\nNY,20,state\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a states table."""
    folder = tmp_path_factory.mktemp("derived")
    (folder / "states.csv").write_text(TABLE)
    return folder


def design_of(folder, derive, *, runs=None, **keys):
    keys = {"states": ["CA", "NY"], "states_table": "states.csv", "vars": {"v": 2}} | keys
    return design_in(folder, runs={"derive": derive} | (runs or {}), **keys)


def problems_of(folder, derive, **keys):
    with pytest.raises(ConfigError) as caught:
        design_of(folder, derive, **keys)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ v * 3 }}", 6),
        ("{{ v / 4 }}", 0.5),
        ("{{ v > 1 }}", True),
        ("{{ none }}", None),
        ("{{ 'a' ~ v }}", "a2"),
        ("{{ [v, v + 1] }}", [2, 3]),
        ("{{ (v, 'x') }}", [2, "x"]),
        ("{{ {'k': v, 1: [v]} }}", {"k": 2, "1": [2]}),
        ("{{ range(v) | list }}", [0, 1]),
        ("{{ day }}", date(2020, 1, 31)),
        ("{{ day | date('%d.%m.') }}", "31.01."),
        ("v is {{ v }}", "v is 2"),
        (" {{ v }} ", 2),
        ("{{ v }}{{ v }}", "22"),
        ("{% if v > 1 %}many{% endif %}", "many"),
        ("{{ state.size }}", 40),
        ("{{ size + v }}", 42),
        ("{{ state ~ launch }}", "CAmain"),
        ("{{ seed + 1 }}", 8),
        ("{{ scenario }}", "low"),
    ],
)
def test_a_derived_variable_has_the_type_of_its_expression(folder, text, value):
    design = design_of(
        folder,
        {"d": text},
        vars={"v": 2, "day": date(2020, 1, 31)},
        scenarios={"low": {}},
        runs={"seeds": [7]},
    )
    found = next(design.all_tasks()).variables["d"]
    assert found == value
    assert type(found) is type(value)


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_writing_does_not_matter(folder, order):
    texts = {"a": "{{ v + 1 }}", "b": "{{ a * 10 }}", "c": "{{ a + b }}", "d": "{{ c - v }}"}
    design = design_of(folder, {name: texts[name] for name in order})
    variables = next(design.all_tasks()).variables
    assert [variables[name] for name in "abcd"] == [3, 30, 33, 31]
    assert design.digest == design_of(folder, texts).digest


def test_each_task_has_its_own_values(folder):
    derive = {"beta": "{{ R0 * gamma }}", "per_head": "{{ beta / size }}"}
    runs = {"grid": {"R0": [1, 2]}}
    scenarios = {"slow": {"gamma": 0.5}, "fast": {"gamma": 2}}
    design = design_of(folder, derive, runs=runs, scenarios=scenarios)
    found = {task.name: task.variables for task in design.all_tasks()}
    assert {name: variables["beta"] for name, variables in found.items()} == {
        f"{state}/{scenario}-R0_{r0}": r0 * values["gamma"]
        for state in ("CA", "NY")
        for scenario, values in scenarios.items()
        for r0 in (1, 2)
    }
    assert found["NY/fast-R0_2"]["per_head"] == 0.2


def test_a_column_of_the_states_table_may_be_replaced(folder):
    design = design_of(folder, {"kind": "{{ state.kind }}s"})
    variables = next(design.all_tasks()).variables
    assert (variables["kind"], variables["state"]["kind"]) == ("states", "state")


@pytest.mark.parametrize(
    ("derive", "problems"),
    [
        ({"a": "{{ a }}"}, ["runs.derive: `a` needs `a`: nothing to begin with"]),
        (
            {"a": "{{ b }}", "c": "{{ v }}", "b": "{{ a + c }}"},
            ["runs.derive: `a` needs `b` needs `a`: nothing to begin with"],
        ),
        (
            {"a": "{{ b }}", "b": "{{ c }}", "c": "{{ a }}"},
            ["runs.derive: `a` needs `b` needs `c` needs `a`: nothing to begin with"],
        ),
        (
            {"a": "{{ vv }}", "b": "{{ sise }}"},
            [
                "runs.derive.a: there is no variable `vv`; did you mean `v`?",
                "runs.derive.b: there is no variable `sise`; did you mean `size`?",
            ],
        ),
        ({"a": "{{ run }}"}, ["runs.derive.a: `run` is not known yet here"]),
        ({"a": "{{ task ~ index }}"}, None),
        ({"v": "{{ 1 }}"}, ["runs.derive.v: it has a value already; choose another name"]),
        ({"a": "{{ v"}, None),
        ({"seed": "{{ v }}"}, None),
        ({"a b": "{{ v }}"}, None),
        ({"a": 5}, None),
    ],
    ids=str,
)
def test_what_can_never_have_a_value_is_refused_with_its_key(folder, derive, problems):
    found = problems_of(folder, derive)
    assert all(line.startswith("runs.derive") for line in found)
    circle = problems and problems[0].endswith("nothing to begin with")
    if circle:  # it may begin anywhere
        names = problems[0].removeprefix("runs.derive: ").split(":")[0].split(" needs ")[1:]
        circles = [names[turn:] + names[:turn] for turn in range(len(names))]
        problems = [
            f"runs.derive: {' needs '.join([*turned, turned[0]])}: nothing to begin with"
            for turned in circles
        ]
        assert len(found) == 1
        assert found[0] in problems
    else:
        assert problems is None or found == problems


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("x", {"scenarios": {"low": {}, "high": {"x": 1}}}),
        ("x", {"vars": {"x": 1}}),
    ],
    ids=str,
)
def test_a_name_that_has_a_value_already_is_refused(folder, name, keys):
    assert problems_of(folder, {name: "{{ 1 }}"}, **keys) == [
        "runs.derive.x: it has a value already; choose another name"
    ]


def test_a_name_of_an_axis_is_refused():
    for key, axis in {
        "grid": {"x": [1]},
        "zip": {"x": [1]},
        "list": [{"x": 1}],
        "range": {"x": {"start": 0, "stop": 1, "step": 1}},
        "sample": {"n": 1, "parameters": {"x": {"uniform": [0, 1]}}},
    }.items():
        with pytest.raises(ConfigError, match=rf"^runs: `x` is in `{key}` and in `derive`$"):
            design_in(None, runs={key: axis, "derive": {"x": "{{ 1 }}"}})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ 1 / v }}", "division by zero"),
        ("{{ big * 10 }}", "inf is not a finite number"),
        ("{{ [big * 10 - big * 10] }}", "nan is not a finite number"),
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ state.missing }}", "'state.missing' is undefined"),
        ("{{ 'a' + 1 }}", "can only concatenate str"),
        ("{{ state.keys }}", "is not a text, number, date, list or mapping"),
        ("{{ 2j }}", ""),
    ],
)
def test_what_has_no_value_is_an_error_that_names_it(text, problem):
    try:
        derived = Derived({"d": text})
    except ConfigError as error:
        assert error.problems[0].startswith("runs.derive.d: ")
        return
    with pytest.raises(RenderError) as caught:
        derived.values({"v": 0, "big": 1e308, "state": State(code="CA")})
    line = str(caught.value)
    assert line.startswith("runs.derive.d: ")
    assert problem in line


def test_a_task_without_a_value_fails_with_the_reason_and_leaves_its_neighbours(load):
    design = load(
        runs={"grid": {"n": [1, 0, 2]}, "derive": {"share": "{{ 1 / n }}"}},
        command="echo {{ share }} > out.txt",
        outputs={"out": {"path": "out.txt"}},
        tasks_per_job=3,
    )
    records = run(design)
    assert [record.status for record in records] == ["done", "failed", "done"]
    assert records[1].reason == "runs.derive.share: division by zero"
    assert records[1].task == "all/n_0"


def test_only_what_is_wanted_and_what_it_needs_is_computed():
    derived = Derived({"a": "{{ 1 / v }}", "b": "{{ c + 1 }}", "c": "{{ v + 1 }}"})
    assert derived.values({"v": 0}, ["b", "v"]) == {"b": 2, "c": 1}
    assert derived.sources(["b"]) == {"v"}
    assert derived.sources(["b", "x"]) == {"v", "x"}


def test_long_ways_to_a_value_are_gone_once():
    texts = {"a0": "{{ v }}", "b0": "{{ v }}"}
    for level in range(1, 60):
        for name in "ab":
            texts[f"{name}{level}"] = f"{{{{ a{level - 1} + b{level - 1} }}}}"
    derived = Derived(texts)
    assert derived.sources(["a59"]) == {"v"}
    assert derived.values({"v": 1}, ["a59"])["a59"] == 2**59


def test_a_change_of_a_derived_variable_changes_its_tasks_and_jobs(folder):
    before, after = (design_of(folder, {"d": f"{{{{ v + {n} }}}}"}) for n in (1, 2))
    for state in ("CA", "NY"):
        assert before.task(state, None, 1).digest != after.task(state, None, 1).digest
        assert before.digest_of(state, "runs-1-1") != after.digest_of(state, "runs-1-1")


def test_derived_variables_survive_pickling():
    derived = pickle.loads(pickle.dumps(Derived({"b": "{{ a * 2 }}", "a": "{{ v }}"})))
    assert derived.values({"v": 4}) == {"b": 8, "a": 4}
    assert derived.names == ("b", "a")


@given(st.text(max_size=20) | st.from_regex(r"\{\{ [v0-9+*/()|. -]{0,12} \}\}", fullmatch=True))
def test_any_text_is_a_plain_value_or_one_line(text):
    try:
        value = Derived({"d": text}).values({"v": 2})["d"]
    except (ConfigError, RenderError) as error:
        assert "runs.derive.d" in str(error)
        return
    assert value is None or isinstance(value, str | int | float | bool | list | dict)


def test_an_expression_without_braces_is_refused_and_not_taken_for_a_text(tmp_path):
    with pytest.raises(ConfigError) as caught:
        design_in(tmp_path, runs={"derive": {"beta": "R0 * gamma"}})
    assert caught.value.problems == [
        "runs.derive.beta: write {{ R0 * gamma }}; a constant goes to vars"
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [("a = 1", "; equality is `==`"), ("a == 1 AND b == 2", "; write `and`")],
)
def test_a_condition_in_the_words_of_another_language_gets_a_hint(tmp_path, text, hint):
    with pytest.raises(ConfigError) as caught:
        design_in(tmp_path, vars={"a": 1, "b": 2}, runs={"only": text})
    assert caught.value.problems[0].endswith(hint)


@pytest.mark.parametrize(
    "runs",
    [
        {"derive": {"a": "{{ 1 | nope }}"}},
        {"derive": {"a": "x {{ 1 is nope }}"}},
        {"exclude": "1 is nope"},
        {"only": ["1 |"]},
    ],
    ids=str,
)
def test_a_filter_or_test_that_there_is_not_is_one_line(tmp_path, runs):
    with pytest.raises(ConfigError) as caught:
        design_in(tmp_path, runs=runs)
    (line,) = caught.value.problems
    assert line.startswith("runs.")
