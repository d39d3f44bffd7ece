"""Check an experiment file without running anything: `python -m scripts.check_experiment FILE`."""

import sys
from pathlib import Path
from typing import Any

import click

from scripts.fanfold.call import Call
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.overrides import CONFIG_OPTION, read_overrides
from scripts.fanfold.preflight import load_and_check
from scripts.fanfold.summary import summary


def check_experiment(files: list[Path], overrides: dict[str, Any]) -> str:
    """Return the summary of an experiment; raise FanfoldError with a line for each mistake."""
    return summary(Call(load_and_check(files, overrides)))


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@CONFIG_OPTION
def main(files: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Check experiment FILES (later ones on top) and show what they come to."""
    try:
        click.echo(check_experiment(list(files), read_overrides(overrides)))
    except FanfoldError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
