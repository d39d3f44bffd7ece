"""Tables: what models write, read with care; what jobs and states make of them, streaming."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from scripts.fanfold.atomic import remove_folder, replacing
from scripts.fanfold.errors import FanfoldError

#: Parquet metadata of a job's table: {run: digest of the task}, also of tasks with no rows.
TASKS = "fanfold.tasks"
#: Parquet metadata of a job's table: the job.
JOB = "fanfold.job"
#: A job keeps at most about this much of its tables in memory.
BUFFER_BYTES = 64_000_000
#: Rows that are written at once: what stacking holds in memory, however much there is.
ROW_GROUP = 30_000
#: A combined table is written as CSV too below this number of rows.
CSV_ROWS = 200_000


class TableError(FanfoldError):
    """A table that a model wrote and nobody can read."""


def read_table(path: Path) -> pl.DataFrame:
    """Read a table that a model wrote: CSV or TSV with a header, or Parquet.

    All rows decide about a column's type. `NA` is a missing number in a column of numbers (R writes
    it). A column without a value has the type Null, which fits any other.
    """
    try:
        if path.suffix == ".parquet":
            table = pl.read_parquet(path, use_statistics=False, glob=False)
        else:
            # The content, not the path: twice as fast for small files, and `*` in a name is itself.
            table = pl.read_csv(
                path.read_bytes(),
                separator="\t" if path.suffix == ".tsv" else ",",
                infer_schema_length=None,
                try_parse_dates=True,
            )
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise TableError(f"unreadable table {path.name}: {_first_line(error)}") from None
    return pl.DataFrame([_sensible(column) for column in table.get_columns()])


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _sensible(column: pl.Series) -> pl.Series:
    if column.null_count() == len(column):
        return pl.Series(column.name, [None] * len(column), dtype=pl.Null)
    if column.dtype == pl.String and (column == "NA").any():
        numbers = column.replace("NA", None).cast(pl.Float64, strict=False)
        missing = column.is_null().sum() + (column == "NA").sum()
        if numbers.null_count() == missing:
            return _sensible(numbers)
    return column


class JobTable:
    """Collects one output's tables of a job's tasks, and writes them as one Parquet file.

    The coordinates of a task come first in each of its rows. A column of the model with the name
    of a coordinate is kept as `model_<name>`.
    """

    def __init__(self, path: Path, job: str, coordinates: Mapping[str, Any]) -> None:
        """Collect for `path`; `coordinates` is column -> polars type."""
        self._path = path
        self._job = job
        self._coordinates = dict(coordinates)
        self._parts_folder = path.with_name(f".{path.name}.parts")
        self._tables: list[pl.DataFrame] = []
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        self._parts: list[Path] = []
        self._tasks: dict[str, str] = {}

    def add(self, table: pl.DataFrame, coordinates: Mapping[str, Any], digest: str) -> None:
        """Add a task's table; `digest` is the task's."""
        self._tasks[coordinates["run"]] = digest
        if table.height == 0:
            table = table.with_columns(pl.all().cast(pl.Null))
        self._tables.append(table)
        self._rows.append(
            {name: _cell(coordinates.get(name), kind) for name, kind in self._coordinates.items()}
        )
        self._bytes += table.estimated_size()
        if self._bytes > BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._parts:
            remove_folder(self._parts_folder)  # of a job that was killed
            self._parts_folder.mkdir(parents=True)
        part = self._parts_folder / f"{len(self._parts):06d}.parquet"
        sink(self._stacked().lazy(), part)
        self._parts.append(part)

    def _stacked(self) -> pl.DataFrame:
        """Return the tables collected since the last flush as one, coordinates first."""
        rows = pl.DataFrame(self._rows, schema=self._coordinates, strict=False)
        heights = pl.Series([table.height for table in self._tables], dtype=pl.UInt32)
        repeated = pl.int_range(len(heights), dtype=pl.UInt32).repeat_by(heights).explode()
        leading = rows[pl.select(repeated).to_series().drop_nulls()]
        data = self._concatenated() if self._tables else pl.DataFrame()
        clash = _renamed(data.columns, self._coordinates)
        self._tables, self._rows, self._bytes = [], [], 0
        return pl.concat([leading, data.rename(clash)], how="horizontal")

    def _concatenated(self) -> pl.DataFrame:
        try:
            tables = _aligned(self._tables, [table.schema for table in self._tables])
            return pl.concat(tables, how="diagonal_relaxed")
        except pl.exceptions.PolarsError as error:
            raise FanfoldError(
                f"{self._path}: the tasks' tables do not fit: {_first_line(error)}"
            ) from None

    def write(self) -> None:
        """Write the file, atomically; raise FanfoldError if that fails (a full disk)."""
        metadata = {JOB: self._job, TASKS: json.dumps(self._tasks)}
        try:
            if self._parts:
                self._flush()
                sink(scan_stacked([(part, None) for part in self._parts]), self._path, metadata)
            else:
                sink(self._stacked().lazy(), self._path, metadata)
        finally:
            if self._parts:
                remove_folder(self._parts_folder)


def _renamed(columns: Sequence[str], coordinates: Mapping[str, Any]) -> dict[str, str]:
    """Return new names, `model_<name>`, for the columns that are called like a coordinate."""
    taken = {*columns, *coordinates}
    renamed = {}
    for name in columns:
        if name in coordinates:
            new = f"model_{name}"
            while new in taken:
                new = f"model_{new}"
            renamed[name] = new
            taken.add(new)
    return renamed


def _cell(value: Any, kind: Any = None) -> Any:
    """Return what stands in a table for a coordinate, in a column of the given type."""
    if isinstance(value, list | dict) or (kind == pl.String and isinstance(value, int | float)):
        return json.dumps(value, default=str)
    return str(value) if kind == pl.String and isinstance(value, date) else value


def coordinate_types(names: Sequence[str], values: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return column -> polars type; `values` holds the values of each of the runs' variables."""
    fixed = {"state": pl.String, "scenario": pl.String, "seed": pl.Int64, "run": pl.String}
    return {name: fixed.get(name) or _type_of(values[name]) for name in names}


