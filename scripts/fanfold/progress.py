"""How far a launch is, from what is on disk: no lock, no scheduler, no other process asked."""

import fcntl
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.fanfold.design import Design
from scripts.fanfold.records import DONE, FAILED
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
    statuses: dict[str, str] = {}
    for job in jobs:
        statuses |= _statuses(results / "records" / state / f"{job}.jsonl")
    total = design.size // len(design.states)
    folder = results / "tasks" / state
    if folder.is_dir() and sum(status == DONE for status in statuses.values()) < total:
        for task in folder.iterdir():
            if task.is_dir() and statuses.get(f"{state}/{task.name}") != DONE:
                statuses |= _status_of_folder(f"{state}/{task.name}", task)
    counts = Counter(statuses.values())
    counts[WAITING] += max(0, total - sum(counts.values()))
    return counts


def _statuses(record: Path) -> dict[str, str]:
    try:
        lines = record.read_text(encoding="utf-8").splitlines()
        return {line["task"]: line["status"] for line in map(json.loads, lines)}
    except (OSError, ValueError, KeyError):
        return {}  # not there yet


def _status_of_folder(name: str, folder: Path) -> dict[str, str]:
    """Return the status of a task whose job has no record yet."""
    try:
        with (folder / LOG).open("ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return {name: RUNNING}
    except OSError:
        return {}
    return _statuses(folder / RECORD)
