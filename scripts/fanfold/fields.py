"""What may stand as a value in the experiment file: names, variables, paths, numbers, texts."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from scripts.fanfold.names import RESERVED, is_inside, is_name, is_variable

#: Python writes no larger ones.
LARGEST_WHOLE = 10**4000


def legal_name(text: str) -> str:
    """Return a name of an experiment, state, scenario ...; raise ValueError if it is none."""
    if not is_name(text):
        raise ValueError(
            f"`{text}` is not a legal name: letters, digits, `.`, `_`, `-`, "
            "starting with a letter or digit"
        )
    return text


def legal_variable(text: str) -> str:
    """Return a variable that a user may set; raise ValueError if it is none."""
    if not is_variable(text):
        raise ValueError(
            f"`{text}` is not a legal variable: letters, digits and `_`, not starting with a digit"
        )
    if text in RESERVED:
        raise ValueError(f"`{text}` is set by Fanfold; choose another name")
    return text


def _legal_environment_name(text: str) -> str:
    if not is_variable(text):
        raise ValueError(f"`{text}` is not a legal environment variable: letters, digits and `_`")
    return text


def _inside_the_task(text: str) -> str:
    if not is_inside(text):
        raise ValueError(
            f"`{text}` must be a path inside the task's folder (no `/` first, no `..`)"
        )
    return text


def plain_value(value: Any) -> Any:
    """Accept what YAML can say and a number that is finite; anything else is a mistake."""
    if isinstance(value, float) and value - value != 0:
        raise ValueError(f"{value} is not a finite number")
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        raise ValueError("it is a number of more than 4,000 digits")
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float | date | datetime):
        return value
    raise ValueError(f"{value!r} is not a text, number, date, list or mapping")


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    """Accept a number or date where a text is meant, such as a launch `2026-01-31`."""
    is_scalar = isinstance(value, int | float | date) and not isinstance(value, bool)
    return str(value) if is_scalar else value


def _tolerance(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value) if isinstance(value, str) else None
    if not match or float(match[1]) > 100:
        raise ValueError(f"`{value}` is not a count, nor a percentage like `5%`")
    return match[0]


Name = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(legal_name),
    WithJsonSchema({"type": ["string", "number"]}),
]
Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
Variable = Annotated[str, AfterValidator(legal_variable)]
Value = Annotated[Any, AfterValidator(plain_value)]
Variables = dict[Variable, Value]
PathInTask = Annotated[Text, AfterValidator(_inside_the_task)]
OneOrMany = Annotated[
    tuple[Text, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Tolerance = Annotated[
    int | str, PlainValidator(_tolerance), WithJsonSchema({"type": ["integer", "string"]})
]
EnvironmentName = Annotated[str, AfterValidator(_legal_environment_name)]
EnvironmentValue = Annotated[
    str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number"]})
]


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
