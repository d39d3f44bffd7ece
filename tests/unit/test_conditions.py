"""Conditions leave exactly those combinations for which they hold, and touch nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.conditions import MOST_COMBINATIONS
from scripts.fanfold.errors import ConfigError
from tests.conftest import design_in

TABLE = "code,name,size\nCA,California,40\nNY,New York,20\nWY,Wyoming,1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a states table."""
    folder = tmp_path_factory.mktemp("conditions")
    (folder / "states.csv").write_text(TABLE)
    return folder


def design_of(folder, *, states=("CA", "NY"), scenarios=("low", "high"), **keys):
    keys["scenarios"] = scenarios if isinstance(scenarios, dict) else dict.fromkeys(scenarios)
    return design_in(folder, states=list(states), states_table="states.csv", **keys)


def names(design):
    return [task.name for task in design.all_tasks()]


def problems_of(folder, **keys):
    with pytest.raises(ConfigError) as caught:
        design_of(folder, **keys)
    return caught.value.problems


GRID = {"grid": {"a": [1, 2], "b": [1, 2]}, "seeds": 2}


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ({"exclude": "a == 1"}, lambda name: "a_2" in name),
        ({"exclude": ["a == 1 and b == 2"]}, lambda name: "a_1-b_2" not in name),
        ({"exclude": ["a == 1", "b == 2"]}, lambda name: "a_2-b_1" in name),
        ({"only": "a == 1"}, lambda name: "a_1" in name),
        ({"only": ["a == 1", "b == 2"]}, lambda name: "a_1-b_2" in name),
        ({"only": "a == 1", "exclude": "b == 2"}, lambda name: "a_1-b_1" in name),
        ({"exclude": "{{ a == 1 }}"}, lambda name: "a_2" in name),
        ({"exclude": "scenario == 'low'"}, lambda name: "high" in name),
        ({"exclude": "scenario == 'low' and a == 1"}, lambda name: "low-a_1" not in name),
        ({"only": "seed == 2"}, lambda name: name.endswith("s2")),
        ({"exclude": "seed > 1 and b == 1 and a == 1"}, lambda name: "a_1-b_1-s2" not in name),
        ({"exclude": "state.size > 30"}, lambda name: name.startswith("NY")),
        ({"exclude": "size > 30 and a == 2"}, lambda name: not ("CA" in name and "a_2" in name)),
        ({"only": "state == 'x' or b == 1"}, lambda name: "b_1" in name),
        ({"only": "code == 'NY'"}, lambda name: name.startswith("NY")),
        ({"exclude": "product == 4"}, lambda name: "a_2-b_2" not in name),
        ({"exclude": "twice == 8"}, lambda name: "a_2-b_2" not in name),
        ({"exclude": "experiment != 'trial'"}, str),
        ({"exclude": [], "only": []}, str),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_is_left_is_what_the_conditions_say(folder, conditions, left):
    derive = {"twice": "{{ product * 2 }}", "product": "{{ a * b }}"}
    before = names(design_of(folder, runs=GRID | {"derive": derive}))
    after = names(design_of(folder, runs=GRID | {"derive": derive} | conditions))
    assert after == [name for name in before if left(name)]


def test_indices_are_dense_in_each_state_and_scenario(folder):
    runs = GRID | {"exclude": "a == 1 and (scenario == 'low' or size > 30)"}
    design = design_of(folder, runs=runs, tasks_per_job=3)
    for state in ("CA", "NY"):
        for scenario in ("low", "high"):
            tasks = [t for t in design.all_tasks() if t.name.startswith(f"{state}/{scenario}")]
            assert [task.run.index for task in tasks] == list(range(1, len(tasks) + 1))
    assert list(design.jobs_of("NY")) == ["low-1-3", "low-4-4", "high-1-3", "high-4-6", "high-7-8"]
    assert list(design.jobs_of("CA")) == ["low-1-3", "low-4-4", "high-1-3", "high-4-4"]
    assert design.size == len(list(design.all_tasks())) == 20


