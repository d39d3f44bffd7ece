"""The product of the axes: every run is a position in it, and no run is ever written out.

Axes that may grow (seeds, then samples) vary slowest, the last grid variable fastest: more seeds
add positions at the end, so that what ran before keeps its position.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from scripts.fanfold.axes import Axis, Computed, listed
from scripts.fanfold.digests import digest_of
from scripts.fanfold.errors import ConfigError, collected_problems
from scripts.fanfold.run_tables import TableAxis, read_run_table
from scripts.fanfold.runs_schema import Runs, Tasks
from scripts.fanfold.sampling import SampleAxis

#: An axis with more alternatives makes them anew each time.
REMEMBERED = 1000


@dataclass(frozen=True)
class Factor:
    """One axis, or several of which only some combinations are left."""

    axes: tuple[int, ...]
    """Which axes, by their place in the space."""
    size: int
    chosen: Sequence[tuple[int, ...]] | None = None
    """Which combinations: a position on each of the axes. None: every position of the one axis."""

    def positions(self, place: int) -> tuple[int, ...]:
        """Return the position on each axis."""
        return (place,) if self.chosen is None else self.chosen[place]


@dataclass(frozen=True)
class Point:
    """What the axes say of one run."""

    labels: tuple[str, ...]
    """The parts of its name, in order."""
    variables: dict[str, Any]


@dataclass(frozen=True)
class RunSpace:
    """All runs of a scenario in a state."""

    axes: tuple[Axis, ...]
    """In the order of names."""
    factors: tuple[Factor, ...]
    """The slowest first."""

    @cached_property
    def size(self) -> int:
        """Number of runs."""
        return math.prod(factor.size for factor in self.factors)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that the axes set, in the order of the axes, but for the seed."""
        every = (name for axis in self.axes for name in axis.names if name != "seed")
        return tuple(dict.fromkeys(every))

    @cached_property
    def table(self) -> TableAxis | None:
        """The axis that is a table, if one is."""
        return next((axis for axis in self.axes if isinstance(axis, TableAxis)), None)

    def positions(self, index: int) -> list[int]:
        """Return the position on each axis of the run at `index` (from 1)."""
        found = [0] * len(self.axes)
        rest = index - 1
        for factor in reversed(self.factors):
            rest, place = divmod(rest, factor.size)
            for axis, position in zip(factor.axes, factor.positions(place), strict=True):
                found[axis] = position
        return found

    def point(self, index: int) -> Point:
        """Return what the axes say of the run at `index` (from 1)."""
        labels = []
        variables: dict[str, Any] = {}
        for number, position in enumerate(self.positions(index)):
            label, choice = self._alternative(number, position)
            labels.append(label)
            variables.update(choice)
        return Point(tuple(labels), variables)

    def _alternative(self, number: int, position: int) -> tuple[str, Mapping[str, Any]]:
        """Return label and variables of an alternative; those of short axes are remembered."""
        found = self._alternatives.get((number, position))
        if found is None:
            axis = self.axes[number]
            found = axis.label(position), axis.choice(position)
            if len(axis) <= REMEMBERED:
                self._alternatives[number, position] = found
        return found

    @cached_property
    def _alternatives(self) -> dict[tuple[int, int], tuple[str, Mapping[str, Any]]]:
        return {}

    def identity(self, first: int, last: int) -> Any:
        """Return plain data that changes when any run from `first` to `last` does.

        It costs as much as the alternatives that these runs use, however many combinations.
        """
        faster = [factor.size for factor in self.factors[1:]]
        step = math.prod(faster)
        keys = [axis.where for axis in self.axes]  # alternatives need not say what they are of
        parts: list[Any] = [keys, first % step, last - first, faster]
        for number, factor in enumerate(self.factors):
            low, high = (first - 1) // step, (last - 1) // step
            if number and high - low + 1 >= factor.size:  # the slowest may grow, and be no whole
                parts.append(self._identity_of_whole(number))
            else:
                low, high = low % factor.size, high % factor.size
                spans = [(low, high)] if low <= high else [(0, high), (low, factor.size - 1)]
                parts += [self._identity_of(factor, *span) for span in spans]
            if number + 1 < len(self.factors):
                step //= self.factors[number + 1].size
        return parts

    def _identity_of_whole(self, number: int) -> str:
        if number not in self._whole_identities:
            factor = self.factors[number]
            self._whole_identities[number] = digest_of(
                self._identity_of(factor, 0, factor.size - 1)
            )
        return self._whole_identities[number]

    @cached_property
    def _whole_identities(self) -> dict[int, str]:
        return {}

    def _identity_of(self, factor: Factor, low: int, high: int) -> Any:
        if factor.chosen is None:
            return self.axes[factor.axes[0]].identity(low, high)
        return [
            [self._identity_at(*place) for place in zip(factor.axes, positions, strict=True)]
            for positions in factor.chosen[low : high + 1]
        ]

    def _identity_at(self, axis: int, position: int) -> str:
        if (axis, position) not in self._identities:
            identity = self.axes[axis].identity(position, position)
            self._identities[axis, position] = digest_of(identity)
        return self._identities[axis, position]

    @cached_property
    def _identities(self) -> dict[tuple[int, int], str]:
        return {}

    def restricted(self, chosen: dict[tuple[int, ...], Sequence[tuple[int, ...]]]) -> "RunSpace":
        """Return the space with only some combinations of some axes left.

        `chosen` has groups of axes, in the order of `factors`, -> the positions that are left.
        """
        group_of = {axis: group for group in chosen for axis in group}
        factors: dict[tuple[int, ...], Factor] = {}
        for factor in self.factors:
            group = group_of.get(factor.axes[0])
            if group is None:
                factors[factor.axes] = factor
            elif group not in factors:
                factors[group] = Factor(group, len(chosen[group]), chosen[group])
        return RunSpace(self.axes, tuple(factors.values()))

    def examples(self, name: str) -> list[Any]:
        """Return values of a variable such that every type that it has is among them."""
        return [value for axis in self.axes if name in axis.names for value in axis.examples(name)]