def _type_of(values: Sequence[Any]) -> Any:
    cells = [_cell(value) for value in values]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {int, float}:
        return pl.Float64
    try:
        return pl.Series(cells, strict=True).dtype if len(kinds) < 2 else pl.String
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return pl.String


def tasks_in(table: Path) -> tuple[str, dict[str, str]]:
    """Return the job that wrote a table, and run -> digest of the tasks that it holds."""
    metadata = pl.read_parquet_metadata(table)
    return metadata[JOB], dict(json.loads(metadata[TASKS]))


def _aligned(frames: list[Any], schemas: Sequence[pl.Schema]) -> list[Any]:
    """Make text of a column that has numbers in one frame and dates or texts in another.

    Polars would take the dates for days since 1970.
    """
    kinds = defaultdict(set)
    for schema in schemas:
        for name, kind in schema.items():
            kinds[name].add(kind)
    mixed = {name for name, found in kinds.items() if not _go_together(found - {pl.Null})}
    if not mixed:
        return frames
    return [
        frame.with_columns(pl.col(name).cast(pl.String) for name in mixed & schema.keys())
        for frame, schema in zip(frames, schemas, strict=True)
    ]


def _go_together(kinds: set[Any]) -> bool:
    return (
        len(kinds) < 2
        or all(kind.is_numeric() for kind in kinds)
        or all(kind.base_type() in (pl.Date, pl.Datetime) for kind in kinds)
    )


def scan_stacked(tables: Sequence[tuple[Path, list[str] | None]]) -> pl.LazyFrame:
    """Stack Parquet files lazily, only the given runs of each (None: all); columns may differ."""
    schemas = [pl.read_parquet_schema(table) for table, _ in tables]
    if all(runs is None for _, runs in tables) and all(s == schemas[0] for s in schemas):
        return pl.scan_parquet([table for table, _ in tables])
    frames = [
        pl.scan_parquet(table)
        if runs is None
        else pl.scan_parquet(table).filter(pl.col("run").is_in(runs))
        for table, runs in tables
    ]
    return pl.concat(_aligned(frames, schemas), how="diagonal_relaxed")


def sink(table: pl.LazyFrame, path: Path, metadata: dict[str, str] | None = None) -> int:
    """Write a lazy table as Parquet, streaming and atomically; return the number of rows.

    Raises
    ------
    FanfoldError
        If that fails, for instance because the disk is full; what stood there is untouched.
    """
    try:
        with replacing(path) as temporary:
            table.sink_parquet(temporary, metadata=metadata, row_group_size=ROW_GROUP)
            return int(pl.scan_parquet(temporary).select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FanfoldError(f"{path}: cannot be written: {_first_line(error)}") from None


def stack_tables(tables: Sequence[Path], combined: Path) -> int:
    """Stack Parquet files into `combined` without loading them; return the number of rows."""
    return sink(scan_stacked([(table, None) for table in tables]), combined)


def write_csv(table: Path, csv: Path) -> None:
    """Write a Parquet table as CSV, streaming and atomically."""
    with replacing(csv) as temporary:
        pl.scan_parquet(table).sink_csv(temporary)
