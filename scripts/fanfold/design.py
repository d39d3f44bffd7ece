"""The design of an ensemble: states x scenarios x runs, cut into jobs, worked out on demand.

Making a Design costs nothing per task: only the names of the jobs are computed.
"""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.fanfold.definition import Definition
from scripts.fanfold.derived import Derived
from scripts.fanfold.digests import digest_of
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.names import RESERVED
from scripts.fanfold.run_names import default_name, name_from
from scripts.fanfold.run_space import RunSpace, Spaces
from scripts.fanfold.schema import Experiment
from scripts.fanfold.states import State

#: What a job needs beside its tasks: Snakemake and the tables.
JOB_MEM_MB = 500
JOB_RUNTIME_MIN = 5


@dataclass(frozen=True)
class Job:
    """Up to `tasks_per_job` tasks of one state and one scenario that follow each other."""

    name: str
    scenario: str | None
    first: int
    last: int
    """Indices of the first and the last run, both included."""

    @property
    def size(self) -> int:
        """Number of tasks."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Run:
    """One variant of the model."""

    name: str
    """Unique in the experiment; never taken apart."""
    scenario: str | None
    index: int
    """Position among the runs of its scenario, from 1."""
    seed: int | None
    variables: dict[str, Any]
    """Set by the axes (not by the scenario, nor by `vars`)."""


@dataclass(frozen=True)
class Task:
    """One run in one state."""

    state: State
    run: Run
    job: str
    variables: dict[str, Any]
    """All variables that templates and the command may use."""
    digest: str
    """Changes when anything changes that determines the task's results."""
    problem: str | None = None
    """Why it cannot be run: a derived variable that has no value."""

    @property
    def name(self) -> str:
        """Such as `CA/baseline-s1`: its folder below tasks/."""
        return f"{self.state}/{self.run.name}"


