"""The axes of a design: each is a row of alternatives, asked for by position.

An alternative has a label, its part of a run's name, and sets variables. Long axes (seeds, ranges,
samples, tables) compute an alternative when it is asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import label
from scripts.fanfold.steps import Steps


class Axis(Protocol):
    """Alternatives, by position from 0."""

    where: str
    """The key in the experiment file."""
    last_in_names: bool
    """Whether its labels come last in names, and its positions vary slowest: it may grow."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that it sets."""

    def __len__(self) -> int:
        """Return the number of alternatives."""

    def label(self, position: int) -> str:
        """Return an alternative's part of a run's name; no two have the same."""

    def choice(self, position: int) -> Mapping[str, Any]:
        """Return the variables that an alternative sets."""

    def identity(self, first: int, last: int) -> Any:
        """Return plain data that changes when any alternative from `first` to `last` does."""

    def examples(self, name: str) -> Sequence[Any]:
        """Return values of a variable such that every type that it has is among them."""

    def long_label(self) -> str:
        """Return one of the longest labels, or nearly."""

    def written_labels(self) -> Sequence[str]:
        """Return the labels if they are the user's own words; nothing if they are numbered."""


@dataclass(frozen=True)
class Listed:
    """Alternatives that are written out in the experiment file."""

    where: str
    labels: tuple[str, ...]
    choices: tuple[dict[str, Any], ...]
    last_in_names: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for choice in self.choices for name in choice))

    def __len__(self) -> int:
        return len(self.labels)

    def label(self, position: int) -> str:
        return self.labels[position]

    def choice(self, position: int) -> Mapping[str, Any]:
        return self.choices[position]

    def identity(self, first: int, last: int) -> Any:
        return [self.labels[first : last + 1], self.choices[first : last + 1]]

    def examples(self, name: str) -> Sequence[Any]:
        return [choice[name] for choice in self.choices if name in choice]

    def long_label(self) -> str:
        return max(self.labels, key=len)

    def written_labels(self) -> Sequence[str]:
        return self.labels


@dataclass(frozen=True)
class Computed:
    """One variable whose values follow a rule: a range, or seeds."""

    where: str
    name: str
    values: range | Steps | tuple[int, ...]
    prefix: str | None = None
    """What stands before the value in a label; None: the variable."""
    last_in_names: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def __len__(self) -> int:
        return len(self.values)

    def label(self, position: int) -> str:
        value = self.values[position]
        return label(self.name, value) if self.prefix is None else f"{self.prefix}{value}"

    def choice(self, position: int) -> Mapping[str, Any]:
        return {self.name: self.values[position]}

    def identity(self, first: int, last: int) -> Any:
        if isinstance(self.values, tuple):
            return self.values[first : last + 1]
        # At equal steps: so many, from this one to that one.
        return [self.values[first], self.values[last], str(self.values.step), last - first]

    def examples(self, name: str) -> Sequence[Any]:  # noqa: ARG002 (it has only one)
        return [self.values[0], self.values[-1]]

    def long_label(self) -> str:
        some = {0, len(self) // 3, len(self) // 2, len(self) - 1}
        return max((self.label(position) for position in some), key=len)

    def written_labels(self) -> Sequence[str]:
        return ()


def listed(
    where: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str | None] = ()
) -> Listed:
    """Return an axis of rows of variables, each with a name: a given one, or made of its values.

    Raises
    ------
    ConfigError
        If two rows have the same name.
    """
    labels = tuple(
        name or "-".join(label(variable, value) for variable, value in row.items())
        for row, name in zip(rows, names or [None] * len(rows), strict=True)
    )
    problems = [
        f"{where}: `{twice}` stands twice" for twice, count in Counter(labels).items() if count > 1
    ]
    if problems:
        raise ConfigError(problems)
    return Listed(where, labels, tuple(dict(row) for row in rows))
