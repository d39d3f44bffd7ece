"""Write the report: one page that opens without a network."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.design import Design
from scripts.fanfold.provenance import FILE, read_provenance, resolved
from scripts.fanfold.report_page import write_report
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def report(design: Design, tasks: Path, tables: dict[str, Path], page: Path) -> None:
    """Write `page` (HTML) from the table of all tasks and the combined tables by output."""
    write_report(
        page,
        title=f"{design.experiment.name}, launch {design.experiment.launch}",
        tasks=tasks,
        tables=tables,
        provenance=read_provenance(Path(design.results, FILE)),
        experiment=resolved(design.experiment) | {"states": list(design.states)},
    )


if __name__ == "__main__":
    with script_log(snakemake.log):
        design = snakemake.params.design
        report(
            design,
            Path(snakemake.input.tasks),
            dict(zip(design.tables, map(Path, snakemake.input.tables), strict=True)),
            Path(snakemake.output.report),
        )
