"""CSV files that a user has written: texts, with every row as long as the header."""

import csv
from collections import Counter
from pathlib import Path

from scripts.fanfold.errors import ConfigError


def read_csv(
    where: str, path: Path, problems: list[str]
) -> tuple[list[str], list[list[str]], list[int]]:
    """Read a CSV in UTF-8 with a header; `where` is the key that names it, for errors.

    Rows that are too short or too long, and columns that stand twice, are added to `problems`.

    Returns
    -------
    The columns, the rows without blank ones, and the line in which each row ends.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    rows, lines = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(filter(None, reader), [])]
            for row in reader:  # a quoted cell may go over several lines
                if row and len(row) != len(columns):
                    problems.append(
                        f"{where}: {path}, line {reader.line_num}: not {len(columns)} cells"
                    )
                elif row:
                    rows.append([cell.strip() for cell in row])
                    lines.append(reader.line_num)
    except OSError as error:
        raise ConfigError(f"{where}: {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{where}: {path} is not a CSV file in UTF-8: {error}") from None
    problems += [
        f"{where}: {path}: the column `{name}` stands twice"
        for name, count in Counter(columns).items()
        if count > 1
    ]
    return columns, rows, lines
