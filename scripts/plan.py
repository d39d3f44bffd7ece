"""Show what the experiment comes to."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.fanfold.design import Design
from scripts.fanfold.script_log import script_log
from scripts.fanfold.summary import summary

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def plan(design: Design, table: Path) -> str:
    """Return the summary of the design, and where its table is."""
    return summary(design, table)


if __name__ == "__main__":
    with script_log(snakemake.log):
        click.echo(plan(snakemake.params.design, Path(snakemake.input.table)))