CONDITIONS = [
    "a == 1",
    "b > 1",
    "a == b",
    "(a + b) % 3 == 0",
    "seed == 2",
    "seed > 1 and a == 2",
    "seed == b",
    "scenario == 'low'",
    "scenario == 'high' and b == 2",
    "size > 30",
    "size < 30 and a == 1",
    "x > 3",
    "x == b",
    "total > 5",
    "total == 4 and seed == 1",
    "a > 9",
    "a < 9",
]
CHOSEN = st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "seeds": st.integers(1, 3),
            "list": st.just([{"name": "one", "x": 1}, {"name": "two"}]),
            "sample": st.just({"n": 2, "parameters": {"p": {"integers": [1, 5]}}}),
        },
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    CHOSEN,
    CHOSEN,
    st.integers(1, 5),
)
def test_conditions_leave_the_tasks_for_which_they_hold(
    folder, axes, first, second, exclude, only, per_job
):
    grid = {"a": list(range(1, first + 1)), "b": list(range(1, second + 1))}
    runs = {"seeds": 1, "grid": grid, "derive": {"total": "{{ a + b + x }}"}, **axes}
    keys = {
        "scenarios": {"low": {"x": 2}, "high": {"x": 4}},
        "tasks_per_job": per_job,
        "states": ["CA", "NY", "WY"],
    }
    wanted = [
        task
        for task in design_of(folder, runs=runs, **keys).all_tasks()
        if all(eval(text, {}, task.variables) for text in only)
        and not any(eval(text, {}, task.variables) for text in exclude)
    ]
    try:
        design = design_of(folder, runs=runs | {"exclude": exclude, "only": only}, **keys)
    except ConfigError as error:
        assert error.problems == ["runs: no run is left: conditions drop every combination"]
        assert not wanted
        return
    found = list(design.all_tasks())
    assert len(found) == design.size
    assert {task.job for task in found} == {job for s in design.states for job in design.jobs_of(s)}
    assert without_index(found) == without_index(wanted)


def without_index(tasks):
    """Return name -> what else a task is."""
    return {
        task.name: (task.digest, {**task.variables, "index": None}, task.run.seed) for task in tasks
    }


