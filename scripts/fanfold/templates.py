"""The files of a task's folder: copied from the templates' folder, rendered with Jinja2."""

import os
import shutil
import stat
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scripts.fanfold.digests import files_below
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.names import nearest

SUFFIX = ".j2"


class RenderError(FanfoldError):
    """A template, command or environment variable that cannot be rendered: where, line, what."""


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2, strict; `state.pop` is what the table has of that name, not a method of Python."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an entry of a mapping before an attribute."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def environment(
    folder: Path | None = None, finalize: Callable[[Any], Any] | None = None
) -> ImmutableSandboxedEnvironment:
    """Return the Jinja2 environment of all templates: strict, and unable to touch the machine."""
    return _Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=finalize,
        loader=FileSystemLoader(folder) if folder else None,
        autoescape=False,  # texts for a model, not for a browser
    )


def render_text(where: str, template: Template, variables: Mapping[str, Any]) -> str:
    """Render `template`; raise RenderError naming `where`, the line and the name."""
    try:
        return template.render(variables)
    except UndefinedError as error:
        raise RenderError(f"{_place_of(error, where)}: {_undefined(error, variables)}") from None
    except Exception as error:  # whatever an expression raises: TypeError, ZeroDivisionError, ...
        text = getattr(error, "message", None) or str(error) or type(error).__name__
        raise RenderError(f"{_place_of(error, where)}: {text}") from None


def _undefined(error: UndefinedError, variables: Mapping[str, Any]) -> str:
    """Say which name is undefined, and which was probably meant."""
    message = str(error.message)
    name = message.split("'")[-2] if message.count("'") > 1 else message
    if "State object" in message:
        return f"'state.{name}' is undefined{nearest(name, variables['state'])}"
    return f"{message}{nearest(name, variables)}"


def _place_of(error: BaseException, where: str) -> str:
    """Say in which file and line it was (Jinja2 puts the frames of templates in the traceback)."""
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if "__jinja_exception__" in frame.f_globals
    ]
    if not frames:
        return where
    file, line = frames[-1]
    return f"{where if file.startswith('<') else file}, line {line}"


def compile_text(where: str, text: str, env: ImmutableSandboxedEnvironment) -> Template:
    """Compile a template given as text; raise RenderError for a syntax error."""
    try:
        return env.from_string(text)
    except TemplateError as error:
        raise RenderError(f"{where}: {error.message}") from None


@dataclass(frozen=True)
class TemplateFile:
    """A file of the templates' folder: rendered if it has a template, else copied."""

    source: Path
    target: Path
    """Relative to the task's folder."""
    template: Template | None

    def render(self, variables: Mapping[str, Any]) -> str:
        """Return the text, empty if the file is only copied; raise RenderError."""
        return render_text(str(self.source), self.template, variables) if self.template else ""


class TemplateFolder:
    """All files that a task's folder starts with; templates are compiled once."""

    def __init__(self, folder: Path | None, patterns: Sequence[str]) -> None:
        """Read `folder` (None: no templates).

        Raises
        ------
        RenderError
            For the first template that is not UTF-8 or not valid Jinja2.
        """
        self.folder = folder
        self._environment = environment(folder)
        found = files_below(folder) if folder else ()
        self.files = tuple(self._file(source, patterns) for source in found)

    def _file(self, source: Path, patterns: Sequence[str]) -> TemplateFile:
        assert self.folder is not None  # noqa: S101 (for the type checker)
        name = source.relative_to(self.folder)
        rendered = not source.is_symlink() and any(
            fnmatch(str(name), pattern) or fnmatch(name.name, pattern) for pattern in patterns
        )
        if not rendered:
            return TemplateFile(source, name, None)
        target = name.with_suffix("") if name.suffix == SUFFIX else name
        return TemplateFile(source, target, self._compile(source, name))

    def _compile(self, source: Path, name: Path) -> Template:
        try:
            return self._environment.get_template(name.as_posix())
        except TemplateError as error:
            line = f", line {error.lineno}" if hasattr(error, "lineno") else ""
            raise RenderError(f"{source}{line}: {error.message}") from None
        except UnicodeDecodeError as error:
            raise RenderError(
                f"{source}: not UTF-8 text (byte {error.start}); save it as UTF-8, or leave it out "
                "of templates.render"
            ) from None

    def render(self, variables: Mapping[str, Any]) -> dict[Path, str]:
        """Return target -> text of the rendered files; raise RenderError."""
        return {file.target: file.render(variables) for file in self.files if file.template}

    def write(self, folder: Path, variables: Mapping[str, Any]) -> None:
        """Make the files in `folder`: rendered ones read-only, others with their modes.

        Nothing is written if a template cannot be rendered (RenderError).
        """
        texts = self.render(variables)
        for file in self.files:
            target = folder / file.target
            if len(file.target.parts) > 1:
                target.parent.mkdir(parents=True, exist_ok=True)
            if file.template:
                executable = file.source.stat().st_mode & 0o111
                with open(
                    target, "x", encoding="utf-8", opener=_read_only(0o444 | executable)
                ) as f:
                    f.write(texts[file.target])
            elif file.source.is_symlink():
                target.symlink_to(file.source.readlink())
            else:
                shutil.copyfile(file.source, target)
                target.chmod(stat.S_IMODE(file.source.stat().st_mode))


def _read_only(mode: int) -> Callable[[str, int], int]:
    """Return an opener that makes a new file read-only from the start: one call less per file."""
    return lambda path, flags: os.open(path, flags, mode)
