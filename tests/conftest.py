"""Small experiments, each in a folder of its own, and ways to run them without Snakemake."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from scripts.fanfold.design import Design
from scripts.fanfold.expansion import load_design, make_design
from scripts.fanfold.experiment import validate_experiment
from scripts.fanfold.records import Record
from scripts.run_tasks import run_tasks

# Nothing here depends on speed: a busy machine must not fail a test.
settings.register_profile("fanfold", deadline=None, max_examples=60)
settings.load_profile("fanfold")

ROOT = Path(__file__).parents[1]
EXPERIMENT = "exp/trial/experiment.yaml"


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write path -> content below `folder`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def content_of(command: str = "true", **keys: Any) -> dict[str, Any]:
    """Return a whole experiment from the keys that a test is about."""
    model = {"command": command} | keys.pop("model", {})
    return {"name": "trial", "model": model} | keys


def design_in(folder: Path, **keys: Any) -> Design:
    """Return the design of an experiment given as keys; its other files are in `folder`."""
    return make_design(validate_experiment(content_of(**keys)), folder)


@pytest.fixture
def write_experiment(tmp_path, monkeypatch):
    """Return a function that writes exp/trial/experiment.yaml, and files beside it."""
    monkeypatch.chdir(tmp_path)

    def write(files: Mapping[str, str | bytes] | None = None, **keys: Any) -> Path:
        path = Path(EXPERIMENT)
        write_files(path.parent, files or {})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content_of(**keys), sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(write_experiment):
    """Return a function that writes an experiment and returns its design."""

    def load(
        files: Mapping[str, str | bytes] | None = None,
        overrides: Mapping[str, Any] | None = None,
        **keys: Any,
    ) -> Design:
        return load_design([write_experiment(files, **keys)], overrides or {})

    return load


def as_nobody(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in `folder`; from its `become_nobody()` on, without root's powers."""
    # Imported before: the interpreter may be out of nobody's reach.
    before = (
        "import os, sys, encodings.utf_8_sig, linecache\n"
        "def become_nobody():\n"
        "    if os.geteuid() == 0:\n"
        "        os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    )
    for path in (folder, *folder.parents):
        if path.is_relative_to(tempfile.gettempdir()) and path != Path(tempfile.gettempdir()):
            path.chmod(path.stat().st_mode | 0o055)
    return subprocess.run(
        [sys.executable, "-c", before + code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def run(design: Design, *, parallel: int = 1, commit: str | None = None) -> list[Record]:
    """Run every job of a design, as Snakemake would, and return the records in order."""
    return [
        record
        for state in design.states
        for job in design.jobs_of(state)
        for record in run_job_of(design, state, job, parallel=parallel, commit=commit)
    ]


def run_job_of(
    design: Design, state: str, job: str, *, parallel: int = 1, commit: str | None = None
) -> list[Record]:
    """Run one job of a design."""
    results = Path(design.results)
    return run_tasks(
        design,
        job,
        list(design.tasks_of(state, job)),
        results / f"records/{state}/{job}.jsonl",
        [results / f"tables/{name}/{state}/{job}.parquet" for name in design.tables],
        None,
        parallel,
        commit,
    )


def folder_of(design: Design, task: str) -> Path:
    """Return the folder of a task such as `CA/low-s1`."""
    return Path(design.results, "tasks", task)
