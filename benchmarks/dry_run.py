"""What it takes to look at an experiment: `snakemake -n`, and `plan` with its design table."""

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
#: A table of sites x years x months, as for a century of releases.
SITES = "site,depth\n" + "".join(f"site{number},{number / 2}\n" for number in range(21))
YEARS = {"start": 1921, "stop": 2020, "step": 1}
MONTHS = {"start": 1, "stop": 12, "step": 1}
#: A million tasks that are sampled, and of which a condition leaves some out.
SAMPLE = {"method": "sobol", "n": 2**15, "parameters": {"x": {"uniform": [0, 1]}}}
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


def plan(project: Path, *arguments: str) -> Usage:
    """Measure `snakemake plan`, which writes the design table."""
    shutil.rmtree(project / "results", ignore_errors=True)
    return dry_run(project, *arguments)


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
    century = write_experiment(
        project,
        "century",
        runs={"table": "sites.csv", "range": {"year": YEARS, "month": MONTHS}, "seeds": 1},
        tasks_per_job=100,
    )
    (project / "exp/century/sites.csv").write_text(SITES)
    sampled = write_experiment(
        project,
        "sampled",
        runs={"sample": SAMPLE, "grid": {"R0": list(range(40))}, "exclude": "R0 > 30", "seeds": 1},
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
        "sampled": partial(dry_run, project, *snakemake(sampled, "-n")),
        "plan": partial(plan, project, *snakemake(century, "plan")),
    }
    taken = interleave(variants, settings.repeat)
    to_bare = ratios(taken["jobs"], taken["bare"])
    to_same = ratios(taken["jobs"], taken["same"])
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
        _limited(f"`snakemake -n`, {MILLION:,} tasks in 1,000 jobs", taken["million"], 5, 500),
        _limited(
            "`snakemake -n`, 1,015,808 tasks of a Sobol sample, after a condition",
            taken["sampled"],
            8,
            500,
        ),
        _limited("`snakemake plan`, 25,200 tasks: table x years x months", taken["plan"], 3, 500),
    ]


def _limited(what: str, taken: list[Usage], most_seconds: float, most_mb: float) -> Row:
    """Return a row about what should take no longer and no more memory than that."""
    seconds = [usage.seconds for usage in taken]
    peak = [usage.peak_mb for usage in taken]
    return Row(
        what,
        took(taken),
        "-",
        f"{spread(seconds)} s, {spread(peak, 0)} MB",
        f"at most {most_seconds} s, {most_mb} MB",
        median(seconds) <= most_seconds and median(peak) <= most_mb,
    )
