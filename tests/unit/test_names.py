"""Names are legal as folders, and say what they are about."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.names import (
    NAME_PATTERN,
    RESERVED,
    is_inside,
    is_name,
    is_variable,
    label,
    nearest,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
VARIABLES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.parametrize("text", ["a", "A.b", "0", "2020-01", "x_y", "CA", "a..b", "a-"])
def test_letters_digits_and_some_marks_make_a_name(text):
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "-a", "_a", "a b", "a/b", "ä", "a\n", "\na", "a:b"]
)
def test_what_is_no_safe_folder_is_no_name(text):
    assert not is_name(text)


@pytest.mark.parametrize(("text", "legal"), [("R0", 1), ("_x", 1), ("0R", 0), ("a-b", 0), ("", 0)])
def test_a_variable_is_what_a_template_can_use(text, legal):
    assert is_variable(text) == legal


def test_everything_that_fanfold_sets_is_reserved():
    assert {"state", "run", "task", "seed", "launch", "experiment", "batch"} < RESERVED
    assert {"index", "threads", "scenario"} < RESERVED


@given(VARIABLES, VALUES)
def test_a_label_is_always_a_legal_name(variable, value):
    assert is_name(label(variable, value))


@given(VARIABLES, st.text(), st.text())
def test_different_texts_have_different_labels(variable, one, other):
    assert (label(variable, one) == label(variable, other)) == (one == other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, "x_1.5"), (2, "x_2"), (True, "x_true"), (None, "x_null"), ("low", "x_low"), ("", "x_")],
)
def test_a_label_of_a_plain_value_can_be_read(value, expected):
    assert label("x", value) == expected


@pytest.mark.parametrize("value", ["a b", "x" * 41, "é", [1, 2], {"a": 1}])
def test_a_label_of_another_value_ends_with_a_digest(value):
    assert re.fullmatch(r"x_[\w.-]{0,40}_[0-9a-f]{6}", label("x", value))


def test_the_nearest_known_name_is_suggested_whatever_its_case():
    assert nearest("populaton", ["population", "name"]) == "; did you mean `population`?"
    assert nearest("ca", ["NY", "CA"]) == "; did you mean `CA`?"
    assert nearest("entirely", ["different"]) == ""
    assert nearest("x", []) == ""


@pytest.mark.parametrize("path", ["a", "a/b", "./a", "a/./b", "...", "a/..b"])
def test_a_path_below_is_inside(path):
    assert is_inside(path)


@pytest.mark.parametrize("path", ["", ".", "/", "/a", "..", "../a", "a/../b", "a/.."])
def test_a_path_that_leads_elsewhere_is_not(path):
    assert not is_inside(path)


@given(st.text(max_size=10))
def test_a_name_matches_the_pattern_that_rules_use(text):
    assert is_name(text) == bool(re.fullmatch(NAME_PATTERN, text))
