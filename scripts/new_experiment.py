"""Make a new experiment from a skeleton that runs: `python -m scripts.new_experiment NAME`."""

import sys
from pathlib import Path

import click

from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.fields import legal_name

SKELETON = Path(__file__).parent / "fanfold/skeleton"


def new_experiment(name: str, parent: Path) -> list[Path]:
    """Copy the skeleton to `parent`/`name`, with its name filled in; return the new files.

    Raises
    ------
    FanfoldError
        If the name is not legal, or there is such a folder already: nothing is written.
    """
    try:
        legal_name(name)
    except ValueError as error:
        raise FanfoldError(str(error)) from None
    folder = parent / name
    if folder.exists():
        raise FanfoldError(f"{folder} is there already; choose another name, or delete it")
    made = []
    for source in sorted(path for path in SKELETON.rglob("*") if path.is_file()):
        target = folder / source.relative_to(SKELETON)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text(encoding="utf-8").replace("NAME", name))
        made.append(target)
    return made


@click.command()
@click.argument("name")
def main(name: str) -> None:
    """Make exp/NAME: a commented experiment with a small model, which runs as it is."""
    try:
        made = new_experiment(name, Path("exp"))
    except FanfoldError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo("\n".join(str(path) for path in made))
    click.echo(
        f"\nLook at it:  snakemake plan --profile local --configfile exp/{name}/experiment.yaml"
    )
    click.echo(f"Run it:      snakemake --profile local --configfile exp/{name}/experiment.yaml")


if __name__ == "__main__":
    main()
