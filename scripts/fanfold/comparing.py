"""What differs between two tasks, or between two launches: variables and rendered files."""

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from scripts.fanfold.design import Design
from scripts.fanfold.design_table import cell
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.names import nearest
from scripts.fanfold.provenance import FILE as PROVENANCE
from scripts.fanfold.provenance import read_provenance
from scripts.fanfold.records import Record
from scripts.fanfold.selection import selected_tasks
from scripts.fanfold.task_folder import RECORD
from scripts.fanfold.task_setup import TaskSetup
from scripts.fanfold.templates import target_of

#: Not compared: where a task is run, and what the design table does not have.
_NOT_COMPARED = ("job", "index", "digest", "threads", "code", "experiment", "launch")
COMMAND, DEFINITION = "the command", "the model (command, environment, digests of files)"
#: Of two launches, so many tasks that differ are shown whole.
TASKS_SHOWN = 10


@dataclass(frozen=True)
class Rendered:
    """What a task is made of."""

    title: str
    variables: dict[str, str]
    files: dict[str, str]
    """Path in the task's folder -> text, of the files that were rendered."""


def rendered_now(design: Design, name: str) -> Rendered:
    """Return a task as the experiment file defines it now.

    Raises
    ------
    FanfoldError
        If there is no such task, or it cannot be rendered.
    """
    tasks = selected_tasks(design, f"task={name}")
    if len(tasks) != 1:
        raise FanfoldError(f"`{name}` is {len(tasks)} tasks; name one")
    task, setup = tasks[0], TaskSetup(design)
    values = task.variables | {"state": str(task.state)}
    variables = {
        key: "" if value is None else str(cell(value))
        for key, value in values.items()
        if key not in _NOT_COMPARED
    }
    texts = {str(path): text for path, text in setup.templates.render(task.variables).items()}
    texts[COMMAND] = setup.command(task) + "\n"
    texts[DEFINITION] = _definition_text(design.definition.as_dict())
    return Rendered(name, variables, texts)


class Launch:
    """What a launch left on disk; its plan and its provenance are read once."""

    def __init__(self, folder: Path) -> None:
        """Read the plan of the launch in `folder`; raise FanfoldError if there is none."""
        self.folder = folder
        self.plan = read_plan(folder)
        """Task -> its variables."""
        self._definitions = read_provenance(folder / PROVENANCE).get("definitions", {})

    def rendered(self, name: str) -> Rendered:
        """Return a task as it was run; raise FanfoldError if there is nothing of it."""
        if name not in self.plan:
            raise FanfoldError(f"{self.folder}: it has no task `{name}`{nearest(name, self.plan)}")
        folder = self.folder / "tasks" / name
        try:
            record = Record.from_json((folder / RECORD).read_text(encoding="utf-8"))
            definition = self._definitions[record.definition]
        except (OSError, ValueError, KeyError):
            raise FanfoldError(
                f"{folder}: there is nothing of this task (it has not run, or `keep: none`)"
            ) from None
        texts = dict(_rendered_files(folder, definition))
        texts[DEFINITION] = _definition_text(definition)
        return Rendered(f"{self.folder.name}:{name}", self.plan[name], texts)


def _rendered_files(folder: Path, definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the files of a task's folder that were rendered: they are read-only."""
    for name in definition["templates"]:
        target = target_of(PurePath(name).relative_to(definition["how"]["dir"]), rendered=True)
        path = folder / target
        if path.is_file() and not path.is_symlink() and not path.stat().st_mode & 0o222:
            yield str(target), path.read_text(encoding="utf-8", errors="replace")


def _definition_text(definition: Mapping[str, Any]) -> str:
    lines = [f"model.command: {line}" for line in definition["command"].splitlines()]
    lines += [f"model.env.{name}: {value}" for name, value in sorted(definition["env"].items())]
    for key in ("templates", "code", "inputs"):
        lines += [f"{key} {name}: {digest}" for name, digest in sorted(definition[key].items())]
    return "\n".join(lines)


def read_plan(launch: Path) -> dict[str, dict[str, str]]:
    """Return task -> its variables, of a launch's design table; raise FanfoldError without one."""
    try:
        with (launch / "plan/tasks.csv").open(encoding="utf-8", newline="") as file:
            return {
                row["task"]: {k: v for k, v in row.items() if k not in _NOT_COMPARED}
                for row in csv.DictReader(file)
            }
    except OSError:
        raise FanfoldError(
            f"{launch}: there is no such launch, or its plan is not written"
        ) from None


def differences(one: Rendered, other: Rendered) -> Iterator[str]:
    """Yield the lines in which two tasks differ, as `diff -u` writes them."""
    texts = [{"the variables": _lines(task.variables)} | task.files for task in (one, other)]
    if not all(COMMAND in text for text in texts):  # as rendered, a launch's folder has none
        texts = [{name: text[name] for name in text if name != COMMAND} for text in texts]
    for name in dict.fromkeys([*texts[0], *texts[1]]):
        yield from difflib.unified_diff(
            *(text.get(name, "").splitlines() for text in texts),
            f"{one.title}: {name}",
            f"{other.title}: {name}",
            lineterm="",
            n=1,
        )


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in sorted(variables.items()) if value != "")


def compare_launches(one: Launch, other: Launch) -> Iterator[str]:
    """Yield what differs between two launches: the tasks of each, and what they are made of."""
    for launch, others in ((one, other), (other, one)):
        alone = [name for name in launch.plan if name not in others.plan]
        if alone:
            yield f"only in {launch.folder.name}: {len(alone):,} tasks, {alone[0]} to {alone[-1]}"
    both = [name for name in one.plan if name in other.plan]
    differing = gone = 0
    for name in both:
        try:
            lines = list(differences(one.rendered(name), other.rendered(name)))
        except FanfoldError:  # not run yet, or not kept
            gone += 1
            continue
        differing += bool(lines)
        if differing <= TASKS_SHOWN:
            yield from lines
    missing = f"; of {gone:,} there is nothing to compare" if gone else ""
    yield f"in both: {len(both):,} tasks, of which {differing:,} differ{missing}"
