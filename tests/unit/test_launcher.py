"""Commands run in slots: how they end is known, and nothing of them is left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scripts.fanfold import launcher
from scripts.fanfold.launcher import Launcher
from scripts.fanfold.slots import Slot, open_slots

BASH = ["bash", "-c"]


def request(folder, *command, env=None, timeout=60):
    return {
        "command": list(command),
        "folder": str(folder),
        "log": str(folder / "log"),
        "env": env or {},
        "timeout": timeout,
    }


def ends(pid, seconds=10):
    """Wait until a process has ended; return whether it has."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            # A zombie without a parent that waits for it has ended too.
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def wait_for(path, seconds=10):
    """Wait until a file says something; return that."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text().split()
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a shell command in a slot."""
    slot = Slot()
    yield lambda text, **how: slot.run(**request(tmp_path, *BASH, text, **how))
    slot.close()
    slot.wait()


@pytest.fixture
def run_here(tmp_path, monkeypatch):
    """Return a function that runs a shell command in this process, with a short grace."""
    monkeypatch.setattr(launcher, "GRACE_SECONDS", 0.3)
    here = Launcher()
    return lambda text, **how: here.run(request(tmp_path, *BASH, text, **how))


# How a command ends


def test_success_is_exit_code_0(run):
    reply = run("exit 0")
    assert (reply["exit_code"], reply["signal"], reply["timed_out"]) == (0, None, False)


def test_an_exit_code_is_told(run):
    reply = run("exit 7")
    assert (reply["exit_code"], reply["signal"], reply["timed_out"]) == (7, None, False)


def test_a_signal_is_told(run):
    reply = run("kill -SEGV $$")
    assert (reply["exit_code"], reply["signal"]) == (None, signal.SIGSEGV)


def test_the_time_is_that_of_the_command(run):
    assert 0.3 <= run("sleep 0.3")["seconds"] < 3


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"command": ["/no/such/program"]}, "No such file or directory: '/no/such/program'"),
        ({"folder": "/no/such/folder"}, "No such file or directory: '/no/such/folder'"),
        ({"command": ["bash", "a\0b"]}, "embedded null byte"),
        ({"env": {"A=B": "x"}}, "illegal environment variable name"),
        ({"log": "/no/such/log"}, "No such file or directory: '/no/such/log'"),
    ],
)
def test_a_command_that_cannot_start_is_an_error_and_the_next_one_runs(tmp_path, how, text):
    with open_slots(1) as free:
        slot = free.get()
        assert text in slot.run(**request(tmp_path, "true") | how)["error"]
        assert slot.run(**request(tmp_path, "true"))["exit_code"] == 0


def test_output_and_errors_go_to_the_end_of_the_log_as_they_come(run, tmp_path):
    (tmp_path / "log").write_text("before\n")
    run("echo out; echo err >&2; printf '\\377'")
    assert (tmp_path / "log").read_bytes() == b"before\nout\nerr\n\xff"


def test_a_command_has_its_folder_its_variables_and_no_input(run, tmp_path):
    run("pwd; echo $HERE; cat; echo end", env={"HERE": "a b"})
    assert (tmp_path / "log").read_text() == f"{tmp_path}\na b\nend\n"


def test_variables_of_one_command_are_not_those_of_the_next(run, tmp_path):
    run("true", env={"HERE": "x"})
    run("echo [$HERE]")
    assert (tmp_path / "log").read_text() == "[]\n"


def test_a_command_is_ended_by_signals_as_everywhere(run, tmp_path):
    # The launcher itself takes no notice of them; that must not be inherited.
    for name in ("INT", "TERM", "HUP", "PIPE"):
        run(f"bash -c 'kill -{name} $$; echo survived'")
    # Python ignores SIGPIPE, and gives children its default back.
    assert "survived" not in (tmp_path / "log").read_text()


# Memory


def allocate(megabytes):
    return f"{sys.executable} -c 'x = b\"x\" * {megabytes * 10**6}'"


def test_peak_memory_is_that_of_the_largest_process(run):
    assert 190 <= run(allocate(200))["peak_memory_mb"] <= 400
    assert 190 <= run(f"({allocate(200)}; true); true")["peak_memory_mb"] <= 400


def test_peak_memory_is_not_that_of_the_job_nor_of_the_command_before(run):
    ours = b"x" * 300_000_000
    run(allocate(200))
    assert run("true")["peak_memory_mb"] < 50
    assert ours


# Time limits


