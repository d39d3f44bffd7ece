"""Render the configs of tasks without running them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.fanfold.atomic import remove_folder
from scripts.fanfold.call import Call
from scripts.fanfold.design import Task
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.script_log import script_log
from scripts.fanfold.task_setup import TaskSetup

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def configs(call: Call, folder: Path) -> list[Path]:
    """Render the templates of the selected tasks below `folder`; return the task folders.

    Nothing selected: of the first task of each state and scenario.
    What `folder` held before goes. Raises FanfoldError naming the task that cannot be rendered.
    """
    targets = {folder / task.name: task for task in _chosen(call)}
    setup = TaskSetup(call.design)
    remove_folder(folder)
    for target, task in targets.items():
        target.mkdir(parents=True)
        try:
            setup.fill(target, task)
        except RenderError as error:
            raise FanfoldError(f"{task.name}: {error}") from None
    return list(targets)


def _chosen(call: Call) -> Iterator[Task]:
    if call.selected is not None:
        yield from call.tasks()
        return
    design = call.design
    for state in design.states:
        for scenario in design.scenarios:
            if design.space_of(state, scenario).size:
                yield design.task(state, scenario, 1)


if __name__ == "__main__":
    with script_log(snakemake.log):
        call = snakemake.params.call
        rendered = configs(call, Path(call.design.results, "configs"))
        click.echo("\n".join(str(path) for path in rendered))
