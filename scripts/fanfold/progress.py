"""How far a launch is, from what is on disk: no lock, no scheduler, no other process asked."""

import fcntl
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.fanfold.design import Design, Task
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import DONE, FAILED, read_records
from scripts.fanfold.task_folder import LOG, RECORD

RUNNING, WAITING = "running", "waiting"
COLUMNS = (WAITING, RUNNING, DONE, FAILED)


def count_statuses(design: Design, tasks: Iterable[Task]) -> dict[str, Counter[str]]:
    """Return state -> how many of the tasks are waiting, running, done and failed."""
    found = read_statuses(design, tasks)
    return {state: Counter(statuses.values()) for state, statuses in found.items()}


def read_statuses(design: Design, tasks: Iterable[Task]) -> dict[str, dict[str, str]]:
    """Return state -> task -> its status.

    What is on disk may be about tasks that are no more, or are defined otherwise by now: only what
    has the right digest counts.
    """
    by_state: dict[str, dict[str, str]] = {}
    for task in tasks:
        by_state.setdefault(str(task.state), {})[task.name] = task.digest
    return {state: _statuses_of(design, state, digests) for state, digests in by_state.items()}


def _statuses_of(design: Design, state: str, digests: Mapping[str, str]) -> dict[str, str]:
    results = Path(design.results)
    found: dict[str, str] = {}
    for record in sorted((results / "records" / state).glob("*.jsonl")):
        _add(found, record, digests)
    folder = results / "tasks" / state
    if folder.is_dir() and sum(status == DONE for status in found.values()) < len(digests):
        for task in folder.iterdir():
            name = f"{state}/{task.name}"
            if name in digests and found.get(name) != DONE:
                if _is_running(task):
                    found[name] = RUNNING
                else:
                    _add(found, task / RECORD, digests)
    return {name: found.get(name, WAITING) for name in digests}


def _add(statuses: dict[str, str], record: Path, digests: Mapping[str, str]) -> None:
    """Add what a record says; what is done has been run again after it failed."""
    try:
        records = read_records(record)
    except (OSError, FanfoldError):
        return  # not there yet
    for found in records:
        if digests.get(found.task) == found.digest and statuses.get(found.task) != DONE:
            statuses[found.task] = found.status


def _is_running(folder: Path) -> bool:
    """Whether a job owns the folder of a task."""
    try:
        with (folder / LOG).open("ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
