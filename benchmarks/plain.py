"""What must be done anyway, done with the least: render, link, start the model, note how it ended.

`python -m benchmarks.plain render FOLDER COUNT` makes the task folders and prints their names;
`python -m benchmarks.plain run FOLDER COUNT --report FILE` runs the tasks too, one after another.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from benchmarks.common import COMMAND, MODEL, report

STATES = ("CA", "NY")


def templates() -> dict[str, Template]:
    """Return the trivial model's templates, compiled, by the name of what they become."""
    folder = MODEL / "templates"
    environment = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined)
    return {path.stem: environment.get_template(path.name) for path in folder.iterdir()}


def make_tasks(folder: Path, count: int) -> Iterator[Path]:
    """Make the folders of `count` tasks, one after another; yield each when it is there."""
    compiled = templates()
    for number in range(count):
        seed, state = number // len(STATES) + 1, STATES[number % len(STATES)]
        task = folder / state / f"s{seed}"
        task.mkdir(parents=True)
        for name, template in compiled.items():
            (task / name).write_text(template.render(seed=seed, state={"code": state}))
        (task / "model.py").symlink_to(MODEL / "model.py")
        yield task


def run_tasks(folder: Path, count: int) -> None:
    """Run `count` tasks, one after another, as plainly as one would by hand in Python."""
    for task in make_tasks(folder, count):
        with (task / "task.log").open("ab") as log:
            process = subprocess.Popen(
                ["bash", "-eo", "pipefail", "-c", COMMAND],
                cwd=task,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            exit_code = process.wait()
        done = exit_code == 0 and (task / "values.csv").exists()
        record = {"task": str(task), "status": "done" if done else "failed", "exit": exit_code}
        (task / "task.json").write_text(json.dumps(record) + "\n")


def main() -> None:
    """Do what the command line says."""
    what, folder, count, *rest = sys.argv[1:]
    if what == "render":
        for task in make_tasks(Path(folder), int(count)):
            os.write(1, f"{task}\n".encode())
    else:
        report(rest[-1], lambda: run_tasks(Path(folder), int(count)))


if __name__ == "__main__":
    main()
