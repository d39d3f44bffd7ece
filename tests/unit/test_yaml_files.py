"""YAML says what a scientist means by it, or it is refused in one line with the place."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.yaml_files import parse_scalar, parse_value, read_yaml, to_yaml

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False)
    | st.dates()
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(folder, text):
    path = folder / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def refusal(folder, text):
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    (line,) = caught.value.problems
    assert line.startswith(str(folder / "x.yaml"))
    return line.removeprefix(str(folder / "x.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("-2.", -2.0),
        ("+7", 7),
        ("0x1F", 31),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("2020-03-01", date(2020, 3, 1)),
    ],
)
def test_numbers_booleans_and_dates_are_what_they_look_like(tmp_path, text, value):
    found = read(tmp_path, f"x: {text}")["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["NO", "no", "yes", "On", "off", "y", "06", "007", "-01", "1:30", "0o17", "0b1", "e5", "1_000"],
)
def test_what_old_yaml_takes_for_something_else_is_a_text(tmp_path, text):
    assert read(tmp_path, f"x: {text}")["x"] == text
    assert parse_scalar(text) == text


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path):
    assert refusal(tmp_path, "a: 1\nb: 2\na: 3\n") == (
        ", line 3: not valid YAML: the key `a` stands twice"
    )
    assert "line 3" in refusal(tmp_path, "vars:\n  x: 1\n  x: 2\n")
    assert "stands twice" in refusal(tmp_path, 'a: 1\n"a": 2\n')


def test_anchors_and_merge_keys_work_and_later_keys_win(tmp_path):
    text = "base: &b {x: 1, y: 2}\nhere:\n  <<: *b\n  y: 3\nthere: *b\n"
    content = read(tmp_path, text)
    assert content["here"] == {"x": 1, "y": 3}
    assert content["there"] == {"x": 1, "y": 2}


def test_syntax_errors_name_the_line(tmp_path):
    assert refusal(tmp_path, "a: 1\nb: [1, 2\nc: 3\n").startswith(", line 3: not valid YAML: ")
    assert refusal(tmp_path, "a: 1\n\tb: 2\n").startswith(", line 2: not valid YAML: ")


@pytest.mark.parametrize(
    "text",
    [
        "? [a]\n: 1",
        "? {a: 1}\n: 1",
        "x: 2020-13-45",
        "x: !!bool perhaps",
        "x: !!int ''",
        "x: !!float x",
        "x: !!timestamp soon",
        "!!map [a]: 2",
        "x: !!python/object/apply:os.system [true]",
        "x: !unknown 1",
        "a: &x [*x]",
        "a: &x {b: *x}",
        "<<: 5",
        "x: *nowhere",
        "a\0: 1",
        "%",
        "x: !!binary é",
    ],
)
def test_whatever_is_no_plain_yaml_is_one_line(tmp_path, text):
    assert "not valid YAML: " in refusal(tmp_path, text)


@pytest.mark.parametrize("text", ["- a", "just text", "5"])
def test_the_top_level_must_be_a_mapping(tmp_path, text):
    assert refusal(tmp_path, text) == ": must be a mapping (`key: value` lines)"


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    assert read(tmp_path, "# nothing yet\n") == {}


def test_another_encoding_is_refused_with_the_byte(tmp_path):
    assert refusal(tmp_path, b"a: caf\xe9\n") == ": not UTF-8 text (byte 6); save it as UTF-8"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


@given(PLAIN | st.from_regex(r"[-+.0-9eE_:xo]{1,8}|yes|NO|true|~|null", fullmatch=True))
@example("1e3")
@example("1.5e3")
def test_what_is_written_is_read_back(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "back.yaml"
    path.write_text(to_yaml({"x": value}), encoding="utf-8")
    assert read_yaml(path) == {"x": value}


def test_yaml_is_written_with_keys_in_their_order():
    assert to_yaml({"b": 1, "a": "é"}) == "b: 1\na: é\n"


@given(st.text())
def test_a_value_of_the_command_line_is_never_an_error(text):
    parse_value(text)
    assert not isinstance(parse_scalar(text), list | dict)


def test_a_mapping_of_the_command_line_is_a_text_where_a_scalar_is_expected():
    assert parse_scalar("{a: 1}") == "{a: 1}"
    assert parse_value("{a: NO}") == {"a": "NO"}
    assert parse_value("{a: ") == "{a: "
