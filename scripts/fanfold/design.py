"""The design of an ensemble: states x scenarios x runs, cut into jobs, worked out on demand.

Making a Design costs nothing per task: only the names of the jobs are computed.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.fanfold.axes import Run, RunSpace, check_names, make_run_space
from scripts.fanfold.definition import Definition, make_definition
from scripts.fanfold.digests import FileDigests, digest_of
from scripts.fanfold.errors import ConfigError, collected_problems
from scripts.fanfold.experiment import load_experiment
from scripts.fanfold.names import RESERVED
from scripts.fanfold.schema import Experiment
from scripts.fanfold.states import State, choose_states, read_states_table

#: What a job needs beside its tasks: Snakemake and the tables.
JOB_MEM_MB = 500
JOB_RUNTIME_MIN = 5
CENSUS = Path(__file__).parents[2] / "config/states.csv"
DIGEST_MEMORY = Path(".snakemake/fanfold/digests.json")


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
class Task:
    """One run in one state."""

    state: State
    run: Run
    job: str
    variables: dict[str, Any]
    """All variables that templates and the command may use."""
    digest: str
    """Changes when anything changes that determines the task's results."""

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
    space: RunSpace
    definition: Definition

    @property
    def results(self) -> str:
        """The launch's folder."""
        root = os.path.expanduser(os.path.expandvars(self.experiment.results))  # noqa: PTH111
        return f"{root}/{self.experiment.name}/{self.experiment.launch}"

    @property
    def scenarios(self) -> Mapping[str | None, Mapping[str, Any]]:
        """Scenario -> its variables; the one scenario None where the experiment has none."""
        named = self.experiment.scenarios
        return {name: variables or {} for name, variables in named.items()} or {None: {}}

    @property
    def size(self) -> int:
        """Number of tasks."""
        return len(self.states) * len(self.scenarios) * self.space.size

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The columns that say which task a row is from."""
        return ("state", "scenario", *self.space.variables, "seed", "run")

    @property
    def tables(self) -> list[str]:
        """The outputs that are combined."""
        return [name for name, output in self.experiment.outputs.items() if output.table]

    def jobs_of(self, state: str) -> Mapping[str, Job]:  # noqa: ARG002 (all states have the same)
        """Return the state's jobs by name."""
        return self._jobs

    @cached_property
    def _jobs(self) -> dict[str, Job]:
        step, size = self.experiment.tasks_per_job, self.space.size
        jobs = (
            Job(f"{scenario or 'runs'}-{first}-{last}", scenario, first, last)
            for scenario in self.scenarios
            for first in range(1, size + 1, step)
            for last in [min(first + step - 1, size)]
        )
        return {job.name: job for job in jobs}

    @property
    def digest(self) -> str:
        """Changes when any task does, or the job that it is in."""
        return digest_of(self._state_digests, self._job_digests)

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
        run = self.space.run(scenario, index)
        attributes = self.states[state]
        experiment = self.experiment
        chosen = experiment.vars | attributes | self.scenarios[scenario] | run.variables
        for name in chosen.keys() & RESERVED:  # a column of the states table: it is in `state`
            del chosen[name]
        if run.seed is not None:
            chosen["seed"] = run.seed
        if scenario is not None:
            chosen["scenario"] = scenario
        chosen |= {"experiment": experiment.name, "launch": experiment.launch, "run": run.name}
        # The index and the threads say where and how a task runs, not what it computes.
        digest = digest_of(self.definition.digest, attributes, chosen)
        chosen |= {
            "state": attributes,
            "task": f"{state}/{run.name}",
            "index": index,
            "threads": experiment.model.threads,
        }
        job = self.job_at(scenario, index)
        return Task(attributes, run, job, chosen, digest)

    def job_at(self, scenario: str | None, index: int) -> str:
        """Return the name of the job that a task is in."""
        step = self.experiment.tasks_per_job
        first = (index - 1) // step * step + 1
        last = min(first + step - 1, self.space.size)
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
        return f"{self._state_digests[state]}-{self._job_digests[job]}"

    @cached_property
    def _state_digests(self) -> dict[str, str]:
        return {code: digest_of(attributes) for code, attributes in self.states.items()}

    @cached_property
    def _job_digests(self) -> dict[str, str]:
        experiment = self.experiment
        common = digest_of(
            self.definition.digest,
            experiment.name,
            experiment.launch,
            experiment.vars,
            [(axis.labels, axis.variables) for axis in self.space.axes],
        )
        return {
            job.name: digest_of(
                common,
                self.scenarios[job.scenario],
                job.first,
                job.last,
                _compact(self.space.seeds_between(job.first, job.last)),
            )
            for job in self._jobs.values()
        }


def _compact(seeds: Sequence[int]) -> Any:
    # Not to be taken for a list: seeds 1 to 3 are not the seeds 1 and 3.
    return f"{seeds.start}..{seeds.stop}" if isinstance(seeds, range) else list(seeds)


def load_design(files: Sequence[Path], overrides: Mapping[str, Any]) -> Design:
    """Read an experiment and expand it; raise ConfigError with all mistakes of a stage at once."""
    experiment, folder, read = load_experiment(files, overrides)
    return make_design(experiment, _near(folder), read)


def make_design(experiment: Experiment, folder: Path, files: Sequence[Path] = ()) -> Design:
    """Expand a checked experiment whose paths are relative to `folder`."""
    with collected_problems() as collect:
        with collect:
            states = _states_of(experiment, folder)
        with collect:
            space = make_run_space(experiment.runs)
            check_names(experiment.scenarios, space)
        with collect:
            definition = make_definition(experiment, folder, FileDigests(DIGEST_MEMORY))
    return Design(experiment, folder, tuple(files), states, space, definition)


def _states_of(experiment: Experiment, folder: Path) -> dict[str, State]:
    if "states" not in experiment.model_fields_set:
        return {"all": State(code="all")}
    if not experiment.states:
        raise ConfigError("states: no state is left; name some, or leave `states` out")
    table = folder / experiment.states_table if experiment.states_table else CENSUS
    return choose_states(experiment.states, read_states_table(table))


def _near(folder: Path) -> Path:
    """Return `folder` relative to the current one if it is below it (workers have other roots)."""
    absolute = folder.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
