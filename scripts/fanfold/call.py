"""What one call of snakemake works on: all tasks of a design, or those that were selected."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from scripts.fanfold.design import Design, Task
from scripts.fanfold.digests import digest_of
from scripts.fanfold.listed_jobs import ListedJob, Place


@dataclass(frozen=True)
class Call:
    """Its jobs are those of the design or of the selection, and retries of what failed in them."""

    design: Design
    selected: tuple[ListedJob, ...] | None = None
    """The jobs of a selection; None: everything."""
    prefix: str = ""
    """What the names of a selection's jobs begin with: nobody else's do."""
    retries: tuple[ListedJob, ...] = ()

    @property
    def folder(self) -> str:
        """Where what is put together goes: a selection leaves the whole launch's alone."""
        results = self.design.results
        return results if self.selected is None else f"{results}/selected"

    @cached_property
    def listed(self) -> dict[tuple[str, str], ListedJob]:
        """(state, name) -> the jobs whose tasks are listed."""
        return {(job.state, job.name): job for job in (*(self.selected or ()), *self.retries)}

    @cached_property
    def jobs(self) -> dict[str, list[str]]:
        """State -> its jobs, retries after what they retry."""
        if self.selected is None:
            jobs = {state: list(self.design.jobs_of(state)) for state in self.design.states}
        else:
            jobs = {job.state: [] for job in self.selected}
        for state, name in self.listed:
            jobs[state].append(name)
        return jobs

    @cached_property
    def size(self) -> int:
        """Number of tasks."""
        if self.selected is None:
            return self.design.size
        return sum(len(job.tasks) for job in self.selected)

    @property
    def digest(self) -> str:
        """Changes when any task does, or the jobs that they are in first."""
        if self.selected is None:
            return self.design.digest
        return digest_of([job.to_json() for job in self.selected])

    def tasks(self) -> Iterator[Task]:
        """Yield every task, one after another."""
        if self.selected is None:
            yield from self.design.all_tasks()
        for job in self.selected or ():
            for scenario, index in job.tasks:
                yield self.design.task(job.state, scenario, index)

    def job_at(self, state: str, place: Place) -> str:
        """Return the name of the job that runs a task first (retries come later)."""
        if self.selected is None:
            return self.design.job_at(state, *place)
        return self._selected_in[state, place]

    @cached_property
    def _selected_in(self) -> dict[tuple[str, Place], str]:
        return {(job.state, place): job.name for job in self.selected or () for place in job.tasks}

    def digest_of(self, state: str, job: str) -> str | None:
        """Return what changes when any task of a job does; None if there is no such job."""
        if self.selected is not None:
            return job if (state, job) in self.listed else None  # its name has a digest in it
        if state in self.design.states and job in self.design.jobs_of(state):
            return self.design.digest_of(state, job)
        return None
