"""A table of runs is read as it was written, or each mistake in it is named with its place."""

import csv
import io
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.run_tables import MOST_PROBLEMS, read_run_table
from tests.conftest import design_in


def read(folder, content, name="t.csv"):
    path = folder / name
    if isinstance(content, pl.DataFrame):
        content.write_parquet(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_run_table("runs.table", path)


def rows_of(axis):
    return [dict(axis.choice(position)) for position in range(len(axis))]


def column_of(folder, *cells):
    """Return the values of one column of a CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([("x", "number"), *((c, f"n{i}") for i, c in enumerate(cells))])
    return [row["x"] for row in rows_of(read(folder, text.getvalue()))]


def problems_of(folder, content, name="t.csv"):
    with pytest.raises(ConfigError) as caught:
        read(folder, content, name)
    prefix = f"runs.table: {folder / name}"
    assert all(line.startswith(prefix) for line in caught.value.problems)
    return [line.removeprefix(prefix).removeprefix(", ") for line in caught.value.problems]


# Types


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2", "+3", "0"], [1, -2, 3, 0]),
        (["1", "2.5"], [1.0, 2.5]),
        ([".5", "5.", "1e3", "-1.5E-3", "+.5"], [0.5, 5.0, 1000.0, -0.0015, 0.5]),
        (["12345678901234567890", "-5"], [12345678901234567890, -5]),
        (["9" * 60, "1"], ["9" * 60, "1"]),
        (["true", "False", "TRUE"], [True, False, True]),
        (["true", "1"], ["true", "1"]),
        (["2020-02-29", "2021-01-31"], [date(2020, 2, 29), date(2021, 1, 31)]),
        (["2020-02-29", "later"], ["2020-02-29", "later"]),
        (["2020-02-29T06:00"], ["2020-02-29T06:00"]),
        (["06", "36"], ["06", "36"]),
        (["1", "2", "06", "a"], ["1", "2", "06", "a"]),
        (["1", "a", "b"], ["1", "a", "b"]),
        (["nan", "Nancy"], ["nan", "Nancy"]),
        (["1_000", "1,000"], ["1_000", "1,000"]),
        (["0x10", "٣"], ["0x10", "٣"]),
        ([" a b ", "\tc"], ["a b", "c"]),
        (['a "b"', "c\nd", "é, ü"], ['a "b"', "c\nd", "é, ü"]),
        (["None", "null", "NA", "-", "{}"], ["None", "null", "NA", "-", "{}"]),
    ],
    ids=str,
)
def test_a_column_has_the_type_of_all_its_cells(tmp_path, cells, values):
    found = column_of(tmp_path, *cells)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_a_parquet_file_has_types_already(tmp_path):
    moment = datetime(2020, 1, 1, 6, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "code": ["1", "06"],
            "text": ["1", "2"],
            "sure": [True, False],
            "day": [date(2020, 1, 1), date(2021, 1, 1)],
            "moment": [moment, moment],
            "share": [0.1, 0.2],
            "small": pl.Series([1, 2], dtype=pl.UInt8),
            "exact": pl.Series(["1.5", "2"]).cast(pl.Decimal(10, 2)),
            "kind": pl.Series(["a", "b"], dtype=pl.Categorical),
            "level": pl.Series(["lo", "hi"], dtype=pl.Enum(["lo", "hi"])),
        }
    )
    first = rows_of(read(tmp_path, frame, "t.parquet"))[0]
    assert first == {
        "code": "1",
        "text": "1",
        "sure": True,
        "day": date(2020, 1, 1),
        "moment": moment,
        "share": 0.1,
        "small": 1,
        "exact": 1.5,
        "kind": "a",
        "level": "lo",
    }
    plain = (str, bool, int, float, date, datetime)
    assert all(type(value) in plain for value in first.values())


# Special columns


def test_rows_are_called_by_their_name_or_number(tmp_path):
    named = read(tmp_path, "name,x\n1,5\nb.c-d,6\n")
    assert [named.label(place) for place in range(2)] == ["1", "b.c-d"]
    assert rows_of(named) == [{"x": 5}, {"x": 6}]
    unnamed = read(tmp_path, "x\n5\n6\n")
    assert [unnamed.label(place) for place in range(2)] == ["r1", "r2"]


def test_a_state_is_no_variable_and_a_seed_is_one(tmp_path):
    axis = read(tmp_path, "state,seed,x\nCA,1,5\nNY,2,6\nCA,0,7\n")
    assert axis.names == ("seed", "x")
    assert axis.rows_of_states() == {"CA": [0, 2], "NY": [1]}
    assert read(tmp_path, "x\n1\n").rows_of_states() is None


def test_states_and_names_of_digits_stay_as_they_are_written(tmp_path):
    axis = read(tmp_path, "state,name,x\n06,1.50,1\n36,2,1\n")
    assert list(axis.rows_of_states()) == ["06", "36"]
    assert axis.label(0) == "1.50"


def test_one_name_may_stand_once_in_each_state(tmp_path):
    assert len(read(tmp_path, "state,name,x\nCA,a,1\nNY,a,2\n")) == 2
    assert problems_of(tmp_path, "state,name,x\nCA,a,1\nNY,a,2\nCA,a,3\n") == [
        "row 3: the name `a` stands in row 1 already"
    ]


# Mistakes


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["it has no rows"]),
        ("x,y\n", ["it has no rows"]),
        ("x\n\n\n", ["it has no rows"]),
        ("x,y\n1,\n,2\n", ["row 2, column x: is empty; write a value",
                           "row 1, column y: is empty; write a value"]),
        ("x,y\n1,  \n", ["row 1, column y: is empty; write a value"]),
        ("x\n1\nnan\n-Inf\n", ["row 2, column x: `nan` is not a finite number",
                              "row 3, column x: `-Inf` is not a finite number"]),
        ("x\n1\n1e999\n", ["row 2, column x: `1e999` is not a finite number"]),
        ("x\n.inf\n", ["row 1, column x: `.inf` is not a finite number"]),
        ("x\n1\n2\nlots\n", ["row 3, column x: `lots` is not a number, as most of the column are"]),
        ("x\n1\n2\n{}\n", ["row 3, column x: `{}` is not a number, as most of the column are"]),
        ("x\n2020-02-30\n", ["row 1, column x: `2020-02-30` is not a date"]),
        ("x\n0000-01-01\n2020-01-01\n", ["row 1, column x: `0000-01-01` is not a date"]),
        ("x,x\n1,2\n", [": the column `x` stands twice"]),
        ("x,y\n1\n1,2,3\n\n4,5\n6\n", ["line 2: not 2 cells", "line 3: not 2 cells",
                                        "line 6: not 2 cells"]),
        ("x y\n1\n", ["column x y: `x y` is not a legal variable: letters, digits and `_`, "
                      "not starting with a digit"]),
        ("x,\n1,2\n", ["column : `` is not a legal variable: letters, digits and `_`, "
                       "not starting with a digit"]),
        ("scenario,run\n1,2\n", ["column scenario: `scenario` is set by Fanfold; choose another "
                                 "name", "column run: `run` is set by Fanfold; choose another "
                                 "name"]),
        ("seed\n1\n-1\n1.5\na\n", [
            f"row {row}, column seed: `{cell}` is not a seed: a whole number, not negative"
            for row, cell in ((2, "-1"), (3, "1.5"), (4, "a"))]),
        ("seed\n1\n9223372036854775808\n", ["row 2, column seed: `9223372036854775808` is not a "
                                            "seed: a whole number, not negative"]),
        ("seed\ntrue\n", ["row 1, column seed: `true` is not a seed: a whole number, not "
                          "negative"]),
        ("name,x\na b,1\n../c,2\n", [
            f"row {row}, column name: `{cell}` is not a legal name: letters, digits, `.`, `_`, `-`"
            for row, cell in ((1, "a b"), (2, "../c"))]),
        ("state,x\nC A,1\n", ["row 1, column state: `C A` is not a legal name: letters, digits, "
                              "`.`, `_`, `-`"]),
        ("name,x\na,1\nb,1\na,2\n", ["row 3: the name `a` stands in row 1 already"]),
        ("x,y\n1,2\n2,1\n1,2\n1,2\n", ["row 3: all it says stands in row 1 already",
                                       "row 4: all it says stands in row 1 already"]),
        ("state,x\nCA,1\nNY,1\nCA,1\n", ["row 3: all it says stands in row 1 already"]),
    ],
    ids=repr,
)  # fmt: skip
def test_each_mistake_is_named_with_its_row_and_column(tmp_path, text, problems):
    assert problems_of(tmp_path, text) == problems


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ([[1], [2]], "column x: holds List(Int64); use numbers, texts, booleans or dates"),
        ([{"a": 1}], "column x: holds Struct({'a': Int64}); use numbers, texts, booleans or dates"),
        ([b"a"], "column x: holds Binary; use numbers, texts, booleans or dates"),
        ([1.0, None], "row 2, column x: is empty; write a value"),
        ([None, None], "row 1, column x: is empty; write a value"),
        (["", "a"], "row 1, column x: is empty; write a value"),
        ([1.0, float("inf")], "row 2, column x: `inf` is not a finite number"),
        (pl.Series([0, 10**7]).cast(pl.Date), None),
    ],
    ids=str,
)
def test_a_parquet_file_has_the_same_mistakes(tmp_path, column, problem):
    frame = pl.DataFrame({"x": column})
    found = problems_of(tmp_path, frame, "t.parquet")[0]
    assert found == (problem or "row 2, column x: `+29349-01-26` is not in the years 1 to 9999")


def test_seeds_of_a_parquet_file_are_whole_numbers(tmp_path):
    for seeds in ([1.0, 2.5], pl.Series([1, 2**63], dtype=pl.UInt64)):
        frame = pl.DataFrame({"seed": seeds})
        assert "is not a seed" in problems_of(tmp_path, frame, "t.parquet")[-1]
    assert rows_of(read(tmp_path, pl.DataFrame({"seed": [5]}), "t.parquet")) == [{"seed": 5}]


def test_of_many_mistakes_the_first_are_shown(tmp_path):
    for text, first in (("x,y\n" + ",1\n" * 1000, "row 1, "), ("x,y\n" + "1\n" * 1000, "line 2: ")):
        *shown, last = problems_of(tmp_path, text)
        assert len(shown) == MOST_PROBLEMS
        assert shown[0].startswith(first)
        assert last == f"and {1000 - MOST_PROBLEMS} more of this kind"


@pytest.mark.parametrize(
    "content", [b"x\n\xe9\n", b'x\n"1\n', b'x\n"1"2\n', "x\nä\n".encode("utf-16")], ids=repr
)
def test_what_is_no_csv_is_one_line(tmp_path, content):
    (line,) = problems_of(tmp_path, content)
    assert line.startswith(" is not a CSV file in UTF-8: ")


def test_what_cannot_be_read_is_one_line(tmp_path):
    for name in ("no.csv", "no.parquet"):
        with pytest.raises(ConfigError, match=rf"^runs.table: .*{name} cannot be read: .*"):
            read_run_table("runs.table", tmp_path / name)
    (line,) = problems_of(tmp_path, b"no parquet", "t.parquet")
    assert line.startswith(" cannot be read: ")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_run_table("runs.table", tmp_path / "folder.csv")


def test_a_column_that_another_key_sets_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("x,seed\n1,1\n")
    with pytest.raises(ConfigError) as caught:
        design_in(tmp_path, runs={"table": "t.csv", "grid": {"x": [1]}, "seeds": 2})
    assert caught.value.problems == [
        "runs.table: the column `x` is in `runs.grid`, too",
        "runs.table: the column `seed` is in `runs.seeds`, too",
    ]


# Forms of CSV


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,a\n2,b\n",
        "x,y\n1,a\n2,b",
        "\ufeffx,y\r\n1,a\r\n2,b\r\n",
        "x,y\r1,a\r2,b\r",
        '"x","y"\n"1","a"\n"2","b"\n',
        " x , y\n 1 ,a\n2, b \n",
        "\n\nx,y\n\n1,a\n\n\n2,b\n\n",
    ],
    ids=repr,
)
def test_a_csv_may_be_written_in_many_ways(tmp_path, text):
    assert rows_of(read(tmp_path, text)) == [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]


# What belongs to a job


def test_what_identifies_rows_changes_when_a_cell_does(tmp_path):
    before = read(tmp_path, "x,y\n1,a\n2,b\n3,c\n")
    after = read(tmp_path, "x,y\n1,a\n2,b\n4,c\n")
    more = read(tmp_path, "x,y\n1,a\n2,b\n3,c\n4,d\n")
    assert before.identity(0, 1) == after.identity(0, 1) == more.identity(0, 1)
    assert before.identity(2, 2) != after.identity(2, 2)


def test_what_identifies_rows_changes_with_the_type_of_a_column(tmp_path):
    one, other = (read(tmp_path, f"x,y\n1,a\n2,b\n{last},c\n") for last in ("3", "03"))
    assert (one.choice(0)["x"], other.choice(0)["x"]) == (1, "1")
    assert one.identity(0, 0) != other.identity(0, 0)


# Any content

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
CELLS = TEXTS | st.sampled_from(["1", "0", "-0", "1.5", "nan", "true", "2020-01-01", "", " ", "a"])


def csv_of(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


@given(
    st.binary(max_size=60)
    | TEXTS
    | st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=6).map(csv_of)
    | st.lists(CELLS, max_size=6).map(lambda cells: csv_of([["x"], *([cell] for cell in cells)])),
)
def test_any_csv_is_a_table_or_mistakes(tmp_path_factory, content):
    try:
        axis = read(tmp_path_factory.getbasetemp(), content)
    except ConfigError as error:
        assert 0 < len(error.problems) <= MOST_PROBLEMS + 1
        return
    assert len(rows_of(axis)) == len(axis) > 0


def parquet_bytes():
    file = io.BytesIO()
    pl.DataFrame({"x": [1, 2], "y": ["a", "b"]}).write_parquet(file)
    return file.getvalue()


PARQUET = parquet_bytes()


@given(st.integers(0, len(PARQUET)) | st.binary(max_size=20))
def test_what_is_left_of_a_parquet_file_is_a_mistake(tmp_path_factory, part):
    content = PARQUET[:part] if isinstance(part, int) else b"PAR1" + part + b"PAR1"
    if content == PARQUET:
        return
    with pytest.raises(ConfigError, match="cannot be read: "):
        read(tmp_path_factory.getbasetemp(), content, "t.parquet")


COLUMNS = st.sampled_from(["integers", "floats", "booleans", "dates", "texts"])


@st.composite
def tables(draw):
    height = draw(st.integers(1, 6))
    kinds = {
        "integers": st.integers(-(2**70), 2**70),
        "floats": st.floats(allow_nan=False, allow_infinity=False),
        "booleans": st.booleans(),
        "dates": st.dates(),
        # With a letter first no text looks like a number, a boolean or a date.
        "texts": TEXTS.map(lambda text: f"t {text} .".replace("\n", " ")),
    }
    names = draw(st.lists(COLUMNS, min_size=1, unique=True))
    return {
        "number": list(range(height)),
        **{name: draw(st.lists(kinds[name], min_size=height, max_size=height)) for name in names},
    }


@given(tables())
def test_values_are_read_back_as_they_were_written(tmp_path_factory, columns):
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    written = csv_of([columns, *(row.values() for row in rows)])
    found = rows_of(read(tmp_path_factory.getbasetemp(), written))
    assert found == rows
    assert [list(map(type, row.values())) for row in found] == [
        list(map(type, row.values())) for row in rows
    ]


def test_a_text_among_dates_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("day\n2020-01-01\n15.02.2020\n2020-03-01\n")
    with pytest.raises(ConfigError, match=r"row 2, column day: `15.02.2020` is not a date such as"):
        read_run_table("runs.table", tmp_path / "t.csv")
