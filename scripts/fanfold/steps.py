"""Values at equal steps: numbers or dates, computed by position and never written out."""

import math
import re
import sys
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

_PERIOD = re.compile(r"(\d+) *(minute|hour|day|week|month|year)s?")
PERIODS = "`1 month`, `7 days`, `6 hours`"


@dataclass(frozen=True)
class Period:
    """A step between dates: whole months, or a fixed time."""

    months: int
    time: timedelta

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `1 month`, `7 days`, ...; raise ValueError for anything else."""
        match = _PERIOD.fullmatch(text.strip())
        if not match or int(match[1]) == 0:
            raise ValueError(f"step `{text}` is not a period such as {PERIODS}")
        count, unit = int(match[1]), match[2]
        if unit in ("month", "year"):
            return cls(count * (12 if unit == "year" else 1), timedelta())
        try:
            return cls(0, timedelta(**{f"{unit}s": count}))
        except OverflowError:
            raise ValueError(f"step `{text}` is longer than all dates") from None

    def after(self, start: date, steps: int) -> date:
        """Return `start` and so many steps; the 31st is the last day of shorter months."""
        if not self.months:
            return start + self.time * steps
        years, month = divmod(start.month - 1 + self.months * steps, 12)
        year, month = start.year + years, month + 1
        return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))

    def steps_between(self, start: date, stop: date) -> int:
        """Return how many whole steps lead from `start` to `stop` or before."""
        if not self.months:
            return (stop - start) // self.time
        steps = ((stop.year - start.year) * 12 + stop.month - start.month) // self.months
        return steps if steps < 0 or self.after(start, steps) <= stop else steps - 1


@dataclass(frozen=True)
class Steps(Sequence[Any]):
    """`start`, `start + step`, ...: so many of them."""

    start: Any
    step: Any
    """A number, or a Period."""
    size: int

    def __len__(self) -> int:
        """Return the number of values."""
        return self.size

    def __getitem__(self, position: Any) -> Any:
        """Return one value, or several for a slice."""
        if isinstance(position, slice):
            return [self[number] for number in range(*position.indices(self.size))]
        if not -self.size <= position < self.size:
            raise IndexError(position)
        steps = position % self.size
        if isinstance(self.step, Period):
            return self.step.after(self.start, steps)
        if isinstance(self.start, int) and isinstance(self.step, int):
            return self.start + self.step * steps
        # In decimals: 0.1 and twice 0.1 is 0.3, as a person would write it.
        return float(Decimal(str(self.start)) + Decimal(str(self.step)) * steps)


def steps_to(start: Any, stop: Any, step: Any) -> Steps:
    """Return the values from `start` to `stop`, which is one of them if the steps lead to it.

    Raises
    ------
    ValueError
        If they are not numbers, nor dates with a period, or no step leads from one to the other.
    """
    if isinstance(step, str):
        return _dates(_as_date(start), _as_date(stop), Period.parse(step))
    if not all(_is_number(value) for value in (start, stop, step)):
        raise ValueError(
            "write three numbers, or two dates and a period: {start: 2020-01-01, "
            "stop: 2020-12-01, step: 1 month}"
        )
    if step == 0:
        raise ValueError("a step of 0 leads nowhere")
    first, last, by = (Fraction(str(value)) for value in (start, stop, step))
    if last != first and (last > first) != (by > 0):
        raise ValueError(f"no steps of {step} lead from {start} to {stop}")
    size = (last - first) // by + 1
    if size > sys.maxsize:
        raise ValueError(f"steps of {step} from {start} to {stop} are too many to count")
    if size > 1 and not _are_told_apart(start, stop, step):
        raise ValueError(f"a step of {step} is lost in the rounding of {start} to {stop}")
    return Steps(start, step, size)


def _are_told_apart(start: Any, stop: Any, step: Any) -> bool:
    """Whether values that follow each other are different numbers (floats have 16 digits)."""
    if isinstance(start, int) and isinstance(step, int):
        return True
    try:
        return abs(step) >= 2 * math.ulp(max(abs(start), abs(stop)))
    except OverflowError:  # not even the ends are floats
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_date(value: Any) -> date:
    if isinstance(value, date):
        return value
    text = str(value)
    try:
        is_day = len(text) == len("2020-01-31")
        return date.fromisoformat(text) if is_day else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{value}` is not a date such as 2020-01-31") from None


def _dates(start: date, stop: date, period: Period) -> Steps:
    if isinstance(start, datetime) or isinstance(stop, datetime) or period.time.seconds:
        start, stop = (
            value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
            for value in (start, stop)
        )
    try:
        if isinstance(start, datetime) and start.tzinfo and isinstance(stop, datetime):
            stop = start + (stop - start)  # in the time zone of the start: months are counted there
        steps = period.steps_between(start, stop)
    except OverflowError:
        raise ValueError(f"stop {stop} is no date in the time zone of start {start}") from None
    except TypeError:
        raise ValueError("start and stop: either both or none has a time zone") from None
    if steps < 0:
        raise ValueError(f"stop {stop} is before start {start}")
    return Steps(start, period, steps + 1)
