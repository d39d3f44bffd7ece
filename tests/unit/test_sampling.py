"""A sample holds the points it says: reproducible, spread as promised, and made when asked for."""

import json
import math
import pickle
import subprocess
import sys
import warnings
from statistics import NormalDist, fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.experiment import validate_experiment
from scripts.fanfold.runs_schema import Distribution, Sample
from scripts.fanfold.sampling import BLOCK, SampleAxis, value_at
from tests.conftest import ROOT, content_of, design_in

METHODS = ["lhs", "sobol", "halton", "random"]
PARAMETERS = {
    "u": {"uniform": [0.1, 0.4]},
    "l": {"loguniform": [0.001, 10]},
    "n": {"normal": [2.5, 0.3]},
    "i": {"integers": [1, 6]},
    "c": {"choice": ["mild", None, 3]},
}
KINDS = (
    "write one of uniform, loguniform, normal, integers, choice with its bounds, such as "
    "{uniform: [0, 1]}"
)
UNIT = {name: {"uniform": [0, 1]} for name in "abc"}


def axis_of(method="lhs", n=64, parameters=PARAMETERS, **keys):
    sample = {"method": method, "n": n, "parameters": parameters} | keys
    return SampleAxis(Sample.model_validate(sample))


def points_of(axis, places=None):
    return [axis.choice(place) for place in (range(len(axis)) if places is None else places)]


@pytest.mark.parametrize("method", METHODS)
def test_values_are_within_their_bounds_and_of_their_types(method):
    for point in points_of(axis_of(method)):
        assert 0.1 <= point["u"] <= 0.4
        assert 0.001 <= point["l"] <= 10
        assert type(point["n"]) is float
        assert type(point["i"]) is int
        assert 1 <= point["i"] <= 6
        assert point["c"] in ("mild", None, 3)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_points_and_another_one_others(method):
    assert points_of(axis_of(method)) == points_of(axis_of(method))
    assert points_of(axis_of(method)) == points_of(axis_of(method, seed=1))
    one, other = (points_of(axis_of(method, seed=seed)) for seed in (1, 2))
    assert not {point["u"] for point in one} & {point["u"] for point in other}


@pytest.mark.parametrize("method", METHODS)
def test_points_do_not_depend_on_which_is_asked_for_first(method):
    axis = axis_of(method, BLOCK + 3)
    places = [BLOCK + 2, 0, BLOCK, BLOCK - 1]
    assert points_of(axis, places) == [points_of(axis_of(method, BLOCK + 3))[at] for at in places]


@pytest.mark.parametrize("method", ["sobol", "halton", "random"])
@pytest.mark.parametrize(("few", "many"), [(5, 6), (64, 1000), (1000, BLOCK), (1030, 3000)])
def test_more_points_keep_the_earlier_ones(method, few, many):
    less, more = axis_of(method, few, UNIT), axis_of(method, many, UNIT)
    assert points_of(more)[:few] == points_of(less)
    assert less.identity(0, few - 1) == more.identity(0, few - 1)


@pytest.mark.parametrize("method", ["sobol", "halton", "random"])
def test_blocks_continue_each_other(method):
    points = points_of(axis_of(method, 4 * BLOCK, UNIT))
    values = [value for point in points for value in point.values()]
    assert len(set(values)) > 0.99 * len(values)
    assert fmean(values) == pytest.approx(0.5, abs=0.02)


def test_another_number_of_points_is_another_latin_hypercube():
    less, more = axis_of("lhs", 10), axis_of("lhs", 11)
    assert points_of(more)[:10] != points_of(less)
    assert less.identity(0, 5) != more.identity(0, 5)


@pytest.mark.parametrize("n", [1, 7, 64, BLOCK + 100])
def test_a_latin_hypercube_has_one_point_in_each_stratum(n):
    points = points_of(axis_of("lhs", n, UNIT))
    for name in UNIT:
        assert sorted(int(point[name] * n) for point in points) == list(range(n))


@pytest.mark.parametrize("n", [1, 64, BLOCK])
def test_balanced_sobol_points_have_one_in_each_stratum_too(n):
    points = points_of(axis_of("sobol", n, UNIT))
    for name in UNIT:
        assert sorted(int(point[name] * n) for point in points) == list(range(n))


