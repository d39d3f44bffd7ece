"""The model's command: Jinja2 inside a shell command, without a value ever being shell code."""

import re
import shlex
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import pass_eval_context

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.jinja import RenderError, compile_text, environment, render_text

_MARK = "\0"
_PIECE = re.compile(
    r"""\0(?P<value>\d+)\0                   # where the value of an expression belongs
      | (?P<comment>(?<![^\s;&|()])\#[^\n]*) # a comment, unless within quotes
      | \\[^\0] | \$' | \$?\(\( | \$\( | \$\{ | \$\[ | << | (?<![^\s;&|()])case(?=\s) | .""",
    re.DOTALL | re.VERBOSE,
)
_PLAIN = ("", "(")
#: What opens something within what.
_OPENING = {'"': ("`", "${"), "${": ("`", "${", "'", '"', "$'")}
_QUOTES = ("`", "'", '"', "$'")
_CLOSING = {'"': '"', "${": "}", "(": ")", "((": ")"}
#: How far these go is not followed: to the end, to be safe. (`case` has unpaired brackets.)
_ENDLESS = {"": ("<<", "$["), "(": ("<<", "$[", "case")}
_INTEGER = re.compile(r"-?[0-9]+")


class Command:
    """A shell command with Jinja2 expressions; compiled once, rendered for each task.

    Whatever a value holds (blanks, quotes, `$(...)`, `;`), the command sees it as it is, in one
    word, in or out of quotes; nothing in it is executed. Where that cannot be had (backquotes,
    here-documents, arithmetic, `"${...}"`), a value is refused.
    """

    def __init__(self, where: str, text: str) -> None:
        """Compile `text`; `where` names it in errors. Raises RenderError."""
        self._where = where
        self._values: list[str] = []
        self._template = compile_text(where, text, environment(finalize=self._set_aside))
        self._lock = threading.Lock()

    @pass_eval_context  # else Jinja2 calls it for `{{ "a text" }}` once and for all, compiling
    def _set_aside(self, _: Any, value: Any) -> str:
        text = str(value)
        if _MARK in text:
            raise ValueError("a value holds a NUL character")
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
                value = self._values[int(match["value"])]
                parts.append(self._quoted(value, _place_in(nesting), "".join(parts[-1:])))
                if value.isdigit() and text[position : position + 1] in ("<", ">"):
                    parts[-1] = f"'{value}'"  # `2>file` would be about stream 2
            elif piece == "#" or not match["comment"]:
                _follow(piece, nesting)
                parts.append(piece)
        return "".join(parts)

    def _quoted(self, value: str, inside: str, before: str) -> str:
        if inside == "'":
            return value.replace("'", "'\\''")
        if before == "\\":
            raise RenderError(f"{self._where}: no {{{{ }}}} right after a backslash")
        if inside in _PLAIN:
            return shlex.quote(value)
        if inside == '"':
            return re.sub(r'([\\"$`])', r"\\\1", value)
        if inside == "((" and _INTEGER.fullmatch(value):
            return value
        raise RenderError(
            f"{self._where}: no {{{{ }}}} inside {inside} ...: write it outside, or in a template"
        )


def with_flags(command: str, names: Iterable[str]) -> str:
    """Return a command with `--name value` for each variable at its end.

    Raises
    ------
    ConfigError
        If what stands at its end would not get them.
    """
    last_line = re.sub(r"\{\{.*?\}\}", "", command.rstrip(), flags=re.DOTALL).splitlines()[-1]
    if re.search(r"[;&|#\\]", last_line):
        raise ConfigError(
            "model.args: flags go to the end of the command; no `;`, `&`, `|`, `#` or `\\` there"
        )
    flags = "".join(f" --{name} {{{{ {name} }}}}" for name in names)
    return command.rstrip() + flags


def _place_in(nesting: list[str]) -> str:
    """Return what decides about quoting: the innermost, unless one around it changes its rules."""
    for place in nesting:
        if place in ("`", "<<", "case"):
            return place
    for place in reversed(nesting):
        if place == "(":  # a shell of its own
            break
        if place in ("((", "$[", "${"):
            return place
    return nesting[-1]


def _follow(piece: str, nesting: list[str]) -> None:
    """Note what `piece` opens or closes; the innermost open quote or bracket is the last."""
    inside = nesting[-1]
    if inside == "'":
        if piece.endswith("'"):  # a backslash means nothing here: \' closes too
            nesting.pop()
    elif inside in ("$'", "`"):
        if piece == inside[-1]:
            nesting.pop()
    elif piece == _CLOSING.get(inside):
        nesting.pop()
    elif piece in ("$(", "$((") or (piece in ("(", "((") and inside != '"'):
        # Brackets within arithmetic are arithmetic, but for `$(`.
        nests = "((" if piece.endswith("((") or (piece, inside) == ("(", "((") else "("
        nesting += [nests] * piece.count("(")
    elif piece in (*_OPENING.get(inside, _QUOTES), *_ENDLESS.get(inside, ())):
        nesting.append(piece)
