"""Write the design table: one row per task."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.call import Call
from scripts.fanfold.design_table import write_design_table
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def write_plan(call: Call, table: Path) -> int:
    """Write one row per task to `table` (CSV); return the number of tasks."""
    return write_design_table(call, table)


if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        tasks = write_plan(snakemake.params.call, Path(snakemake.output.table))
        log.info("%d tasks", tasks)
