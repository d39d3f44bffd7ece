"""The axes of a design and their product, computed by position and never written out.

A run is one position. Seeds vary slowest, the last grid variable fastest: more seeds add positions
at the end, so that what ran before keeps its position.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Any

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import label
from scripts.fanfold.schema import Runs

#: Of the 255 bytes that file systems allow, leave some for a seed and for what others add.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Axis:
    """Alternatives: each has a label for the run's name and sets variables."""

    where: str
    """The key in the experiment file."""
    labels: tuple[str, ...]
    variables: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Run:
    """One variant of the model."""

    name: str
    """Unique in the experiment; never taken apart."""
    scenario: str | None
    index: int
    """Position among the runs of its scenario, from 1."""
    seed: int | None
    variables: dict[str, Any]
    """Set by the axes (not by the scenario, nor by `vars`)."""


@dataclass(frozen=True)
class RunSpace:
    """All runs of a scenario."""

    axes: tuple[Axis, ...]
    seeds: Sequence[int]
    """A range where possible; empty: no seeds."""

    @cached_property
    def points(self) -> int:
        """Number of runs per seed."""
        return math.prod(len(axis.labels) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of runs."""
        return self.points * max(1, len(self.seeds))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that the axes set, in the order of the axes."""
        every = (name for axis in self.axes for choice in axis.variables for name in choice)
        return tuple(dict.fromkeys(every))

    def run(self, scenario: str | None, index: int) -> Run:
        """Return the run at `index` (from 1)."""
        seed_position, point = divmod(index - 1, self.points)
        names: list[str] = []
        variables: dict[str, Any] = {}
        for axis in reversed(self.axes):
            point, position = divmod(point, len(axis.labels))
            names.append(axis.labels[position])
            variables = axis.variables[position] | variables
        if scenario is not None:
            names.append(scenario)
        names.reverse()
        seed = self.seeds[seed_position] if self.seeds else None
        if seed is not None:
            names.append(f"s{seed}")
        return Run("-".join(names) or "run", scenario, index, seed, variables)

    def seeds_between(self, first: int, last: int) -> Sequence[int]:
        """Return the seeds of the runs `first` to `last` (both included)."""
        return self.seeds[(first - 1) // self.points : (last - 1) // self.points + 1]


def make_run_space(runs: Runs) -> RunSpace:
    """Turn the `runs` of an experiment into axes; raise ConfigError if two runs share a name."""
    axes = []
    if runs.rows:
        labels = tuple(_row_label(row) for row in runs.rows)
        rows = tuple({k: v for k, v in row.items() if k != "name"} for row in runs.rows)
        axes.append(Axis("runs.list", labels, rows))
    for name, values in runs.grid.items():
        labels = tuple(label(name, value) for value in values)
        axes.append(Axis(f"runs.grid.{name}", labels, tuple({name: value} for value in values)))
    problems = [
        f"{axis.where}: `{twice}` stands twice"
        for axis in axes
        for twice, count in Counter(axis.labels).items()
        if count > 1
    ]
    if problems:
        raise ConfigError(problems)
    return RunSpace(tuple(axes), runs.seeds.numbers if runs.seeds else ())


def _row_label(row: dict[str, Any]) -> str:
    if "name" in row:
        return str(row["name"])
    return "-".join(label(name, value) for name, value in row.items())


def check_names(scenarios: Iterable[str], space: RunSpace) -> None:
    """Raise ConfigError if labels, joined with `-`, give a name too long, or two runs the same one.

    The same name can only come about where a label goes on after a `-` where another ends; only
    then are the names written out.
    """
    parts = [tuple(scenarios) or ("",), *(axis.labels for axis in space.axes)]
    longest = "-".join(max(labels, key=len) for labels in parts)
    if len(longest) > LONGEST_NAME:
        raise ConfigError(
            f"runs: `{longest}` is too long for the name of a folder; write fewer variables in "
            "`grid`, or rows with a `name` in `list`"
        )
    if not any(_one_goes_on(labels) for labels in parts[:-1]):
        return
    seen: set[str] = set()
    for labels in product(*parts):
        name = "-".join(filter(None, labels))
        if name in seen:
            raise ConfigError(f"runs: two runs are called `{name}`; rename a scenario or a row")
        seen.add(name)


def _one_goes_on(labels: Iterable[str]) -> bool:
    # `-` sorts before all other characters of a name: what goes on with it comes right after.
    return any(after.startswith(f"{before}-") for before, after in pairwise(sorted(labels)))
