"""Results of tasks whose folders are gone (`keep: none`) and whose job has another name now.

More seeds or another `tasks_per_job` cut a design into other jobs. The records and tables of the
old ones stay on disk; what they hold of tasks that are defined as they were is taken from there.
"""

from functools import cached_property
from pathlib import Path
from threading import Lock

import polars as pl

from scripts.fanfold.design import Design, Task
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.records import Record, read_records
from scripts.fanfold.tables import tasks_in


class EarlierResults:
    """What jobs that are no longer in the design left of one state."""

    def __init__(self, design: Design, state: str) -> None:
        """Look below the launch's folder; nothing is read before it is asked for."""
        self._results = Path(design.results)
        self._state = state
        self._jobs = design.jobs_of(state)
        self._coordinates = design.coordinates
        self._outputs = design.tables
        self._lock = Lock()
        self._tables: dict[Path, pl.DataFrame] = {}

    def find(self, task: Task) -> tuple[Record, dict[str, pl.DataFrame]] | None:
        """Return the record of a task that is done, and its tables by output, if they are there."""
        with self._lock:
            record = self._records.get(task.digest)
            if record is None:
                return None
            tables = {output: self._rows_of(output, record) for output in self._outputs}
        found = {output: table for output, table in tables.items() if table is not None}
        return (record, found) if len(found) == len(tables) else None

    @cached_property
    def _records(self) -> dict[str, Record]:
        """Digest -> record of the tasks that are done."""
        folder = self._results / "records" / self._state
        found = {}
        for path in sorted(folder.glob("*.jsonl")):
            if path.stem in self._jobs:
                continue
            try:
                found |= {record.digest: record for record in read_records(path) if record.done}
            except FanfoldError:
                continue  # damaged: its tasks are run again
        return found

    def _rows_of(self, output: str, record: Record) -> pl.DataFrame | None:
        """Return what the model wrote, without the coordinates."""
        path = self._results / "tables" / output / self._state / f"{record.job}.parquet"
        try:
            if tasks_in(path)[1].get(record.run) != record.digest:
                return None
            if path not in self._tables:
                self._tables[path] = pl.read_parquet(path)
        except (OSError, KeyError, pl.exceptions.PolarsError):
            return None
        table = self._tables[path].filter(pl.col("run") == record.run)
        return table.drop(self._coordinates, strict=False)
