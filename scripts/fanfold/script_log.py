"""What every script of a rule does first: log to the rule's log, and fail in one line."""

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from scripts.fanfold.errors import FanfoldError


@contextmanager
def script_log(log: Sequence[str]) -> Iterator[logging.Logger]:
    """Log to the file `log[0]`; turn a FanfoldError into one line there and exit code 1.

    Ctrl-C and SIGTERM end the script by an exception, so that blocks clean up.
    """
    path = Path(log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        force=True,
    )
    # Also for Ctrl-C: polars' own handler does not wake a waiting main thread.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit)
    logger = logging.getLogger("fanfold")
    try:
        yield logger
    except FanfoldError as error:
        logger.error("%s", error)
        sys.exit(1)
    except Exception:
        logger.exception("unexpected error; please report it")
        raise


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
