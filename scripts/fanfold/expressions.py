"""Values computed from variables: `{{ ... }}` that stays the number or list that it is."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import TemplateError, Undefined, meta, nodes

from scripts.fanfold.jinja import RenderError, compile_text, environment, evaluating, render_text

_ENVIRONMENT = environment()
_WHOLE = re.compile(r"\s*\{\{-?(.*?)-?\}\}\s*", re.DOTALL)


class Expression:
    """A text of the experiment file with Jinja2 in it.

    If all of it is one `{{ expression }}`, its value is that of the expression, with its type; else
    it is the rendered text.
    """

    def __init__(self, where: str, text: str) -> None:
        """Compile `text`; `where` names it in errors. Raises RenderError."""
        self._where = where
        self._value: Callable[..., Any] | None = None
        try:
            tree = _ENVIRONMENT.parse(text)
            self.names = frozenset(meta.find_undeclared_variables(tree))
            """The variables that it uses."""
            whole = _WHOLE.fullmatch(text)
            if whole and _is_one_expression(tree):
                self._value = _ENVIRONMENT.compile_expression(whole[1], undefined_to_none=False)
            else:
                self._template = compile_text(where, text, _ENVIRONMENT)
        except TemplateError as error:
            raise RenderError(f"{where}: {error.message}") from None
        except ValueError as error:  # Jinja2 computes with constants while it compiles
            raise RenderError(f"{where}: {error}") from None

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Return the value for `variables`; raise RenderError."""
        if self._value is None:
            return render_text(self._where, self._template, variables)
        with evaluating(self._where, variables):
            value = self._value(variables)
            if isinstance(value, Undefined):
                str(value)  # raises, as any use of it does
            return value


def _is_one_expression(tree: nodes.Template) -> bool:
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return False
    parts = [
        node
        for node in tree.body[0].nodes
        if not (isinstance(node, nodes.TemplateData) and not node.data.strip())
    ]
    return len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData)


class Structure:
    """A value of the experiment file, whose texts, however deep, may be expressions."""

    def __init__(self, where: str, content: Any) -> None:
        """Compile `content`; raise RenderError."""
        self._content = _compiled(where, content)

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Return plain data for `variables`; raise RenderError."""
        return _evaluated(self._content, variables)


def _compiled(where: str, content: Any) -> Any:
    if isinstance(content, str):
        return Expression(where, content)
    if isinstance(content, dict):
        return {key: _compiled(f"{where}.{key}", item) for key, item in content.items()}
    if isinstance(content, list | tuple):
        return [_compiled(f"{where}.{number}", item) for number, item in enumerate(content)]
    return content


def _evaluated(content: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(content, Expression):
        return content.value(variables)
    if isinstance(content, dict):
        return {key: _evaluated(item, variables) for key, item in content.items()}
    if isinstance(content, list):
        return [_evaluated(item, variables) for item in content]
    return content