@pytest.mark.parametrize("method", METHODS)
def test_means_are_those_of_the_distributions(method):
    points = points_of(axis_of(method, 2048))
    assert fmean(point["u"] for point in points) == pytest.approx(0.25, abs=0.01)
    assert fmean(math.log10(point["l"]) for point in points) == pytest.approx(-1, abs=0.1)
    assert fmean(point["n"] for point in points) == pytest.approx(2.5, abs=0.03)
    assert fmean(point["i"] for point in points) == pytest.approx(3.5, abs=0.15)
    assert fmean(point["c"] == "mild" for point in points) == pytest.approx(1 / 3, abs=0.04)


def test_whole_numbers_are_equally_likely_from_the_first_to_the_last():
    values = [point["i"] for point in points_of(axis_of("lhs", 600))]
    assert [values.count(number) for number in range(1, 7)] == [100] * 6


def value(share, **distribution):
    return value_at(share, Distribution.model_validate(distribution))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_a_distribution_are_values_of_it(share):
    assert value(share, uniform=[-1, 2]) == pytest.approx([-1, 2][int(share)])
    assert value(share, loguniform=[1e-300, 1e300]) == pytest.approx([1e-300, 1e300][int(share)])
    assert value(share, integers=[-3, 3]) == [-3, 3][int(share)]
    assert value(share, choice=["a", "b"]) == ["a", "b"][int(share)]
    assert math.isfinite(value(share, normal=[0, 1]))


def test_a_value_is_the_quantile():
    assert value(0.25, uniform=[0, 8]) == 2
    assert value(0.5, loguniform=[1, 100]) == pytest.approx(10)
    assert value(0.9, normal=[2, 3]) == pytest.approx(NormalDist(2, 3).inv_cdf(0.9))
    assert [value(share, integers=[0, 1]) for share in (0.49, 0.5)] == [0, 1]


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.floats(0, 1), FLOATS, FLOATS, st.integers(), st.integers(1, 10**400))
def test_a_value_is_never_out_of_its_bounds(share, one, other, first, size):
    low, high = sorted((one, other))
    if low < high:
        assert low <= value(share, uniform=[low, high]) <= high
    if 0 < low < high:
        assert low <= value(share, loguniform=[low, high]) <= high
    assert first <= value(share, integers=[first, first + size]) <= first + size


def test_bounds_that_lie_far_apart_do_not_end_in_infinity():
    assert value(0.5, uniform=[-1e308, 1e308]) == 0
    assert value(0.5, loguniform=[1e-300, 1e300]) == pytest.approx(1)


@pytest.mark.parametrize("method", METHODS)
def test_parameters_in_another_order_are_other_points_in_other_jobs(method):
    one = axis_of(method, 4, {name: UNIT[name] for name in "ab"})
    other = axis_of(method, 4, {name: UNIT[name] for name in "ba"})
    assert points_of(one) != points_of(other)
    assert one.identity(0, 3) != other.identity(0, 3)


@pytest.mark.parametrize("method", METHODS)
def test_another_definition_is_another_identity(method):
    base = axis_of(method).identity(0, 9)
    assert base == axis_of(method).identity(0, 9)
    assert base != axis_of(method, seed=2).identity(0, 9)
    assert base != axis_of(method, parameters=UNIT).identity(0, 9)
    assert base != axis_of(method).identity(0, 8)
    wider = PARAMETERS | {"u": {"uniform": [0.1, 0.5]}}
    assert base != axis_of(method, parameters=wider).identity(0, 9)


@pytest.mark.parametrize(("n", "nearest"), [(3, 4), (63, 64), (100, 128), (90, 64)])
def test_a_note_says_that_sobol_points_are_not_balanced(tmp_path, n, nearest):
    sample = {"method": "sobol", "n": n, "parameters": UNIT}
    assert design_in(tmp_path, runs={"sample": sample}).notes == (
        f"runs.sample.n: {n} is not a power of two, so the Sobol points are not balanced; "
        f"{nearest} would be",
    )


