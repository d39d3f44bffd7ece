"""Which failed tasks the next call runs again: planned when a check fails, read when rules load.

plan/retries.json lists retry jobs (those of a selection have a file of their own); each holds
failed tasks of one state and nothing else. It names the digests of the jobs that they failed in:
when one of those is no longer current, the job itself is run again and the retry is forgotten.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from scripts.fanfold.atomic import write_text
from scripts.fanfold.call import Call
from scripts.fanfold.listed_jobs import ListedJob, Place, packs


def with_retries(call: Call) -> Call:
    """Return a call together with its retry jobs that are still current."""
    return replace(call, retries=tuple(read_retries(call)))


def file_of(call: Call) -> Path:
    """Return where the retries of a call are planned."""
    return Path(call.design.results, "plan", f"{call.prefix}retries.json")


def read_retries(call: Call) -> list[ListedJob]:
    """Return the retry jobs that are still current."""
    try:
        content = json.loads(file_of(call).read_text())
        jobs = [ListedJob.from_content(job) for job in content]
    except (OSError, ValueError, TypeError, KeyError):
        return []  # none yet, or damaged: what failed is planned again
    return [
        retry
        for retry in jobs
        if all(call.digest_of(retry.state, job) == was for job, was in retry.failed_in.items())
    ]


def plan_retries(call: Call, failed: Iterable[tuple[str, str | None, int]]) -> int:
    """Add retry jobs for failed tasks (state, scenario, index); return how many jobs."""
    earlier = read_retries(call)
    start = f"{call.prefix}retry"
    rounds = [int(job.name.removeprefix(start).partition("-")[0]) for job in earlier]
    number = max(rounds, default=0) + 1
    by_state: dict[str, list[Place]] = defaultdict(list)
    for state, scenario, index in failed:
        by_state[state].append((scenario, index))
    new = [
        ListedJob(
            name=f"{start}{number}-{part}",
            state=state,
            tasks=pack,
            failed_in={
                job: call.digest_of(state, job) or ""
                for job in {call.job_at(state, place) for place in pack}
            },
        )
        for state, places in by_state.items()
        for part, pack in enumerate(packs(places, call.design.experiment.tasks_per_job), 1)
    ]
    jobs = [asdict(job) for job in [*earlier, *new]]
    write_text(file_of(call), json.dumps(jobs, indent=1) + "\n")
    return len(new)
