"""A script logs to the rule's log, and fails there in one line."""

import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from scripts.fanfold.errors import ConfigError, FanfoldError, collected_problems
from scripts.fanfold.script_log import script_log
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def restored():
    """Leave signals and logging as they were."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root = logging.getLogger()
    log_handlers, level = root.handlers[:], root.level
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for handler in root.handlers[:]:
        if handler not in log_handlers:
            handler.close()
    root.handlers[:] = log_handlers
    root.setLevel(level)


def lines_of(path):
    """Return the lines of a log without their times."""
    return [line.partition(" ")[2].partition(" ")[2] for line in path.read_text().splitlines()]


def test_what_a_script_says_stands_in_its_log(tmp_path):
    path = tmp_path / "logs/a.log"
    with script_log([str(path)]) as log:
        log.info("%d rows", 5)
        logging.getLogger("scripts.fanfold.job").info("from below")
        log.debug("not this")
    assert lines_of(path) == ["5 rows", "from below"]


def test_a_new_call_begins_a_new_log(tmp_path):
    for text in ("one", "two"):
        with script_log([str(tmp_path / "a.log")]) as log:
            log.info(text)
    assert lines_of(tmp_path / "a.log") == ["two"]


def test_an_error_that_we_can_explain_is_one_line_and_exit_code_1(tmp_path):
    with pytest.raises(SystemExit) as caught, script_log([str(tmp_path / "a.log")]):
        raise FanfoldError("disk full")
    assert caught.value.code == 1
    assert lines_of(tmp_path / "a.log") == ["disk full"]


def test_another_error_has_its_traceback_and_goes_on(tmp_path):
    with pytest.raises(ZeroDivisionError), script_log([str(tmp_path / "a.log")]):
        _ = 1 / 0
    text = (tmp_path / "a.log").read_text()
    assert "unexpected error; please report it" in text
    assert "ZeroDivisionError: division by zero" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_script_clean_up(tmp_path, number):
    code = """
import sys, time
from scripts.fanfold.script_log import script_log
with script_log([sys.argv[1]]) as log:
    try:
        log.info("ready")
        time.sleep(60)
    finally:
        log.info("cleaned up")
"""
    log = tmp_path / "a.log"
    process = subprocess.Popen([sys.executable, "-c", code, str(log)], cwd=ROOT)
    until = time.monotonic() + 20
    while not (log.exists() and "ready" in log.read_text()) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, number)
    assert process.wait(timeout=20) == 128 + number
    assert lines_of(log) == ["ready", "cleaned up"]


# Errors


def test_problems_of_several_checks_are_raised_together():
    with pytest.raises(ConfigError) as caught, collected_problems() as collect:
        with collect:
            raise ConfigError("one")
        with collect:
            pass
        with collect:
            raise ConfigError(["two", "three"])
    assert caught.value.problems == ["one", "two", "three"]
    assert str(caught.value) == "one\ntwo\nthree"


def test_without_problems_nothing_is_raised_and_other_errors_go_on():
    with collected_problems() as collect, collect:
        pass
    with pytest.raises(KeyError), collected_problems() as collect, collect:
        raise KeyError


def test_a_problem_is_one_line_whatever_it_quotes():
    assert ConfigError("a\nb").problems == ["a b"]
