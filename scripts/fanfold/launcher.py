"""A small process that starts the model's processes, measures them, and ends with its parent.

Why not from the job itself: Linux counts the memory of the process that starts another as the
other's peak, and a job that is killed outright (`kill -9`) cannot end what it started. This process
is small, and when its standard input closes, for whatever reason, it ends the model and itself.

Run as a file (`python -I -S launcher.py`), standard library only. It reads one JSON object a line,
`{"command", "folder", "log", "env", "timeout"}`, runs it, and answers with one line:
`{"exit_code", "signal", "timed_out", "seconds", "peak_memory_mb"}` or `{"error"}`.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

#: Between asking a process group to end (SIGTERM) and ending it (SIGKILL), seconds.
GRACE_SECONDS = 5.0
#: How often the time limit is looked at, seconds.
WATCH_SECONDS = 0.1
#: ru_maxrss is in KiB on Linux, in bytes on macOS.
MAXRSS_PER_MB = 1024.0**2 if sys.platform == "darwin" else 1024.0


def end_group(group: int, number: int) -> None:
    """Send a signal to a process group; fine if it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class Launcher:
    """Runs one command at a time, and ends it when its time is up."""

    def __init__(self) -> None:
        """Start with nothing running."""
        self._running: int | None = None
        self._deadline = 0.0
        self._timed_out = False
        self._starting = threading.Lock()
        self.closed = False
        threading.Thread(target=self._watch, daemon=True).start()

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a command in its own process group and wait; end the whole group afterwards."""
        started = time.monotonic()
        try:
            with self._starting, Path(request["log"]).open("ab", buffering=0) as log:
                process = subprocess.Popen(
                    request["command"],
                    cwd=request["folder"],
                    env=os.environ | request["env"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self._timed_out = False
                self._deadline = started + request["timeout"]
                self._running = process.pid
        except (OSError, ValueError) as error:
            return {"error": str(error)}
        if hasattr(os, "waitid"):
            # Not yet reaped: its number cannot belong to another group when we end what it left.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            end_group(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        self._running = None
        if not hasattr(os, "waitid"):
            end_group(process.pid, signal.SIGKILL)
        process.returncode = os.waitstatus_to_exitcode(status)
        return {
            "exit_code": process.returncode if process.returncode >= 0 else None,
            "signal": -process.returncode if process.returncode < 0 else None,
            "timed_out": self._timed_out,
            "seconds": round(time.monotonic() - started, 4),
            "peak_memory_mb": round(usage.ru_maxrss / MAXRSS_PER_MB, 1),
        }

    def _watch(self) -> None:
        """End the command when its time is up. One thread for all: a timer each costs more."""
        while True:
            time.sleep(WATCH_SECONDS)
            if self._running is not None and time.monotonic() > self._deadline:
                self._timed_out = True
                self.end()

    def close(self) -> None:
        """End what is running, and start nothing any more."""
        self._starting.acquire()
        self.closed = True
        self.end()

    def end(self) -> None:
        """End what is running: ask it, and after a while insist."""
        group = self._running
        if group is None:
            return
        end_group(group, signal.SIGTERM)
        insist = time.monotonic() + GRACE_SECONDS
        while self._running == group:
            if time.monotonic() > insist:
                end_group(group, signal.SIGKILL)
            time.sleep(0.02)


def main() -> None:
    """Serve requests until standard input closes."""
    # The scheduler's SIGTERM goes to all processes of a job; the job itself then closes our input.
    # (A handler, not SIG_IGN: what the model inherits must be the default.)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    launcher = Launcher()
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()

    def serve() -> None:
        while True:
            reply = launcher.run(json.loads(requests.get()))
            if launcher.closed:
                return  # what we ended ourselves has not failed
            with contextlib.suppress(BrokenPipeError):
                os.write(1, json.dumps(reply).encode() + b"\n")

    threading.Thread(target=serve, daemon=True).start()
    for line in sys.stdin:
        requests.put(line)
    launcher.close()
    os._exit(0)


if __name__ == "__main__":
    main()
