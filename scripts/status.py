"""Say how far the launch is."""

from typing import TYPE_CHECKING

import click

from scripts.fanfold.call import Call
from scripts.fanfold.progress import COLUMNS, count_statuses
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def status(call: Call) -> str:
    """Return a table: how many tasks of each state are waiting, running, done and failed."""
    progress = count_statuses(call.design, call.tasks())
    width = max(len("state"), *(len(state) for state in progress))
    rows = [("state", *COLUMNS)]
    rows += [
        (state, *(str(counts[name]) for name in COLUMNS)) for state, counts in progress.items()
    ]
    totals = (str(sum(counts[name] for counts in progress.values())) for name in COLUMNS)
    rows.append(("total", *totals))
    return "\n".join(
        f"{first:<{width}}" + "".join(f"{cell:>9}" for cell in cells) for first, *cells in rows
    )


if __name__ == "__main__":
    with script_log(snakemake.log):
        click.echo(status(snakemake.params.call))
