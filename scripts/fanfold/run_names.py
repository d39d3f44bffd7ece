"""What runs are called: made of what their axes say, or of a pattern of the user's."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from scripts.fanfold.derived import Derived, compiled
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.expressions import Expression
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.names import LONGEST_NAME, is_name, listing
from scripts.fanfold.run_space import RunSpace


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
