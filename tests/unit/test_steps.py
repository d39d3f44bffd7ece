"""Values at equal steps are what a person would count, computed one by one."""

from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.experiment import validate_experiment
from scripts.fanfold.steps import Period, steps_to
from tests.conftest import content_of


def day(text):
    return date.fromisoformat(text)


def time(text):
    return datetime.fromisoformat(text)


def days(*texts):
    return [day(text) for text in texts]


def times(*texts):
    return [time(text) for text in texts]


@pytest.mark.parametrize(
    ("start", "stop", "step", "values"),
    [
        (0, 1, 0.25, [0, 0.25, 0.5, 0.75, 1]),
        (0, 0.3, 0.1, [0, 0.1, 0.2, 0.3]),
        (0.1, 0.7, 0.2, [0.1, 0.3, 0.5, 0.7]),
        (1.1, 1.4, 0.1, [1.1, 1.2, 1.3, 1.4]),
        (0, 1, 0.4, [0, 0.4, 0.8]),
        (1, 0, -0.5, [1, 0.5, 0]),
        (-1, -2, -0.3, [-1, -1.3, -1.6, -1.9]),
        (0, 7, 3, [0, 3, 6]),
        (7, 0, -3, [7, 4, 1]),
        (5, 5, 1, [5]),
        (5, 5, -0.1, [5]),
        (1e-7, 3e-7, 1e-7, [1e-7, 2e-7, 3e-7]),
        (10**40, 10**40 + 2, 1, [10**40, 10**40 + 1, 10**40 + 2]),
        (0, 3 * 10**30 - 1, 10**30, [0, 10**30, 2 * 10**30]),
    ],
)
def test_numbers_go_up_to_the_stop_in_decimals(start, stop, step, values):
    assert list(steps_to(start, stop, step)) == values


def test_whole_numbers_stay_whole_and_others_are_all_floats():
    assert {type(value) for value in steps_to(0, 6, 2)} == {int}
    assert {type(value) for value in steps_to(0, 1, 0.5)} == {float}
    assert {type(value) for value in steps_to(0.0, 2, 1)} == {float}
    assert {type(value) for value in steps_to(0, 2.5, 1)} == {int}


@pytest.mark.parametrize(
    ("start", "stop", "step", "values"),
    [
        ("2020-01-01", "2020-01-15", "7 days", ["2020-01-01", "2020-01-08", "2020-01-15"]),
        ("2020-01-01", "2020-01-14", "1 week", ["2020-01-01", "2020-01-08"]),
        ("2020-02-28", "2020-03-01", "1 day", ["2020-02-28", "2020-02-29", "2020-03-01"]),
        ("2021-02-28", "2021-03-01", "1 day", ["2021-02-28", "2021-03-01"]),
        ("2019-12-31", "2020-02-29", "1 month", ["2019-12-31", "2020-01-31", "2020-02-29"]),
        ("2019-12-31", "2020-02-28", "1 month", ["2019-12-31", "2020-01-31"]),
        ("2021-01-31", "2021-04-30", "3 months", ["2021-01-31", "2021-04-30"]),
        ("2020-02-29", "2022-02-28", "1 year", ["2020-02-29", "2021-02-28", "2022-02-28"]),
        ("2020-11-15", "2021-02-14", "1 months", ["2020-11-15", "2020-12-15", "2021-01-15"]),
        ("2020-01-01", "2020-01-01", "5 years", ["2020-01-01"]),
        ("9999-11-30", "9999-12-31", "1 month", ["9999-11-30", "9999-12-30"]),
        ("2020-01-01", "2020-01-31", f"{10**30} years", ["2020-01-01"]),
    ],
)
def test_dates_go_up_to_the_stop(start, stop, step, values):
    found = list(steps_to(start, day(stop), step))
    assert found == days(*values)
    assert {type(value) for value in found} == {date}


def test_the_31st_comes_back_after_shorter_months():
    found = list(steps_to("2020-01-31", "2020-05-31", "1 month"))
    assert found == days("2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30", "2020-05-31")


def test_hours_and_minutes_make_times_of_dates():
    found = list(steps_to("2020-01-31", "2020-02-01", "12 hours"))
    assert found == times("2020-01-31T00:00", "2020-01-31T12:00", "2020-02-01T00:00")
    assert steps_to("2020-01-01", "2020-01-02", "90 minutes")[1] == time("2020-01-01T01:30")
    assert type(steps_to("2020-01-01", "2020-01-03", "24 hours")[1]) is date


def test_a_time_at_one_end_makes_times_of_all():
    found = list(steps_to("2020-01-01T18:00", "2020-01-03", "1 day"))
    assert found == times("2020-01-01T18:00", "2020-01-02T18:00")
    found = list(steps_to(day("2020-01-31"), time("2020-02-29T00:00"), "1 month"))
    assert found == times("2020-01-31T00:00", "2020-02-29T00:00")


def test_steps_are_counted_in_the_time_zone_of_the_start():
    found = list(steps_to("2020-01-01T00:00+00:00", "2020-02-29T23:30-05:00", "1 month"))
    utc = "2020-01-01T00:00+00:00", "2020-02-01T00:00+00:00", "2020-03-01T00:00+00:00"
    assert found == times(*utc)
    assert len(steps_to("2020-01-01T00:00+00:00", "2020-01-01T00:00-05:00", "1 hour")) == 6