@dataclass(frozen=True)
class Spaces:
    """The runs of each state and scenario: the whole space, or what is left of it there."""

    whole: RunSpace
    by_state: bool = False
    by_scenario: bool = False
    left: Mapping[tuple[str | None, str | None], RunSpace] = field(default_factory=dict)
    """(state, scenario) -> its runs; None stands for all of them."""

    def key(self, state: str, scenario: str | None) -> tuple[str | None, str | None]:
        """Return what the runs of a state and scenario are found under."""
        return (state if self.by_state else None, scenario if self.by_scenario else None)

    def of(self, state: str, scenario: str | None) -> RunSpace:
        """Return the runs of a scenario in a state."""
        return self.left.get(self.key(state, scenario), self.whole)


def make_run_space(runs: Runs, folder: Path, tasks: Tasks | None = None) -> RunSpace:
    """Turn the `runs` of an experiment, or its table of tasks, into axes.

    Raises
    ------
    ConfigError
        If two alternatives of an axis have the same name, a table cannot be used, or two axes set
        the same variable.
    """
    axes: list[Axis] = []
    with collected_problems() as collect:
        for make in _makers(runs, folder, tasks):
            with collect:
                axes.append(make())
    _check_variables(runs, axes)
    slow = [number for number, axis in enumerate(axes) if axis.last_in_names]
    others = [number for number, axis in enumerate(axes) if not axis.last_in_names]
    order = [*reversed(slow), *others]
    return RunSpace(tuple(axes), tuple(Factor((axis,), len(axes[axis])) for axis in order))


def _makers(runs: Runs, folder: Path, tasks: Tasks | None) -> Iterator[Callable[[], Axis]]:
    """Yield what makes each axis, in the order of names."""
    if tasks:
        yield partial(read_run_table, "tasks.table", folder / tasks.table)
        return
    if runs.table:
        yield partial(read_run_table, "runs.table", folder / runs.table)
    if runs.rows:
        names = [str(row["name"]) if "name" in row else None for row in runs.rows]
        rows = [{key: row[key] for key in row if key != "name"} for row in runs.rows]
        yield partial(listed, "runs.list", rows, names)
    if runs.lockstep:
        columns = zip(*runs.lockstep.values(), strict=True)
        rows = [dict(zip(runs.lockstep, values, strict=True)) for values in columns]
        yield partial(listed, "runs.zip", rows)
    for name, steps in runs.ranges.items():
        yield partial(Computed, f"runs.range.{name}", name, steps.values)
    for name, values in runs.grid.items():
        yield partial(listed, f"runs.grid.{name}", [{name: value} for value in values])
    if runs.sample:
        yield partial(SampleAxis, runs.sample)
    if runs.seeds:
        numbers = runs.seeds.numbers
        yield partial(Computed, "runs.seeds", "seed", numbers, prefix="s", last_in_names=True)


def _check_variables(runs: Runs, axes: Sequence[Axis]) -> None:
    """Raise ConfigError for a column of a table that another key sets, too."""
    tables = [axis for axis in axes if isinstance(axis, TableAxis)]
    set_elsewhere = {name: key for key, names in runs.written_out.items() for name in names}
    if runs.seeds:
        set_elsewhere["seed"] = "seeds"
    problems = [
        f"{table.where}: the column `{name}` is in `runs.{set_elsewhere[name]}`, too"
        for table in tables
        for name in table.names
        if name in set_elsewhere
    ]
    if problems:
        raise ConfigError(problems)
