"""From an experiment to its design: states chosen, axes multiplied, conditions applied."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from scripts.fanfold.commands import with_flags
from scripts.fanfold.conditions import Restrictions, read_conditions
from scripts.fanfold.definition import make_definition
from scripts.fanfold.derived import Derived, check_known
from scripts.fanfold.design import Design, common_variables
from scripts.fanfold.digests import FileDigests
from scripts.fanfold.errors import ConfigError, collected_problems
from scripts.fanfold.experiment import load_experiment
from scripts.fanfold.names import listing, nearest
from scripts.fanfold.run_names import check_names, check_pattern, compiled_pattern
from scripts.fanfold.run_space import RunSpace, Spaces, make_run_space
from scripts.fanfold.run_tables import NAME, STATE
from scripts.fanfold.sampling import SampleAxis
from scripts.fanfold.schema import Experiment
from scripts.fanfold.states import State, choose_states, filter_states, read_states_table
from scripts.fanfold.templates import fits

CENSUS = Path(__file__).parents[2] / "config/states.csv"
DIGEST_MEMORY = Path(".snakemake/fanfold/digests.json")
#: More jobs than these take Snakemake minutes to look at.
MOST_JOBS = 50_000


def load_design(files: Sequence[Path], overrides: Mapping[str, Any]) -> Design:
    """Read an experiment and expand it; raise ConfigError with all mistakes of a stage at once."""
    experiment, folder, read = load_experiment(files, overrides)
    return make_design(experiment, _near(folder), read)


def make_design(experiment: Experiment, folder: Path, files: Sequence[Path] = ()) -> Design:
    """Expand a checked experiment whose paths are relative to `folder`."""
    space = RunSpace((), ())
    states: dict[str, State] = {}
    notes: list[str] = []
    with collected_problems() as collect:
        with collect:
            space = make_run_space(experiment.runs, folder, experiment.tasks)
            if not experiment.run_name:
                check_names(experiment.scenarios, space)
        with collect:
            states = _states_of(experiment, folder, space, notes)
        with collect:
            derived = Derived(experiment.runs.derive)
        with collect:
            command = _command_of(experiment, space)
            definition = make_definition(experiment, command, folder, FileDigests(DIGEST_MEMORY))
    spaces = _spaces_of(experiment, states, space, derived, notes)
    states = _states_with_tasks(experiment, states, spaces, notes)
    _check_jobs(experiment, states, spaces)
    notes += [note for axis in space.axes if isinstance(axis, SampleAxis) for note in axis.notes]
    notes += _idle_patterns(experiment, definition.templates)
    return Design(
        experiment, folder, tuple(files), states, spaces, derived, definition, tuple(notes)
    )


def _command_of(experiment: Experiment, space: RunSpace) -> str:
    command = experiment.model.command
    if experiment.model.args and space.table:
        return with_flags(command, [name for name in space.table.columns if name != NAME])
    return command


def _states_of(
    experiment: Experiment, folder: Path, space: RunSpace, notes: list[str]
) -> dict[str, State]:
    """Return the states that the experiment names, or else its table of runs or tasks."""
    rows = space.table.rows_of_states() if space.table else None
    wanted = experiment.states
    if wanted is None and rows is None:
        return {"all": State(code="all")}
    file = experiment.state_table
    known = read_states_table(folder / file if file else CENSUS)
    if rows is not None:
        unknown = [code for code in rows if code not in known]
        if unknown:
            raise ConfigError(
                f"{space.table.where}: row {rows[code][0] + 1}, column state: "
                f"there is no state `{code}`"
                f"{nearest(code, known)}"
                for code in unknown
            )
    if wanted is None:
        return {code: known[code] for code in rows or ()}
    chosen, again = choose_states(wanted.codes or ["all"], known)
    if wanted.where:
        chosen = filter_states(wanted.where, chosen)
    if not chosen:
        raise ConfigError(f"states.where: no state is left by `{wanted.where}`")
    if again:
        notes.append(f"states: {listing(again)}: named more than once, and taken once")
    left_out = [code for code in rows or () if code not in chosen]
    if left_out:
        notes.append(f"states: without {listing(left_out)}, of which the table has rows")
    return chosen


def _spaces_of(
    experiment: Experiment,
    states: Mapping[str, State],
    space: RunSpace,
    derived: Derived,
    notes: list[str],
) -> Spaces:
    """Apply the conditions; raise ConfigError for names that no variable has."""
    scenarios = experiment.all_scenarios
    of_states = {"state", *(name for state in states.values() for name in state)}
    of_scenarios = {name for variables in scenarios.values() for name in variables}
    if experiment.scenarios:
        of_scenarios.add("scenario")
    of_axes = {name for axis in space.axes for name in axis.names}
    known = {*of_states, *of_scenarios, *of_axes, *experiment.vars, "experiment", "launch"}
    taken = {*of_scenarios, *of_axes, *experiment.vars} & set(derived.names)
    conditions = read_conditions(experiment.runs)
    with collected_problems() as collect:
        with collect:
            if taken:
                raise ConfigError(
                    f"runs.derive.{name}: it has a value already; choose another name"
                    for name in sorted(taken)
                )
        with collect:
            derived.check(known)
        for condition in conditions:
            with collect:
                names = condition.expression.names
                check_known(condition.where, names, {*known, *derived.names})
        with collect:
            if experiment.run_name:
                needed = {*known, *derived.names}
                check_known("run_name", compiled_pattern(experiment.run_name).names, needed)
                check_pattern(
                    experiment.run_name, derived, space, experiment.scenarios, of_states - of_axes
                )
    if not conditions and not (space.table and STATE in space.table.columns):
        return Spaces(space)
    left = Restrictions(space, conditions, derived, of_states=of_states, of_scenarios=of_scenarios)
    pairs = [(state, scenario) for state in states for scenario in scenarios]
    spaces = left.spaces(pairs, lambda *pair: common_variables(experiment, states, *pair))
    notes += [f"{condition.where}: drops nothing" for condition in left.idle]
    return spaces


def _states_with_tasks(
    experiment: Experiment, states: Mapping[str, State], spaces: Spaces, notes: list[str]
) -> dict[str, State]:
    """Return the states that have any run; raise ConfigError if none has."""
    scenarios = experiment.all_scenarios
    left = {
        code: state
        for code, state in states.items()
        if any(spaces.of(code, scenario).size for scenario in scenarios)
    }
    if not left:
        raise ConfigError(
            "runs: no run is left: conditions drop every combination"
            if experiment.runs.exclude or experiment.runs.only
            else "runs.table: none of its rows is for one of the `states`"
        )
    without = [code for code in states if code not in left]
    if without:
        notes.append(f"states: {listing(without)}: no run is left for them")
    return left


def _idle_patterns(experiment: Experiment, templates: Iterable[str]) -> list[str]:
    """Return a note for each pattern of `templates.render` that was written and fits no file."""
    how = experiment.templates
    if "render" not in how.model_fields_set:
        return []
    names = [PurePath(name).relative_to(how.dir or "") for name in templates]
    return [
        f"templates.render: `{pattern}` fits no file"
        for pattern in how.render
        if not any(fits(pattern, name) for name in names)
    ]


def _check_jobs(experiment: Experiment, states: Iterable[str], spaces: Spaces) -> None:
    """Raise ConfigError if there would be more jobs than Snakemake can look at in minutes."""
    scenarios = experiment.all_scenarios
    sizes = [spaces.of(state, scenario).size for state in states for scenario in scenarios]
    per_job = experiment.tasks_per_job
    jobs = sum(math.ceil(size / per_job) for size in sizes)
    if jobs > MOST_JOBS:
        packed = 10 ** math.ceil(math.log10(sum(sizes) / MOST_JOBS) + 1)
        packed_jobs = sum(math.ceil(size / packed) for size in sizes)
        advice = (
            f"`tasks_per_job: {packed}` makes {packed_jobs:,}"
            if packed_jobs <= MOST_JOBS
            else "write fewer states, scenarios or runs"
        )
        raise ConfigError(
            f"tasks_per_job: {sum(sizes):,} tasks, {per_job:,} in a job, would be {jobs:,} jobs, "
            f"and more than {MOST_JOBS:,} take too long to look at; {advice}"
        )


def _near(folder: Path) -> Path:
    """Return `folder` relative to the current one if it is below it (workers have other roots)."""
    absolute = folder.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
