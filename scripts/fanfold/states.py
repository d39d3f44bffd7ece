"""The states of an ensemble: codes and words, looked up in a table."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import is_name, nearest

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

#: Word -> the `kind` of the rows that it stands for; `all` is every row.
WORDS = {"50states": "state", "hhsregions": "hhs_region"}


class State(dict[str, Any]):
    """The attributes of a state; as text, its code."""

    def __str__(self) -> str:
        """Return the code, so that `{{ state }}` says what one expects."""
        return str(self["code"])


def read_states_table(path: Path) -> dict[str, State]:
    """Read a CSV with a `code` column: code -> attributes.

    A column whose every cell is a number is numeric; an empty cell is None; `06` stays a text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = list(reader.fieldnames or ())
            lines, rows = [], []
            for row in reader:  # blank lines are none, and a quoted cell may go over several
                lines.append(reader.line_num)
                rows.append(row)
    except OSError as error:
        raise ConfigError(f"states_table: {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"states_table: {path} is not a CSV file in UTF-8: {error}") from None
    if "code" not in columns:
        raise ConfigError(
            f"states_table: {path} has no column `code`; it has: {', '.join(columns)}"
        )
    problems = [
        f"states_table: {path}: the column `{name}` stands twice"
        for name, count in Counter(columns).items()
        if count > 1
    ]
    for number, row in zip(lines, rows, strict=True):
        if None in row or None in row.values():
            problems.append(f"states_table: {path}, line {number}: not {len(columns)} cells")
        elif not is_name(row["code"]):
            problems.append(f"states_table: {path}, line {number}: illegal code `{row['code']}`")
    codes = [row["code"] for row in rows]
    problems += [
        f"states_table: {path}: the code `{code}` stands twice"
        for code, count in Counter(codes).items()
        if count > 1
    ]
    if problems:
        raise ConfigError(problems)
    typed = {name: _typed([row[name] for row in rows]) for name in columns if name != "code"}
    return {
        code: State(code=code, **{name: cells[i] for name, cells in typed.items()})
        for i, code in enumerate(codes)
    }


def _typed(cells: Sequence[str]) -> list[Any]:
    filled = [cell for cell in cells if cell]
    if filled and all(_INTEGER.fullmatch(cell) for cell in filled):
        kind: type = int
    elif filled and all(_NUMBER.fullmatch(cell) for cell in filled):
        kind = float
    else:
        kind = str
    return [kind(cell) if cell else None for cell in cells]


def choose_states(wanted: Sequence[str], table: dict[str, State]) -> dict[str, State]:
    """Return the states that codes and words stand for: in the order written, each once.

    Raises
    ------
    ConfigError
        Naming every code that the table does not have, with the code probably meant.
    """
    chosen: dict[str, State] = {}
    problems = []
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
        chosen.update((code, table[code]) for code in found if code not in chosen)
    if problems:
        raise ConfigError(problems)
    return chosen
