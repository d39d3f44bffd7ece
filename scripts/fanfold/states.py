"""The states of an ensemble: codes and words, looked up in a table."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.fanfold.csv_files import read_csv
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import is_name, nearest

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

#: Word -> the `kind` of the rows that it stands for; `all` is every row.
WORDS = {"50states": "state", "hhsregions": "hhs_region"}


class State(dict[str, Any]):
    """The attributes of a state; as text, and compared with one, its code."""

    def __str__(self) -> str:
        """Return the code, so that `{{ state }}` says what one expects."""
        return str(self["code"])

    def __eq__(self, other: object) -> bool:
        """Whether it is the same state, or `other` is its code: `state == 'CA'`."""
        return str(self) == other if isinstance(other, str) else super().__eq__(other)

    def __hash__(self) -> int:  # type: ignore[override]
        """Be found where its code is: `{'CA': 5}[state]`."""
        return hash(str(self))


def read_states_table(path: Path) -> dict[str, State]:
    """Read a CSV with a `code` column: code -> attributes.

    A column whose every cell is a number is numeric, one of `true` and `false` boolean; an empty
    cell is None; `06` stays a text.
    """
    problems: list[str] = []
    columns, rows, lines = read_csv("states_table", path, problems)
    if "code" not in columns:
        raise ConfigError(
            f"states_table: {path} has no column `code`; it has: {', '.join(columns)}"
        )
    place = columns.index("code")
    codes = [row[place] for row in rows]
    problems += [
        f"states_table: {path}, line {line}: illegal code `{code}`"
        for code, line in zip(codes, lines, strict=True)
        if not is_name(code)
    ]
    problems += [
        f"states_table: {path}: the code `{code}` stands twice"
        for code, count in Counter(codes).items()
        if count > 1
    ]
    if problems:
        raise ConfigError(problems)
    cells = dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}
    typed = {name: _typed(column) for name, column in cells.items() if name != "code"}
    return {
        code: State(code=code, **{name: column[i] for name, column in typed.items()})
        for i, code in enumerate(codes)
    }


def _typed(cells: Sequence[str]) -> list[Any]:
    filled = [cell for cell in cells if cell]
    if filled and all(_INTEGER.fullmatch(cell) for cell in filled):
        kind: Callable[[str], Any] = int
    elif filled and all(_NUMBER.fullmatch(cell) for cell in filled):
        kind = float
    elif filled and all(cell.lower() in ("true", "false") for cell in filled):
        kind = _is_true
    else:
        kind = str
    return [kind(cell) if cell else None for cell in cells]


def _is_true(cell: str) -> bool:
    return cell.lower() == "true"


def choose_states(
    wanted: Sequence[str], table: Mapping[str, State]
) -> tuple[dict[str, State], list[str]]:
    """Return the states that codes and words stand for: in the order written, each once.

    Returns
    -------
    Code -> state, and the codes that were written although they were there already.

    Raises
    ------
    ConfigError
        Naming every code that the table does not have, with the code probably meant.
    """
    chosen: dict[str, State] = {}
    problems, again = [], []
    for number, word in enumerate(wanted):
        if word == "all":
            found = list(table)
        elif word in WORDS:
            found = [code for code, row in table.items() if row.get("kind") == WORDS[word]]
            if not found:
                problems.append(f"states.{number}: the table has no row of kind `{WORDS[word]}`")
        elif word in table:
            found = [word]
        else:
            hint = nearest(word, [*table, "all", *WORDS])
            if "," in word:
                hint = f"; several are a list: [{word}]"
            problems.append(f"states.{number}: unknown code `{word}`{hint}")
            continue
        again += [code for code in found if code in chosen]
        chosen.update((code, table[code]) for code in found if code not in chosen)
    if problems:
        raise ConfigError(problems)
    return chosen, list(dict.fromkeys(again))


def filter_states(condition: str, table: Mapping[str, State]) -> dict[str, State]:
    """Return the states whose columns fulfil a condition such as `kind == 'state'` (SQL).

    Raises
    ------
    ConfigError
        If it is not a condition on the columns of the table.
    """
    import polars as pl  # noqa: PLC0415 (slow to import, and seldom needed)

    rows = pl.DataFrame(list(table.values()), infer_schema_length=None)
    try:
        codes = rows.filter(pl.sql_expr(condition))["code"].to_list()
    except pl.exceptions.ColumnNotFoundError as error:
        name = str(error).split('"')[1]
        raise ConfigError(
            f"states.where: the table has no column `{name}`{nearest(name, rows.columns)} "
            "(texts go in single quotes)"
        ) from None
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"states.where: `{condition}` is not a condition: {reason}") from None
    return {code: table[code] for code in codes}
