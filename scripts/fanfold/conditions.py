"""Which combinations are run: `runs.exclude` and `runs.only`.

A condition is tried on the combinations of those axes that it is about, and no others: however many
seeds there are, `R0 > 2 and scenario == "low"` looks at each R0 and each scenario once.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from scripts.fanfold.derived import Derived, compiled
from scripts.fanfold.errors import ConfigError, collected_problems
from scripts.fanfold.expressions import Expression
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.run_space import Factor, RunSpace, Spaces
from scripts.fanfold.runs_schema import Runs

#: Combinations that conditions may look at, of all states and scenarios together.
MOST_COMBINATIONS = 1_000_000


@dataclass(frozen=True)
class Condition:
    """An expression that is true or false for each run."""

    where: str
    expression: Expression
    wanted: bool
    """What it must be for a run that is left."""

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether a run with these variables is left; raise ConfigError if that cannot be said."""
        try:
            value = self.expression.value(variables)
        except RenderError as error:
            raise ConfigError(str(error)) from None
        if not isinstance(value, bool):
            raise ConfigError(f"{self.where}: is `{value!r}`, neither true nor false")
        return value == self.wanted


def read_conditions(runs: Runs) -> list[Condition]:
    """Compile the conditions; `R0 > 2` and `{{ R0 > 2 }}` are the same. Raises ConfigError."""
    conditions = []
    with collected_problems() as collect:
        for key, wanted in (("exclude", False), ("only", True)):
            for number, text in enumerate(getattr(runs, key)):
                with collect:
                    where = f"runs.{key}.{number}"
                    expression = compiled(where, text if "{{" in text else f"{{{{ {text} }}}}")
                    conditions.append(Condition(where, expression, wanted))
    return conditions


class Restrictions:
    """What conditions, and a table that is about states, leave of a space of runs."""

    def __init__(
        self,
        space: RunSpace,
        conditions: Sequence[Condition],
        derived: Derived,
        *,
        of_states: Iterable[str],
        of_scenarios: Iterable[str],
    ) -> None:
        """Find out what each condition is about.

        `of_states`, `of_scenarios`: the variables that states and scenarios set.
        """
        self._space = space
        self._derived = derived
        self._rows_of_states = space.table.rows_of_states() if space.table else None
        used = [derived.sources(condition.expression.names) for condition in conditions]
        every = frozenset().union(*used)
        self.by_state = self._rows_of_states is not None or not every.isdisjoint(of_states)
        """Whether states have different runs."""
        self.by_scenario = not every.isdisjoint(of_scenarios)
        """Whether scenarios have different runs."""
        self.idle = list(conditions)
        """Conditions that have dropped nothing so far."""
        self._constant: list[Condition] = []
        self._groups: dict[tuple[int, ...], list[Condition]] = {}
        if self._rows_of_states is not None:
            self._groups[(self._table,)] = []
        for condition, names in zip(conditions, used, strict=True):
            axes = {n for n, axis in enumerate(space.axes) if not names.isdisjoint(axis.names)}
            if axes:
                self._add(axes, [condition])
            else:
                self._constant.append(condition)

    @property
    def _table(self) -> int:
        return next(n for n, axis in enumerate(self._space.axes) if axis is self._space.table)

    def _add(self, axes: set[int], conditions: list[Condition]) -> None:
        """Add conditions about `axes`, together with those that share an axis with them."""
        for group in [group for group in self._groups if not axes.isdisjoint(group)]:
            axes |= set(group)
            conditions = self._groups.pop(group) + conditions
        slowest_first = [axis for factor in self._space.factors for axis in factor.axes]
        self._groups[tuple(axis for axis in slowest_first if axis in axes)] = conditions

    def _combinations(self, state: str) -> int:
        """How many combinations are looked at for a state and one scenario, at most."""
        sizes = (math.prod(len(self._positions(a, state)) for a in group) for group in self._groups)
        return sum(sizes)

    def spaces(
        self,
        pairs: Iterable[tuple[str, str | None]],
        variables_of: Callable[[str, str | None], Mapping[str, Any]],
    ) -> Spaces:
        """Return the runs that are left for each of some states and scenarios.

        `variables_of(state, scenario)` are those that all of their runs have. Raises ConfigError if
        a condition cannot be decided, or there are too many combinations to look at.
        """
        spaces = Spaces(self._space, self.by_state, self.by_scenario)
        keys = {spaces.key(*pair): pair for pair in pairs}
        combinations = sum(self._combinations(state) for state, _ in keys.values())
        if combinations > MOST_COMBINATIONS:
            raise ConfigError(
                f"runs: conditions would look at {combinations:,} combinations, "
                f"more than {MOST_COMBINATIONS:,}; name fewer variables in each"
            )
        left = {key: self._space_of(pair[0], variables_of(*pair)) for key, pair in keys.items()}
        return replace(spaces, left=left)

    def _space_of(self, state: str, variables: Mapping[str, Any]) -> RunSpace:
        if not self._hold(self._constant, variables):
            every = tuple(range(len(self._space.axes)))
            return RunSpace(self._space.axes, (Factor(every, 0, ()),))
        if not self._groups:
            return self._space
        return self._space.restricted(
            {
                group: list(self._left(group, conditions, state, variables))
                for group, conditions in self._groups.items()
            }
        )

    def _left(
        self,
        group: tuple[int, ...],
        conditions: Sequence[Condition],
        state: str,
        variables: Mapping[str, Any],
    ) -> Iterator[tuple[int, ...]]:
        for positions in product(*(self._positions(axis, state) for axis in group)):
            chosen = dict(variables)
            for axis, position in zip(group, positions, strict=True):
                chosen.update(self._space.axes[axis].choice(position))
            if self._hold(conditions, chosen):
                yield positions

    def _hold(self, conditions: Sequence[Condition], variables: Mapping[str, Any]) -> bool:
        """Whether all conditions hold."""
        for condition in conditions:
            if not condition.holds(self._known(condition, variables)):
                if condition in self.idle:
                    self.idle.remove(condition)
                return False
        return True

    def _positions(self, axis: int, state: str) -> Sequence[int]:
        if self._rows_of_states is not None and axis == self._table:
            return self._rows_of_states.get(state, [])
        return range(len(self._space.axes[axis]))

    def _known(self, condition: Condition, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the derived variables that a condition needs."""
        try:
            return {**variables, **self._derived.values(variables, condition.expression.names)}
        except RenderError as error:
            raise ConfigError(f"{condition.where}: {error}") from None
