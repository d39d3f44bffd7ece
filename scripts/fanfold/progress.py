"""How far a launch is, from what is on disk: no lock, no scheduler, no other process asked."""

import fcntl
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.fanfold.design import Design
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import DONE, FAILED, read_records
from scripts.fanfold.task_folder import LOG, RECORD

RUNNING, WAITING = "running", "waiting"
COLUMNS = (WAITING, RUNNING, DONE, FAILED)


def read_progress(design: Design, jobs: Mapping[str, Sequence[str]]) -> dict[str, Counter[str]]:
    """Return state -> how many of its tasks are waiting, running, done and failed.

    `jobs` lists the jobs of each state, retries after the jobs that they retry.
    """
    return {state: _progress_of(design, state, names) for state, names in jobs.items()}


def _progress_of(design: Design, state: str, jobs: Sequence[str]) -> Counter[str]:
    results = Path(design.results)
    # What is on disk may be about tasks that are no more, or are defined otherwise by now.
    digests = {
        task.name: task.digest
        for job in design.jobs_of(state)
        for task in design.tasks_of(state, job)
    }
    statuses: dict[str, str] = {}
    for job in jobs:
        statuses |= _statuses(results / "records" / state / f"{job}.jsonl", digests)
    folder = results / "tasks" / state
    if folder.is_dir() and sum(status == DONE for status in statuses.values()) < len(digests):
        for task in folder.iterdir():
            name = f"{state}/{task.name}"
            if name in digests and statuses.get(name) != DONE:
                statuses |= _status_of_folder(name, task, digests)
    counts = Counter(statuses.values())
    counts[WAITING] = len(digests) - len(statuses)
    return counts


def _statuses(record: Path, digests: Mapping[str, str]) -> dict[str, str]:
    try:
        records = read_records(record)
    except (OSError, FanfoldError):
        return {}  # not there yet
    return {
        found.task: found.status for found in records if digests.get(found.task) == found.digest
    }


def _status_of_folder(name: str, folder: Path, digests: Mapping[str, str]) -> dict[str, str]:
    """Return the status of a task whose job has no record yet."""
    try:
        with (folder / LOG).open("ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return {name: RUNNING}
    except OSError:
        return {}
    return _statuses(folder / RECORD, digests)
