"""What a task starts with: the files in its folder, its command and its environment variables."""

from pathlib import Path

from scripts.fanfold.commands import Command
from scripts.fanfold.definition import code_files
from scripts.fanfold.design import Design, Task
from scripts.fanfold.task_folder import link
from scripts.fanfold.templates import TemplateFolder, compile_text, environment, render_text


class TaskSetup:
    """Sets up tasks of one design; what all of them share is compiled once."""

    def __init__(self, design: Design) -> None:
        """Compile templates, command and environment variables; raise RenderError."""
        experiment, folder = design.experiment, design.folder
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
        self.links = {path: folder / path for path in code_files(experiment, folder)}
        """Name in the task's folder -> file or folder of the experiment that is linked there."""
        self.links |= {input_name(path): folder / path for path in experiment.inputs}

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


def input_name(path: str) -> str:
    """Return the name of an input in the task's folder: its path if below the experiment's."""
    outside = Path(path).is_absolute() or ".." in Path(path).parts
    return Path(path).name if outside else str(Path(path))
