"""What determines a task beside its variables: templates, command, model code, inputs."""

import os
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.fanfold.digests import FileDigests, digest_of
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.model_code import code_files
from scripts.fanfold.schema import Experiment


@dataclass(frozen=True)
class Definition:
    """The model as the experiment defines it; `digest` changes when any of it does."""

    command: str
    env: dict[str, str]
    how: dict[str, Any]
    """The keys of `templates`."""
    templates: dict[str, str]
    """File below templates.dir -> digest of its content."""
    code: dict[str, str]
    """Model file -> digest of its content."""
    inputs: dict[str, str]
    """Input file -> digest of its content."""

    @cached_property
    def digest(self) -> str:
        """20 hexadecimal digits."""
        return digest_of(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, for the provenance."""
        return asdict(self)


def make_definition(
    experiment: Experiment, command: str, folder: Path, digests: FileDigests
) -> Definition:
    """Read and digest all files that the experiment names; `command` is the whole one.

    Raises
    ------
    ConfigError
        With one line for each file that is not there or cannot be read.
    """
    problems: list[str] = []

    def digests_of(key: str, paths: list[str]) -> dict[str, str]:
        found = {}
        for path in paths:
            where = folder / path
            try:
                tree = digests.of_tree(where)
            except FileNotFoundError as error:
                problems.append(f"{key}: {error.filename} does not exist")
                continue
            except OSError as error:
                problems.append(f"{key}: {error.filename} cannot be read: {error.strerror}")
                continue
            found.update({str(Path(path, name)): digest for name, digest in tree.items()})
        return found

    templates = {}
    if experiment.templates.dir:
        where = folder / experiment.templates.dir
        if os.path.isdir(where):  # noqa: PTH112 (Path.is_dir() raises where one may not look)
            templates = digests_of("templates.dir", [experiment.templates.dir])
        else:
            problems.append(f"templates.dir: there is no folder {where}")
    definition = Definition(
        command,
        experiment.model.env,
        experiment.templates.model_dump(mode="json"),
        templates,
        digests_of("model.code", code_files(experiment, folder)),
        digests_of("inputs", list(experiment.inputs)),
    )
    if problems:
        raise ConfigError(problems)
    return definition
