"""Choose some tasks of an ensemble by name."""

from fnmatch import fnmatchcase

from scripts.fanfold.design import Design, Task
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import nearest


def select_tasks(design: Design, select: str) -> list[Task]:
    """Return the tasks that `select` names: `CA/baseline-s1`, `CA/*`, several with commas.

    Nothing selected: the first task of each state and scenario.

    Raises
    ------
    ConfigError
        For each name that fits no task.
    """
    if not select:
        return [design.task(state, name, 1) for state in design.states for name in design.scenarios]
    patterns = [pattern.strip() for pattern in select.split(",")]
    states = {pattern.partition("/")[0] for pattern in patterns}
    chosen, used, names = [], set(), []
    for state in design.states:
        if not any(fnmatchcase(state, wanted) for wanted in states):
            continue
        for job in design.jobs_of(state):
            for task in design.tasks_of(state, job):
                names.append(task.name)
                fitting = [wanted for wanted in patterns if fnmatchcase(task.name, wanted)]
                if fitting:
                    chosen.append(task)
                    used.update(fitting)
    unused = [pattern for pattern in patterns if pattern not in used]
    if unused:
        raise ConfigError(f"select: no task `{name}`{nearest(name, names)}" for name in unused)
    return chosen
