"""Write the report: one page that opens without a network."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.fanfold.call import Call
from scripts.fanfold.provenance import FILE, read_provenance, resolved
from scripts.fanfold.report_page import write_report
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def report(call: Call, tasks: Path, tables: dict[str, Path], page: Path) -> None:
    """Write `page` (HTML) from the table of all tasks and the combined tables by output."""
    design = call.design
    part = f", {call.size:,} of {design.size:,} tasks" if call.selected is not None else ""
    write_report(
        page,
        title=f"{design.experiment.name}, launch {design.experiment.launch}{part}",
        tasks=tasks,
        tables=tables,
        provenance=read_provenance(Path(design.results, FILE)),
        experiment=resolved(design.experiment) | {"states": list(call.jobs)},
    )


if __name__ == "__main__":
    with script_log(snakemake.log):
        call = snakemake.params.call
        report(
            call,
            Path(snakemake.input.tasks),
            dict(zip(call.design.tables, map(Path, snakemake.input.tables), strict=True)),
            Path(snakemake.output.report),
        )
        click.echo(f"{call.size:,} tasks. Look at {snakemake.output.report}")