def test_there_is_no_note_where_nothing_is_wrong():
    assert not axis_of("sobol", 64).notes
    assert not axis_of("sobol", 1).notes
    assert not axis_of("lhs", 63).notes


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 3, 100, BLOCK + 1])
def test_scipy_has_nothing_to_warn_of(method, n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert points_of(axis_of(method, n, UNIT), [n - 1])


def test_a_million_points_cost_nothing_until_one_is_asked_for():
    code = f"""
import json, sys
from pathlib import Path
from scripts.fanfold.run_names import check_names
from scripts.fanfold.run_space import make_run_space
from scripts.fanfold.runs_schema import Runs

sample = {{"n": 10**6, "parameters": json.loads({json.dumps(json.dumps(PARAMETERS))})}}
space = make_run_space(Runs.model_validate({{"sample": sample, "seeds": 10}}), Path())
check_names([], space)
(axis, _) = space.axes
said = [space.size, axis.label(10**6 - 1), space.identity(1, 10**6) != space.identity(1, 5)]
print(json.dumps([*said, "numpy" in sys.modules or "scipy" in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [10**7, "p1000000", True, False]
    assert not done.stderr


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_survives_pickling_without_its_points(method):
    axis = axis_of(method, 3 * BLOCK)
    before = len(pickle.dumps(axis))
    points = points_of(axis)
    assert len(pickle.dumps(axis)) == before
    again = pickle.loads(pickle.dumps(axis))
    assert again == axis
    assert points_of(again) == points


@pytest.mark.parametrize(
    ("parameter", "problem"),
    [
        ({}, KINDS),
        ({"gaussian": [0, 1]}, KINDS),
        ({"uniform": [0, 1], "normal": [0, 1]}, KINDS),
        ([0, 1], KINDS),
        ({"uniform": None}, KINDS),
        ({"uniform": [0]}, "uniform needs two bounds: [lowest, highest]"),
        ({"uniform": 5}, "uniform needs two bounds: [lowest, highest]"),
        ({"normal": [1, 2, 3]}, "normal needs two bounds: [mean, standard deviation]"),
        ({"uniform": [1, 0]}, "uniform: the first bound must be below the second"),
        ({"uniform": [1, 1]}, "uniform: the first bound must be below the second"),
        ({"loguniform": [2, 1]}, "loguniform: the first bound must be below the second"),
        ({"integers": [6, 1]}, "integers: the first bound must be below the second"),
        ({"loguniform": [0, 1]}, "loguniform: bounds must be above 0"),
        ({"loguniform": [-1, 1]}, "loguniform: bounds must be above 0"),
        ({"normal": [0, 0]}, "normal: the standard deviation must be above 0"),
    ],
    ids=str,
)
def test_a_distribution_that_is_none_is_one_line(parameter, problem):
    sample = {"n": 2, "parameters": {"beta": parameter}}
    with pytest.raises(ConfigError) as caught:
        validate_experiment(content_of(runs={"sample": sample}))
    assert caught.value.problems == [f"runs.sample.parameters.beta: {problem}"]


@pytest.mark.parametrize(
    ("sample", "problem"),
    [
        ({"n": 0}, "runs.sample.n: must be at least 1, not `0`"),
        ({"n": 2, "method": "grid"}, None),
        ({"n": 2, "seed": -1}, None),
        ({"n": 2, "parameters": {}}, "runs.sample.parameters: is empty; write at least one"),
        ({"n": 2, "points": 5}, None),
        ({"parameters": {"x": {"choice": []}}, "n": 1}, None),
        ({"parameters": {"x": {"choice": [math.nan]}}, "n": 1}, None),
        ({"parameters": {"x": {"uniform": [0, math.inf]}}, "n": 1}, None),
        ({"parameters": {"x": {"integers": [0, 1.5]}}, "n": 1}, None),
        ({"parameters": {"x": {"uniform": ["a", "b"]}}, "n": 1}, None),
        ({"parameters": {"seed": {"uniform": [0, 1]}}, "n": 1}, None),
    ],
    ids=str,
)
def test_a_sample_that_is_none_is_named(sample, problem):
    with pytest.raises(ConfigError) as caught:
        validate_experiment(content_of(runs={"sample": {"parameters": UNIT} | sample}))
    assert all(line.startswith("runs.sample.") for line in caught.value.problems)
    assert problem is None or caught.value.problems == [problem]


def test_a_parameter_that_is_set_elsewhere_is_refused():
    runs = {"sample": {"n": 1, "parameters": UNIT}, "grid": {"a": [1]}}
    with pytest.raises(ConfigError, match=r"^runs: `a` is in `grid` and in `sample`$"):
        validate_experiment(content_of(runs=runs))
