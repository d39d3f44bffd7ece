"""Load the experiment; what the other rule files need to know of it. All their Python is here."""

import os
from pathlib import Path

from snakemake.settings.types import SharedFSUsage

from scripts.fanfold.call import Call
from scripts.fanfold.errors import FanfoldError
from scripts.fanfold.names import NAME_PATTERN
from scripts.fanfold.preflight import load_and_check
from scripts.fanfold.provenance import git_commit, record_call
from scripts.fanfold.retries import with_retries
from scripts.fanfold.selection import select
from scripts.fanfold.summary import summary

# What asks for one core uses one; polars would take all, beside the models.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

OVERRIDES = dict(workflow.config_settings.config)
# Of `select=` nothing is left; that is not to be taken for everything.
SELECT = str(OVERRIDES.pop("select") or "") if "select" in OVERRIDES else None
SHARED = SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage

try:
    DESIGN = load_and_check(
        workflow.overwrite_configfiles or [Path("config/config.yaml")],
        OVERRIDES,
        shared=SHARED,
        # Workers load what this machine has checked; the model's command need not be here if
        # jobs go elsewhere (`--jobs` is set then).
        check=workflow.is_main_process,
        check_command=workflow.resource_settings.nodes is None,
    )
    # Workers run the jobs that this machine has listed.
    CALL = Call(DESIGN)
    if workflow.is_main_process:
        CALL = with_retries(CALL if SELECT is None else select(DESIGN, SELECT))
except FanfoldError as error:
    # As it is: Snakemake would add where in this file it was raised.
    raise SystemExit(f"Fanfold cannot run this:\n{error}") from None

for note in DESIGN.notes if workflow.is_main_process else ():
    logger.warning(note)

# Workers have no git: the environment tells them.
if workflow.is_main_process:
    os.environ["FANFOLD_COMMIT"] = git_commit(DESIGN.folder) or ""
COMMIT = os.environ.get("FANFOLD_COMMIT") or None

FULL_JOB = DESIGN.experiment.tasks_per_job
BUNDLE = [] if SHARED else ["<results>/bundles/{state}/{job}.tar.zst"]
LISTED_BUNDLE = [pattern.replace("{job}", "{listed}") for pattern in BUNDLE]
COMBINED = [f"<folder>/combined/{output}.parquet" for output in DESIGN.tables]

for limit, most in DESIGN.experiment.limits:
    if most is not None:
        workflow.global_resources[f"limit_{limit}"] = most


def start_call():
    """Note what runs, before anything does."""
    record_call(DESIGN, COMMIT)
    if workflow.resource_settings.nodes is None:
        # Snakemake ends when this span is over (1 s); a profile cannot ask for less.
        workflow.scheduling_settings.max_jobs_per_timespan.timespan = 0.1


def size_of(wildcards):
    """Return how many tasks a job has."""
    return DESIGN.jobs_of(wildcards.state)[wildcards.job].size


def over_jobs(pattern, **wildcards):
    """Return `pattern` filled in for every job of the given state, or of all."""
    states = [wildcards.pop("state")] if "state" in wildcards else CALL.jobs
    results = pattern.replace("<results>", DESIGN.results)
    return [
        results.format(state=state, job=job, **wildcards)
        for state in states
        for job in CALL.jobs[state]
    ]


pathvars:
    results=DESIGN.results,
    folder=CALL.folder,


envvars:
    "FANFOLD_COMMIT",


wildcard_constraints:
    state=NAME_PATTERN,
    output=NAME_PATTERN,
    job=rf"{NAME_PATTERN}-\d+-\d+",
    listed=r"(select[0-9a-f]{8}|select[0-9a-f]{8}-retry\d+|retry\d+)-\d+",
