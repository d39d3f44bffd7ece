"""What is run: the axes of the design and what is left out of it, or a table of tasks."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from scripts.fanfold.fields import (
    OneOrMany,
    Section,
    Text,
    Value,
    Variable,
    legal_name,
    legal_variable,
)
from scripts.fanfold.steps import Steps, steps_to

Number = Annotated[float, Field(allow_inf_nan=False)]
WholeNumber = Annotated[int, Field(strict=True)]
#: What a column of whole numbers holds, half of it: `first` and `count` are added.
LARGEST = 2**62
#: As far as scipy's Sobol sequence goes.
MOST_POINTS = 2**30
Values = Annotated[tuple[Value, ...], Field(min_length=1)]


class Seeds(Section):
    """Random seeds: `100` (1 to 100), `[1, 2, 3]`, or `{first: 1, count: 100}`."""

    first: int = Field(1, ge=0, le=LARGEST)
    """The first seed."""
    count: int | None = Field(None, ge=1, le=LARGEST)
    """How many seeds, counted up from the first."""
    values: tuple[Annotated[int, Field(strict=True, ge=0, le=LARGEST)], ...] = ()
    """The seeds themselves, instead of `first` and `count`."""

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"count": value}
        if isinstance(value, list):
            return {"values": value}
        if not isinstance(value, dict):
            raise ValueError(
                f"write a number (10), a list ([3, 5]) or {{first: 1, count: 10}}, not `{value}`"
            )
        return value

    @model_validator(mode="after")
    def _say_something(self) -> "Seeds":
        if (self.count is None) == (not self.values):
            raise ValueError("write a count (`100`), a list, or `{first: 1, count: 100}`")
        if len(set(self.values)) != len(self.values):
            raise ValueError("a seed stands twice")
        return self

    @property
    def numbers(self) -> Sequence[int]:
        """The seeds, as a range where they are one (so that a million cost nothing)."""
        return self.values if self.count is None else range(self.first, self.first + self.count)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Tell editors of the short forms too."""
        long_form = handler(core_schema)
        short_forms = [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]
        return {"anyOf": [*short_forms, long_form]}


