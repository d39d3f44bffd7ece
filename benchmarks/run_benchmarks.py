"""Run benchmarks and print a table of what they say; --write puts it into README.md."""

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks import combine, dry_run, runner_overhead, throughput
from benchmarks.common import TMPFS, Row, Settings, work_folder

BENCHMARKS = {
    "throughput": throughput,
    "runner_overhead": runner_overhead,
    "dry_run": dry_run,
    "combine": combine,
}
README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAD = ("measure", "Fanfold", "compared with", "result", "goal", "")


def describe(settings: Settings, load: float) -> str:
    """Return when, where and with what; `load` is the machine's load before the start."""
    versions = [f"{name} {metadata.version(name)}" for name in ("snakemake", "polars", "jinja2")]
    place = "tmpfs" if settings.folder.is_relative_to(TMPFS) else "a disk (there is no tmpfs)"
    day = datetime.now(UTC).date()
    times = "once" if settings.repeat == 1 else f"{settings.repeat} interleaved repetitions"
    return (
        f"{day}, {os.cpu_count()} cores, load before the start {load:.1f}, files on {place}, "
        f"{times}; "
        f"Python {platform.python_version()}, {', '.join(versions)}. "
        "Times are medians of wall clock and, in brackets, of user + system time; "
        "results are median [range] over the repetitions."
    )


def format_table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    verdicts = {True: "met", False: "**missed**", None: "-"}
    cells = [
        (row.measure, row.ours, row.other, row.result, row.goal, verdicts[row.met]) for row in rows
    ]
    lines = [HEAD, ("---",) * len(HEAD), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def update(readme: str, text: str) -> str:
    """Return `readme` with `text` between the two markers."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", readme)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run_benchmarks", description=__doc__
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--quick", action="store_true", help="each measurement once")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="keep other tools there")
    parser.add_argument("--write", action="store_true", help="update README.md (all benchmarks)")
    arguments = parser.parse_args(words)
    if unknown := [name for name in arguments.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    if arguments.repeat < 1:
        parser.error("--repeat: at least 1")
    if arguments.write and (arguments.names or arguments.quick):
        parser.error("--write: run all benchmarks, and not --quick")
    return arguments


def main() -> None:
    """Run what the command line names."""
    arguments = parse(sys.argv[1:])
    load = os.getloadavg()[0]
    with work_folder() as folder, tempfile.TemporaryDirectory() as peers:
        settings = Settings(
            folder,
            1 if arguments.quick else arguments.repeat,
            (arguments.peers or Path(peers)).absolute(),
        )
        rows = []
        for name in arguments.names or BENCHMARKS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += BENCHMARKS[name].run(settings)
        text = f"{describe(settings, load)}\n\n{format_table(rows)}"
    print(text)
    if arguments.write:
        README.write_text(update(README.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
