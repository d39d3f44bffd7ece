"""The experiment file: every key, its type, default and meaning. Nothing else defines them."""

from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from scripts.fanfold.fields import (
    EnvironmentName,
    EnvironmentValue,
    Name,
    OneOrMany,
    PathInTask,
    Section,
    Text,
    Tolerance,
    Value,
    Variables,
)
from scripts.fanfold.names import listing, nearest
from scripts.fanfold.runs_schema import Runs, Tasks


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


class States(Section):
    """Which states: codes and words, or the rows of a table that fulfil a condition."""

    codes: OneOrMany = ()
    """Codes and the words `all`, `50states`, `hhsregions`, mixed; none: every row of the table."""
    table: Text | None = None
    """CSV with a `code` column, instead of `states_table`."""
    where: Text | None = None
    """Condition on the columns, as in SQL: `kind == 'state' and population > 1e6`."""

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if value in ([], ()):
            raise ValueError("no state is left; name some, or leave `states` out")
        return value if isinstance(value, dict) else {"codes": value}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Tell editors of the short forms too."""
        short_forms = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        return {"anyOf": [*short_forms, handler(core_schema)]}


class ModelSettings(Section):
    """How the model is run."""

    code: OneOrMany = ()
    """Files or folders of the experiment that the command needs beside those it names; linked."""
    args: Literal["columns"] | None = None
    """`columns`: the command gets `--column value` for each column of the table."""
    env: dict[EnvironmentName, EnvironmentValue] = {}
    """Environment variables; values are Jinja2."""
    threads: int = Field(1, ge=1)
    """Cores per task."""
    mem_mb: int = Field(1000, ge=1)
    """Memory per task, MB."""
    runtime: float = Field(60, gt=0, allow_inf_nan=False)
    """Wall clock per task, minutes: a task that takes longer is ended and has failed."""


class ModelProfile(ModelSettings):
    """Settings of the model under a name."""

    command: Text | None = None
    """As `model.command`."""


class Model(ModelSettings):
    """The command that runs one task, and what it needs."""

    command: Text
    """Run by bash (`-e -o pipefail`) in the task's folder; Jinja2, values are quoted."""
    profile: Name | None = None
    """Which of `profiles` to take for what this section does not say."""
    profiles: dict[Name, ModelProfile] = {}
    """Name -> settings of this section."""

    @model_validator(mode="after")
    def _profile_is_there(self) -> "Model":
        if self.profile is not None and self.profile not in self.profiles:
            hint = nearest(self.profile, self.profiles) or f"; there are: {listing(self.profiles)}"
            raise ValueError(f"profile: there is no `{self.profile}` in `profiles`{hint}")
        return self


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
    extends: OneOrMany = ()
    """Experiment files to begin with; this one lies on top."""
    states: States | None = None
    """Codes and the words `all`, `50states`, `hhsregions`, mixed, or rows of a table; none: one
    state called `all`."""
    states_table: Text | None = None
    """CSV with a `code` column; default: the project's table of the 2020 census."""
    vars: Variables = {}
    """Variables for all tasks; everything else goes before them."""
    scenarios: dict[Name, Variables | None] = {}
    """Name -> its variables."""
    runs: Runs = Runs()
    """The axes of the design."""
    tasks: Tasks | None = None
    """The tasks written out, in place of `states`, `scenarios` and `runs`."""
    run_name: Text | None = None
    """What runs are called: Jinja2; default: scenario, axes and seed, joined with `-`."""
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

    @property
    def all_scenarios(self) -> dict[str | None, dict[str, Any]]:
        """Scenario -> its variables; the one scenario None where there are none."""
        named = {name: variables or {} for name, variables in self.scenarios.items()}
        return {**named} or {None: {}}

    @property
    def run_table(self) -> str | None:
        """The table of runs or tasks, relative to the experiment's folder."""
        return self.tasks.table if self.tasks else self.runs.table

    @property
    def state_table(self) -> str | None:
        """The table of states, relative to the experiment's folder; None: the project's."""
        return self.states.table if self.states and self.states.table else self.states_table

    @model_validator(mode="after")
    def _check_together(self) -> "Experiment":
        if self.limits.tasks is not None and self.parallel > self.limits.tasks:
            raise ValueError(
                f"parallel is {self.parallel} but limits.tasks only {self.limits.tasks}: "
                "no job could ever start"
            )
        if self.tasks:
            others = [key for key in ("states", "scenarios", "runs") if getattr(self, key)]
            if self.runs == Runs(derive=self.runs.derive) and "runs" in others:
                others.remove("runs")
            if others:
                raise ValueError(
                    f"tasks: its table says which tasks there are; leave out {listing(others)}"
                )
        if self.states and self.states.table and self.states_table:
            raise ValueError("states_table: states.table is the table; leave out one of them")
        if self.model.args and not (self.tasks or self.runs.table):
            raise ValueError("model.args: there is no table; write `tasks.table` or `runs.table`")
        if "tasks" in self.outputs:
            raise ValueError("outputs: `tasks` is the table of all tasks; choose another name")
        return self
