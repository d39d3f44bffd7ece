"""Say which tasks a job holds that lists them."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fanfold.atomic import write_text
from scripts.fanfold.script_log import script_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def list_tasks(text: str, tasks: Path) -> None:
    """Write the job `text` (JSON) where the job, wherever it runs, can read it."""
    write_text(tasks, text + "\n")


if __name__ == "__main__":
    with script_log(snakemake.log):
        list_tasks(snakemake.params.text, Path(snakemake.output.tasks))
