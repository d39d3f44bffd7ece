"""What differs between two tasks or launches: `python -m scripts.compare_configs CA/low NY/low`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from scripts.fanfold.comparing import (
    Launch,
    Rendered,
    compare_launches,
    differences,
    rendered_now,
)
from scripts.fanfold.design import Design
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.expansion import load_design
from scripts.fanfold.overrides import CONFIG_OPTION, read_overrides

COLORS = {"+": "green", "-": "red", "@": "cyan"}


def compare_configs(design: Design, one: str, other: str) -> Iterator[str]:
    """Yield the lines in which two tasks or launches differ; raise FanfoldError."""
    launches = Path(design.results).parent
    if "/" not in one and "/" not in other:
        yield from compare_launches(Launch(launches / one), Launch(launches / other))
    else:
        yield from differences(_rendered(design, one), _rendered(design, other))


def _rendered(design: Design, name: str) -> Rendered:
    launch, colon, task = name.partition(":")
    if colon:
        return Launch(Path(design.results).parent / launch).rendered(task)
    return rendered_now(design, name)


@click.command()
@click.argument("one")
@click.argument("other")
@click.option(
    "--configfile",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=["config/config.yaml"],
    help="The experiment file; may be given more than once.",
)
@CONFIG_OPTION
def main(one: str, other: str, files: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Show what differs between ONE and OTHER: variables, rendered files and the command.

    Each is a task as the experiment file has it now (CA/low-s1), a task as a launch has it
    (main:CA/low-s1), or a launch (main: all its tasks).
    """
    try:
        design = load_design([Path(file) for file in files], read_overrides(overrides))
        lines = list(compare_configs(design, one, other))
    except FanfoldError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for line in lines:
        click.secho(line, fg=COLORS.get(line[:1]))
    if not lines:
        click.echo("no difference")


if __name__ == "__main__":
    main()
