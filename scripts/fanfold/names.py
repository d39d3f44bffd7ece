"""Names: what is legal, how a value becomes part of one, which known one was probably meant."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import PurePosixPath
from typing import Any

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_NAME = re.compile(NAME_PATTERN)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: Of the 255 bytes that file systems allow, leave some for a seed and for what others add.
LONGEST_NAME = 200

#: Variables that Fanfold sets itself: nobody else may.
RESERVED = frozenset(
    {
        "batch",
        "experiment",
        "index",
        "launch",
        "run",
        "scenario",
        "seed",
        "state",
        "task",
        "threads",
    }
)


def is_name(text: str) -> bool:
    """Whether `text` may name an experiment, launch, state, scenario or run (and so a folder)."""
    return _NAME.fullmatch(text) is not None


def is_variable(text: str) -> bool:
    """Whether `text` can be used as a variable in a template."""
    return _VARIABLE.fullmatch(text) is not None


def is_inside(path: str) -> bool:
    """Whether a path, taken below a folder, stays in it."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean `x`?` for the known word nearest to `word`, or nothing."""
    by_lower = {name.lower(): name for name in known}
    alike = 0.6 if len(word) > 2 else 0.5
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=alike)
    return f"; did you mean `{by_lower[found[0]]}`?" if found else ""


def listing(words: Iterable[str]) -> str:
    """Return the words for a sentence: `a`, `b`, `c`."""
    return ", ".join(f"`{word}`" for word in words)


def label(variable: str, value: Any) -> str:
    """Return the part of a run's name that says `variable = value`, such as `R0_1.5`.

    Where the value has characters that a name cannot have, six hexadecimal digits of its digest
    keep two such values apart.
    """
    if isinstance(value, date):  # 2021-01-31, 2021-01-31T060000
        value = value.isoformat().replace(":", "")
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:40]
    if clean != text:
        clean = f"{clean.strip('_')}_{hashlib.sha256(text.encode()).hexdigest()[:6]}"
    return f"{variable.strip('_') or 'x'}_{clean}"
