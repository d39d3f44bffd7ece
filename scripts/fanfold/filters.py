"""Filters for templates, beside Jinja2's own; config/README.md lists them."""

import json
import math
import shlex
from datetime import date, datetime
from typing import Any

import yaml


def sig(value: float, digits: int = 3) -> float:
    """Round to significant figures: 39538223 gives 39500000, 0.012345 gives 0.0123.

    A whole number stays one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"sig: {value!r} is not a number")
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def to_date(value: Any, form: str = "%Y-%m-%d") -> str:
    """Write a date, or a text such as `2020-03-01`, in the form of strftime."""
    moment = value if isinstance(value, date) else datetime.fromisoformat(str(value))
    return moment.strftime(form)


def to_json(value: Any, indent: int | None = None) -> str:
    """Write as JSON; dates as texts."""
    return json.dumps(value, indent=indent, default=str, ensure_ascii=False)


def to_yaml(value: Any) -> str:
    """Write as YAML on one line: a number, a quoted text, `[a, b]`, `{a: 1}`."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=math.inf, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def to_toml(value: Any) -> str:
    """Write as a value of TOML: a number, a quoted text, a list, an inline table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | date):
        return value.isoformat() if isinstance(value, date) else repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(to_toml(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{to_toml(str(key))} = {to_toml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    raise TypeError(f"toml: there is no way to write {value!r}")


def quote(value: Any) -> str:
    """Quote for a shell script, so that the script sees the value as it is."""
    return shlex.quote(str(value))


FILTERS = {
    "sig": sig,
    "date": to_date,
    "json": to_json,
    "yaml": to_yaml,
    "toml": to_toml,
    "quote": quote,
}
