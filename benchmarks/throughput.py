"""1,000 short tasks, from the plan to the combined table: against a shell loop and another tool."""

import json
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.common import (
    COMMAND,
    MODEL,
    NotMeasuredError,
    Row,
    Settings,
    Usage,
    copy_project,
    interleave,
    make_folder,
    measure,
    ratios,
    snakemake,
    spread,
    took,
    write_experiment,
)
from benchmarks.plain import STATES

TASKS = 1000
#: At intervals of a second the other tool takes minutes for more.
SLOW_TASKS = 50
PEER = "model-ensembler==0.7.0"
#: Measured: more tasks being prepared at once than models running is faster; above 8 no more so.
PEER_RUNS, PEER_JOBS = 8, 2


def run_fanfold(project: Path, experiment: Path) -> Usage:
    """Run everything up to the combined table, from nothing."""
    for left in ("results", ".snakemake"):
        shutil.rmtree(project / left, ignore_errors=True)
    usage = measure(snakemake(experiment, "combine"), project)
    combined = project / "results/throughput/main/combined/values.parquet"
    if not combined.exists():
        raise RuntimeError("snakemake left no combined table")
    return usage


def run_floor(project: Path) -> Usage:
    """Render with Jinja2 in one process, run with xargs two at a time: no records, no tables."""
    folder = make_folder(project, "floor")
    render = shlex.join(
        [sys.executable, "-m", "benchmarks.plain", "render", str(folder), str(TASKS)]
    )
    run = shlex.quote(f"cd {{}} && exec {COMMAND} > task.log 2>&1")
    usage = measure(["bash", "-c", f"{render} | xargs -P2 -I{{}} bash -c {run}"], project)
    check_outputs(folder, TASKS)
    return usage


def check_outputs(folder: Path, wanted: int) -> None:
    """Raise RuntimeError unless so many models have written their output below `folder`."""
    found = sum(1 for _ in folder.rglob("values.csv"))
    if found != wanted:
        raise RuntimeError(f"{found} of {wanted} tasks have an output in {folder.name}")


def install_peer(peers: Path) -> Path:
    """Return model-ensembler's program, installed if need be; raise NotMeasuredError."""
    folder = peers / PEER.replace("==", "-")
    program = folder / "bin/model_ensemble"
    if not shutil.which("rsync"):
        raise NotMeasuredError("model-ensembler needs rsync")
    if program.exists():
        return program
    commands = [
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", PEER],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise NotMeasuredError(f"{PEER} could not be installed")
    return program


def run_peer(project: Path, program: Path, tasks: int, interval: int, runs: int) -> Usage:
    """Run `tasks` tasks with model-ensembler, looking every `interval` seconds at everything."""
    folder = make_folder(project, "peer")
    templates = folder / "templates"
    shutil.copytree(MODEL / "templates", templates)
    for path in templates.iterdir():
        path.write_text(path.read_text().replace("{{ ", "{{ run."))
    shutil.copy(MODEL / "model.py", templates)
    script = templates / "run.sh"
    script.write_text(f"#!/bin/bash\nexec {COMMAND} > task.log 2>&1\n")
    script.chmod(0o755)
    batch = {
        "name": "batch",
        "templatedir": str(templates),
        "templates": sorted(path.name for path in templates.glob("*.j2")),
        "job_file": script.name,
        "basedir": str(folder / "tasks"),
        "maxruns": runs,
        "maxjobs": PEER_JOBS,
        "runs": [
            {"state": {"code": STATES[number % len(STATES)]}, "seed": number // len(STATES) + 1}
            for number in range(tasks)
        ],
    }
    batch |= {hooks: [] for hooks in ("pre_batch", "pre_run", "post_run", "post_batch")}
    ensemble = {"vars": {}, "pre_process": [], "post_process": [], "batches": [batch]}
    (folder / "ensemble.yml").write_text(json.dumps({"ensemble": ensemble}))
    intervals = [word for name in ("-ct", "-st", "-rt", "-et") for word in (name, str(interval))]
    usage = measure(
        [str(program), *intervals, "-ms", "0", str(folder / "ensemble.yml"), "dummy"], folder
    )
    check_outputs(folder / "tasks", tasks)
    return usage


def run(settings: Settings) -> list[Row]:
    """Run the benchmark; return its rows."""
    project = copy_project(make_folder(settings.folder, "throughput"))
    experiment = write_experiment(
        project,
        "throughput",
        states=list(STATES),
        runs={"seeds": TASKS // len(STATES)},
        tasks_per_job=100,
    )
    variants = {
        "fanfold": partial(run_fanfold, project, experiment),
        "floor": partial(run_floor, project),
    }
    reason = ""
    try:
        program = install_peer(settings.peers)
    except NotMeasuredError as error:
        reason = str(error)
    else:
        variants["peer"] = partial(run_peer, project, program, TASKS, 0, PEER_RUNS)
        variants["slow"] = partial(run_peer, project, program, SLOW_TASKS, 1, PEER_JOBS)
    taken = interleave(variants, settings.repeat)
    return rows(taken, reason)


def rows(taken: dict[str, list[Usage]], reason: str) -> list[Row]:
    """Return what to say about the variants' usages; `reason`: why there is no peer."""
    ours = taken["fanfold"]
    to_floor = ratios(ours, taken["floor"])
    lines = [
        Row(
            f"{TASKS:,} tasks, jobs of 100, to the combined table",
            took(ours),
            f"{took(taken['floor'])} Jinja2 + `xargs -P2`",
            f"{spread(to_floor)} times as long",
            "at most 4",
            median(to_floor) <= 4,
        )
    ]
    if reason:
        wanted = (("at its best settings", "at least 3"), ("at intervals of 1 s", "at least 30"))
        return lines + [
            Row(f"the same, model-ensembler {how}", took(ours), "-", reason, goal, None)
            for how, goal in wanted
        ]
    faster = ratios(taken["peer"], ours)
    above = [
        (peer.seconds - floor.seconds) / (mine.seconds - floor.seconds)
        for peer, floor, mine in zip(taken["peer"], taken["floor"], ours, strict=True)
    ]
    per_task = [value * TASKS / SLOW_TASKS for value in ratios(taken["slow"], ours)]
    return [
        *lines,
        Row(
            "the same, model-ensembler at its best settings (no waiting)",
            took(ours),
            f"{took(taken['peer'])} model-ensembler",
            f"{spread(faster)} times as fast; above the floor {spread(above)} times",
            "at least 3",
            median(faster) >= 3,
        ),
        Row(
            f"time per task, model-ensembler at intervals of 1 s ({SLOW_TASKS} tasks)",
            f"{median(usage.seconds for usage in ours) / TASKS * 1000:.1f} ms a task",
            f"{median(usage.seconds for usage in taken['slow']) / SLOW_TASKS * 1000:.0f} ms a task",
            f"{spread(per_task, 0)} times as fast",
            "at least 30",
            median(per_task) >= 30,
        ),
    ]
