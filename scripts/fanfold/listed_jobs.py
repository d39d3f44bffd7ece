"""Jobs whose tasks are listed one by one: failed tasks to run again, or selected ones."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from scripts.fanfold.design import Design, Task

#: Where a task stands in its state: scenario, index.
Place = tuple[str | None, int]


@dataclass(frozen=True)
class ListedJob:
    """A job of some tasks of one state."""

    name: str
    state: str
    tasks: tuple[Place, ...]
    failed_in: dict[str, str] = field(default_factory=dict)
    """Of a retry: the job in which its tasks failed -> the digest that it had."""

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "ListedJob":
        """Read it back; raise TypeError, ValueError or KeyError if it is none."""
        tasks = tuple((scenario, int(index)) for scenario, index in content["tasks"])
        return cls(**content | {"tasks": tasks})


def tasks_listed(design: Design, text: str) -> list[Task]:
    """Return the tasks of a listed job written as JSON."""
    job = ListedJob.from_content(json.loads(text))
    return [design.task(job.state, scenario, index) for scenario, index in job.tasks]


def packs(places: Iterable[Place], size: int) -> Iterator[tuple[Place, ...]]:
    """Yield the places in packs of at most `size`."""
    remaining = iter(places)
    while pack := tuple(islice(remaining, size)):
        yield pack
