"""Variables that are computed from others: `runs.derive`."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from scripts.fanfold.errors import ConfigError, collected_problems
from scripts.fanfold.expressions import Expression
from scripts.fanfold.fields import plain_value
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.names import nearest

#: Variables of a task that are not known yet when others are derived.
LATER = frozenset({"run", "task", "index", "threads"})
#: What Jinja2 says of an expression that is none -> what was probably meant.
_HINTS = {
    "got '='": "; equality is `==`",
    "got 'AND'": "; write `and`",
    "got 'OR'": "; write `or`",
}


class Derived:
    """The derived variables, in an order in which each finds what it needs."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Compile `texts`, variable -> expression.

        Raises
        ------
        ConfigError
            For each that is no expression, and for variables that need each other.
        """
        self._texts = texts
        self._expressions: dict[str, Expression] = {}
        with collected_problems() as collect:
            for name, text in texts.items():
                with collect:
                    where = f"runs.derive.{name}"
                    if "{" not in text:
                        raise ConfigError(
                            f"{where}: write {{{{ {text} }}}}; a constant goes to vars"
                        )
                    self._expressions[name] = compiled(where, text)
        needs = {name: self._expressions[name].names & texts.keys() for name in texts}
        try:
            self._order = tuple(TopologicalSorter(needs).static_order())
        except CycleError as error:
            circle = " needs ".join(f"`{name}`" for name in reversed(error.args[1]))
            raise ConfigError(f"runs.derive: {circle}: nothing to begin with") from None

    def __reduce__(self) -> tuple[type, tuple[Mapping[str, str]]]:
        """Pickle the texts: compiled expressions cannot be."""
        return (type(self), (self._texts,))

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, as written."""
        return tuple(self._expressions)

    def check(self, known: Iterable[str]) -> None:
        """Raise ConfigError for each name that is not among the variables of any task."""
        with collected_problems() as collect:
            for name, expression in self._expressions.items():
                with collect:
                    where = f"runs.derive.{name}"
                    check_known(where, expression.names, [*known, *self._expressions])

    def sources(self, names: Iterable[str]) -> frozenset[str]:
        """Return the variables that are not derived themselves on which `names` depend."""
        names = set(names)
        used = names.union(*(self._expressions[name].names for name in self._needed(names)))
        return frozenset(used - self._expressions.keys())

    def values(
        self, variables: Mapping[str, Any], wanted: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Return the values of the derived variables: of all, or of those `wanted` alone.

        Raises RenderError for the first that has none.
        """
        needed = self._expressions.keys() if wanted is None else self._needed(wanted)
        known = dict(variables)
        for name in self._order:
            if name in needed:
                try:
                    known[name] = plain_value(self._expressions[name].value(known))
                except ValueError as error:
                    raise RenderError(f"runs.derive.{name}: {error}") from None
        return {name: known[name] for name in self._expressions if name in needed}

    def _needed(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self._expressions and name not in found:
                found.add(name)
                waiting += self._expressions[name].names
        return found


def compiled(where: str, text: str) -> Expression:
    """Return an expression; raise ConfigError if it is none."""
    try:
        return Expression(where, text)
    except RenderError as error:
        hint = next((hint for sign, hint in _HINTS.items() if sign in str(error)), "")
        raise ConfigError(f"{error}{hint}") from None


def check_known(where: str, used: Iterable[str], known: Iterable[str]) -> None:
    """Raise ConfigError for each name that no variable has, or that is not known yet."""
    known = list(known)
    problems = []
    for name in sorted(used):
        if name in LATER:
            problems.append(f"{where}: `{name}` is not known yet here")
        elif name not in known:
            problems.append(f"{where}: there is no variable `{name}`{nearest(name, known)}")
    if problems:
        raise ConfigError(problems)