def test_a_timeout_ends_the_whole_group(run_here, tmp_path):
    began = time.monotonic()
    reply = run_here("echo $$ > pids; (sleep 60 & echo $! >> pids; wait) ; sleep 60", timeout=0.5)
    assert (reply["timed_out"], reply["signal"]) == (True, signal.SIGTERM)
    assert time.monotonic() - began < 5
    assert all(ends(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_a_timeout_ends_a_command_that_ignores_being_asked(run_here, tmp_path):
    text = "trap '' TERM; echo $$ > pids; (trap '' TERM; echo $BASHPID >> pids; sleep 60); sleep 60"
    reply = run_here(text, timeout=0.3)
    assert (reply["timed_out"], reply["signal"]) == (True, signal.SIGKILL)
    assert all(ends(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_a_timeout_gives_a_command_time_to_clean_up(run_here, tmp_path):
    reply = run_here("trap 'echo cleaned; exit 3' TERM; sleep 60 & wait", timeout=0.3)
    assert (reply["timed_out"], reply["exit_code"]) == (True, 3)
    assert (tmp_path / "log").read_text() == "cleaned\n"


def test_a_timeout_is_about_one_command_only(run_here):
    assert run_here("sleep 60", timeout=0.2)["timed_out"]
    reply = run_here("sleep 0.3", timeout=60)
    assert (reply["timed_out"], reply["exit_code"]) == (False, 0)


# What is left behind


def test_what_runs_in_the_background_ends_with_the_command(run, tmp_path):
    reply = run(
        "(trap '' TERM HUP; echo $BASHPID > pid; exec sleep 60) & while ! [ -s pid ]; do :; done"
    )
    assert reply["exit_code"] == 0
    assert reply["seconds"] < 10
    assert ends(int((tmp_path / "pid").read_text()))


def test_closing_the_slots_ends_what_they_run(tmp_path):
    replies = []

    def run(slot):
        try:
            replies.append(slot.run(**request(tmp_path, *BASH, "echo $$ > pid; sleep 60")))
        except InterruptedError as error:
            replies.append(str(error))

    with open_slots(1) as free:
        thread = threading.Thread(target=run, args=(free.get(),))
        thread.start()
        (pid,) = wait_for(tmp_path / "pid")
    thread.join(timeout=10)
    assert replies == ["the job is ending"], "not a failure of the model"
    assert ends(int(pid))


def test_the_end_of_the_launchers_input_ends_the_model(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", launcher.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    text = "trap '' TERM; echo $$ > pid; while :; do sleep 1; done"
    process.stdin.write(json.dumps(request(tmp_path, *BASH, text)).encode() + b"\n")
    process.stdin.flush()
    (pid,) = wait_for(tmp_path / "pid")
    began = time.monotonic()
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    assert ends(int(pid))
    assert time.monotonic() - began < launcher.GRACE_SECONDS + 5
    assert process.stdout.read() == b"", "what we ended ourselves has not failed"


def test_killing_the_job_outright_ends_the_model(tmp_path):
    code = (
        "import sys; from scripts.fanfold.slots import Slot; "
        f"Slot().run(**{request(tmp_path, *BASH, 'echo $$ $PPID > pids; sleep 60; true')!r})"
    )
    job = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    model, parent = wait_for(tmp_path / "pids")
    job.kill()
    job.wait()
    assert ends(int(model))
    assert ends(int(parent)), "the launcher"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_launcher_leaves_the_model_to_the_job(tmp_path, number):
    with open_slots(1) as free:
        slot = free.get()
        text = "echo $PPID > pid; sleep 0.5; exit 4"
        replies = []
        thread = threading.Thread(
            target=lambda: replies.append(slot.run(**request(tmp_path, *BASH, text)))
        )
        thread.start()
        (parent,) = wait_for(tmp_path / "pid")
        os.kill(int(parent), number)
        thread.join(timeout=20)
    assert [reply["exit_code"] for reply in replies] == [4]


def test_slots_run_side_by_side(tmp_path):
    """Two commands that wait for each other both end."""
    replies = []

    def run(slot, text):
        replies.append(slot.run(**request(tmp_path, *BASH, text, timeout=20))["exit_code"])

    wait = "while ! [ -e %s ]; do sleep 0.01; done"
    with open_slots(2) as free:
        threads = [
            threading.Thread(target=run, args=(free.get(), f"touch {mine}; {wait % other}"))
            for mine, other in (("a", "b"), ("b", "a"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    assert replies == [0, 0]
