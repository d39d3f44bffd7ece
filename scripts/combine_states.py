"""Stack the tables of all states."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.script_log import script_log
from scripts.fanfold.tables import CSV_ROWS, stack_tables, write_csv

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def combine_states(tables: Sequence[Path], combined: Path) -> int:
    """Stack `tables` into `combined` (Parquet), and as CSV if small; return the number of rows."""
    rows = stack_tables(tables, combined)
    small = combined.with_suffix(".csv")
    if rows <= CSV_ROWS:
        write_csv(combined, small)
    else:
        small.unlink(missing_ok=True)
    return rows


if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        rows = combine_states(
            [Path(table) for table in snakemake.input.tables], Path(snakemake.output.table)
        )
        log.info("%d rows", rows)
