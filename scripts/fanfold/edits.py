"""Structured changes to JSON, YAML and TOML files: a value is set by its key path."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Protocol

from scripts.fanfold.expressions import Structure
from scripts.fanfold.filters import to_yaml
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.names import nearest

_STEP = re.compile(r"""\.?([^.\[\]"]+)|\[(-?\d+)\]|\.?\["([^"]+)"\]""")


def parse_path(text: str) -> list[str | int]:
    """Return the steps of a key path: `a.b[0].c`, and `a["b.c"]` for a key with a dot.

    Raises
    ------
    ValueError
        If it is not a key path.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if not match:
            raise ValueError(f"`{text}` is not a key path such as a.b[0].c")
        steps.append(int(match[2]) if match[2] else match[1] or match[3])
        position = match.end()
    if not steps:
        raise ValueError("a key path cannot be empty")
    return steps


class _Format(Protocol):
    """How a file is read and written back, with everything that is not changed as it was."""

    def read(self, text: str) -> Any: ...
    def write(self, content: Any, text: str) -> str: ...


class _Json:
    def read(self, text: str) -> Any:
        return json.loads(text)

    def write(self, content: Any, text: str) -> str:
        indent = re.search(r"\n([ \t]+)\S", text)
        written = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=False)
        return written + "\n" * text.endswith("\n")


class _Yaml:
    """Keeps comments, order and quotes."""

    def __init__(self) -> None:
        from ruamel import yaml  # noqa: PLC0415 (slow to import, and seldom needed)

        class Representer(yaml.RoundTripRepresenter):
            """Writes `1.0e-09`: for most readers of YAML `1e-09` is a text."""

            def represent_float(self, data: float) -> Any:
                return self.represent_scalar("tag:yaml.org,2002:float", to_yaml(data))

        Representer.add_representer(float, Representer.represent_float)
        self._yaml = yaml.YAML()
        self._yaml.Representer = Representer
        self._yaml.preserve_quotes = True
        self._yaml.width = 4096

    def read(self, text: str) -> Any:
        return self._yaml.load(text)

    def write(self, content: Any, text: str) -> str:  # noqa: ARG002
        stream = io.StringIO()
        self._yaml.dump(content, stream)
        return stream.getvalue()


class _Toml:
    """Keeps comments, order and blanks."""

    def __init__(self) -> None:
        import tomlkit  # noqa: PLC0415 (slow to import, and seldom needed)

        self._toml = tomlkit

    def read(self, text: str) -> Any:
        return self._toml.parse(text)

    def write(self, content: Any, text: str) -> str:  # noqa: ARG002
        return self._toml.dumps(content)


_FORMATS: dict[str, type[_Format]] = {
    ".json": _Json,
    ".yaml": _Yaml,
    ".yml": _Yaml,
    ".toml": _Toml,
}
FORMATS = ", ".join(_FORMATS)


class Edits:
    """The changes to one file."""

    def __init__(self, file: str, changes: Mapping[str, Any]) -> None:
        """Compile `changes`, key path -> value; raise RenderError for what cannot be."""
        self._file = file
        suffix = PurePath(file).suffix
        if suffix not in _FORMATS:
            raise RenderError(f"templates.edit.{file}: only {FORMATS} can be edited; render it")
        self._format = _FORMATS[suffix]()
        self._changes = {}
        for path, value in changes.items():
            where = f"templates.edit.{file}.{path}"
            try:
                self._changes[path] = (parse_path(path), Structure(where, value))
            except ValueError as error:
                raise RenderError(f"templates.edit.{file}: {error}") from None

    def apply(self, text: str, variables: Mapping[str, Any]) -> str:
        """Return `text` with the changes made.

        Raises
        ------
        RenderError
            If the file cannot be read, or has no such key: naming the nearest that it has.
        """
        try:
            content = self._format.read(text)
        except Exception as error:  # each format has errors of its own
            first = str(error).splitlines()[0]
            raise RenderError(f"templates.edit.{self._file}: cannot be read: {first}") from None
        for path, (steps, value) in self._changes.items():
            self._set(content, path, steps, value.value(variables))
        return self._format.write(content, text)

    def _set(self, content: Any, path: str, steps: list[str | int], value: Any) -> None:
        for step in steps[:-1]:
            content = self._inside(content, path, step)
        self._inside(content, path, steps[-1])  # a key that is not there is a typing error
        content[steps[-1]] = value

    def _inside(self, content: Any, path: str, step: str | int) -> Any:
        try:
            return content[step]
        except (KeyError, IndexError, TypeError):
            known = [str(key) for key in content] if isinstance(content, dict) else []
            raise RenderError(
                f"templates.edit.{self._file}: it has no `{path}`{nearest(str(step), known)}"
            ) from None
