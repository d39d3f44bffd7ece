"""Killed in the middle: nothing is left running, what had finished is not run again."""

import os
import signal
import subprocess
import time

import pytest

from tests.workflow.conftest import once

pytestmark = pytest.mark.workflow
TASKS = [f"CA/s{seed}" for seed in (1, 2, 3)]


@pytest.fixture(params=["20"])
def slow(project, request):
    """One job of three tasks; the second takes so many seconds."""
    project.experiment_file = project.write_experiment(
        states=["CA"], scenarios=None, model={"command": "bash model.sh", "runtime": 1}
    )
    project.executions.write_text("")
    process = subprocess.Popen(
        project.command("combine"),
        cwd=project.folder,
        env=project.environment(BROKEN="CA/s2=slow", SLOW=request.param),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(project.executed()) == 2)
    yield project, process
    process.kill()
    process.wait()


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def models(project):
    """The model's processes that run now in the project's task folders."""
    found = []
    for folder in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{folder}/cwd").startswith(f"{project.results}/tasks/"):
                found.append(int(folder))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to see processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_a_killed_job_leaves_no_model_running_and_its_finished_tasks_are_kept(slow, number):
    project, process = slow
    assert models(project)
    os.killpg(process.pid, number)  # snakemake and the job's script, as a terminal or a node does
    process.wait(60)
    wait_for(lambda: not models(project), seconds=10)
    assert project.snakemake("--unlock").returncode == 0
    assert project.run() == once("CA/s2", "CA/s3")
    assert project.combined().height == 6


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to see processes")
@pytest.mark.parametrize("slow", ["6"], indirect=True)
def test_a_task_that_another_job_still_runs_is_waited_for_and_not_run_twice(slow):
    project, process = slow
    process.kill()  # snakemake alone: its job goes on
    process.wait()
    assert project.snakemake("--unlock").returncode == 0
    assert models(project)
    project.executions.write_text("")
    counts = project.run()
    assert set(counts.values()) <= {1}
    assert "CA/s2" not in counts, "the first job finished it"
    assert project.combined().height == 6


@pytest.mark.parametrize("slow", ["4"], indirect=True)
def test_sigterm_lets_running_tasks_finish_and_starts_no_more(slow):
    project, process = slow
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) != 0
    project.snakemake("--unlock")
    assert "CA/s1" not in project.run()
    assert project.combined().height == 6
