"""Which failed tasks the next call runs again: planned when a check fails, read when rules load.

plan/retries.json lists retry jobs; each holds failed tasks of one state and nothing else. It names
the digests of the jobs that they failed in: when one of those is no longer current, the job itself
is run again and the retry is forgotten.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from scripts.fanfold.atomic import write_text
from scripts.fanfold.design import Design, Task

FILE = "plan/retries.json"


@dataclass(frozen=True)
class RetryJob:
    """A job of failed tasks."""

    name: str
    state: str
    tasks: list[list[Any]]
    """[scenario, index] of each task."""
    failed_in: dict[str, str]
    """Job of the design -> its digest when it failed."""

    def current(self, design: Design) -> bool:
        """Whether the design still has these tasks, as they were when they failed."""
        jobs = design.jobs_of(self.state) if self.state in design.states else {}
        return all(
            job in jobs and design.digest_of(self.state, job) == digest
            for job, digest in self.failed_in.items()
        )

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))


def tasks_of_retry(design: Design, text: str) -> list[Task]:
    """Return the tasks of a retry job written as JSON."""
    retry = RetryJob(**json.loads(text))
    return [design.task(retry.state, scenario, index) for scenario, index in retry.tasks]


def read_retries(design: Design) -> list[RetryJob]:
    """Return the launch's retry jobs that are still current."""
    path = Path(design.results, FILE)
    try:
        jobs = [RetryJob(**job) for job in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []  # none yet, or damaged: what failed is planned again
    return [job for job in jobs if job.current(design)]


def plan_retries(design: Design, failed: Iterable[tuple[str, str | None, int]]) -> int:
    """Add retry jobs for failed tasks (state, scenario, index); return how many jobs."""
    earlier = read_retries(design)
    rounds = [int(job.name.removeprefix("retry").partition("-")[0]) for job in earlier]
    number = max(rounds, default=0) + 1
    by_state = defaultdict(list)
    for state, scenario, index in failed:
        by_state[state].append([scenario, index])
    new = [
        RetryJob(
            name=f"retry{number}-{part}",
            state=state,
            tasks=pack,
            failed_in={
                job: design.digest_of(state, job)
                for job in {design.job_at(state, scenario, index) for scenario, index in pack}
            },
        )
        for state, tasks in by_state.items()
        for part, pack in enumerate(_packs(tasks, design.experiment.tasks_per_job), 1)
    ]
    jobs = [asdict(job) for job in [*earlier, *new]]
    write_text(Path(design.results, FILE), json.dumps(jobs, indent=1) + "\n")
    return len(new)


def _packs(tasks: list[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(tasks)
    while pack := list(islice(remaining, size)):
        yield pack
