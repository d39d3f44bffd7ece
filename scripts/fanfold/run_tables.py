"""Tables of runs or tasks that a user has written: read with care, a row at a time when asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.fanfold.csv_files import read_csv
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.fields import legal_variable
from scripts.fanfold.names import is_name

if TYPE_CHECKING:
    import polars as pl

#: Columns that say what a row is about; all others are variables.
NAME, STATE, SEED = "name", "state", "seed"
#: Mistakes that are shown of one table.
MOST_PROBLEMS = 20
_INTEGER = r"^[-+]?(0|[1-9][0-9]*)$"
_NUMBER = r"^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_NOT_FINITE = r"^(?i:[-+]?\.?(nan|inf|infinity))$"
_CODE = r"^0[0-9]+$"
_BOOLEAN = r"^(?i:true|false)$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


@dataclass(frozen=True, eq=False)
class TableAxis:
    """The rows of a table; a row without a name is called by its number, `r17`."""

    where: str
    """`runs.table` or `tasks.table`."""
    columns: tuple[str, ...]
    """All of them, in the order of the file."""
    frame: "pl.DataFrame"
    last_in_names: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name not in (NAME, STATE))

    def __len__(self) -> int:
        return self.frame.height

    def label(self, position: int) -> str:
        return str(self.frame[NAME][position]) if NAME in self.columns else f"r{position + 1}"

    def choice(self, position: int) -> Mapping[str, Any]:
        row = self.frame.row(position, named=True)
        return {name: row[name] for name in self.names}

    def identity(self, first: int, last: int) -> Any:
        # What a cell says depends on the type of its column: 1 and "1" are two values.
        kinds = [str(kind) for kind in self.frame.dtypes]
        return [self.columns, kinds, self.frame[first : last + 1].write_csv()]

    def examples(self, name: str) -> Sequence[Any]:
        return self.frame[name][:1].to_list()

    def long_label(self) -> str:
        return max(self.written_labels() or [self.label(len(self) - 1)], key=len)

    def written_labels(self) -> Sequence[str]:
        return self.frame[NAME].to_list() if NAME in self.columns else ()

    def rows_of_states(self) -> dict[str, list[int]] | None:
        """Return state -> the positions of its rows; None if the table is not about states."""
        if STATE not in self.columns:
            return None
        rows: dict[str, list[int]] = {}
        for position, state in enumerate(self.frame[STATE]):
            rows.setdefault(state, []).append(position)
        return rows


def read_run_table(where: str, path: Path) -> TableAxis:
    """Read a CSV or Parquet file: each row is a variant, each column a variable.

    In a CSV, a column whose every cell is a number, `true`/`false` or an ISO date has that type, as
    in YAML; any other is text.

    Raises
    ------
    ConfigError
        With one line for each mistake: a cell that is empty, not finite or unlike the rest of its
        column, a row that stands twice, a column that cannot be a variable.
    """
    import polars as pl  # noqa: PLC0415 (slow to import, and seldom needed)

    is_parquet = path.suffix == ".parquet"
    frame = _read_parquet(where, path) if is_parquet else _read_csv(where, path)
    problems = list(_problems_of_columns(frame))
    if not problems:
        typed = [_typed(column, has_types=is_parquet) for column in frame.get_columns()]
        frame = pl.DataFrame([column for column, _ in typed])
        problems = [problem for _, found in typed for problem in found] or list(_twice(frame))
    if problems:
        raise _error(where, path, [f"{where}: {path}, {problem}" for problem in problems])
    return TableAxis(where, tuple(frame.columns), frame)


def _error(where: str, path: Path, problems: Sequence[str]) -> ConfigError:
    more = len(problems) - MOST_PROBLEMS
    cut = [f"{where}: {path}, and {more:,} more of this kind"] if more > 0 else []
    return ConfigError([*problems[:MOST_PROBLEMS], *cut])


def _read_csv(where: str, path: Path) -> "pl.DataFrame":
    import polars as pl  # noqa: PLC0415

    problems: list[str] = []
    columns, rows, _ = read_csv(where, path, problems)
    if problems:
        raise _error(where, path, problems)
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String), orient="row")


def _read_parquet(where: str, path: Path) -> "pl.DataFrame":
    import polars as pl  # noqa: PLC0415

    try:
        frame = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"{where}: {path} cannot be read: {reason}") from None
    return frame.cast({pl.Decimal: pl.Float64, pl.Categorical: pl.String, pl.Enum: pl.String})


def _problems_of_columns(frame: "pl.DataFrame") -> Iterator[str]:
    import polars as pl  # noqa: PLC0415

    if not frame.height:
        yield "it has no rows"
    for name, kind in frame.schema.items():
        if kind.is_nested() or kind in (pl.Time, pl.Duration, pl.Binary, pl.Object):
            yield f"column {name}: holds {kind}; use numbers, texts, booleans or dates"
        if ";" in name:
            yield f"column {name}: cells are separated by commas, not by `;`"
        elif name not in (NAME, STATE, SEED):
            try:
                legal_variable(name)
            except ValueError as error:
                yield f"column {name}: {error}"


def _typed(column: "pl.Series", has_types: bool) -> tuple["pl.Series", list[str]]:
    """Return a column with its type, found if it has none, and what is wrong with its cells."""
    import polars as pl  # noqa: PLC0415

    texts = column.cast(pl.String)

    def problems(wrong: "pl.Series", what: str) -> list[str]:
        return [
            f"row {row + 1}, column {texts.name}: {what.format(texts[row])}"
            for row in wrong.fill_null(False).arg_true().to_list()
        ]

    empty = column.is_null() if column.dtype != pl.String else column.fill_null("") == ""
    if empty.any():
        return column, problems(empty, "is empty; write a value")
    wrong, what = None, ""
    if column.name in (NAME, STATE):
        column, wrong = texts, ~pl.Series([is_name(text) for text in texts])
        what = "`{}` is not a legal name: letters, digits, `.`, `_`, `-`"
    elif column.name == SEED:
        column = texts.cast(pl.Int64, strict=False)
        wrong = ~(texts.str.contains(_INTEGER) & (column >= 0).fill_null(False))
        what = "`{}` is not a seed: a whole number, not negative"
    elif column.dtype == pl.String and not has_types:
        column, wrong, what = _of_text(column)
    if column.dtype.is_float():
        wrong, what = ~column.is_finite(), "`{}` is not a finite number"
    elif column.dtype in (pl.Date, pl.Datetime):
        wrong, what = ~column.dt.year().is_between(1, 9999), "`{}` is not in the years 1 to 9999"
    return column, problems(wrong, what) if wrong is not None else []


def _of_text(column: "pl.Series") -> tuple["pl.Series", "pl.Series | None", str]:
    """Return a column of texts with its type; if some cells are unlike the others, which."""
    import polars as pl  # noqa: PLC0415

    numbers = column.str.contains(_NUMBER)
    infinite = column.str.contains(_NOT_FINITE)
    wrong, what = None, ""
    if numbers.all():
        whole = column.str.contains(_INTEGER).all()
        column = _whole(column) if whole else column.cast(pl.Float64)
    elif column.str.contains(_BOOLEAN).all():
        column = column.str.to_lowercase() == "true"
    elif column.str.contains(_DATE).all():
        dates = column.str.to_date("%Y-%m-%d", strict=False)
        impossible = dates.is_null() | (dates.dt.year() < 1)
        if impossible.any():
            wrong, what = impossible, "`{}` is not a date"
        else:
            column = dates
    elif column.str.contains(_DATE).sum() * 2 > len(column):
        wrong = ~column.str.contains(_DATE)
        what = "`{}` is not a date such as 2020-01-31, as most of the column are"
    elif infinite.any() and (numbers | infinite).all():
        wrong, what = infinite, "`{}` is not a finite number"
    elif numbers.sum() * 2 > len(column) and not column.str.contains(_CODE).any():
        wrong, what = ~numbers, "`{}` is not a number, as most of the column are"
    return column, wrong, what


def _whole(column: "pl.Series") -> "pl.Series":
    """Return whole numbers; those that are too large stay texts, with every digit."""
    import polars as pl  # noqa: PLC0415

    for kind in (pl.Int64, pl.Int128):
        numbers = column.cast(kind, strict=False)
        if not numbers.has_nulls():
            return numbers
    return column


def _twice(frame: "pl.DataFrame") -> Iterator[str]:
    """Yield a problem for each row that has the name of an earlier one, or all its values."""
    keys = [key for key in (STATE, NAME) if key in frame.columns]
    subset = keys if NAME in keys else frame.columns
    first: dict[Any, int] = {}
    if not frame.select(subset).is_duplicated().any():
        return
    for number, row in enumerate(frame.select(subset).iter_rows(), 1):
        if first.setdefault(row, number) != number:
            what = f"the name `{row[-1]}`" if NAME in keys else "all it says"
            yield f"row {number}: {what} stands in row {first[row]} already"
