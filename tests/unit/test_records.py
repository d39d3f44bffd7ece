"""Records are read back as they were written, or said to be damaged."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import Record, read_records, tail, write_records

TEXTS = st.text(st.characters(codec="utf-8"))
RECORDS = st.builds(
    Record,
    task=TEXTS,
    state=TEXTS,
    scenario=st.none() | TEXTS,
    run=TEXTS,
    seed=st.none() | st.integers(),
    index=st.integers(1),
    job=TEXTS,
    status=st.sampled_from(["done", "failed"]),
    reason=st.none() | TEXTS | st.sampled_from(["a\nb", "a\u2028b", "a\x85b", 'a"b']),
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    attempts=st.integers(1),
    seconds=st.floats(0, 1e9),
    peak_memory_mb=st.floats(0, 1e9),
    started=TEXTS,
    host=TEXTS,
    digest=TEXTS,
    definition=TEXTS,
    commit=st.none() | TEXTS,
    log_tail=st.none() | TEXTS,
)


@given(st.lists(RECORDS, max_size=3))
def test_records_are_read_back_as_they_were_written(tmp_path_factory, records):
    path = tmp_path_factory.getbasetemp() / "records/x.jsonl"
    write_records(path, records)
    assert read_records(path) == records
    assert len(path.read_bytes().split(b"\n")) == len(records) + 1, "one line each"


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"task": "a"}', "\n", "\xff"])
def test_a_damaged_record_is_named(tmp_path, damage):
    (tmp_path / "x.jsonl").write_text(damage, encoding="latin-1")
    with pytest.raises(FanfoldError, match=r"x\.jsonl: damaged; delete it and start again$"):
        read_records(tmp_path / "x.jsonl")


def test_a_record_of_another_version_is_no_record():
    fields = {field.name: None for field in dataclasses.fields(Record)}
    text = Record(**fields).to_json()
    assert Record.from_json(text) == Record(**fields)
    for other in (text.replace('"task"', '"tusk"'), text.replace("{", '{"new": 1, ')):
        with pytest.raises(ValueError, match="not a task's record"):
            Record.from_json(other)


@pytest.mark.parametrize(
    ("log", "end"),
    [
        (b"", None),
        (b"\n \n", None),
        (b"a\n", "a"),
        (b"1\n2\n3\n4\n5\n6\n\n", "2\n3\n4\n5\n6"),
        (b"caf\xe9", "caf\ufffd"),
        (b"a\r\nb", "a\nb"),
    ],
)
def test_the_end_of_a_log_is_its_last_lines(tmp_path, log, end):
    (tmp_path / "log").write_bytes(log)
    assert tail(tmp_path / "log") == end


def test_of_a_long_line_the_end_is_shown(tmp_path):
    (tmp_path / "log").write_text("x" * 100_000 + "end")
    assert tail(tmp_path / "log", most_bytes=10) == "xxxxxxxend"


def test_without_a_log_there_is_no_end(tmp_path):
    assert tail(tmp_path / "log") is None
