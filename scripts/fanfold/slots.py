"""Places where commands run: launcher processes, one command at a time each."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from scripts.fanfold import launcher


def search_path() -> str:
    """Return the model's PATH: ours, and last, where there may be no `python`, our Python's."""
    return f"{os.environ.get('PATH', os.defpath)}:{Path(sys.executable).parent}"


class Slot:
    """A launcher process."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", launcher.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a signal to our whole group must leave it to end the model
        )

    def run(self, **request: Any) -> dict[str, Any]:
        """Run a command (see launcher.py) and return how it ended.

        Raises
        ------
        InterruptedError
            If the slot was closed meanwhile.
        """
        assert self._process.stdin and self._process.stdout  # noqa: S101 (for the type checker)
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            reply = self._process.stdout.readline()
        except (BrokenPipeError, ValueError):
            reply = b""
        if not reply:
            raise InterruptedError("the job is ending")
        return dict(json.loads(reply))

    def close(self) -> None:
        """End the launcher, and with it what it runs."""
        assert self._process.stdin  # noqa: S101 (for the type checker)
        self._process.stdin.close()

    def wait(self) -> None:
        """Wait until the launcher and what it ran have ended."""
        self._process.wait()


@contextmanager
def open_slots(count: int) -> Iterator[SimpleQueue[Slot]]:
    """Yield a queue of `count` free slots; whatever they run ends with the block."""
    slots = [Slot() for _ in range(count)]
    free: SimpleQueue[Slot] = SimpleQueue()
    for slot in slots:
        free.put(slot)
    try:
        yield free
    finally:
        for slot in slots:
            slot.close()
        for slot in slots:
            slot.wait()
