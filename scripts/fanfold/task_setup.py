"""What a task starts with: the files in its folder, its command and its environment variables."""

from collections.abc import Sequence
from pathlib import Path

from scripts.fanfold.commands import Command
from scripts.fanfold.design import Design, Task
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.jinja import compile_text, environment, render_text
from scripts.fanfold.model_code import code_files
from scripts.fanfold.names import is_inside
from scripts.fanfold.task_folder import link
from scripts.fanfold.templates import TemplateFolder


class TaskSetup:
    """Sets up tasks of one design; what all of them share is compiled once."""

    def __init__(self, design: Design) -> None:
        """Compile templates, command and environment variables; raise RenderError, ConfigError."""
        experiment, folder = design.experiment, design.folder
        directory = experiment.templates.dir
        self.templates = TemplateFolder(
            folder / directory if directory else None, experiment.templates
        )
        self._command = Command("model.command", design.definition.command)
        plain = environment()
        self._env = {
            name: compile_text(f"model.env.{name}", text, plain)
            for name, text in experiment.model.env.items()
        }
        self.links = _links(folder, [*code_files(experiment, folder), *experiment.inputs])
        """Name in the task's folder -> file or folder of the experiment that is linked there."""

    def fill(self, folder: Path, task: Task) -> None:
        """Put the rendered files and the links in an empty folder; raise RenderError."""
        self.templates.write(folder, task.variables)
        for name, target in self.links.items():
            link(folder, name, target)

    def command(self, task: Task) -> str:
        """Return the command for bash; raise RenderError."""
        return self._command.render(task.variables)

    def env(self, task: Task) -> dict[str, str]:
        """Return the experiment's environment variables; raise RenderError."""
        return {
            name: render_text(f"model.env.{name}", template, task.variables)
            for name, template in self._env.items()
        }


def _links(folder: Path, paths: Sequence[str]) -> dict[str, Path]:
    """Return name in the task's folder -> what is linked there; raise ConfigError for a clash."""
    links: dict[str, Path] = {}
    problems = []
    for path in paths:
        name, target = link_name(path), folder / path
        if name in (".", "..", ""):
            problems.append(f"{path}: cannot be linked into a task's folder; name what is in it")
        elif links.setdefault(name, target) != target:
            problems.append(f"{target}: {links[name]} would be `{name}` in the task's folder too")
    if problems:
        raise ConfigError(problems)
    # What is below a folder that is linked is there already.
    return {
        name: target
        for name, target in links.items()
        if not any(str(parent) in links for parent in Path(name).parents)
    }


def link_name(path: str) -> str:
    """Return what a file is called in the task's folder: its path if below the experiment's."""
    return str(Path(path)) if is_inside(path) else Path(path).name
