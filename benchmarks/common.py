"""What all benchmarks share: a copy of the project, the trivial model, measuring, comparing."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
MODEL = Path(__file__).parent / "model"
#: Files here are in memory: what is compared is programs, not this machine's disk.
TMPFS = Path("/dev/shm")
#: The command of the trivial model: starting Python is most of it.
COMMAND = f"{sys.executable} -S model.py"
#: ru_maxrss is in KiB on Linux, in bytes on macOS.
MAXRSS_PER_MB = 1024.0**2 if sys.platform == "darwin" else 1024.0


class NotMeasuredError(Exception):
    """Something that a comparison needs is not here: says what."""


@dataclass(frozen=True)
class Settings:
    """How to run the benchmarks."""

    folder: Path
    """Where to work; a benchmark makes its own folder in it."""
    repeat: int
    peers: Path
    """Where other tools are installed, each in an environment of its own."""


@dataclass(frozen=True)
class Usage:
    """What a process and its children took."""

    seconds: float
    """Wall clock."""
    cpu_seconds: float
    """User and system."""
    peak_mb: float
    """Peak resident memory of the largest of them, MB."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    measure: str
    ours: str
    other: str
    result: str
    goal: str
    met: bool | None
    """None: could not be measured, or nothing to reach."""


def make_folder(parent: Path, name: str) -> Path:
    """Make a folder, or make it empty; return it."""
    folder = parent / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def work_folder() -> Iterator[Path]:
    """Yield a temporary folder, in memory if there is a tmpfs."""
    place = TMPFS if os.access(TMPFS, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fanfold-benchmarks-", dir=place) as folder:
        yield Path(folder)


def copy_project(folder: Path) -> Path:
    """Copy what git tracks, and the benchmarks, into a new repository `folder`; return it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    shutil.copytree(Path(__file__).parent, folder / "benchmarks", dirs_exist_ok=True)
    who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "benchmark"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def write_experiment(project: Path, name: str, **keys: Any) -> Path:
    """Write an experiment with the trivial model into `project`; return its file, relative."""
    folder = Path("exp", name)
    shutil.copytree(MODEL, project / folder, dirs_exist_ok=True)
    content = {
        "templates": {"dir": "templates", "render": ["*.j2"]},
        "model": {"command": COMMAND},
        "outputs": {"values": {"path": "values.csv", "table": True}},
    }
    # JSON is YAML.
    (project / folder / "experiment.yaml").write_text(json.dumps(content | keys, indent=1))
    return folder / "experiment.yaml"


def snakemake(experiment: Path, *options: str) -> list[str]:
    """Return a call of the workflow, such as a user makes it."""
    profile = ("--profile", "profiles/local", "--cores", "2")
    return ["snakemake", *options, *profile, "--configfile", str(experiment), "--quiet"]


def environment() -> dict[str, str]:
    """Return the environment of what is measured: this Python first, polars as in the rules."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "POLARS_MAX_THREADS": "1"}


def measure(command: Sequence[str], folder: Path) -> Usage:
    """Run a command in `folder`; raise RuntimeError with the end of what it says if it fails.

    The process that measures must be small: Linux counts it in the other's peak memory.
    """
    with tempfile.TemporaryFile(dir=folder) as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            end = "\n".join(log.read().decode(errors="replace").splitlines()[-20:])
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{end}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MAXRSS_PER_MB)


def measure_inside(module: str, arguments: Sequence[str], folder: Path) -> Usage:
    """Run `python -m module arguments`, which prints what its interesting part took (see `report`).

    The peak memory is the whole process's.
    """
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        command = [sys.executable, "-m", module, *arguments, "--report", file.name]
        whole = measure(command, folder)
        seconds, cpu_seconds = json.loads(Path(file.name).read_text())
    return Usage(seconds, cpu_seconds, whole.peak_mb)


def report(file: str, work: Callable[[], object]) -> None:
    """Call `work` and write what it took, with the processes that it started, to `file`."""
    started, before = time.perf_counter(), os.times()
    work()
    seconds, after = time.perf_counter() - started, os.times()
    Path(file).write_text(json.dumps([seconds, sum(after[:4]) - sum(before[:4])]))


def interleave(variants: Mapping[str, Callable[[], Usage]], repeat: int) -> dict[str, list[Usage]]:
    """Run every variant once in each of `repeat` rounds, each round starting with another one."""
    names = list(variants)
    taken: dict[str, list[Usage]] = {name: [] for name in names}
    for number in range(repeat):
        start = number % len(names)
        for name in [*names[start:], *names[:start]]:
            taken[name].append(variants[name]())
    return taken


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return median and range, such as `1.52 [1.30-1.81]`."""
    middle, low, high = (f"{f(values):.{digits}f}" for f in (median, min, max))
    return middle if len(values) == 1 else f"{middle} [{low}-{high}]"


def took(usages: Sequence[Usage], digits: int = 1) -> str:
    """Return the median wall clock and CPU time of some repetitions."""
    wall = median(usage.seconds for usage in usages)
    cpu = median(usage.cpu_seconds for usage in usages)
    return f"{wall:.{digits}f} s ({cpu:.{digits}f} CPU s)"


def ratios(above: Sequence[Usage], below: Sequence[Usage]) -> list[float]:
    """Return the ratio of the wall clocks of each round."""
    return [one.seconds / other.seconds for one, other in zip(above, below, strict=True)]
