"""What can be known before anything is written or submitted: every mistake at once, in one line."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

from scripts.fanfold.design import Design, Task
from scripts.fanfold.digests import files_below
from scripts.fanfold.errors import ConfigError, FanfoldError, collected_problems
from scripts.fanfold.expansion import load_design
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.model_code import code_files
from scripts.fanfold.names import nearest
from scripts.fanfold.slots import search_path
from scripts.fanfold.task_folder import LOG, RECORD
from scripts.fanfold.task_setup import TaskSetup

#: So many tasks are rendered as a sample: every state, scenario and value of an axis up to that.
SAMPLES = 300
#: Of an axis with many values the first ones are rendered, and the last.
SAMPLES_OF_AXIS = 60
#: Programs whose first argument is a script, unless it is an option.
INTERPRETERS = frozenset(
    {"bash", "julia", "node", "octave", "perl", "python", "python3", "Rscript", "ruby", "sh"}
)
_PLAIN = re.compile(r"[\w./+@%-]+")


def load_and_check(
    files: Sequence[Path],
    overrides: Mapping[str, Any],
    *,
    shared: bool = True,
    check: bool = True,
    check_command: bool = True,
) -> Design:
    """Load an experiment and, if `check`, try everything that can be tried without running it.

    `shared`: all machines share a file system. `check_command`: the model runs on this machine.

    Raises
    ------
    ConfigError
        With one line for each mistake.
    """
    design = load_design(files, overrides)
    if not check:
        return design
    with collected_problems() as collect:
        with collect:
            check_results_folder(Path(design.results))
        with collect:
            check_rendering(design, check_command)
        if design.experiment.run_name:
            with collect:
                check_run_names(design)
        if not shared:
            with collect:
                check_travels(design)
    return design


def sample_tasks(design: Design) -> Iterator[Task]:
    """Yield tasks such that every state, scenario and value of an axis is in one of them."""
    # States last: there may be thousands, and a template seldom minds which one it is.
    first, *others = design.states
    for scenario in design.scenarios:
        yield from _first_tasks(design, first, [scenario])
    scenario, space = next(
        (name, space) for name in design.scenarios if (space := design.space_of(first, name)).size
    )
    step = space.size
    for factor in space.factors:
        step //= factor.size
        for place in range(1, factor.size):
            if place < SAMPLES_OF_AXIS or place == factor.size - 1:
                yield design.task(first, scenario, place * step + 1)
    for state in others:
        yield from _first_tasks(design, state, design.scenarios)


def _first_tasks(design: Design, state: str, scenarios: Iterable[str | None]) -> Iterator[Task]:
    """Yield the first task of a state in the first of some scenarios that has any."""
    for scenario in scenarios:
        if design.space_of(state, scenario).size:
            yield design.task(state, scenario, 1)
            return


def check_rendering(design: Design, check_command: bool) -> None:
    """Render a sample of tasks; raise ConfigError for undefined names and commands not found."""
    try:
        setup = TaskSetup(design)
    except RenderError as error:
        raise ConfigError(str(error)) from None
    check_places(setup)
    problems: dict[str, None] = {}
    commands: dict[tuple[str, str], None] = {}
    for task in islice(sample_tasks(design), SAMPLES):
        if task.problem:
            problems[task.problem] = None
            continue
        for render in [file.render for file in setup.templates.files if file.made]:
            with _noting(problems):
                render(task.variables)
        with _noting(problems):
            setup.env(task)
        with _noting(problems):
            commands[_first_words(setup.command(task))] = None
    if check_command:
        for program, script in commands:
            if "/" in program and (path := _place_of(program, setup)) and not _may_run(path):
                problems[f"model.command: {path} may not be executed; chmod +x it"] = None
            elif program and not _can_run(program, setup):
                problems[
                    f"model.command: `{program}` was not found: not a program on PATH, "
                    "nor a file of the experiment or its templates"
                ] = None
            elif script and not _is_there(script, setup):
                hint = nearest(script, _files_of(design, setup))
                problems[
                    f"model.command: `{script}` is no file of the experiment, nor of its templates"
                    f"{hint}"
                ] = None
    if problems:
        raise ConfigError(problems)


def check_run_names(design: Design) -> None:
    """Raise ConfigError if the user's `run_name` gives two runs of a state the same name.

    The only check that looks at every run (not task): two of them would share a folder.
    """
    states = list(design.states)
    for state in states if design.spaces.by_state else states[:1]:
        seen: dict[str, Task] = {}
        for scenario in design.scenarios:
            for index in range(1, design.space_of(state, scenario).size + 1):
                task = design.task(state, scenario, index)
                if task.problem:
                    raise ConfigError(task.problem)
                other = seen.setdefault(task.run.name, task)
                if other is not task:
                    raise ConfigError(
                        f"run_name: two runs are called `{task.run.name}`: "
                        f"{_what_differs(other, task)} and {_what_differs(task, other)}"
                    )


def _what_differs(task: Task, other: Task) -> str:
    mine, others = (
        one.run.variables | {"scenario": one.run.scenario, "seed": one.run.seed}
        for one in (task, other)
    )
    return ", ".join(f"{key}={value}" for key, value in mine.items() if others.get(key) != value)


@contextmanager
def _noting(problems: dict[str, None]) -> Iterator[None]:
    """Note a RenderError of the block in `problems`, and go on."""
    try:
        yield
    except RenderError as error:
        problems[str(error)] = None


def check_places(setup: TaskSetup) -> None:
    """Raise ConfigError if two files would have the same place in a task's folder."""
    places: dict[str, object] = {LOG: "Fanfold's log", RECORD: "Fanfold's record"}
    wanted: list[tuple[str, object]] = [
        (str(file.target), file.source) for file in setup.templates.files
    ]
    problems = []
    for place, source in [*wanted, *setup.links.items()]:
        if place in places:
            problems.append(
                f"{source}: {places[place]} would be `{place}` in the task's folder too"
            )
        places[place] = source
    problems += [
        f"{source}: would be in `{parent}`, which is {places[str(parent)]}"
        for place, source in places.items()
        for parent in Path(place).parents
        if str(parent) in places
    ]
    if problems:
        raise ConfigError(problems)


