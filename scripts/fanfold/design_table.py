"""The design table (plan/tasks.csv): one row per task, written as it is computed."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.fanfold.atomic import replacing
from scripts.fanfold.call import Call
from scripts.fanfold.design import Design, Task

#: The leading columns; the variables follow, then the task's digest.
PLACE = ("task", "state", "scenario", "run", "job", "seed", "index")


def table_variables(design: Design) -> list[str]:
    """Return the variables that have a column: of `vars`, states, scenarios and axes."""
    sources = [design.experiment.vars, *design.states.values(), *design.scenarios.values()]
    names = dict.fromkeys(name for source in sources for name in source)
    names |= dict.fromkeys([*design.space.variables, *design.derived.names])
    return [name for name in names if name not in (*PLACE, "code", "digest")]


def write_design_table(call: Call, path: Path) -> int:
    """Write one row per task, atomically; return the number of tasks."""
    variables = table_variables(call.design)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*PLACE, *variables, "digest"])
        writer.writerows(_row(task, variables) for task in call.tasks())
    return call.size


def _row(task: Task, variables: Sequence[str]) -> list[Any]:
    run = task.run
    place = [task.name, task.state, run.scenario, run.name, task.job, run.seed, run.index]
    cells = [cell(task.variables.get(name)) for name in variables]
    return [*place, *cells, task.digest]


def cell(value: Any) -> Any:
    """Return what stands in a CSV for a value."""
    if isinstance(value, list | dict | bool):
        return json.dumps(value, default=str, ensure_ascii=False)
    return value
