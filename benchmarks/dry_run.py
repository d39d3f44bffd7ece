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
#: The smallest Snakefile with so many jobs.
BARE = f"""
rule all:
    input: expand("results/{{number}}.txt", number=range({JOBS}))

rule run:
    output: "results/{{number}}.txt"
    shell: "touch {{output}}"
"""
#: What Fanfold asks of Snakemake, without Fanfold: jobs with as many files, params and resources.
SAME_SHAPE = f"""
rule all:
    input: "results/checked", "results/combined"

rule check:
    input: expand("results/records/{{number}}", number=range({JOBS}))
    output: "results/checked"
    script: "run.py"

rule combine:
    input: "results/checked", expand("results/tables/{{number}}", number=range({JOBS}))
    output: "results/combined"
    script: "run.py"

rule run:
    output: record="results/records/{{number}}", tables=["results/tables/{{number}}"]
    log: "results/logs/{{number}}"
    threads: lambda wc: 1
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 60 * attempt,
        limit_tasks=lambda wc: 1,
        limit_jobs=1,
    params:
        design=object(),
        digest=lambda wc: wc.number,
        outputs=["values"],
    script: "run.py"
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
    (bare / "bare.smk").write_text(BARE)
    (bare / "same_shape.smk").write_text(SAME_SHAPE)
    (bare / "run.py").touch()
    plain = ("snakemake", "-n", "--profile", "profiles/local", "--quiet", "--snakefile")
    variants = {
        "jobs": partial(dry_run, project, *snakemake(jobs, "-n")),
        "bare": partial(dry_run, bare, *plain, "bare.smk"),
        "same": partial(dry_run, bare, *plain, "same_shape.smk"),
        "million": partial(dry_run, project, *snakemake(million, "-n")),
    }
    taken = interleave(variants, settings.repeat)
    to_bare = ratios(taken["jobs"], taken["bare"])
    to_same = ratios(taken["jobs"], taken["same"])
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
            "the same, against jobs of the same shape",
            took(taken["jobs"]),
            f"{took(taken['same'])} Snakefile with such jobs, without Fanfold",
            f"{spread(to_same)} times as long",
            "-",
            None,
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
