"""Tables of models are read with care, stacked whatever their types, and written whole or not."""

import json
import subprocess
import sys
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.combine_states import combine_states
from scripts.fanfold import tables
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.tables import (
    JobTable,
    TableError,
    coordinate_types,
    read_table,
    scan_stacked,
    stack_tables,
    tasks_in,
)
from tests.conftest import ROOT

COORDINATES = {"state": pl.String, "seed": pl.Int64, "run": pl.String}


# Reading


def read(folder, text, name="out.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(folder / name)


@pytest.mark.parametrize(
    ("cells", "values", "kind"),
    [
        (["1", "2"], [1, 2], pl.Int64),
        (["1", "2.5"], [1.0, 2.5], pl.Float64),
        (["1", ""], [1, None], pl.Int64),
        (["1", "NA"], [1.0, None], pl.Float64),
        (["NA", "1.5", ""], [None, 1.5, None], pl.Float64),
        (["NA", "NA"], [None, None], pl.Null),
        (["", ""], [None, None], pl.Null),
        (["NA", "x"], ["NA", "x"], pl.String),
        (["1", "x"], ["1", "x"], pl.String),
        (["2020-03-01"], [date(2020, 3, 1)], pl.Date),
        (["2020-03-01T12:00:00"], [datetime(2020, 3, 1, 12)], pl.Datetime),
        (["true", "false"], [True, False], pl.Boolean),
        (["1e-3", "inf"], [0.001, float("inf")], pl.Float64),
    ],
)
def test_all_cells_decide_about_a_columns_type(tmp_path, cells, values, kind):
    column = read(tmp_path, "n,x\n" + "".join(f"0,{cell}\n" for cell in cells))["x"]
    assert column.to_list() == values
    assert column.dtype == kind


def test_the_last_of_many_rows_counts_too(tmp_path):
    column = read(tmp_path, "x\n" + "1\n" * 20_000 + "1.5\n")["x"]
    assert (column.dtype, column[-1]) == (pl.Float64, 1.5)


def test_tabs_parquet_and_a_byte_order_mark_are_read(tmp_path):
    expected = pl.DataFrame({"a": [1], "b": ["x,y"]})
    assert read(tmp_path, "a\tb\n1\tx,y\n", "out.tsv").equals(expected)
    assert read(tmp_path, '\ufeffa,b\r\n1,"x,y"\r\n').equals(expected)
    expected.write_parquet(tmp_path / "out.parquet")
    assert read_table(tmp_path / "out.parquet").equals(expected)


def test_a_name_with_brackets_is_no_pattern(tmp_path):
    assert read(tmp_path, "a\n1\n", "out[1]*.csv")["a"].to_list() == [1]
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "out[1]*.parquet")
    assert read_table(tmp_path / "out[1]*.parquet")["a"].to_list() == [1]
    with pytest.raises(TableError):
        read_table(tmp_path / "*.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"\n"),
        ("a.csv", b"a,b\n1,2,3\n"),
        ("a.csv", b"a\ncaf\xe9\n"),
        ("a.csv", b'a\n"x\n'),
        ("a.parquet", b"a,b\n"),
        ("a.parquet", b""),
        ("a.tsv", b""),
    ],
)
def test_what_is_no_table_is_named_in_one_line(tmp_path, name, content):
    with pytest.raises(TableError) as caught:
        read(tmp_path, content, name)
    assert str(caught.value).startswith(f"unreadable table {name}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(TableError, match=r"^unreadable table a\.csv: "):
        read_table(tmp_path / "a.csv")


# Stacking the tables of a job


def stack(folder, *frames, coordinates=None, values=()):
    """Add tables of the runs r0, r1, ... to a job's table, write it, and read it back."""
    table = JobTable(folder / "job.parquet", "job", coordinates or COORDINATES)
    for number, frame in enumerate(frames):
        run = {"state": "CA", "seed": number, "run": f"r{number}"}
        table.add(frame, run | dict(list(values[number : number + 1])), f"digest{number}")
    table.write()
    return pl.read_parquet(folder / "job.parquet")


def frame(*cells, name="x", dtype=None):
    return pl.DataFrame({name: pl.Series(list(cells), dtype=dtype)})


def test_coordinates_come_first_in_each_row(tmp_path):
    found = stack(tmp_path, frame(1, 2), frame(3))
    assert found.columns == ["state", "seed", "run", "x"]
    assert found.rows() == [("CA", 0, "r0", 1), ("CA", 0, "r0", 2), ("CA", 1, "r1", 3)]


@pytest.mark.parametrize(
    ("one", "other", "values", "kind"),
    [
        ([1], [1.5], [1.0, 1.5], pl.Float64),
        ([1], [None], [1, None], pl.Int64),
        ([None], ["a"], [None, "a"], pl.String),
        ([1], ["a"], ["1", "a"], pl.String),
        ([date(2020, 3, 1)], [None], [date(2020, 3, 1), None], pl.Date),
        ([date(2020, 3, 1)], [0], ["2020-03-01", "0"], pl.String),
        ([date(2020, 3, 1)], ["never"], ["2020-03-01", "never"], pl.String),
        ([0.5], [date(2020, 3, 1)], ["0.5", "2020-03-01"], pl.String),
        ([True], [2], ["true", "2"], pl.String),
        ([True], [date(2020, 3, 1)], ["true", "2020-03-01"], pl.String),
        (
            [date(2020, 3, 1)],
            [datetime(2020, 3, 1, 12)],
            [datetime(2020, 3, 1), datetime(2020, 3, 1, 12)],
            pl.Datetime,
        ),
        ([2**40], [1], [2**40, 1], pl.Int64),
    ],
)
@pytest.mark.parametrize("buffer", [10**9, 0])
def test_a_column_may_have_another_type_in_each_task(
    tmp_path, monkeypatch, one, other, values, kind, buffer
):
    monkeypatch.setattr(tables, "BUFFER_BYTES", buffer)
    for first, second, expected in (one, other, values), (other, one, values[::-1]):
        found = stack(tmp_path, frame(*first), frame(*second))["x"]
        assert (found.to_list(), found.dtype) == (expected, kind)


def test_columns_may_differ_and_what_is_missing_is_null(tmp_path):
    found = stack(tmp_path, frame(1, name="a"), frame(2, name="b"))
    assert found.select("a", "b").rows() == [(1, None), (None, 2)]


def test_a_table_with_only_a_header_has_no_rows_and_no_say(tmp_path):
    found = stack(tmp_path, frame(1), read(tmp_path, "x,y\n"), frame(2))
    assert found["x"].to_list() == [1, 2]
    assert found["x"].dtype == pl.Int64
    assert found["y"].dtype == pl.Null
    assert found["run"].to_list() == ["r0", "r2"]
    assert tasks_in(tmp_path / "job.parquet")[1].keys() == {"r0", "r1", "r2"}


def test_a_table_without_rows_has_no_say_whatever_its_types(tmp_path):
    assert stack(tmp_path, frame(dtype=pl.String), frame(1))["x"].dtype == pl.Int64


def test_a_column_called_like_a_coordinate_is_kept_under_another_name(tmp_path):
    model = pl.DataFrame({"run": [5], "x": [1], "model_state": ["kept"], "state": ["mine"]})
    found = stack(tmp_path, model)
    assert found.row(0, named=True) == {
        "state": "CA",
        "seed": 0,
        "run": "r0",
        "model_run": 5,
        "x": 1,
        "model_state": "kept",
        "model_model_state": "mine",
    }


def test_without_tasks_there_are_columns_but_no_rows(tmp_path):
    found = stack(tmp_path)
    assert (found.columns, found.height) == (["state", "seed", "run"], 0)
    assert tasks_in(tmp_path / "job.parquet") == ("job", {})


def test_the_file_says_which_tasks_it_holds(tmp_path):
    stack(tmp_path, frame(1), frame(2))
    assert tasks_in(tmp_path / "job.parquet") == ("job", {"r0": "digest0", "r1": "digest1"})


CELLS = st.none() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = st.sampled_from([st.integers(0, 99), st.floats(0, 1), st.text(max_size=3), st.none()])


@st.composite
def model_tables(draw):
    height = draw(st.integers(0, 4))
    names = draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1))
    return pl.DataFrame(
        {
            name: draw(st.lists(draw(COLUMNS), min_size=height, max_size=height))
            for name in sorted(names)
        },
        strict=False,
    )


