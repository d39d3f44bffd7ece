"""What an experiment comes to, on one screen: for a person to check before anything runs."""

from collections.abc import Callable, Sequence
from typing import Any

from scripts.fanfold.axes import Axis
from scripts.fanfold.call import Call
from scripts.fanfold.design import Design, Task
from scripts.fanfold.sampling import SampleAxis


def summary(call: Call, table: str = "") -> str:
    """Return the axes, counts, first and last task, resources and notes of an ensemble.

    `table` is where its design table is, if it has been written.
    """
    design = call.design
    experiment, space = design.experiment, design.space
    lines = [("experiment", f"{experiment.name}, launch {experiment.launch}")]
    lines.append(("states", _listing(list(design.states))))
    if experiment.scenarios:
        lines.append(("scenarios", _listing(list(experiment.scenarios))))
    lines += [(axis.where, _values(axis)) for axis in space.axes]
    if design.derived.names:
        lines.append(("runs.derive", _listing(design.derived.names)))
    full = len(design.states) * len(design.scenarios) * space.size
    if design.size < full and (experiment.runs.exclude or experiment.runs.only):
        lines.append(("combinations", f"{full:,}, of which {full - design.size:,} are left out"))
    sizes = [job.size for state in design.states for job in design.jobs_of(state).values()]
    most = max(sizes)
    lines += [
        ("tasks", f"{design.size:,} in {len(sizes):,} jobs of up to {most:,}"),
        ("per job", _resources(design, most)),
        ("in total", _total(design, sizes)),
        *_selected(call),
        ("outputs", _listing([f"{name} ({path})" for name, path, _ in design.output_list])),
        ("first task", _shown(design, next(design.all_tasks()))),
        ("last task", _shown(design, _last_task(design))),
        ("results", design.results),
        *([("design table", table)] if table else []),
        *(("note", note) for note in design.notes),
    ]
    width = max(len(key) for key, _ in lines) + 2
    return "\n".join(f"{key:<{width}}{value}" for key, value in lines)


def _selected(call: Call) -> list[tuple[str, str]]:
    if call.selected is None:
        return []
    places = f"{call.size:,} of them in {len(call.jobs):,} states, in {len(call.selected):,} jobs"
    return [("selected", places)]


def _last_task(design: Design) -> Task:
    state = list(design.states)[-1]
    job = list(design.jobs_of(state).values())[-1]
    return design.task(state, job.scenario, job.last)


def _resources(design: Design, tasks: int) -> str:
    return (
        f"{design.threads_of(tasks)} cores, {design.mem_mb_of(tasks):,} MB, "
        f"{design.runtime_min_of(tasks):,} minutes"
    )


def _total(design: Design, sizes: Sequence[int]) -> str:
    """Return what all tasks take at most, and what the jobs ask for."""
    model = design.experiment.model
    used = design.size * model.runtime * model.threads / 60
    asked = sum(design.threads_of(size) * design.runtime_min_of(size) for size in sizes) / 60
    return (
        f"{used:,.1f} core hours if each task takes its whole runtime; "
        f"the jobs ask for {asked:,.1f}"
    )


def _values(axis: Axis) -> str:
    """Return how many alternatives an axis has, and the first and last of them."""
    if len(axis.names) == 1 and len(axis.choice(0)) == 1 and not isinstance(axis, SampleAxis):
        [name] = axis.names
        return _listing(range(len(axis)), lambda position: axis.choice(position)[name])
    names = ", ".join(axis.names)
    if isinstance(axis, SampleAxis):
        names += f"; {axis.sample.method}"
    return f"{_listing(range(len(axis)), axis.label)} ({names})"


def _listing(items: Sequence[Any], text: Callable[[Any], Any] = str, most: int = 6) -> str:
    """Return the number of items and the first and last of them."""
    chosen = items if len(items) <= most else [*items[:3], None, items[-1]]
    shown = ["..." if item is None else str(text(item)) for item in chosen]
    return f"{len(items):,}: {', '.join(shown)}" if items else "none"


def _shown(design: Design, task: Task) -> str:
    fixed = design.experiment.vars.keys() | task.state.keys()
    chosen = {
        name: value
        for name, value in task.variables.items()
        if name in {*design.space.variables, *design.derived.names}
        or name in design.scenarios[task.run.scenario]
        if name not in fixed or value != design.experiment.vars.get(name)
    }
    values = ", ".join(f"{name}={value}" for name, value in chosen.items())
    return f"{task.name}" + (f" ({values})" if values else "")
