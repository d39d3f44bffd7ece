"""The filters of templates."""

import datetime
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.filters import FILTERS, sig, to_date, to_json, to_toml, to_yaml
from scripts.fanfold.jinja import environment

MANUAL = (Path(__file__).parents[2] / "config/README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)(?:\(.*?\))?` \| `(\{\{.*?\}\})` \| `(.*?)`", MANUAL, re.MULTILINE)


@pytest.mark.parametrize(("name", "template", "result"), ROWS)
def test_the_manual_says_what_a_filter_gives(name, template, result):
    assert name in FILTERS
    assert environment().from_string(template.replace("\\|", "|")).render() == result


def test_every_filter_is_in_the_manual():
    assert {name for name, _, _ in ROWS} == FILTERS.keys()


@given(st.floats(1e-300, 1e300) | st.integers(1, 10**30), st.integers(1, 12))
def test_significant_figures_are_within_half_a_unit_of_the_last(value, digits):
    rounded = sig(value, digits)
    assert type(rounded) is type(value)
    assert abs(rounded - value) <= abs(value) * 10.0 ** (1 - digits) * 0.51


def test_zero_and_negative_numbers_have_significant_figures_too():
    assert sig(0, 3) == 0
    assert sig(-12345, 2) == -12000
    with pytest.raises(TypeError):
        sig("12", 2)


def test_dates_and_texts_of_dates_are_written_in_any_form():
    assert to_date(datetime.date(2020, 3, 1), "%j") == "061"
    assert to_date("2020-03-01", "%Y%m%d") == "20200301"
    with pytest.raises(ValueError, match="isoformat"):
        to_date("soon")


PLAIN = st.recursive(
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab c", min_size=1), inner),
    max_leaves=6,
)


@given(PLAIN)
def test_what_is_written_as_json_yaml_or_toml_is_read_back_the_same(value):
    assert json.loads(to_json(value)) == value
    assert yaml.safe_load(to_yaml(value)) == value
    assert "\n" not in to_yaml(value)
    assert tomllib.loads(f"x = {to_toml(value)}") == {"x": value}


@given(st.text(st.characters(exclude_characters="\0")))
def test_what_is_quoted_is_one_word_of_a_shell(value):
    assert shlex.split(FILTERS["quote"](value)) == [value]
