"""A selection is a part of the ensemble: what it says, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.call import Call
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.retries import plan_retries, read_retries
from scripts.fanfold.selection import select, selected_tasks
from tests.conftest import design_in, run_job_of

ALL = [
    f"{s}/{c}-R0_{r}-s{n}"
    for s in ("CA", "NY")
    for c in ("low", "high")
    for n in (1, 2)
    for r in (1, 2)
]


@pytest.fixture
def small(load):
    return load(
        states=["CA", "NY"],
        scenarios={"low": {}, "high": {}},
        runs={"seeds": 2, "grid": {"R0": [1, 2]}},
        tasks_per_job=3,
    )


def names(design, text):
    return [task.name for task in selected_tasks(design, text)]


def test_the_names_are_those_of_the_whole(small):
    assert [task.name for task in small.all_tasks()] == ALL
    assert names(small, "state=*") == ALL


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("CA/low-R0_1-s2", lambda name: name == "CA/low-R0_1-s2"),
        ("CA/*", lambda name: name.startswith("CA/")),
        ("*/low-R0_1-s1", lambda name: name.endswith("/low-R0_1-s1")),
        ("NY/high-R0_2-s2, CA/low-*", lambda name: name == "NY/high-R0_2-s2" or "CA/low" in name),
        ("[CN]?/low-*-s[2]", lambda name: "low" in name and name.endswith("2")),
        ("state=CA,NY", bool),
        ("state=NY", lambda name: name.startswith("NY")),
        ("scenario=low;seed=2", lambda name: "low" in name and name.endswith("s2")),
        (" scenario = low ; state=C* ", lambda name: "CA/low" in name),
        ("seed=1-10", bool),
        ("seed=2-2;R0=1", lambda name: "R0_1-s2" in name),
        ("index=1,3-4", lambda name: name.endswith(("R0_1-s1", "R0_1-s2", "R0_2-s2"))),
        ("run=low-R0_1-*", lambda name: "/low-R0_1-" in name),
        ("state=CA;task=*-s1", lambda name: name.startswith("CA") and name.endswith("s1")),
        ("missing", bool),
    ],
)
def test_what_fits_all_conditions_is_selected(small, text, fits):
    assert names(small, text) == [name for name in ALL if fits(name)]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "CA/low-R0_1-s1,CA/low-R0_1-s3,TX/*,CA",
            [
                "select: no task `CA/low-R0_1-s3`; did you mean `CA/low-R0_1-s2`?",
                "select: no task `TX/*`",
                "select: no task `CA`; did you mean `state=CA`?",
            ],
        ),
        ("state=ca;seed=9", ["select: no task has state `ca`; did you mean `CA`?"]),
        ("seed=9", ["select: no task has seed `9`"]),
        ("seed=1,7-9", ["select: no task has seed `7-9`"]),
        ("scenario=lo", ["select: no task has scenario `lo`; did you mean `low`?"]),
        ("stat=CA", ["select: there is no `stat`; did you mean `state`?"]),
        (
            "x=1",
            [
                "select: there is no `x`; there are `task`, `state`, `scenario`, `run`, `seed`, "
                "`index`, `R0`"
            ],
        ),
        ("failed", ["select: no task fits `failed`"]),
        ("", ["select: is empty"]),
        ("fail", ["select: no task `fail`; did you mean `failed`?"]),
        (
            "state=CA,scenario=low",
            ["select: no task has state `scenario=low`; between conditions write `;`"],
        ),
        ("seed=1;index=3", ["select: no task fits `seed=1;index=3`"]),
    ],
)
def test_what_fits_no_task_is_an_error(small, text, problems):
    with pytest.raises(ConfigError) as caught:
        names(small, text)
    assert caught.value.problems[: len(problems)] == problems


def test_failed_and_missing_tasks_are_those_that_the_records_say(load):
    design = load(
        states=["CA", "NY"],
        runs={"seeds": 4},
        command="exit $((FANFOLD_SEED % 2 == 0))",
        tasks_per_job=4,
    )
    run_job_of(design, "CA", "runs-1-4")
    assert names(design, "failed") == ["CA/s2", "CA/s4"]
    assert names(design, "missing") == [f"NY/s{seed}" for seed in (1, 2, 3, 4)]
    assert names(design, "failed,missing;seed=2") == ["CA/s2", "NY/s2"]
    changed = load(states=["CA"], runs={"seeds": 4}, command="true")
    assert names(changed, "missing") == [f"CA/s{seed}" for seed in (1, 2, 3, 4)]


def test_the_jobs_of_a_selection_hold_its_tasks_and_have_names_of_their_own(small):
    call = select(small, "seed=1")
    assert [len(job.tasks) for job in call.selected] == [3, 1, 3, 1]
    assert [task.name for task in call.tasks()] == [n for n in ALL if n.endswith("s1")]
    assert call.size == 8
    assert call.folder == f"{small.results}/selected"
    assert list(call.jobs) == ["CA", "NY"]
    others = select(small, "seed=2")
    assert not {job.name for job in call.selected} & {job.name for job in others.selected}
    assert {job.name for job in select(small, "seed=1").selected} == {
        job.name for job in call.selected
    }


def test_tasks_that_are_others_now_are_in_jobs_with_other_names(load):
    before, after = (
        select(load(states=["CA"], vars={"x": x}), "state=CA").selected[0].name for x in (1, 2)
    )
    assert before != after


def test_retries_of_a_selection_are_its_own(small):
    one, two = select(small, "seed=1"), select(small, "seed=2")
    assert plan_retries(one, [("CA", "low", 1)]) == 1
    assert plan_retries(two, [("CA", "low", 3)]) == 1
    assert plan_retries(Call(small), [("CA", "low", 1)]) == 1
    found = [read_retries(call) for call in (one, two, Call(small))]
    assert [retry.tasks for (retry,) in found] == [(("low", 1),), (("low", 3),), (("low", 1),)]
    assert len({retry.name for (retry,) in found}) == 3


VALUES = st.lists(st.sampled_from(["1", "2", "1-2", "3", "CA", "N*", "low", "*"]), min_size=1)
PARTS = st.tuples(st.sampled_from(["state", "scenario", "seed", "index", "R0", "run"]), VALUES)


@given(st.lists(PARTS, max_size=3))
def test_a_selection_is_a_part_of_the_whole_in_its_order_and_each_task_once(
    tmp_path_factory, parts
):
    design = design_in(
        Path(tmp_path_factory.getbasetemp()),
        states=["CA", "NY"],
        scenarios={"low": {}, "high": {}},
        runs={"seeds": 2, "grid": {"R0": [1, 2]}},
    )
    try:
        found = names(design, ";".join(f"{key}={','.join(values)}" for key, values in parts))
    except ConfigError:
        return
    assert found == [name for name in ALL if name in found]