@pytest.mark.parametrize(
    ("start", "stop", "step", "problem"),
    [
        (0, 1, 0, "a step of 0 leads nowhere"),
        (0, 1, 0.0, "a step of 0 leads nowhere"),
        (0, 1, -1, "no steps of -1 lead from 0 to 1"),
        (1, 0, 0.5, "no steps of 0.5 lead from 1 to 0"),
        (True, 2, 1, None),
        (0, "x", 1, None),
        ("2020-01-01", "2020-02-01", 7, None),
        (0, 10, "1 day", "`0` is not a date such as 2020-01-31"),
        ("2020-02-30", "2020-03-01", "1 day", "`2020-02-30` is not a date such as 2020-01-31"),
        ("soon", "2020-03-01", "1 day", "`soon` is not a date such as 2020-01-31"),
        ("2020-02-01", "2020-01-01", "1 day", "stop 2020-01-01 is before start 2020-02-01"),
        ("2020-02-01", "2020-01-31", "1 month", "stop 2020-01-31 is before start 2020-02-01"),
        (
            "2020-01-01T00:00+00:00",
            "2020-02-01",
            "1 day",
            "start and stop: either both or none has a time zone",
        ),
        (
            "2020-01-01T00:00",
            "2020-02-01T00:00+01:00",
            "1 month",
            "start and stop: either both or none has a time zone",
        ),
        ("2020-01-01", "2020-02-01", "0 days", None),
        ("2020-01-01", "2020-02-01", "-1 day", None),
        ("2020-01-01", "2020-02-01", "1.5 days", None),
        (
            "2020-01-01",
            "2020-02-01",
            "fortnight",
            "step `fortnight` is not a period such as `1 month`, `7 days`, `6 hours`",
        ),
        (
            "2020-01-01",
            "2020-02-01",
            "1000000000 days",
            "step `1000000000 days` is longer than all dates",
        ),
        (0, 1e30, 1, "steps of 1 from 0 to 1e+30 are too many to count"),
        (1e16, 3e16, 0.5, "a step of 0.5 is lost in the rounding of 1e+16 to 3e+16"),
        (0.5, 10**400, 10**399, None),
    ],
    ids=str,
)  # fmt: skip
def test_what_leads_nowhere_is_one_line_at_its_key(start, stop, step, problem):
    steps = {"start": start, "stop": stop, "step": step}
    with pytest.raises(ConfigError) as caught:
        validate_experiment(content_of(runs={"range": {"x": steps}}))
    (line,) = caught.value.problems
    assert line.startswith("runs.range.x: ")
    assert problem is None or line == f"runs.range.x: {problem}"


def test_a_slice_and_a_negative_position_are_those_of_a_list():
    steps = steps_to(0, 9, 1)
    assert (steps[-1], steps[2:5], steps[::-4]) == (9, [2, 3, 4], [9, 5, 1])
    assert (next(reversed(steps)), 4 in steps, 4.5 in steps) == (9, True, False)
    for position in (10, -11):
        with pytest.raises(IndexError):
            steps[position]


def test_any_number_of_values_costs_nothing():
    assert len(steps_to(0, 10**18, 1)) == 10**18 + 1
    assert steps_to(0, 10**18, 1)[-1] == 10**18
    assert len(steps_to("0001-01-01", "9999-12-31", "1 minute")) > 5 * 10**9


NUMBERS = st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=4).map(float)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_numbers_lie_between_start_and_stop_and_never_stand_still(start, stop, step):
    try:
        steps = steps_to(start, stop, step)
    except ValueError:
        assert step == 0 or (start != stop and (stop > start) != (step > 0))
        return
    some = [steps[place] for place in range(min(len(steps), 50))]
    low, high = sorted((start, stop))
    assert some[0] == start
    assert low <= steps[-1] <= high
    assert abs(stop - steps[-1]) < abs(step)
    assert all(
        (after > before) == (step > 0) and after != before for before, after in pairwise(some)
    )
    assert some == [round(start + step * place, 6) for place in range(len(some))]  # fmt: skip


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e308, 1e308), st.floats())
def test_any_floats_give_different_numbers_or_a_reason(start, stop, step):
    try:
        steps = steps_to(start, stop, step if step - step == 0 else 1.0)
    except ValueError:
        return
    places = {0, 1, len(steps) // 2, len(steps) - 2, len(steps) - 1}
    some = [steps[place] for place in sorted(places) if 0 <= place < len(steps)]
    assert len(set(some)) == len(some)
    assert all(min(start, stop) <= value <= max(start, stop) for value in some)


MOMENTS = st.datetimes(datetime(1600, 1, 1), datetime(2600, 1, 1))
ZONES = st.sampled_from([None, *(timezone(timedelta(hours=hours)) for hours in (-11, 0, 14))])
UNITS = st.sampled_from(["minute", "hour", "days", "week", "months", "year"])


@given(MOMENTS, MOMENTS, ZONES, ZONES, st.integers(1, 500), UNITS, st.booleans())
def test_dates_lie_between_start_and_stop_and_one_more_would_not(
    start, stop, zone, other, count, unit, whole_days
):
    start, stop = start.replace(tzinfo=zone), stop.replace(tzinfo=other)
    if whole_days:
        start, stop = start.date(), stop.date()
    try:
        steps = steps_to(start, stop, f"{count} {unit}")
    except ValueError:
        assert (not whole_days and (zone is None) != (other is None)) or stop < start
        return
    first, last, after = steps[0], steps[-1], steps.step.after(steps.start, len(steps))
    if whole_days and type(first) is datetime:
        start, stop = (datetime(at.year, at.month, at.day) for at in (start, stop))
    assert first == start
    assert start <= last <= stop < after
    places = range(min(len(steps), 30))
    assert [steps[place] for place in places] == steps[: len(places)]
    assert all(earlier < later for earlier, later in pairwise(steps[: len(places)]))


@given(st.text() | st.from_regex(r"\d+ (minute|hour|day|week|month|year)s?", fullmatch=True))
def test_any_text_is_a_period_or_no_period(text):
    try:
        period = Period.parse(text)
    except ValueError:
        return
    assert period.months > 0 or period.time > timedelta()
