"""Runs are positions on axes: each position is another run, and each run has another name."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import LONGEST_NAME, is_name
from scripts.fanfold.run_names import check_names, default_name
from scripts.fanfold.run_space import make_run_space
from scripts.fanfold.runs_schema import Runs
from tests.conftest import design_in


def space_of(**runs):
    return make_run_space(Runs.model_validate(runs), Path())


def points_of(space):
    return [space.point(index) for index in range(1, space.size + 1)]


def names_of(space, scenario=None):
    return [default_name(scenario, point.labels) for point in points_of(space)]


def test_without_axes_there_is_one_run():
    assert names_of(space_of()) == ["run"]
    assert names_of(space_of(), "low") == ["low"]
    assert names_of(space_of(seeds=2), "low") == ["low-s1", "low-s2"]
    assert names_of(space_of(seeds=2)) == ["s1", "s2"]


def test_the_last_variable_varies_fastest_and_seeds_slowest():
    space = space_of(grid={"a": [1, 2], "b": [1, 2]}, seeds=2)
    assert names_of(space, "x") == [
        "x-a_1-b_1-s1",
        "x-a_1-b_2-s1",
        "x-a_2-b_1-s1",
        "x-a_2-b_2-s1",
        "x-a_1-b_1-s2",
        "x-a_1-b_2-s2",
        "x-a_2-b_1-s2",
        "x-a_2-b_2-s2",
    ]


def test_a_run_says_what_its_axes_set():
    space = space_of(list=[{"name": "mild", "x": 1}, {"y": "a b"}], grid={"z": [[1], 2]}, seeds=[9])
    assert names_of(space, "low")[0] == f"low-mild-{space.axes[1].label(0)}-s9"
    assert space.point(1).variables == {"x": 1, "z": [1], "seed": 9}
    assert space.point(4).variables == {"y": "a b", "z": 2, "seed": 9}
    assert space.variables == ("x", "y", "z")


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_positions_and_combinations_are_one_to_one(rows, one, two, seeds):
    runs = {
        "list": [{"x": number} for number in range(rows)],
        "grid": {"y": list(range(one)), "z": list(range(two))},
    }
    space = space_of(**runs, **({"seeds": seeds} if seeds else {}))
    found = [point.variables for point in points_of(space)]
    values = [(one.get("seed"), *(one[name] for name in "xyz")) for one in found]
    numbers = range(1, seeds + 1) if seeds else [None]
    assert values == list(product(numbers, range(rows), range(one), range(two)))
    assert len(set(names_of(space))) == space.size == len(values)


def test_more_seeds_leave_earlier_positions_alone():
    few, many = (space_of(grid={"x": [1, 2]}, seeds=count) for count in (2, 5))
    assert names_of(many)[: few.size] == names_of(few)


def test_a_million_seeds_cost_nothing():
    space = space_of(grid={"x": list(range(1000))}, seeds=10**9)
    assert space.size == 10**12
    assert "-".join(space.point(space.size).labels) == "x_999-s1000000000"


@pytest.mark.parametrize(
    ("runs", "problem"),
    [
        ({"grid": {"x": [1, 2, 1]}}, "runs.grid.x: `x_1` stands twice"),
        ({"grid": {"x": [1.5, "1.5"]}}, "runs.grid.x: `x_1.5` stands twice"),
        ({"list": [{"name": "a"}, {"name": "a", "x": 1}]}, "runs.list: `a` stands twice"),
        ({"list": [{"x": 1}, {"name": "x_1"}]}, "runs.list: `x_1` stands twice"),
    ],
)
def test_the_same_alternative_twice_is_an_error(runs, problem):
    with pytest.raises(ConfigError) as caught:
        space_of(**runs)
    assert caught.value.problems == [problem]


def test_two_runs_with_one_name_are_an_error():
    space = space_of(list=[{"name": "b-c"}, {"name": "c"}])
    check_names(["a", "b"], space)
    with pytest.raises(ConfigError, match=r"^runs: two runs are called `a-b-c`; rename a scenario"):
        check_names(["a", "a-b"], space)


PARTS = st.lists(
    st.from_regex(r"[ab][ab-]{0,3}", fullmatch=True), min_size=1, max_size=3, unique=True
)


@given(PARTS, PARTS, PARTS)
def test_a_name_is_refused_exactly_when_two_runs_have_it(scenarios, rows, more):
    space = space_of(list=[{"name": name} for name in rows], grid={"a": more})
    names = [name for scenario in scenarios for name in names_of(space, scenario)]
    if len(set(names)) == len(names):
        check_names(scenarios, space)
    else:
        with pytest.raises(ConfigError):
            check_names(scenarios, space)


def test_a_name_that_no_folder_can_have_is_an_error():
    grid = {f"a_long_variable_{number}": ["a rather long value " * 2] for number in range(4)}
    with pytest.raises(
        ConfigError, match="is too long for the name of a folder; write a `run_name`"
    ):
        check_names([], space_of(grid=grid))
    check_names(["x" * LONGEST_NAME], space_of())


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
            lambda name: name not in ("run", "seed", "state", "task", "index", "batch", "launch")
        ),
        st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()),
        max_size=2,
    )
)
def test_runs_are_the_same_each_time_and_their_names_legal(grid):
    assume(all(grid.values()))
    try:
        space, again = space_of(grid=grid), space_of(grid=grid)
        check_names([], space)
    except ConfigError:
        return
    assert points_of(space) == points_of(again)
    names = names_of(space)
    assert all(is_name(name) for name in names)
    assert len(set(names)) == space.size


def test_a_variable_may_be_called_name_and_is_no_path(tmp_path):
    design = design_in(tmp_path, runs={"grid": {"name": ["../../x", "b/c"]}})
    tasks = list(design.all_tasks())
    assert [task.variables["name"] for task in tasks] == ["../../x", "b/c"]
    assert all(is_name(task.run.name) for task in tasks)