class Range(Section):
    """Values at equal steps: `{start: 0, stop: 1, step: 0.25}`, or dates."""

    start: Value
    """The first value: a number, or a date."""
    stop: Value
    """The last value, if the steps lead to it."""
    step: Value
    """A number; between dates a period: `1 month`, `7 days`, `6 hours`."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "Range":
        steps_to(self.start, self.stop, self.step)
        return self

    @property
    def values(self) -> Steps:
        """The values, computed when they are asked for."""
        return steps_to(self.start, self.stop, self.step)


class Distribution(Section):
    """What a parameter is sampled from: exactly one of these."""

    uniform: tuple[Number, Number] | None = None
    """Any number from the lowest to the highest."""
    loguniform: tuple[Number, Number] | None = None
    """The same, but equal ratios are equally likely; both above 0."""
    normal: tuple[Number, Number] | None = None
    """Mean and standard deviation."""
    integers: tuple[WholeNumber, WholeNumber] | None = None
    """Any whole number from the lowest to the highest, both included."""
    choice: Values | None = None
    """One of these."""

    @model_validator(mode="before")
    @classmethod
    def _has_bounds(cls, value: Any) -> Any:
        kinds = cls.model_fields
        if isinstance(value, dict):
            value = {kind: bounds for kind, bounds in value.items() if bounds is not None}
        if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= kinds.keys():
            raise ValueError(
                f"write one of {', '.join(kinds)} with its bounds, such as {{uniform: [0, 1]}}"
            )
        [(kind, bounds)] = value.items()
        if kind != "choice" and (not isinstance(bounds, list | tuple) or len(bounds) != 2):
            meaning = "mean, standard deviation" if kind == "normal" else "lowest, highest"
            raise ValueError(f"{kind} needs two bounds: [{meaning}]")
        return value

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "Distribution":
        for kind in ("uniform", "loguniform", "integers"):
            bounds = getattr(self, kind)
            if bounds and not bounds[0] < bounds[1]:
                raise ValueError(f"{kind}: the first bound must be below the second")
        if self.loguniform and self.loguniform[0] <= 0:
            raise ValueError("loguniform: bounds must be above 0")
        if self.normal and self.normal[1] <= 0:
            raise ValueError("normal: the standard deviation must be above 0")
        if self.normal and not isfinite(self.normal[0] + 10 * self.normal[1]):
            raise ValueError("normal: mean and standard deviation are too large")
        return self


class Sample(Section):
    """Points of a space of parameters."""

    method: Literal["lhs", "sobol", "halton", "random"] = "lhs"
    """How points are spread. `sobol`, `halton`, `random`: more points keep the earlier ones;
    `lhs` (Latin hypercube): another `n` gives other points."""
    n: int = Field(ge=1, le=MOST_POINTS)
    """How many points."""
    seed: int = Field(1, ge=0)
    """The same seed gives the same points."""
    parameters: dict[Variable, Distribution] = Field(min_length=1)
    """Variable -> what it is sampled from."""


class Runs(Section):
    """The axes of the design: multiplied with each other and with the scenarios."""

    rows: tuple[Annotated[dict[str, Value], Field(min_length=1)], ...] = Field((), alias="list")
    """Variants written out: variables, and a `name` (default: made of the values)."""
    table: Text | None = None
    """CSV or Parquet file of variants: its columns are variables; `name`, `state`, `seed` are
    special."""
    lockstep: dict[Variable, Values] = Field({}, alias="zip")
    """Variable -> its values, as many for each: the first of all, the second of all, ..."""
    ranges: dict[Variable, Range] = Field({}, alias="range")
    """Variable -> values at equal steps, numbers or dates."""
    grid: dict[Variable, Values] = {}
    """Variable -> its values; every combination is run."""
    sample: Sample | None = None
    """Points of a space of parameters."""
    seeds: Seeds | None = None
    """Random seeds; each gives the variable `seed`."""
    derive: dict[Variable, Text] = {}
    """Variable -> an expression that computes it from others."""
    exclude: OneOrMany = ()
    """Conditions: combinations for which one of them holds are not run."""
    only: OneOrMany = ()
    """Conditions: only combinations for which all of them hold are run."""

    @property
    def written_out(self) -> dict[str, Sequence[str]]:
        """Key -> the variables that it sets (but for those of a table)."""
        in_rows = dict.fromkeys(name for row in self.rows for name in row if name != "name")
        return {
            "list": list(in_rows),
            "zip": list(self.lockstep),
            "range": list(self.ranges),
            "grid": list(self.grid),
            "sample": list(self.sample.parameters if self.sample else ()),
            "derive": list(self.derive),
        }

    @model_validator(mode="after")
    def _each_variable_once(self) -> "Runs":
        for row in self.rows:
            if "name" in row:
                legal_name(str(row["name"]))
            for variable in row.keys() - {"name"}:
                legal_variable(variable)
        counts = Counter(name for names in self.written_out.values() for name in names)
        for variable, count in counts.items():
            if count > 1:
                keys = [f"`{key}`" for key, names in self.written_out.items() if variable in names]
                raise ValueError(f"`{variable}` is in {' and in '.join(keys)}")
        return self

    @model_validator(mode="after")
    def _zip_is_even(self) -> "Runs":
        lengths = {name: len(values) for name, values in self.lockstep.items()}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"`{name}` has {length}" for name, length in lengths.items())
            raise ValueError(f"zip: write as many values for each: {found}")
        return self


class Tasks(Section):
    """The tasks written out, in place of `states`, `scenarios` and `runs`."""

    table: Text
    """CSV or Parquet with one row per task: its columns are variables; `name`, `state`, `seed` are
    special."""
