"""Run the tasks of one job: render, run the command, look at the outputs, write the records."""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from scripts.fanfold import launcher
from scripts.fanfold.atomic import remove_folder, write_text
from scripts.fanfold.commands import Command
from scripts.fanfold.definition import code_files
from scripts.fanfold.design import Design, Task
from scripts.fanfold.records import DONE, FAILED, Record, tail
from scripts.fanfold.tables import JobTable, TableError, coordinate_types, read_table
from scripts.fanfold.task_folder import LOG, RECORD, clear, link, owned
from scripts.fanfold.templates import (
    RenderError,
    TemplateFolder,
    compile_text,
    environment,
    render_text,
)

log = logging.getLogger(__name__)
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


class _Slot:
    """A launcher process: runs one command at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", launcher.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout  # noqa: S101 (for the type checker)
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        reply = self._process.stdout.readline()
        if not reply:
            raise InterruptedError("the job is ending")
        return dict(json.loads(reply))

    def close(self) -> None:
        assert self._process.stdin  # noqa: S101 (for the type checker)
        self._process.stdin.close()


@dataclass
class Runner:
    """Runs tasks of one design; everything that all of them share is prepared once.

    Raises
    ------
    RenderError
        When made, if a template or the command cannot be compiled.
    """

    design: Design
    tasks_folder: Path
    commit: str | None = None
    templates: TemplateFolder = field(init=False)

    def __post_init__(self) -> None:
        experiment, folder = self.design.experiment, self.design.folder
        directory = experiment.templates.dir
        self.templates = TemplateFolder(
            folder / directory if directory else None, experiment.templates.render
        )
        self._command = Command("model.command", experiment.model.command)
        plain = environment()
        self._env = {
            name: compile_text(f"model.env.{name}", text, plain)
            for name, text in experiment.model.env.items()
        }
        self._links = {path: folder / path for path in code_files(experiment, folder)}
        self._links |= {input_name(path): folder / path for path in experiment.inputs}
        self._outputs = [output.path for output in experiment.outputs.values()]
        self._host = socket.gethostname()

    def folder_of(self, task: Task) -> Path:
        """Return the task's folder."""
        return self.tasks_folder / str(task.state) / task.run.name

    def prepare(self, task: Task, folder: Path) -> None:
        """Put the rendered files and the links in an empty folder; raise RenderError."""
        self.templates.write(folder, task.variables)
        for name, target in self._links.items():
            link(folder, name, target)

    def command(self, task: Task) -> tuple[str, dict[str, str]]:
        """Return the command for bash and the environment variables; raise RenderError."""
        env = {
            name: render_text(f"model.env.{name}", template, task.variables)
            for name, template in self._env.items()
        }
        return self._command.render(task.variables), env

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

    def run(self, task: Task, job: str, slot: _Slot) -> tuple[Record, dict[str, Any]]:
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
            clear(folder)
            os.truncate(folder / LOG, 0)
            for attempt in range(1, self.design.experiment.failures.retries + 2):
                started = datetime.now(UTC)
                if attempt > 1:
                    clear(folder)
                    with (folder / LOG).open("a") as file:
                        file.write(f"--- attempt {attempt} ---\n")
                outcome = self._attempt(task, folder, slot)
                tables, problem = ({}, outcome.reason) if outcome.reason else self._read_tables(folder)
                if not problem:
                    break
            record = self._record(task, job, attempt, started, outcome, problem)
            write_text(folder / RECORD, record.to_json() + "\n")
            return record, tables

    def _attempt(self, task: Task, folder: Path, slot: _Slot) -> Outcome:
        try:
            self.prepare(task, folder)
            command, env = self.command(task)
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
        libraries = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        # The Python that runs Fanfold comes last, for machines without a `python` of their own.
        path = f"{os.environ.get('PATH', os.defpath)}:{Path(sys.executable).parent}"
        return (
            {f"FANFOLD_{name}": value for name, value in told.items()}
            | dict.fromkeys(libraries, threads)
            | {"PATH": path}
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
            commit=self.commit,
            log_tail=tail(self.folder_of(task) / LOG) if problem else None,
        )

    def trim(self, task: Task) -> None:
        """Remove what `keep` says is not wanted of a task that has succeeded."""
        keep = self.design.experiment.keep
        if keep == "outputs":
            clear(self.folder_of(task), [*self._outputs, RECORD])
        elif keep == "none":
            remove_folder(self.folder_of(task))


def input_name(path: str) -> str:
    """Return the name of an input in the task's folder: its path if below the experiment's."""
    outside = Path(path).is_absolute() or ".." in Path(path).parts
    return Path(path).name if outside else str(Path(path))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


@contextmanager
def _slots(count: int) -> Iterator[SimpleQueue[_Slot]]:
    """Yield `count` launchers; whatever they run ends with the block."""
    slots = [_Slot() for _ in range(count)]
    free: SimpleQueue[_Slot] = SimpleQueue()
    for slot in slots:
        free.put(slot)
    try:
        yield free
    finally:
        for slot in slots:
            slot.close()


def run_job(
    runner: Runner,
    job: str,
    tasks: Sequence[Task],
    tables: dict[str, Path],
    parallel: int,
) -> list[Record]:
    """Run tasks, `parallel` at once; write one Parquet file per table output; return the records.

    A task that fails leaves the others alone. Tasks that have finished before are not run again.
    """
    design = runner.design
    values = {
        name: [choice[name] for axis in design.space.axes for choice in axis.variables if name in choice]
        for name in design.space.variables
    }
    types = coordinate_types(design.coordinates, values)
    collected = {name: JobTable(path, job, types) for name, path in tables.items()}
    records = []
    for task, (record, task_tables) in zip(tasks, _run_all(runner, job, tasks, parallel), strict=True):
        records.append(record)
        log.info("%s: %s", record.task, record.reason or record.status)
        for name, table in task_tables.items():
            coordinates = task.run.variables | {
                "state": str(task.state),
                "scenario": task.run.scenario,
                "seed": task.run.seed,
                "run": task.run.name,
            }
            collected[name].add(table, coordinates, task.digest)
    for table in collected.values():
        table.write()
    return records


def _run_all(
    runner: Runner, job: str, tasks: Iterable[Task], parallel: int
) -> Iterator[tuple[Record, dict[str, Any]]]:
    """Yield what becomes of each task, in the order of the tasks."""

    def run(task: Task) -> tuple[Record, dict[str, Any]]:
        slot = free.get()
        try:
            return runner.run(task, job, slot)
        finally:
            free.put(slot)

    with ThreadPoolExecutor(parallel) as pool, _slots(parallel) as free:
        try:
            yield from pool.map(run, tasks)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