@given(st.lists(model_tables(), min_size=1, max_size=5))
def test_a_small_memory_gives_the_same_table(tmp_path_factory, frames):
    folder = tmp_path_factory.getbasetemp()
    whole = stack(folder, *frames)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BUFFER_BYTES", 10)
        in_parts = stack(folder, *frames)
    assert in_parts.columns == whole.columns
    assert [str(v) for v in in_parts.rows()] == [str(v) for v in whole.rows()] or (
        # Whole numbers that became 1.0 in a part, before a text turned up in another.
        _as_numbers(in_parts) == _as_numbers(whole)
    )
    assert not list(folder.glob(".*parts*"))


def _as_numbers(table):
    def number(cell):
        try:
            return float(cell)
        except (TypeError, ValueError):
            return cell

    return [[number(cell) for cell in row] for row in table.rows()]


def test_parts_of_a_job_that_was_killed_are_not_mistaken_for_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BUFFER_BYTES", 0)
    old = tmp_path / ".job.parquet.parts"
    old.mkdir()
    frame("old").write_parquet(old / "000007.parquet")
    assert stack(tmp_path, frame(1), frame(2))["x"].to_list() == [1, 2]
    assert not old.exists()


def test_tables_that_cannot_be_stacked_are_one_line(tmp_path):
    with pytest.raises(
        FanfoldError, match=r"job\.parquet: the tasks' tables do not fit: "
    ) as caught:
        stack(tmp_path, frame([1]), frame(1))
    assert "\n" not in str(caught.value)


