"""A part of an ensemble, chosen by what its tasks are or what became of them.

`state=CA,NY; scenario=low; seed=1-10`: conditions with `;` between them must all hold, of values
with `,` between them any. Also by name or pattern (`CA/low-*`), by `index`, by any variable of the
axes, and by what became of a task: `failed`, `missing`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from scripts.fanfold.call import Call
from scripts.fanfold.design import Design, Task
from scripts.fanfold.digests import digest_of
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.listed_jobs import ListedJob, packs
from scripts.fanfold.names import listing, nearest
from scripts.fanfold.progress import WAITING, read_statuses
from scripts.fanfold.records import FAILED

#: Word -> the status that it asks for.
WORDS = {"failed": FAILED, "missing": WAITING}
#: Keys that are not variables of the axes.
KEYS = ("task", "state", "scenario", "run", "seed", "index")
#: Task names among which the one that was probably meant is looked for.
NAMES_COMPARED = 10_000
_RANGE = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class Wanted:
    """One condition: a key, and values of which any will do."""

    key: str
    values: tuple[str, ...]
    used: set[str] = field(default_factory=set)
    """The values that some task has."""

    def fits(self, value: Any) -> bool:
        """Whether a task with this value is wanted; note which of `values` it has."""
        fitting = [wanted for wanted in self.values if _fits(self.key, wanted, value)]
        self.used.update(fitting)
        return bool(fitting)


def _fits(key: str, wanted: str, value: Any) -> bool:
    span = _RANGE.fullmatch(wanted) if key in ("seed", "index") else None
    if span:
        return value is not None and int(span[1]) <= value <= int(span[2])
    return fnmatchcase(str(value), wanted)


def read_selection(design: Design, text: str) -> list[Wanted]:
    """Take a selection apart; raise ConfigError for a key that no task has."""
    known = [*KEYS, *design.space.variables]
    wanted, problems = [], []
    if not text.strip(" ;"):
        problems.append("select: is empty")
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, values = part.partition("=")
        if not equals:
            words = {word.strip() for word in part.split(",")}
            key, values = ("status" if words <= WORDS.keys() else "task"), part
        elif key.strip() not in known:
            hint = nearest(key.strip(), known) or f"; there are {listing(known)}"
            problems.append(f"select: there is no `{key.strip()}`{hint}")
        wanted.append(Wanted(key.strip(), tuple(word.strip() for word in values.split(","))))
    if problems:
        raise ConfigError(problems)
    return wanted


def select(design: Design, text: str) -> Call:
    """Return the call that works on the selected tasks: jobs of up to `tasks_per_job` of them.

    Raises
    ------
    ConfigError
        For each value that fits no task, and if no task fits all conditions.
    """
    by_state = defaultdict(list)
    for task in selected_tasks(design, text):
        by_state[str(task.state)].append(task)
    # Another selection, or tasks that are others by now, give jobs with other names.
    digest = digest_of([(task.name, task.digest) for tasks in by_state.values() for task in tasks])
    prefix = f"select{digest[:8]}-"
    size = design.experiment.tasks_per_job
    places = {
        state: [(task.run.scenario, task.run.index) for task in tasks]
        for state, tasks in by_state.items()
    }
    jobs = [
        ListedJob(f"{prefix}{number}", state, pack)
        for state, chosen in places.items()
        for number, pack in enumerate(packs(chosen, size), 1)
    ]
    return Call(design, tuple(jobs), prefix)


def selected_tasks(design: Design, text: str) -> list[Task]:
    """Return the tasks that a selection is about; raises as `select` does."""
    wanted = read_selection(design, text)

    def of(*keys: str) -> list[Wanted]:
        return [condition for condition in wanted if condition.key in keys]

    states = [state for state in design.states if _all_fit(of("state"), state)]
    scenarios = [name for name in design.scenarios if _all_fit(of("scenario"), name)]
    about_runs = [w for w in wanted if w.key not in ("state", "scenario", "task", "status")]
    runs: dict[Any, list[int]] = {}
    tasks = []
    for state in states:
        for scenario in scenarios:
            key = (scenario, *design.spaces.key(state, scenario))
            if key not in runs:  # most states have the same runs
                runs[key] = list(_runs_that_fit(design, state, scenario, about_runs))
            tasks += [design.task(state, scenario, index) for index in runs[key]]
    if of("task"):
        tasks = [task for task in tasks if _all_fit(of("task"), task.name)]
    for condition in of("status"):
        asked = {WORDS[word] for word in condition.values}
        statuses = read_statuses(design, tasks)
        tasks = [task for task in tasks if statuses[str(task.state)][task.name] in asked]
        condition.used.update(condition.values)
    _check_used(design, wanted, text, tasks)
    return tasks


def _all_fit(conditions: list[Wanted], value: Any) -> bool:
    fitting = [condition.fits(value) for condition in conditions]  # all of them note it
    return all(fitting)


def _runs_that_fit(
    design: Design, state: str, scenario: str | None, conditions: list[Wanted]
) -> Iterator[int]:
    """Yield the indices of the runs that fulfil all conditions."""
    space = design.space_of(state, scenario)
    for index in range(1, space.size + 1):
        if not conditions:
            yield index
            continue
        values = {"index": index} | space.point(index).variables
        if any(condition.key == "run" for condition in conditions):
            values["run"] = design.task(state, scenario, index).run.name
        fitting = [condition.fits(values.get(condition.key)) for condition in conditions]
        if all(fitting):
            yield index


def _check_used(design: Design, wanted: list[Wanted], text: str, tasks: list[Task]) -> None:
    """Raise ConfigError for values that no task has, or if no task is left."""
    unused = [(w.key, value) for w in wanted for value in w.values if value not in w.used]
    problems = [
        f"select: no task {'' if key == 'task' else f'has {key} '}`{value}`"
        f"{_meant(design, key, value)}"
        for key, value in unused
    ]
    if not problems and not tasks:
        problems.append(f"select: no task fits `{text}`")
    if problems:
        raise ConfigError(problems)


def _meant(design: Design, key: str, value: str) -> str:
    """Return what was probably meant by a value that no task has."""
    if "=" in value:
        return "; between conditions write `;`"
    if key == "task" and value in design.states:
        return f"; did you mean `state={value}`?"
    known: list[str] = []
    if key == "state":
        known = list(design.states)
    elif key == "scenario":
        known = list(design.experiment.scenarios)
    elif key == "task":
        names = (task.name for task in islice(design.all_tasks(), NAMES_COMPARED))
        known = [*names, *WORDS]
    return nearest(value, known)
