"""What `snakemake -n` takes: 10,000 jobs against a bare Snakefile, and a million tasks."""

import shutil
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.common import (
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

JOBS = 10_000
MILLION = 1_000_000
STATES = ["CA", "NY", "TX", "FL", "IL", "PA", "OH", "GA", "NC", "MI"]
BARE = f"""
rule all:
    input: expand("results/{{number}}.txt", number=range({JOBS}))

rule run:
    output: "results/{{number}}.txt"
    shell: "touch {{output}}"
"""


def dry_run(project: Path, *arguments: str) -> Usage:
    """Measure a dry run without anything from before."""
    shutil.rmtree(project / ".snakemake", ignore_errors=True)
    return measure(arguments, project)


def run(settings: Settings) -> list[Row]:
    """Run the benchmark; return its rows."""
    project = copy_project(make_folder(settings.folder, "dry_run"))
    jobs = write_experiment(
        project, "jobs", states=STATES, runs={"seeds": JOBS // len(STATES)}, tasks_per_job=1
    )
    million = write_experiment(
        project,
        "million",
        states=STATES,
        runs={"seeds": MILLION // len(STATES)},
        tasks_per_job=1000,
    )
    bare = make_folder(settings.folder, "bare")
    shutil.copytree(project / "profiles", bare / "profiles")
    (bare / "Snakefile").write_text(BARE)
    variants = {
        "jobs": partial(dry_run, project, *snakemake(jobs, "-n")),
        "bare": partial(dry_run, bare, "snakemake", "-n", "--profile", "profiles/local", "--quiet"),
        "million": partial(dry_run, project, *snakemake(million, "-n")),
    }
    taken = interleave(variants, settings.repeat)
    to_bare = ratios(taken["jobs"], taken["bare"])
    seconds = [usage.seconds for usage in taken["million"]]
    peak = [usage.peak_mb for usage in taken["million"]]
    return [
        Row(
            f"`snakemake -n`, {JOBS:,} jobs",
            took(taken["jobs"]),
            f"{took(taken['bare'])} bare two-rule Snakefile",
            f"{spread(to_bare)} times as long",
            "at most 1.5",
            median(to_bare) <= 1.5,
        ),
        Row(
            f"`snakemake -n`, {MILLION:,} tasks in 1,000 jobs",
            took(taken["million"]),
            "-",
            f"{spread(seconds)} s, {spread(peak, 0)} MB",
            "at most 5 s, 500 MB",
            median(seconds) <= 5 and median(peak) <= 500,
        ),
    ]
