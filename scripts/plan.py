"""Show what the experiment comes to."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.fanfold.call import Call
from scripts.fanfold.script_log import script_log
from scripts.fanfold.summary import summary

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def plan(call: Call, table: Path) -> str:
    """Return the summary of the design, and where its table is."""
    return summary(call, table)


if __name__ == "__main__":
    with script_log(snakemake.log):
        click.echo(plan(snakemake.params.call, Path(snakemake.input.table)))
