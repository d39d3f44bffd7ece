"""A task's folder belongs to one job at a time, and is cleared without touching anything else."""

import os
import subprocess
import sys
import threading
import time

import pytest

from scripts.fanfold.task_folder import LOG, RECORD, clear, link, owned
from tests.conftest import ROOT, write_files

#: Owns the folder, says so, and waits to be told to end.
OWNER = """
import sys
from pathlib import Path
from scripts.fanfold.task_folder import owned
with owned(Path(sys.argv[1])):
    print("owned", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_job(tmp_path):
    """Return another process that owns the folder."""
    command = [sys.executable, "-c", OWNER, str(tmp_path / "task")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "owned\n"
        yield process
        process.kill()


def wait_for(folder):
    """Start to wait for the folder; return the thread and a list of what happened."""
    happened = []

    def own():
        with owned(folder):
            happened.append("owned")

    thread = threading.Thread(target=own)
    thread.start()
    return thread, happened


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_folder_is_made_with_its_log(tmp_path):
    with owned(tmp_path / "a/b"):
        assert (tmp_path / "a/b" / LOG).exists()


def test_a_second_job_waits_until_the_first_is_done(tmp_path, other_job, caplog):
    thread, happened = wait_for(tmp_path / "task")
    time.sleep(0.2)
    assert not happened
    assert "another job is running this task; waiting for it" in caplog.text
    other_job.stdin.close()
    thread.join(timeout=10)
    assert happened == ["owned"]


def test_ownership_ends_with_the_process_even_if_it_is_killed(tmp_path, other_job):
    thread, happened = wait_for(tmp_path / "task")
    other_job.kill()
    thread.join(timeout=10)
    assert happened == ["owned"]


def test_ownership_ends_with_an_error(tmp_path):
    with pytest.raises(KeyError), owned(tmp_path):
        raise KeyError
    thread, happened = wait_for(tmp_path)
    thread.join(timeout=10)
    assert happened == ["owned"]


def test_on_a_file_system_without_locks_nobody_waits(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with owned(tmp_path), owned(tmp_path):
        pass


def test_another_error_of_a_lock_is_an_error(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("fcntl.flock", broken)
    with pytest.raises(OSError, match="Input/output error"), owned(tmp_path):
        pass


@pytest.fixture
def full(tmp_path):
    """Return a folder with files, folders, links to elsewhere, and what is elsewhere."""
    write_files(tmp_path, {"elsewhere/kept": "", "task/a": "", "task/d/e/f": "", "task/d/g": ""})
    task = tmp_path / "task"
    write_files(task, {LOG: "log", RECORD: "{}", ".hidden": "", "read_only/x": ""})
    (task / "read_only/x").chmod(0o444)
    (task / "to_folder").symlink_to("../elsewhere")
    (task / "to_file").symlink_to("../elsewhere/kept")
    (task / "to_nothing").symlink_to("nothing")
    (task / "empty").mkdir()
    os.mkfifo(task / "pipe")
    return task


def test_clearing_leaves_the_log_alone_and_nothing_else(full):
    clear(full)
    assert files_in(full) == {LOG}
    assert (full / LOG).read_text() == "log"
    assert files_in(full.parent / "elsewhere") == {"kept"}, "links are not followed"


def test_clearing_leaves_what_it_is_told_to(full):
    clear(full, ["./d/e/f", RECORD, "not there", "empty"])
    assert files_in(full) == {LOG, RECORD, "d", "d/e", "d/e/f", "empty"}


def test_clearing_leaves_a_whole_folder_that_is_an_output(full):
    clear(full, ["d"])
    assert files_in(full) == {LOG, "d", "d/e", "d/e/f", "d/g"}


def test_links_are_relative_so_that_a_moved_tree_still_works(tmp_path):
    write_files(tmp_path, {"one/exp/run.py": "x"})
    folder = tmp_path / "one/results/task"
    folder.mkdir(parents=True)
    link(folder, "src/run.py", tmp_path / "one/exp/run.py")
    (tmp_path / "one").rename(tmp_path / "two")
    assert (tmp_path / "two/results/task/src/run.py").read_text() == "x"
