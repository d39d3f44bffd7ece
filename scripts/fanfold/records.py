"""What became of a task: one record, in the task's folder and in the record of its job."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from scripts.fanfold.atomic import write_text
from scripts.fanfold.errors import FanfoldError

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Record:
    """The record of one task; a line of records/<state>/<job>.jsonl, and task.json."""

    task: str
    state: str
    scenario: str | None
    run: str
    seed: int | None
    index: int
    job: str
    """The job that ran it (a retry job has its own name)."""
    status: str
    """`done` or `failed`."""
    reason: str | None
    """Why it failed, in one line."""
    exit_code: int | None
    signal: int | None
    """The signal that ended the model, if one did."""
    attempts: int
    seconds: float
    """Wall clock of the last attempt's command."""
    peak_memory_mb: float
    """Peak resident memory of the largest process of the last attempt."""
    started: str
    """When the last attempt started, ISO 8601, UTC."""
    host: str
    digest: str
    """Of everything that determines the task's results."""
    definition: str
    """Key of plan/provenance.json's `definitions`: files, their digests, commit."""
    commit: str | None
    """The git commit checked out when it ran; `+` behind it: with local changes."""
    log_tail: str | None
    """The last lines of task.log, of a failed task."""

    @property
    def done(self) -> bool:
        """Whether the task succeeded."""
        return self.status == DONE

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(vars(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back; raise ValueError if `text` is not a record."""
        content: Any = json.loads(text)
        if not isinstance(content, dict) or content.keys() != {f.name for f in fields(cls)}:
            raise ValueError("not a task's record")
        return cls(**content)


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write the record of a job, atomically: one line per task."""
    write_text(path, "".join(record.to_json() + "\n" for record in records))


def read_records(path: Path) -> list[Record]:
    """Read the record of a job; raise FanfoldError if it is damaged."""
    try:
        with path.open(encoding="utf-8") as file:  # (str.splitlines() splits at U+2028 too)
            return [Record.from_json(line) for line in file]
    except ValueError:
        raise FanfoldError(f"{path}: damaged; delete it and start again") from None


def tail(log: Path, lines: int = 5, most_bytes: int = 4096) -> str | None:
    """Return the last lines of a log, or None if it says nothing."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - most_bytes))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    return "\n".join(text.rstrip().splitlines()[-lines:]) or None