def test_the_order_of_what_is_left_is_that_of_the_whole(folder):
    runs = {"grid": {"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2]}, "seeds": 2}
    for conditions in (["a == b"], ["b == 1 and c == 1"], ["a == 3", "seed == 2 and a == 1"]):
        before = names(design_of(folder, runs=runs))
        after = names(design_of(folder, runs=runs | {"exclude": conditions}))
        assert after == [name for name in before if name in set(after)]


def test_more_seeds_leave_what_is_left_of_the_earlier_ones_alone(folder):
    few, many = (
        design_of(
            folder,
            states=["CA"],
            runs={"grid": {"a": [1, 2]}, "seeds": seeds, "exclude": "seed == 2 and a == 1"},
        )
        for seeds in (3, 5)
    )
    assert names(many)[:5] == names(few)[:5]
    assert names(many)[9:14] == names(few)[5:]
    jobs = list(few.jobs_of("CA"))
    assert [few.digest_of("CA", job) for job in jobs] == [many.digest_of("CA", job) for job in jobs]


def test_another_combination_in_a_job_is_another_digest_of_it(folder):
    one, other = (
        design_of(folder, runs=GRID | {"exclude": text}, tasks_per_job=3)
        for text in ("a == 1 and b == 1", "a == 1 and b == 2")
    )
    assert list(one.jobs_of("CA")) == list(other.jobs_of("CA"))
    assert one.digest_of("CA", "low-1-3") != other.digest_of("CA", "low-1-3")


def test_a_state_without_runs_gets_a_note(folder):
    design = design_of(folder, states=["CA", "NY", "WY"], runs=GRID | {"only": "size > 30"})
    assert list(design.states) == ["CA"]
    assert design.notes == ("states: `NY`, `WY`: no run is left for them",)


def test_a_scenario_without_runs_has_no_jobs(folder):
    design = design_of(folder, runs={"seeds": 2, "exclude": "scenario == 'low'"}, tasks_per_job=2)
    assert list(design.jobs_of("CA")) == ["high-1-2"]


def test_without_axes_a_condition_is_about_states_and_scenarios(folder):
    design = design_of(folder, runs={"only": "scenario == 'low' or state.size > 30"})
    assert names(design) == ["CA/low", "CA/high", "NY/low"]


def test_a_condition_that_drops_nothing_gets_a_note(tmp_path):
    runs = {"grid": {"a": [1, 2]}, "exclude": ["a > 5", "a == 1"], "only": "a > 0"}
    notes = design_in(tmp_path, runs=runs).notes
    assert notes == ("runs.exclude.0: drops nothing", "runs.only.0: drops nothing")


def test_nothing_left_is_an_error(folder):
    assert problems_of(folder, runs=GRID | {"only": "a > 5"}) == [
        "runs: no run is left: conditions drop every combination"
    ]


@pytest.mark.parametrize(
    ("conditions", "problems"),
    [
        ({"exclude": "aa == 1"}, ["runs.exclude.0: there is no variable `aa`; did you mean `a`?"]),
        (
            {"exclude": ["a == 1", "sead > 1"], "only": "scenaro == 'low'"},
            [
                "runs.exclude.1: there is no variable `sead`; did you mean `seed`?",
                "runs.only.0: there is no variable `scenaro`; did you mean `scenario`?",
            ],
        ),
        ({"only": "run == 'x'"}, ["runs.only.0: `run` is not known yet here"]),
        ({"only": "task == 'x'"}, ["runs.only.0: `task` is not known yet here"]),
        ({"only": "index < 5"}, ["runs.only.0: `index` is not known yet here"]),
        ({"only": "threads < 5"}, ["runs.only.0: `threads` is not known yet here"]),
        ({"exclude": "a"}, ["runs.exclude.0: is `1`, neither true nor false"]),
        ({"exclude": "'a'"}, ["runs.exclude.0: is `'a'`, neither true nor false"]),
        ({"exclude": "a ="}, None),
        ({"exclude": "a == 1 }} {{ b"}, None),
        ({"exclude": "1 / (a - 1) > 0"}, ["runs.exclude.0: division by zero"]),
        ({"exclude": "'x' > a"}, None),
        ({"exclude": "state.sise > 1"}, None),
        ({"exclude": ""}, None),
        ({"only": "broken > 1"}, ["runs.only.0: runs.derive.broken: division by zero"]),
    ],
    ids=str,
)
def test_a_condition_that_cannot_be_decided_is_one_line(folder, conditions, problems):
    derive = {"broken": "{{ 1 / (a - 1) }}"}
    found = problems_of(folder, runs=GRID | {"derive": derive} | conditions)
    assert all(line.startswith("runs.") for line in found)
    assert problems is None or found == problems


def test_a_variable_that_some_rows_lack_is_taken_from_where_it_is_set(folder):
    runs = {"list": [{"name": "own", "x": 1}, {"name": "other"}], "exclude": "x == 2"}
    design = design_of(folder, runs=runs, scenarios=("low",), vars={"x": 2})
    assert names(design) == ["CA/low-own", "NY/low-own"]
    assert "runs.exclude.0: 'x' is undefined" in problems_of(folder, runs=runs)[0]


def test_too_many_combinations_are_refused(folder):
    grid = {name: list(range(100)) for name in "abc"}
    runs = {"grid": grid, "exclude": ["a == b", "b == c and size > 1"]}
    (line,) = problems_of(folder, runs=runs, tasks_per_job=10**6)
    assert line == (
        f"runs: conditions would look at 2,000,000 combinations, more than {MOST_COMBINATIONS:,}; "
        "name fewer variables in each"
    )


def test_a_condition_does_not_multiply_out_the_axes_that_it_is_not_about(folder):
    grid = {name: list(range(100)) for name in "abcd"}
    runs = {"grid": grid, "seeds": 10**6, "exclude": ["a == b", "c > 50"]}
    design = design_of(folder, runs=runs, tasks_per_job=10**12)
    assert design.space_of("CA", "low").size == 10**6 * 9900 * 51 * 100
    chosen = [factor.chosen for factor in design.space_of("CA", "low").factors]
    assert [chosen and len(chosen) for chosen in chosen] == [None, 9900, 51, None]


def test_a_table_with_rows_of_many_states_is_not_multiplied_by_the_states(folder):
    codes = [f"S{number}" for number in range(1500)]
    (folder / "many.csv").write_text("\n".join(["code", *codes]))
    (folder / "t.csv").write_text("\n".join(["state,x", *(f"{code},1" for code in codes)]))
    design = design_in(folder, states_table="many.csv", tasks={"table": "t.csv"})
    assert design.size == 1500


def test_a_table_of_states_and_a_condition_go_together(folder):
    (folder / "t.csv").write_text("state,name,x\nCA,one,1\nCA,two,2\nNY,three,3\n")
    runs = {"table": "t.csv", "grid": {"a": [1, 2]}}
    assert names(design_of(folder, runs=runs | {"exclude": "x == 2 or (x == 3 and a == 1)"})) == [
        *(f"CA/{scenario}-one-a_{a}" for scenario in ("low", "high") for a in (1, 2)),
        *(f"NY/{scenario}-three-a_2" for scenario in ("low", "high")),
    ]


@given(st.lists(st.sampled_from(CONDITIONS[:7]), min_size=1, max_size=2), st.integers(1, 4))
def test_positions_of_what_is_left_are_one_to_one(folder, exclude, per_job):
    runs = {"grid": {"a": [1, 2, 3], "b": [1, 2]}, "seeds": 3, "exclude": exclude}
    design = design_of(folder, states=["CA"], scenarios=(), runs=runs, tasks_per_job=per_job)
    jobs = list(design.jobs_of("CA").values())
    assert all(after.first == before.last + 1 for before, after in pairwise(jobs))
    found = [(*task.run.variables.items(), task.run.seed) for task in design.all_tasks()]
    assert len(set(found)) == len(found) == jobs[-1].last
