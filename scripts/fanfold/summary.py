"""What an experiment comes to, on one screen: for a person to check before anything runs."""

from typing import Any

from scripts.fanfold.design import Design, Task


def summary(design: Design) -> str:
    """Return the axes, counts, first and last task, and resources of an ensemble."""
    experiment = design.experiment
    jobs = sum(len(design.jobs_of(state)) for state in design.states)
    per_job = min(experiment.tasks_per_job, design.space.size)
    lines = [("experiment", f"{experiment.name}, launch {experiment.launch}")]
    lines.append(("states", _listing(list(design.states))))
    if experiment.scenarios:
        lines.append(("scenarios", _listing(list(experiment.scenarios))))
    lines += [(axis.where, _listing(axis.labels)) for axis in design.space.axes]
    if design.space.seeds:
        lines.append(("runs.seeds", _listing(design.space.seeds)))
    lines += [
        ("tasks", f"{design.size:,} in {jobs:,} jobs of up to {per_job:,}"),
        ("per job", _resources(design, per_job)),
        ("at most", f"{_core_hours(design):,.1f} core hours if each task takes its whole runtime"),
        ("outputs", _listing([f"{name} ({path})" for name, path, _ in design.output_list])),
        ("first task", _shown(design, next(design.all_tasks()))),
        ("last task", _shown(design, _last_task(design))),
        ("results", design.results),
    ]
    return "\n".join(f"{key:<16}{value}" for key, value in lines)


def _last_task(design: Design) -> Task:
    return design.task(list(design.states)[-1], list(design.scenarios)[-1], design.space.size)


def _resources(design: Design, tasks: int) -> str:
    return (
        f"{design.threads_of(tasks)} cores, {design.mem_mb_of(tasks):,} MB, "
        f"{design.runtime_min_of(tasks):,} minutes"
    )


def _core_hours(design: Design) -> float:
    model = design.experiment.model
    return design.size * model.runtime * model.threads / 60


def _listing(items: Any, most: int = 6) -> str:
    """Return the number of items and the first and last of them."""
    shown = [
        str(item) for item in (items if len(items) <= most else [*items[:3], "...", items[-1]])
    ]
    return f"{len(items):,}: {', '.join(shown)}" if items else "none"


def _shown(design: Design, task: Task) -> str:
    fixed = design.experiment.vars.keys() | task.state.keys()
    chosen = {
        name: value
        for name, value in task.variables.items()
        if name in design.space.variables or name in design.scenarios[task.run.scenario]
        if name not in fixed or value != design.experiment.vars.get(name)
    }
    values = ", ".join(f"{name}={value}" for name, value in chosen.items())
    return f"{task.name}" + (f" ({values})" if values else "")