# Coordinates


@pytest.mark.parametrize(
    ("values", "kind", "stored"),
    [
        ([1, 2], pl.Int64, [1, 2]),
        ([1, 2.5], pl.Float64, [1.0, 2.5]),
        (["a", "b"], pl.String, ["a", "b"]),
        (["a", 1, 1.5, True], pl.String, ["a", "1", "1.5", "true"]),
        ([True, False], pl.Boolean, [True, False]),
        ([True, 1], pl.String, ["true", "1"]),
        ([date(2020, 3, 1)], pl.Date, [date(2020, 3, 1)]),
        ([date(2020, 3, 1), "x"], pl.String, ["2020-03-01", "x"]),
        ([date(2020, 3, 1), 1], pl.String, ["2020-03-01", "1"]),
        ([[1, 2], [3]], pl.String, ["[1, 2]", "[3]"]),
        ([{"a": 1}, "x"], pl.String, ['{"a": 1}', "x"]),
        ([None, 1], pl.Int64, [None, 1]),
        ([None], pl.Null, [None]),
        ([10**400, 1], pl.String, [str(10**400), "1"]),
    ],
)
def test_a_coordinate_has_the_type_of_all_its_values(tmp_path, values, kind, stored):
    types = coordinate_types(["state", "x", "run"], {"x": values})
    assert types["x"] == kind
    given_values = [("x", value) for value in values]
    found = stack(
        tmp_path, *[frame(0, name="y")] * len(values), coordinates=types, values=given_values
    )
    assert found["x"].to_list() == stored


def test_a_coordinate_that_a_task_does_not_have_is_null(tmp_path):
    types = coordinate_types(["state", "x", "run"], {"x": [1]})
    assert stack(tmp_path, frame(0, name="y"), coordinates=types)["x"].to_list() == [None]


# Writing


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path):
    stack(tmp_path, frame("old"))
    code = f"""
import resource, sys
from pathlib import Path
import polars as pl
from scripts.fanfold import tables
from scripts.fanfold.errors import FanfoldError
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # a disk that is full from there on
tables.BUFFER_BYTES = int(sys.argv[1])
table = tables.JobTable(Path({str(tmp_path / "job.parquet")!r}), "job", {{"run": pl.String}})
try:
    for number in range(3):
        noise = pl.DataFrame({{"x": [str(hash((number, i))) for i in range(20_000)]}})
        table.add(noise, {{"run": str(number)}}, "digest")
    table.write()
except (FanfoldError, OSError) as error:
    print(type(error).__name__, error)
"""
    for buffer in ("1000000000", "1"):
        said = subprocess.check_output([sys.executable, "-c", code, buffer], cwd=ROOT, text=True)
        assert "File too large" in said
        assert len(said.splitlines()) == 1
        assert pl.read_parquet(tmp_path / "job.parquet")["x"].to_list() == ["old"]
        assert not list(tmp_path.glob(".*.tmp"))


def test_combined_tables_are_written_as_csv_too_while_they_are_small(tmp_path, monkeypatch):
    frame(1, 2).write_parquet(tmp_path / "a.parquet")
    frame(3).write_parquet(tmp_path / "b.parquet")
    sources, combined = [tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "c/out.parquet"
    assert combine_states(sources, combined) == 3
    assert (tmp_path / "c/out.csv").read_text() == "x\n1\n2\n3\n"
    monkeypatch.setattr("scripts.combine_states.CSV_ROWS", 2)
    assert combine_states(sources, combined) == 3
    assert not (tmp_path / "c/out.csv").exists(), "else an old one would stand beside new rows"


def test_tables_of_different_types_are_stacked(tmp_path):
    frame(date(2020, 3, 1)).write_parquet(tmp_path / "a.parquet")
    frame(5).write_parquet(tmp_path / "b.parquet")
    frame(name="y", dtype=pl.Int64).write_parquet(tmp_path / "c.parquet")
    assert stack_tables([tmp_path / f"{name}.parquet" for name in "abc"], tmp_path / "all") == 2
    assert pl.read_parquet(tmp_path / "all").rows() == [("2020-03-01", None), ("5", None)]


def test_only_the_runs_asked_for_are_stacked(tmp_path):
    stack(tmp_path, frame(1), frame(2), frame(3))
    table = tmp_path / "job.parquet"
    assert scan_stacked([(table, ["r0", "r2"])]).collect()["x"].to_list() == [1, 3]
    assert scan_stacked([(table, []), (table, None)]).collect()["x"].to_list() == [1, 2, 3]


def test_metadata_is_json(tmp_path):
    stack(tmp_path, frame(1))
    metadata = pl.read_parquet_metadata(tmp_path / "job.parquet")
    assert json.loads(metadata[tables.TASKS]) == {"r0": "digest0"}
