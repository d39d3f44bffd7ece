"""The files of a task's folder: copied from the templates' folder, rendered with Jinja2."""

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Template, TemplateError

from scripts.fanfold.digests import files_below
from scripts.fanfold.edits import Edits
from scripts.fanfold.jinja import RenderError, environment, render_text
from scripts.fanfold.names import nearest
from scripts.fanfold.schema import Templates

SUFFIX = ".j2"
#: A rendered file whose name starts so is only there for others to include or extend.
PARTIAL = "_"


@dataclass(frozen=True)
class TemplateFile:
    """A file of the templates' folder: made anew for each task, or copied."""

    source: Path
    target: Path
    """Relative to the task's folder."""
    template: Template | None
    edits: Edits | None

    @property
    def made(self) -> bool:
        """Whether it differs from task to task."""
        return self.template is not None or self.edits is not None

    def render(self, variables: Mapping[str, Any]) -> str:
        """Return the text of a file that is made; raise RenderError."""
        if self.template:
            text = render_text(str(self.source), self.template, variables)
        else:
            text = _read_utf8(self.source)
        return self.edits.apply(text, variables) if self.edits else text


class TemplateFolder:
    """All files that a task's folder starts with; templates are compiled once."""

    def __init__(self, folder: Path | None, templates: Templates) -> None:
        """Read `folder` (None: no templates).

        Raises
        ------
        RenderError
            For the first template that is not UTF-8 or not valid Jinja2, or change to a file
            that is not there.
        """
        self._folder = folder
        self._patterns = templates.render
        self._environment = environment(folder, undefined=templates.undefined)
        self._edits = {Path(path): Edits(path, changes) for path, changes in templates.edit.items()}
        found = files_below(folder) if folder else ()
        files = (self._file(source, source.relative_to(folder)) for source in found if folder)
        self.files = tuple(file for file in files if file)
        targets = {str(file.target) for file in self.files}
        for path in templates.edit:
            if str(Path(path)) not in targets:
                raise RenderError(
                    f"templates.edit: there is no file `{path}`{nearest(path, targets)}"
                )

    def _file(self, source: Path, name: Path) -> TemplateFile | None:
        rendered = not source.is_symlink() and any(
            fits(pattern, name) for pattern in self._patterns
        )
        if rendered and name.name.startswith(PARTIAL):
            return None
        target = target_of(name, rendered)
        template = self._compile(source, name) if rendered else None
        return TemplateFile(source, target, template, self._edits.get(target))

    def _compile(self, source: Path, name: Path) -> Template:
        try:
            return self._environment.get_template(name.as_posix())
        except TemplateError as error:
            line = f", line {error.lineno}" if hasattr(error, "lineno") else ""
            raise RenderError(f"{source}{line}: {error.message}") from None
        except UnicodeDecodeError as error:
            raise _not_utf8(source, error) from None

    def render(self, variables: Mapping[str, Any]) -> dict[Path, str]:
        """Return target -> text of the rendered files; raise RenderError."""
        return {file.target: file.render(variables) for file in self.files if file.made}

    def write(self, folder: Path, variables: Mapping[str, Any]) -> None:
        """Make the files in `folder`: rendered ones read-only, others with their modes.

        Nothing is written if a template cannot be rendered (RenderError).
        """
        texts = self.render(variables)
        for file in self.files:
            target = folder / file.target
            if len(file.target.parts) > 1:
                target.parent.mkdir(parents=True, exist_ok=True)
            if file.made:
                executable = file.source.stat().st_mode & 0o111
                with open(
                    target, "x", encoding="utf-8", opener=_read_only(0o444 | executable)
                ) as f:
                    f.write(texts[file.target])
            elif file.source.is_symlink():
                target.symlink_to(self._destination(file.source, target))
            else:
                shutil.copyfile(file.source, target)
                target.chmod(stat.S_IMODE(file.source.stat().st_mode))

    def _destination(self, link: Path, copy: Path) -> str:
        """Return where the copy of a symlink leads: to the same shared data, if that is outside."""
        written = str(link.readlink())
        leads_to = os.path.normpath(link.parent / written)
        outside = os.path.relpath(leads_to, self._folder).startswith(os.pardir)
        if os.path.isabs(written) or not outside or not os.path.lexists(leads_to):  # noqa: PTH117
            return written
        return os.path.relpath(leads_to, copy.parent)


def target_of(name: PurePath, rendered: bool) -> Path:
    """Return what a file (`name`: below the templates' folder) is called in the task's folder."""
    return Path(name.with_suffix("") if rendered and name.suffix == SUFFIX else name)


def fits(pattern: str, name: PurePath) -> bool:
    """Whether a pattern of `templates.render` is about a file (`name`: below the folder)."""
    return fnmatch(str(name), pattern) or fnmatch(name.name, pattern)


def _read_only(mode: int) -> Callable[[str, int], int]:
    """Return an opener that makes a new file read-only from the start: one call less per file."""
    return lambda path, flags: os.open(path, flags, mode)


def _read_utf8(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(source, error) from None


def _not_utf8(source: Path, error: UnicodeDecodeError) -> RenderError:
    return RenderError(
        f"{source}: not UTF-8 text (byte {error.start}); save it as UTF-8, or leave it out of "
        "templates.render"
    )
