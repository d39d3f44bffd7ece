"""Run one task: set it up, run its command, look at its outputs, write its record."""

import os
import shutil
import signal
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.fanfold.atomic import remove_folder, write_text
from scripts.fanfold.design import Design, Task
from scripts.fanfold.earlier import EarlierResults
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.records import DONE, FAILED, Record, tail
from scripts.fanfold.slots import Slot, search_path
from scripts.fanfold.tables import TableError, read_table
from scripts.fanfold.task_folder import LOG, RECORD, clear, owned
from scripts.fanfold.task_setup import TaskSetup

_SHELL = shutil.which("bash") or "/bin/sh"
_SHELL_OPTIONS = ["-eo", "pipefail", "-c"] if _SHELL.endswith("bash") else ["-ec"]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended; `reason` is None after success."""

    reason: str | None
    exit_code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0


class Runner:
    """Runs tasks of one state; what all of them share is prepared once."""

    def __init__(self, design: Design, state: str, commit: str | None = None) -> None:
        """Prepare; `commit` goes into the records. Raises RenderError."""
        self.design = design
        self.tasks_folder = Path(design.results, "tasks")
        self._commit = commit
        self._setup = TaskSetup(design)
        self._earlier = EarlierResults(design, state)
        self._outputs = [output.path for output in design.experiment.outputs.values()]
        self._host = socket.gethostname()

    def folder_of(self, task: Task) -> Path:
        """Return the task's folder."""
        return self.tasks_folder / str(task.state) / task.run.name

    def finished(self, task: Task) -> Record | None:
        """Return the record of a task that has succeeded already, exactly as it is defined now."""
        folder = self.folder_of(task)
        try:
            record = Record.from_json((folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        current = record.done and record.digest == task.digest
        return record if current and not self._missing(folder) else None

    def _missing(self, folder: Path) -> list[str]:
        return [path for path in self._outputs if not (folder / path).exists()]

    def run(self, task: Task, job: str, slot: Slot) -> tuple[Record, dict[str, Any]]:
        """Run one task, or take its results if it has finished before.

        Returns its record, and its tables by output (empty for a failed task).
        """
        folder = self.folder_of(task)
        with owned(folder):
            finished = self.finished(task)
            if finished:
                tables, problem = self._read_tables(folder)
                if not problem:
                    return replace(finished, job=job), tables
            elif self.design.experiment.keep == "none" and (found := self._earlier.find(task)):
                remove_folder(folder)
                return replace(found[0], job=job), found[1]
            clear(folder)
            os.truncate(folder / LOG, 0)
            for attempt in range(1, self.design.experiment.failures.retries + 2):
                started = datetime.now(UTC)
                if attempt > 1:
                    clear(folder)
                    with (folder / LOG).open("a") as file:
                        file.write(f"--- attempt {attempt} ---\n")
                outcome = self._attempt(task, folder, slot)
                tables, problem = (
                    ({}, outcome.reason) if outcome.reason else self._read_tables(folder)
                )
                if not problem:
                    break
            record = self._record(task, job, attempt, started, outcome, problem)
            write_text(folder / RECORD, record.to_json() + "\n")
            return record, tables

    def _attempt(self, task: Task, folder: Path, slot: Slot) -> Outcome:
        if task.problem:
            return Outcome(task.problem)
        try:
            self._setup.fill(folder, task)
            command, env = self._setup.command(task), self._setup.env(task)
        except RenderError as error:
            return Outcome(str(error))
        minutes = self.design.experiment.model.runtime
        reply = slot.run(
            command=[_SHELL, *_SHELL_OPTIONS, command],
            folder=str(folder),
            log=str(folder / LOG),
            env=self._environment_of(task, folder) | env,
            timeout=minutes * 60,
        )
        if "error" in reply:
            return Outcome(f"the command could not be started: {reply['error']}")
        timed_out = reply.pop("timed_out")
        if timed_out:
            reason = f"timed out after {minutes:g} minutes (model.runtime)"
        elif reply["signal"]:
            reason = f"ended by signal {reply['signal']} ({_signal_name(reply['signal'])})"
        elif reply["exit_code"]:
            reason = f"exit code {reply['exit_code']}"
        elif missing := self._missing(folder):
            reason = f"missing output {', '.join(missing)}"
        else:
            reason = None
        return Outcome(reason, **reply)

    def _environment_of(self, task: Task, folder: Path) -> dict[str, str]:
        """Return the variables that tell a model where it is; config/README.md lists them."""
        threads = str(self.design.experiment.model.threads)
        told = {
            "EXPERIMENT": self.design.experiment.name,
            "LAUNCH": self.design.experiment.launch,
            "STATE": str(task.state),
            "SCENARIO": task.run.scenario or "",
            "RUN": task.run.name,
            "TASK": task.name,
            "SEED": "" if task.run.seed is None else str(task.run.seed),
            "INDEX": str(task.run.index),
            "TASK_FOLDER": str(folder.absolute()),
            "THREADS": threads,
        }
        # Numerical libraries otherwise take all cores, for each task that runs at once.
        libraries = (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "POLARS_MAX_THREADS",
        )
        return (
            {f"FANFOLD_{name}": value for name, value in told.items()}
            | dict.fromkeys(libraries, threads)
            | {"PATH": search_path()}
        )

    def _read_tables(self, folder: Path) -> tuple[dict[str, Any], str | None]:
        """Return the task's tables, and what is wrong with one of them."""
        tables = {}
        for name in self.design.tables:
            try:
                tables[name] = read_table(folder / self.design.experiment.outputs[name].path)
            except TableError as error:
                return {}, str(error)
        return tables, None

    def _record(
        self,
        task: Task,
        job: str,
        attempts: int,
        started: datetime,
        outcome: Outcome,
        problem: str | None,
    ) -> Record:
        return Record(
            task=task.name,
            state=str(task.state),
            scenario=task.run.scenario,
            run=task.run.name,
            seed=task.run.seed,
            index=task.run.index,
            job=job,
            status=FAILED if problem else DONE,
            reason=problem,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            attempts=attempts,
            seconds=outcome.seconds,
            peak_memory_mb=outcome.peak_memory_mb,
            started=started.isoformat(timespec="milliseconds"),
            host=self._host,
            digest=task.digest,
            definition=self.design.definition.digest,
            commit=self._commit,
            log_tail=tail(self.folder_of(task) / LOG) if problem else None,
        )

    def trim(self, task: Task) -> None:
        """Remove what `keep` says is not wanted of a task that has succeeded."""
        keep = self.design.experiment.keep
        if keep == "outputs":
            clear(self.folder_of(task), [*self._outputs, RECORD])
        elif keep == "none":
            remove_folder(self.folder_of(task))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
