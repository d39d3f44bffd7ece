"""Structured changes: values by key path, everything else as it was."""

import json
import tomllib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.edits import Edits, parse_path
from scripts.fanfold.expressions import Expression, Structure
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.states import State

VARIABLES = {
    "state": State(code="CA", name="California", fips="06", population=39538223),
    "x": 1.5,
    "days": [1, 2],
    "on": True,
}


def test_numbers_stay_numbers_and_lists_stay_lists():
    text = '{\n    "REGIONS": ["?"],\n    "POP": 0, "FIPS": 0, "X": {"days": 0, "on": 0}\n}\n'
    edits = Edits(
        "c.json",
        {
            "REGIONS": ["{{ state.name }}"],
            "POP": "{{ state.population | sig(3) }}",
            "FIPS": "{{ state.fips }}",
            "X.days": "{{ days }}",
            "X.on": "{{ on }}",
        },
    )
    changed = edits.apply(text, VARIABLES)
    assert json.loads(changed) == {
        "REGIONS": ["California"],
        "POP": 39500000,
        "FIPS": "06",
        "X": {"days": [1, 2], "on": True},
    }
    assert changed.startswith('{\n    "REGIONS"'), "indented as it was"
    assert changed.endswith("}\n")


def test_comments_of_yaml_and_toml_stay():
    text = "a:  # first\n  - b: 1  # second\n    c: 'x'\n"
    assert Edits("c.yaml", {"a[0].b": "{{ x }}"}).apply(text, VARIABLES) == (
        "a:  # first\n- b: 1.5  # second\n  c: 'x'\n"
    )
    text = "# top\n[a]\nb = 1 # second\n"
    assert Edits("c.toml", {"a.b": "{{ x }}"}).apply(text, VARIABLES) == (
        "# top\n[a]\nb = 1.5 # second\n"
    )


@pytest.mark.parametrize(
    ("file", "text", "changes", "said"),
    [
        ("c.json", '{"POP_SIZE": 1}', {"POP_SZIE": 2}, "it has no `POP_SZIE`; did you mean"),
        ("c.json", '{"a": [1]}', {"a[3]": 2}, "it has no `a[3]`"),
        ("c.json", '{"a": 1}', {"a.b": 2}, "it has no `a.b`"),
        ("c.json", "{", {"a": 2}, "cannot be read: Expecting property name"),
        ("c.yaml", "a: [", {"a": 2}, "cannot be read: while parsing"),
        ("c.toml", "a =", {"a": 2}, "cannot be read: "),
    ],
)  # fmt: skip
def test_a_mistake_names_the_file_and_the_key(file, text, changes, said):
    with pytest.raises(RenderError) as error:
        Edits(file, changes).apply(text, VARIABLES)
    assert str(error.value).startswith(f"templates.edit.{file}: {said}")


@pytest.mark.parametrize("path", ["", "a[", "a]b", "a[x]", "[", 'a["b]'])
def test_what_is_no_key_path_is_refused(path):
    with pytest.raises(RenderError):
        Edits("c.json", {path: 1})


def test_other_formats_are_refused():
    with pytest.raises(RenderError, match=r"only \.json, \.yaml, \.yml, \.toml can be edited"):
        Edits("c.xml", {"a": 1})


@given(st.lists(st.one_of(st.text("abc", min_size=1), st.integers(0, 9)), min_size=1))
def test_a_key_path_is_taken_apart_as_it_was_put_together(steps):
    text = "".join(f"[{step}]" if isinstance(step, int) else f'["{step}"]' for step in steps)
    assert parse_path(text) == steps


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=5,
)  # fmt: skip


@given(VALUES)
def test_any_value_of_a_variable_is_in_the_file_as_it_is(value):
    assert json.loads(Edits("c.json", {"a": "{{ v }}"}).apply('{"a": 0}', {"v": value})) == {
        "a": value
    }
    changed = Edits("c.yaml", {"a": "{{ v }}"}).apply("a: 0\n", {"v": value})
    assert yaml.safe_load(changed) == {"a": value} or "\x85" in str(value)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_is_in_a_toml_file_as_it_is(value):
    changed = Edits("c.toml", {"a": "{{ v }}"}).apply("a = 0\n", {"v": value})
    assert tomllib.loads(changed) == {"a": value}


def test_text_around_an_expression_makes_it_a_text():
    assert Expression("x", "{{ x }}").value(VARIABLES) == 1.5
    assert Expression("x", " {{ x }} ").value(VARIABLES) == 1.5
    assert Expression("x", "{{ x }} m").value(VARIABLES) == "1.5 m"
    assert Expression("x", "{{ x }}{{ x }}").value(VARIABLES) == "1.51.5"
    assert Expression("x", "plain").value(VARIABLES) == "plain"
    assert Structure("x", {"a": [1, "{{ days[1] + 1 }}"]}).value(VARIABLES) == {"a": [1, 3]}


@pytest.mark.parametrize("text", ["{{ y }}", "{{ y }} m", "{{ y.z }}", "{{ x", "{{ state.z }}"])
def test_an_expression_that_cannot_be_computed_says_where(text):
    with pytest.raises(RenderError, match=r"^here"):
        Expression("here", text).value(VARIABLES)