def _first_words(command: str) -> tuple[str, str]:
    """Return the program that a command starts with, and the script that this runs.

    Nothing where that is not plain to see.
    """
    words = re.split(r"\s+", command.strip())
    while words and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=\S*", words[0]):
        words.pop(0)
    program, script = ([word if _PLAIN.fullmatch(word) else "" for word in words] + ["", ""])[:2]
    is_script = PurePath(program).name in INTERPRETERS and not script.startswith("-")
    return program, script if is_script else ""


def _can_run(word: str, setup: TaskSetup) -> bool:
    if "/" in word:
        path = Path(word) if Path(word).is_absolute() else _place_of(word, setup)
        return path is not None and _may_run(path)
    if shutil.which(word, path=search_path()):
        return True
    builtin = [shutil.which("bash") or "/bin/sh", "-c", 'type "$0" >/dev/null 2>&1', word]
    return subprocess.run(builtin, check=False).returncode == 0


def _may_run(path: Path) -> bool:
    return os.access(path, os.X_OK)


def _is_there(script: str, setup: TaskSetup) -> bool:
    if Path(script).is_absolute():
        return Path(script).exists()
    return _place_of(script, setup) is not None


def _place_of(name: str, setup: TaskSetup) -> Path | None:
    """Return where a file of the task's folder comes from; None if it will not be there."""
    path = Path(os.path.normpath(name))
    found = [file.source for file in setup.templates.files if file.target == path]
    found += [
        setup.links[str(place)] / path.relative_to(place)
        for place in (path, *path.parents)
        if str(place) in setup.links
    ]
    return next((file for file in found if file.exists()), None)


def _files_of(design: Design, setup: TaskSetup) -> list[str]:
    """Return names that a script could have."""
    here = [path.name for path in design.folder.iterdir() if path.is_file()]
    return [*here, *(str(file.target) for file in setup.templates.files)]


def check_results_folder(results: Path) -> None:
    """Raise ConfigError if the launch's folder can be neither made nor written to."""
    if "$" in str(results):
        raise ConfigError(f"results: {results}: this environment variable is not set")
    place = results
    while not os.path.exists(place) and place != place.parent:  # noqa: PTH110 (that one may raise)
        place = place.parent
    if not place.is_dir():
        raise ConfigError(f"results: {place} is not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(f"results: {place} is not writable for you; choose another place")


def check_travels(design: Design) -> None:
    """Raise ConfigError for what workers without a shared file system would not get."""
    problems = []
    if Path(design.results).is_absolute():
        problems.append(
            "results: no absolute path where there is no shared file system; write a relative one"
        )
    tracked = _tracked_files()
    experiment = design.experiment
    sources = [*code_files(experiment, design.folder), *experiment.inputs]
    if experiment.templates.dir:
        sources.append(experiment.templates.dir)
    sources += filter(None, [experiment.state_table, experiment.run_table])
    wanted = {Path(os.path.relpath(path)) for path in design.files}
    for source in sources:
        wanted |= {Path(os.path.relpath(path)) for path in files_below(design.folder / source)}
    problems += [
        f"{path}: workers without a shared file system get only what git tracks here; `git add` it"
        for path in sorted(wanted)
        if str(path) not in tracked
    ]
    if problems:
        raise ConfigError(problems)


def _tracked_files() -> set[str]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise FanfoldError(
            "this folder is not a git repository, and workers without a shared file system get "
            "only the files that git tracks; `git init` and `git add` it"
        ) from None
    return set(listed.stdout.decode().split("\0"))
