"""Jinja2 as Fanfold uses it: strict, sandboxed, with errors that say where and what."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import (
    ChainableUndefined,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.filters import FILTERS
from scripts.fanfold.names import nearest


class RenderError(FanfoldError):
    """A template, command or environment variable that cannot be rendered: where, line, what."""


#: Variable of Fanfold's -> why it may not be there.
_UNSET = {
    "seed": "`runs.seeds` is not set",
    "scenario": "`scenarios` is not set",
}


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2, strict; `state.pop` is what the table has of that name, not a method of Python."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an entry of a mapping before an attribute."""
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            if not self.is_safe_attribute(obj, attribute, None):  # `pop`, which changes it
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def environment(
    folder: Path | None = None,
    finalize: Callable[[Any], Any] | None = None,
    undefined: str = "strict",
) -> ImmutableSandboxedEnvironment:
    """Return the Jinja2 environment of all templates: strict, and unable to touch the machine.

    `undefined` is what an undefined name is: an error (`strict`), or nothing (`empty`).
    """
    made = _Environment(
        undefined=StrictUndefined if undefined == "strict" else ChainableUndefined,
        keep_trailing_newline=True,
        finalize=finalize,
        loader=FileSystemLoader(folder) if folder else None,
        autoescape=False,  # texts for a model, not for a browser
    )
    made.filters |= FILTERS
    return made


def render_text(where: str, template: Template, variables: Mapping[str, Any]) -> str:
    """Render `template`; raise RenderError naming `where`, the line and the name."""
    with evaluating(where, variables):
        return template.render(variables)


@contextmanager
def evaluating(where: str, variables: Mapping[str, Any]) -> Iterator[None]:
    """Turn whatever goes wrong with a template into a RenderError: where, line, what."""
    try:
        yield
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
    if name in _UNSET:
        return f"there is no `{name}`: {_UNSET[name]}"
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