@dataclass(frozen=True)
class Design:
    """An experiment, expanded."""

    experiment: Experiment
    folder: Path
    files: tuple[Path, ...]
    """The experiment files read."""
    states: dict[str, State]
    """Those that have tasks."""
    spaces: Spaces
    """The runs of each state and scenario."""
    derived: Derived = field(compare=False)
    definition: Definition
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What the user may want to know, a line each; no mistakes."""

    @property
    def results(self) -> str:
        """The launch's folder."""
        root = os.path.expanduser(os.path.expandvars(self.experiment.results))  # noqa: PTH111
        return f"{root}/{self.experiment.name}/{self.experiment.launch}"

    @cached_property
    def scenarios(self) -> Mapping[str | None, Mapping[str, Any]]:
        """Scenario -> its variables; the one scenario None where the experiment has none."""
        return self.experiment.all_scenarios

    @property
    def space(self) -> RunSpace:
        """All runs that the axes span, also those that some states or scenarios leave out."""
        return self.spaces.whole

    def space_of(self, state: str, scenario: str | None) -> RunSpace:
        """Return the runs of a scenario in a state."""
        return self.spaces.of(state, scenario)

    @cached_property
    def size(self) -> int:
        """Number of tasks."""
        return sum(
            self.space_of(state, scenario).size
            for state in self.states
            for scenario in self.scenarios
        )

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The columns that say which task a row is from."""
        return ("state", "scenario", *self.space.variables, "seed", "run")

    @property
    def tables(self) -> list[str]:
        """The outputs that are combined."""
        return [name for name, output in self.experiment.outputs.items() if output.table]

    def jobs_of(self, state: str) -> Mapping[str, Job]:
        """Return the state's jobs by name."""
        key = state if self.spaces.by_state else None
        if key not in self._jobs:
            self._jobs[key] = {job.name: job for job in self._make_jobs(state)}
        return self._jobs[key]

    @cached_property
    def _jobs(self) -> dict[str | None, dict[str, Job]]:
        """State -> its jobs; all states share those of None where they have the same runs."""
        return {}

    def _make_jobs(self, state: str) -> Iterator[Job]:
        step = self.experiment.tasks_per_job
        for scenario in self.scenarios:
            size = self.space_of(state, scenario).size
            for first in range(1, size + 1, step):
                last = min(first + step - 1, size)
                yield Job(f"{scenario or 'runs'}-{first}-{last}", scenario, first, last)

    @property
    def digest(self) -> str:
        """Changes when any task does, or the job that it is in."""
        return digest_of(
            [self.digest_of(state, job) for state in self.states for job in self.jobs_of(state)]
        )

    @property
    def output_list(self) -> list[list[Any]]:
        """What the tasks must produce: [name, path, whether a table]."""
        return [[name, o.path, o.table] for name, o in self.experiment.outputs.items()]

    def parallel_of(self, tasks: int) -> int:
        """Return how many of a job's tasks run at once."""
        return min(self.experiment.parallel, tasks)

    def threads_of(self, tasks: int) -> int:
        """Return the cores of a job of so many tasks."""
        return self.experiment.model.threads * self.parallel_of(tasks)

    def mem_mb_of(self, tasks: int) -> int:
        """Return the memory of a job of so many tasks, MB."""
        return self.experiment.model.mem_mb * self.parallel_of(tasks) + JOB_MEM_MB

    def runtime_min_of(self, tasks: int) -> int:
        """Return the wall clock of a job of so many tasks, minutes."""
        rounds = math.ceil(tasks / self.parallel_of(tasks))
        return math.ceil(self.experiment.model.runtime * rounds) + JOB_RUNTIME_MIN

    def task(self, state: str, scenario: str | None, index: int) -> Task:
        """Return one task by its place in the design."""
        point = self.space_of(state, scenario).point(index)
        experiment, attributes = self.experiment, self.states[state]
        chosen = common_variables(experiment, self.states, state, scenario) | point.variables
        name, problem = default_name(scenario, point.labels), None
        try:
            chosen |= self.derived.values(chosen)
            if experiment.run_name:
                name = name_from(experiment.run_name, chosen)
        except RenderError as error:
            problem = str(error)
        chosen["run"] = name
        # The index and the threads say where and how a task runs, not what it computes.
        del chosen["state"]
        digest = digest_of(self.definition.digest, attributes, chosen)
        chosen |= {
            "state": attributes,
            "task": f"{state}/{name}",
            "index": index,
            "threads": experiment.model.threads,
        }
        run = Run(name, scenario, index, point.variables.pop("seed", None), point.variables)
        return Task(attributes, run, self.job_at(state, scenario, index), chosen, digest, problem)

    def job_at(self, state: str, scenario: str | None, index: int) -> str:
        """Return the name of the job that a task is in."""
        step = self.experiment.tasks_per_job
        first = (index - 1) // step * step + 1
        last = min(first + step - 1, self.space_of(state, scenario).size)
        return f"{scenario or 'runs'}-{first}-{last}"

    def tasks_of(self, state: str, job: str) -> Iterator[Task]:
        """Yield the tasks of a job."""
        chosen = self.jobs_of(state)[job]
        for index in range(chosen.first, chosen.last + 1):
            yield self.task(state, chosen.scenario, index)

    def all_tasks(self) -> Iterator[Task]:
        """Yield every task of the ensemble, one after another."""
        for state in self.states:
            for job in self.jobs_of(state):
                yield from self.tasks_of(state, job)

    def digest_of(self, state: str, job: str) -> str:
        """Return what changes when any task of the job does, without looking at its tasks."""
        if state not in self._state_digests:
            self._state_digests[state] = digest_of(self.states[state])
        key = (state if self.spaces.by_state else None, job)
        if key not in self._job_digests:
            self._job_digests[key] = self._job_digest(state, self.jobs_of(state)[job])
        return f"{self._state_digests[state]}-{self._job_digests[key]}"

    @cached_property
    def _state_digests(self) -> dict[str, str]:
        return {}

    @cached_property
    def _job_digests(self) -> dict[tuple[str | None, str], str]:
        return {}

    def _job_digest(self, state: str, job: Job) -> str:
        return digest_of(
            self._common_digest,
            job.scenario,
            self.scenarios[job.scenario],
            job.first,
            job.last,
            self.space_of(state, job.scenario).identity(job.first, job.last),
        )

    @cached_property
    def _common_digest(self) -> str:
        experiment = self.experiment
        return digest_of(
            self.definition.digest,
            experiment.name,
            experiment.launch,
            experiment.vars,
            experiment.runs.derive,
            experiment.run_name,
        )


def common_variables(
    experiment: Experiment, states: Mapping[str, State], state: str, scenario: str | None
) -> dict[str, Any]:
    """Return the variables that all runs of a scenario in a state have."""
    attributes = states[state]
    chosen = experiment.vars | attributes | (experiment.scenarios.get(scenario or "") or {})
    for name in chosen.keys() & RESERVED:  # a column of the states table: it is in `state`
        del chosen[name]
    if scenario is not None:
        chosen["scenario"] = scenario
    return chosen | {
        "experiment": experiment.name,
        "launch": experiment.launch,
        "state": attributes,
    }
