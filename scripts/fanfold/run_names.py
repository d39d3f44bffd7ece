"""What runs are called: made of what their axes say, or of a pattern of the user's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise, product
from typing import Any

from scripts.fanfold.derived import Derived, compiled
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.expressions import Expression
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.names import LONGEST_NAME, is_name, listing
from scripts.fanfold.run_space import RunSpace

#: More names than these are not compared one by one: a name that may be ambiguous is refused.
MOST_NAMES_COMPARED = 1_000_000


def default_name(scenario: str | None, labels: Sequence[str]) -> str:
    """Return the name made of the scenario and of what the axes say."""
    return "-".join([scenario, *labels] if scenario is not None else labels) or "run"


def name_from(pattern: str, variables: Mapping[str, Any]) -> str:
    """Return the name that a pattern gives; raise RenderError if it gives none."""
    name = str(compiled_pattern(pattern).value(variables))
    if not is_name(name) or len(name) > LONGEST_NAME:
        raise RenderError(
            f"run_name: gives `{name[:60]}`, which is no name of a folder: letters, digits, `.`, "
            f"`_`, `-`, starting with a letter or digit, at most {LONGEST_NAME}"
        )
    return name


@lru_cache
def compiled_pattern(pattern: str) -> Expression:
    """Compile the pattern once; raise ConfigError if it is none."""
    return compiled("run_name", pattern)


def check_pattern(
    pattern: str,
    derived: Derived,
    space: RunSpace,
    scenarios: Iterable[str],
    of_states: Iterable[str],
) -> None:
    """Raise ConfigError if a pattern does not say which run it is: an axis is not in it.

    `of_states` are the variables of states: a run is called the same in all of them.
    """
    used = derived.sources(compiled_pattern(pattern).names)
    problems = [
        f"run_name: `{name}` differs between states, and runs are called the same in all of them"
        for name in sorted(used & set(of_states))
    ]
    problems += [
        f"run_name: does not say {listing(axis.names)}, so different runs would have one name"
        for axis in space.axes
        if len(axis) > 1 and used.isdisjoint(axis.names)
    ]
    if len(list(scenarios)) > 1 and "scenario" not in used:
        problems.append("run_name: does not say `scenario`, so different runs would have one name")
    if problems:
        raise ConfigError(problems)


def check_names(scenarios: Iterable[str], space: RunSpace) -> None:
    """Raise ConfigError if labels, joined with `-`, give a name too long, or two runs the same one.

    The same name can only come about where a label goes on after a `-` where another ends; only
    then are the names written out.
    """
    named = tuple(scenarios) or ("",)
    # Seeds are a few digits more: too few to look at.
    axes = [axis for axis in space.axes if axis.where != "runs.seeds"]
    parts = [max(named, key=len), *(axis.long_label() for axis in axes)]
    longest = "-".join(filter(None, parts))
    if len(longest) > LONGEST_NAME:
        raise ConfigError(
            f"runs: `{longest}` is too long for the name of a folder; write a `run_name`, or rows "
            "with a `name` in `list`"
        )
    ambiguous = [
        labels
        for labels in [named, *(axis.written_labels() for axis in axes)]
        if _one_goes_on(labels)
    ]
    if not ambiguous or (len(axes) == 1 and named == ("",)) or not axes:
        return
    labels_of = [named, *({axis.label(place): None for place in range(len(axis))} for axis in axes)]
    if math.prod(len(labels) for labels in labels_of) > MOST_NAMES_COMPARED:
        name = min(max(labels, key=len) for labels in ambiguous)
        raise ConfigError(f"runs: rename `{name}`: it begins like another, and then has a `-`")
    seen: set[str] = set()
    for labels in product(*labels_of):
        name = "-".join(filter(None, labels))
        if name in seen:
            raise ConfigError(f"runs: two runs are called `{name}`; rename a scenario or a row")
        seen.add(name)


def _one_goes_on(labels: Iterable[str]) -> bool:
    # `-` sorts before all other characters of a name: what goes on with it comes right after.
    return any(after.startswith(f"{before}-") for before, after in pairwise(sorted(set(labels))))
