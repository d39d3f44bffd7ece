"""Render the configs of tasks without running them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.fanfold.atomic import remove_folder
from scripts.fanfold.design import Design
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.script_log import script_log
from scripts.fanfold.selection import select_tasks
from scripts.fanfold.task_setup import TaskSetup

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def configs(design: Design, select: str, folder: Path) -> list[Path]:
    """Render the templates of the selected tasks below `folder`; return the task folders.

    What `folder` held before goes. Raises FanfoldError naming the task that cannot be rendered.
    """
    targets = {folder / task.name: task for task in select_tasks(design, select)}
    setup = TaskSetup(design)
    remove_folder(folder)
    for target, task in targets.items():
        target.mkdir(parents=True)
        try:
            setup.fill(target, task)
        except RenderError as error:
            raise FanfoldError(f"{task.name}: {error}") from None
    return list(targets)


if __name__ == "__main__":
    with script_log(snakemake.log):
        design = snakemake.params.design
        rendered = configs(design, snakemake.params.select, Path(design.results, "configs"))
        click.echo("\n".join(str(path) for path in rendered))
