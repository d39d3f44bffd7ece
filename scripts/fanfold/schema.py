"""The experiment file: every key, its type, default and meaning. Nothing else defines them."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from scripts.fanfold.names import RESERVED, is_inside, is_name, is_variable


def _legal_name(text: str) -> str:
    if not is_name(text):
        raise ValueError(
            f"`{text}` is not a legal name: letters, digits, `.`, `_`, `-`, "
            "starting with a letter or digit"
        )
    return text


def _legal_variable(text: str) -> str:
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


def _plain_value(value: Any) -> Any:
    """Accept what YAML can say and a number that is finite; anything else is a mistake."""
    if isinstance(value, float) and value - value != 0:
        raise ValueError(f"{value} is not a finite number")
    if isinstance(value, dict):
        return {str(key): _plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
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
    AfterValidator(_legal_name),
    WithJsonSchema({"type": ["string", "number"]}),
]
Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
Variable = Annotated[str, AfterValidator(_legal_variable)]
Value = Annotated[Any, AfterValidator(_plain_value)]
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


class Seeds(Section):
    """Random seeds: `100` (1 to 100), `[1, 2, 3]`, or `{first: 1, count: 100}`."""

    first: int = Field(1, ge=0)
    """The first seed."""
    count: int | None = Field(None, ge=1)
    """How many seeds, counted up from the first."""
    values: tuple[Annotated[int, Field(strict=True, ge=0)], ...] = ()
    """The seeds themselves, instead of `first` and `count`."""

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"count": value}
        if isinstance(value, list):
            return {"values": value}
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


class Runs(Section):
    """The axes of the design: multiplied with each other and with the scenarios."""

    rows: tuple[Annotated[dict[str, Value], Field(min_length=1)], ...] = Field((), alias="list")
    """Variants written out: variables, and a `name` (default: made of the values)."""
    grid: dict[Variable, Annotated[tuple[Value, ...], Field(min_length=1)]] = {}
    """Variable -> its values; every combination is run."""
    seeds: Seeds | None = None
    """Random seeds; each gives the variable `seed`."""

    @model_validator(mode="after")
    def _check_rows(self) -> "Runs":
        for number, row in enumerate(self.rows, 1):
            if "name" in row:
                _legal_name(str(row["name"]))
            for variable in row.keys() - {"name"}:
                _legal_variable(variable)
                if variable in self.grid:
                    raise ValueError(f"`{variable}` is in row {number} of `list` and in `grid`")
        return self


class Templates(Section):
    """Files that are made anew for each task."""

    dir: Text | None = None
    """Folder copied into every task's folder, modes and symlinks kept."""
    render: OneOrMany = ("*.j2",)
    """Patterns of the files that go through Jinja2; a suffix `.j2` is dropped. Those whose names
    start with `_` are only for others to include or extend."""
    edit: dict[PathInTask, dict[Text, Value]] = {}
    """JSON, YAML or TOML file -> key path (`a.b[0].c`) -> its value; texts may be Jinja2."""
    undefined: Literal["strict", "empty"] = "strict"
    """What an undefined name in a rendered file is: an error, or nothing."""


class Model(Section):
    """The command that runs one task, and what it needs."""

    command: Text
    """Run by bash (`-e -o pipefail`) in the task's folder; Jinja2, values are quoted."""
    code: OneOrMany = ()
    """Files or folders of the experiment that the command needs beside those it names; linked."""
    env: dict[EnvironmentName, EnvironmentValue] = {}
    """Environment variables; values are Jinja2."""
    threads: int = Field(1, ge=1)
    """Cores per task."""
    mem_mb: int = Field(1000, ge=1)
    """Memory per task, MB."""
    runtime: float = Field(60, gt=0, allow_inf_nan=False)
    """Wall clock per task, minutes: a task that takes longer is ended and has failed."""


class Output(Section):
    """A file that a task must produce."""

    path: PathInTask
    """Where, in the task's folder."""
    table: bool = False
    """Combine it over all tasks: CSV, TSV or Parquet with a header."""

    @model_validator(mode="after")
    def _readable_table(self) -> "Output":
        if self.table and PurePosixPath(self.path).suffix not in (".csv", ".tsv", ".parquet"):
            raise ValueError(f"`{self.path}` cannot be a table: write .csv, .tsv or .parquet")
        return self


class Failures(Section):
    """What to do when a task fails."""

    retries: int = Field(0, ge=0)
    """How often a failed task is tried again, at once, inside its job."""
    tolerate: Tolerance = 0
    """How many failed tasks are acceptable: a count, or a percentage such as `5%`."""

    def allowed_of(self, tasks: int) -> int:
        """Return how many of `tasks` may fail."""
        if isinstance(self.tolerate, int):
            return self.tolerate
        return int(tasks * float(self.tolerate.rstrip("% ")) / 100)


class Limits(Section):
    """How much of this experiment is under way at once, wherever it runs."""

    tasks: int | None = Field(None, ge=1)
    """Tasks running at once."""
    jobs: int | None = Field(None, ge=1)
    """Jobs submitted at once."""


class Experiment(Section):
    """One experiment file."""

    name: Name = "experiment"
    """Its name; default: the folder's."""
    launch: Name = "main"
    """One execution; everything it writes is under results/<name>/<launch>/."""
    states: OneOrMany = ()
    """Codes and the words `all`, `50states`, `hhsregions`, mixed; none: one state called `all`."""
    states_table: Text | None = None
    """CSV with a `code` column; default: the project's table of the 2020 census."""
    vars: Variables = {}
    """Variables for all tasks; everything else goes before them."""
    scenarios: dict[Name, Variables | None] = {}
    """Name -> its variables."""
    runs: Runs = Runs()
    """The axes of the design."""
    templates: Templates = Templates()
    """Files made anew for each task."""
    inputs: OneOrMany = ()
    """Files and folders that all tasks read: tracked by content, linked into each task's folder."""
    model: Model
    """The command that runs one task."""
    outputs: dict[Name, Output] = {}
    """Name -> a file that a task must produce."""
    results: Text = "results"
    """Where results/ is: here, or an absolute path that all machines share; `$VARIABLES` work."""
    keep: Literal["all", "outputs", "none"] = "all"
    """What stays of a task's folder after success (tables and records always stay)."""
    tasks_per_job: int = Field(1, ge=1)
    """How many tasks of a state and scenario are packed in one job."""
    parallel: int = Field(1, ge=1)
    """How many tasks of one job run at once."""
    failures: Failures = Failures()
    """What to do when a task fails."""
    limits: Limits = Limits()
    """How much is under way at once."""

    @model_validator(mode="after")
    def _check_together(self) -> "Experiment":
        if self.limits.tasks is not None and self.parallel > self.limits.tasks:
            raise ValueError(
                f"parallel is {self.parallel} but limits.tasks only {self.limits.tasks}: "
                "no job could ever start"
            )
        if "tasks" in self.outputs:
            raise ValueError("outputs: `tasks` is the table of all tasks; choose another name")
        return self
