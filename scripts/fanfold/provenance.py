"""Where results come from: plan/provenance.json, and the experiment as it was resolved."""

import getpass
import json
import platform
import shlex
import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from scripts.fanfold import VERSION
from scripts.fanfold.atomic import write_text
from scripts.fanfold.design import Design
from scripts.fanfold.schema import Experiment
from scripts.fanfold.yaml_files import to_yaml

FILE = "plan/provenance.json"
RESOLVED = "plan/experiment.yaml"


def git_commit(folder: Path) -> str | None:
    """Return the commit checked out where `folder` is, with `+` if `folder` has local changes."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _git(folder, "status", "--porcelain", "--", ".")
    return commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def describe_call(commit: str | None) -> dict[str, Any]:
    """Return who runs what, when, where, with which versions."""
    packages = ("snakemake", "polars", "pydantic", "jinja2")
    versions = {"fanfold": VERSION, "python": platform.python_version()}
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "user": _user(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "commit": commit.rstrip("+") if commit else None,
        "dirty": bool(commit and commit.endswith("+")),
        "versions": versions | {name: metadata.version(name) for name in packages},
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without this user in its list
        return "unknown"


def read_provenance(path: Path) -> dict[str, Any]:
    """Return what is known so far; empty if nothing is, or it is damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def record_call(design: Design, commit: str | None) -> None:
    """Add this call and what it runs to the launch's provenance; write the resolved experiment."""
    path = Path(design.results, FILE)
    known = read_provenance(path)
    definition = design.definition
    content = {
        "experiment": design.experiment.name,
        "launch": design.experiment.launch,
        "calls": [*known.get("calls", []), describe_call(commit)],
        "definitions": {
            definition.digest: {"commit": commit} | definition.as_dict(),
        }
        | known.get("definitions", {}),
    }
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(Path(design.results, RESOLVED), to_yaml(resolved(design.experiment)))


def resolved(experiment: Experiment) -> dict[str, Any]:
    """Return the experiment with all defaults, as plain data that can be loaded again."""
    return experiment.model_dump(by_alias=True)
