"""The model's command: Jinja2 inside a shell command, without a value ever being shell code."""

import re
import shlex
import threading
from collections.abc import Mapping
from typing import Any

from scripts.fanfold.templates import RenderError, compile_text, environment, render_text

_MARK = "\0"
_PIECE = re.compile(
    r"""\0(?P<value>\d+)\0                   # where the value of an expression belongs
      | (?P<comment>(?<![^\s;&|()])\#[^\n]*) # a comment, unless within quotes
      | \\. | \$' | \$\( | << | .""",
    re.DOTALL | re.VERBOSE,
)
_PLAIN = ("", "(")


class Command:
    """A shell command with Jinja2 expressions; compiled once, rendered for each task.

    Whatever a value holds (blanks, quotes, `$(...)`, `;`), the command sees it as it is, in one
    word, in or out of quotes; nothing in it is executed.
    """

    def __init__(self, where: str, text: str) -> None:
        """Compile `text`; `where` names it in errors. Raises RenderError."""
        self._where = where
        self._values: list[str] = []
        self._template = compile_text(where, text, environment(finalize=self._set_aside))
        self._lock = threading.Lock()

    def _set_aside(self, value: Any) -> str:
        text = str(value)
        if _MARK in text:
            raise RenderError(f"{self._where}: a value holds a NUL character")
        self._values.append(text)
        return f"{_MARK}{len(self._values) - 1}{_MARK}"

    def render(self, variables: Mapping[str, Any]) -> str:
        """Return the command for bash; raise RenderError."""
        with self._lock:
            self._values.clear()
            text = render_text(self._where, self._template, variables)
            return self._put_values_in(text)

    def _put_values_in(self, text: str) -> str:
        """Follow the shell's quoting through `text` and quote each value as its place asks for."""
        nesting = [""]
        parts = []
        position = 0
        while match := _PIECE.match(text, position):
            piece = match[0]
            if match["comment"] and nesting[-1] not in _PLAIN:
                piece = "#"
            position += len(piece)
            if match["value"]:
                parts.append(self._quoted(self._values[int(match["value"])], nesting[-1]))
            elif piece == "#" or not match["comment"]:
                _follow(piece, nesting)
                parts.append(piece)
        return "".join(parts)

    def _quoted(self, value: str, inside: str) -> str:
        if inside in _PLAIN:
            return shlex.quote(value)
        if inside == "'":
            return value.replace("'", "'\\''")
        if inside == '"':
            return re.sub(r'([\\"$`])', r"\\\1", value)
        raise RenderError(
            f"{self._where}: no {{{{ }}}} inside {inside} ...: write it outside, or in a template"
        )


def _follow(piece: str, nesting: list[str]) -> None:
    """Note what `piece` opens or closes; the innermost open quote or bracket is the last."""
    inside = nesting[-1]
    if inside == "'":
        if piece.endswith("'"):  # a backslash means nothing here: \' closes too
            nesting.pop()
    elif inside == "$'":
        if piece == "'":
            nesting.pop()
    elif inside in ('"', "`") and piece == inside:
        nesting.pop()
    elif inside == '"':
        if piece in ("$(", "`"):
            nesting.append("(" if piece == "$(" else piece)
    elif piece in ("'", '"', "`", "$'", "<<"):
        nesting.append(piece)
    elif piece in ("(", "$("):
        nesting.append("(")
    elif piece == ")" and inside == "(":
        nesting.pop()
