"""The design: which tasks there are, what each of them knows, and what makes it another one."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.design import JOB_MEM_MB, JOB_RUNTIME_MIN
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.expansion import load_design
from tests.conftest import design_in

TABLE = "code,name,kind,size,x\nCA,California,state,40,1\nNY,New York,state,20,2\nR1,One,r,9,3\n"
SCENARIOS = {"low": {"x": 10}, "high": {"x": 20}}


@pytest.fixture
def places(tmp_path):
    """Return a folder with a states table."""
    (tmp_path / "states.csv").write_text(TABLE)
    return tmp_path


def design_of(folder, **keys):
    keys = {"states": ["CA", "NY"], "states_table": "states.csv", "scenarios": SCENARIOS} | keys
    return design_in(folder, **keys)


def tasks_of(design):
    return {task.name: task for task in design.all_tasks()}


# What a task knows


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({"scenarios": {}, "vars": {"y": "vars"}}, "vars"),
        ({"scenarios": {}, "vars": {"size": "vars"}, "wanted": "size"}, 40),
        ({"scenarios": {"a": {"size": "scenario"}}, "wanted": "size"}, "scenario"),
        ({"scenarios": {"a": None}, "vars": {"y": "vars"}}, "vars"),
        ({"scenarios": {"a": {"y": "s"}}, "runs": {"grid": {"y": ["run"]}}}, "run"),
        ({"scenarios": {"a": {"y": "s"}}, "runs": {"list": [{"y": "row"}]}}, "row"),
        ({"runs": {"grid": {"size": [7]}}, "wanted": "size"}, 7),
    ],
)
def test_vars_give_way_to_states_to_scenarios_to_runs(places, keys, value):
    wanted = keys.pop("wanted", "y")
    assert next(design_of(places, **keys).all_tasks()).variables[wanted] == value


def test_what_fanfold_sets_is_there_under_its_names(places):
    design = design_of(places, name="trial", launch="first", runs={"seeds": [7]})
    task = design.task("NY", "high", 1)
    variables = {name: task.variables[name] for name in ("run", "task", "seed", "scenario")}
    assert variables == {
        "run": "high-s7",
        "task": "NY/high-s7",
        "seed": 7,
        "scenario": "high",
    }
    assert (task.variables["experiment"], task.variables["launch"]) == ("trial", "first")
    assert (task.variables["index"], task.variables["threads"]) == (1, 1)
    assert task.variables["state"] == {
        "code": "NY",
        "name": "New York",
        "kind": "state",
        "size": 20,
        "x": 2,
    }
    assert (task.name, task.job) == ("NY/high-s7", "high-1-1")


def test_a_column_of_the_states_table_cannot_stand_in_for_what_fanfold_sets(places):
    (places / "states.csv").write_text("code,seed,scenario,run,batch\nCA,5,worst,r,b\n")
    task = next(design_of(places, states="CA", scenarios={}).all_tasks())
    assert task.variables.keys() & {"seed", "scenario", "batch"} == set()
    assert (task.variables["run"], task.variables["state"]["seed"]) == ("run", 5)


def test_without_states_there_is_one_called_all(tmp_path):
    design = design_in(tmp_path)
    assert [task.name for task in design.all_tasks()] == ["all/run"]
    with pytest.raises(ConfigError, match=r"^states: no state is left; name some"):
        design_in(tmp_path, states=[])


def test_nothing_leaks_from_one_task_to_another(places):
    runs = {"list": [{"name": "a", "only_a": 1}, {"name": "b"}]}
    design = design_of(places, runs=runs, scenarios={"low": {"only_low": 1}, "high": {}})
    tasks = tasks_of(design)
    assert "only_a" in tasks["CA/high-a"].variables
    assert "only_a" not in tasks["CA/high-b"].variables
    assert "only_low" not in tasks["CA/high-a"].variables
    tasks["CA/low-a"].variables["new"] = 1
    assert "new" not in tasks["CA/low-b"].variables
    assert "new" not in tasks_of(design)["CA/low-a"].variables


def test_looking_at_tasks_in_any_order_gives_the_same_tasks(places):
    design = design_of(places, runs={"seeds": 3, "grid": {"g": [1, 2]}})
    forwards = list(design.all_tasks())
    backwards = [
        design.task(str(task.state), task.run.scenario, task.run.index)
        for task in reversed(forwards)
    ]
    assert backwards[::-1] == forwards


# Jobs


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 7), st.lists(st.just("x"), max_size=1))
def test_jobs_cover_each_task_once(tmp_path_factory, seeds, grid, per_job, named):
    design = design_in(
        tmp_path_factory.getbasetemp(),
        scenarios={"a": {}, "b": {}} if named else {},
        runs={"seeds": seeds, "grid": {"g": list(range(grid))}},
        tasks_per_job=per_job,
    )
    names = []
    for job in design.jobs_of("all").values():
        tasks = list(design.tasks_of("all", job.name))
        assert 0 < len(tasks) == job.size <= per_job
        assert {task.job for task in tasks} == {job.name}
        assert {task.run.scenario for task in tasks} == {job.scenario}
        names += [task.name for task in tasks]
    assert len(set(names)) == len(names) == design.size == seeds * grid * (2 if named else 1)


def test_a_job_is_named_by_what_is_in_it(places):
    design = design_of(places, runs={"seeds": 5}, tasks_per_job=2)
    expected = [f"{name}-{span}" for name in SCENARIOS for span in ("1-2", "3-4", "5-5")]
    assert list(design.jobs_of("CA")) == expected


def test_a_million_tasks_cost_no_more_than_their_jobs(tmp_path):
    design = design_in(tmp_path, runs={"seeds": 10**6}, tasks_per_job=10**5)
    assert design.size == 10**6
    assert len(design.jobs_of("all")) == 10
    assert design.task("all", None, 10**6).run.name == "s1000000"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {"runs": {"seeds": 10**6}},
            "tasks_per_job: 1,000,000 tasks, 1 in a job, would be 1,000,000 jobs, and more than "
            "50,000 take too long to look at; `tasks_per_job: 1000` makes 1,000",
        ),
        (
            {"scenarios": {f"s{number}": {} for number in range(60_000)}},
            "tasks_per_job: 60,000 tasks, 1 in a job, would be 60,000 jobs, and more than "
            "50,000 take too long to look at; write fewer states, scenarios or runs",
        ),
    ],
    ids=["seeds", "scenarios"],
)
def test_more_jobs_than_snakemake_can_look_at_are_refused_with_advice(tmp_path, keys, line):
    with pytest.raises(ConfigError) as caught:
        design_in(tmp_path, **keys)
    assert caught.value.problems == [line]


def test_resources_are_those_of_the_tasks_at_once_and_of_the_job(tmp_path):
    model = {"threads": 2, "mem_mb": 300, "runtime": 10}
    design = design_in(tmp_path, model=model, parallel=3)
    assert (design.threads_of(7), design.threads_of(2)) == (6, 4)
    assert (design.mem_mb_of(7), design.mem_mb_of(1)) == (900 + JOB_MEM_MB, 300 + JOB_MEM_MB)
    assert design.runtime_min_of(7) == 30 + JOB_RUNTIME_MIN
    assert design.runtime_min_of(1) == 10 + JOB_RUNTIME_MIN


# Digests

FILES = {"templates/p.txt.j2": "{{ x }}", "model.sh": "true", "data.csv": "1"}
BASE = {
    "states": ["CA", "NY"],
    "states_table": "states.csv",
    "vars": {"y": 1},
    "scenarios": SCENARIOS,
    "runs": {"seeds": 2, "grid": {"g": [1, 2]}},
    "templates": {"dir": "templates"},
    "inputs": ["data.csv"],
    "command": "sh model.sh",
}


@pytest.fixture
def base(write_experiment):
    """Return a function that writes the experiment with some keys changed and loads it."""
    files = FILES | {"states.csv": TABLE}

    def load(files_changed=None, **keys):
        return load_design([write_experiment(files | (files_changed or {}), **BASE | keys)], {})

    return load


def digests(design):
    return {task.name: task.digest for task in design.all_tasks()}


def job_digests(design):
    return {(s, job): design.digest_of(s, job) for s in design.states for job in design.jobs_of(s)}


def changed(before, after):
    """Return the common names whose digests differ."""
    return {name for name in before.keys() & after.keys() if before[name] != after[name]}


def test_every_task_has_a_digest_of_its_own(base):
    found = digests(base())
    assert len(set(found.values())) == len(found) == 16


@pytest.mark.parametrize(
    "keys",
    [
        {"runs": {"seeds": 3, "grid": {"g": [1, 2]}}},
        {"runs": {"seeds": [1, 2, 9], "grid": {"g": [1, 2]}}},
        {"runs": {"seeds": 2, "grid": {"g": [1, 2, 3]}}},
        {"scenarios": SCENARIOS | {"more": {"x": 30}}},
        {"states": ["R1", "NY", "CA"]},
        {"states": ["NY"]},
        {"model": {"threads": 4, "mem_mb": 9, "runtime": 1}},
        {"tasks_per_job": 3},
        {"parallel": 2},
        {"keep": "none"},
        {"failures": {"retries": 5, "tolerate": 3}},
        {"limits": {"jobs": 1}},
        {"outputs": {"o": {"path": "o"}}},
        {"results": "elsewhere"},
    ],
    ids=str,
)
def test_what_does_not_concern_a_task_leaves_its_digest_alone(base, keys):
    assert changed(digests(base()), digests(base(**keys))) == set()


@pytest.mark.parametrize(
    ("keys", "scenarios", "states"),
    [
        ({"vars": {"y": 2}}, ["low", "high"], ["CA", "NY"]),
        ({"vars": {"y": 1, "new": 1}}, ["low", "high"], ["CA", "NY"]),
        ({"vars": {"y": 1.0}}, ["low", "high"], ["CA", "NY"]),
        ({"scenarios": {"low": {"x": 11}, "high": {"x": 20}}}, ["low"], ["CA", "NY"]),
        ({"command": "sh  model.sh"}, ["low", "high"], ["CA", "NY"]),
        ({"model": {"env": {"A": "b"}}}, ["low", "high"], ["CA", "NY"]),
        ({"launch": "other"}, ["low", "high"], ["CA", "NY"]),
        ({"templates": {"dir": "templates", "render": []}}, ["low", "high"], ["CA", "NY"]),
        ({"files": {"model.sh": "false"}}, ["low", "high"], ["CA", "NY"]),
        ({"files": {"data.csv": "2"}}, ["low", "high"], ["CA", "NY"]),
        ({"files": {"templates/p.txt.j2": "{{ y }}"}}, ["low", "high"], ["CA", "NY"]),
        ({"files": {"templates/new": ""}}, ["low", "high"], ["CA", "NY"]),
        ({"files": {"states.csv": TABLE.replace("20,2", "21,2")}}, ["low", "high"], ["NY"]),
        # Also where a scenario has a variable of that name: `state.x` is still the table's.
        ({"files": {"states.csv": TABLE.replace("20,2", "20,3")}}, ["low", "high"], ["NY"]),
    ],
    ids=str,
)
def test_what_determines_a_task_changes_its_digest_and_only_that(base, keys, scenarios, states):
    before = base()
    after = base(keys.pop("files", None), **keys)
    found = changed(digests(before), digests(after))
    affected = [f"{state}/{scenario}" for state in states for scenario in scenarios]
    assert found == {name for name in digests(before) if name.startswith(tuple(affected))}
    jobs = changed(job_digests(before), job_digests(after))
    assert {job for job in job_digests(before) if _changes(before, after, job)} <= jobs
    assert {state for state, _ in jobs} == set(states)


def _changes(before, after, job):
    return any(
        one.digest != other.digest
        for one, other in zip(before.tasks_of(*job), after.tasks_of(*job), strict=True)
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"runs": {"seeds": 3, "grid": {"g": [1, 2]}}},
        {"scenarios": SCENARIOS | {"more": {"x": 30}}},
        {"states": ["R1", "NY", "CA"]},
        {"model": {"threads": 4, "mem_mb": 9, "runtime": 1}},
        {"keep": "outputs"},
    ],
    ids=str,
)
@pytest.mark.parametrize("per_job", [1, 2, 4])
def test_more_seeds_scenarios_or_states_change_no_other_job(base, keys, per_job):
    before = job_digests(base(tasks_per_job=per_job))
    after = job_digests(base(tasks_per_job=per_job, **keys))
    assert before.keys() <= after.keys()
    assert changed(before, after) == set()


def test_a_job_with_other_seeds_has_another_digest(tmp_path):
    def digest_of(seeds):
        return design_in(tmp_path, runs={"seeds": seeds}, tasks_per_job=2).digest_of(
            "all", "runs-1-2"
        )

    assert len({digest_of(seeds) for seeds in (2, [1, 3], [2, 1], {"first": 2, "count": 2})}) == 4


def unique(values, **size):
    return st.lists(values, min_size=1, unique=True, **size)


@st.composite
def steps(draw):
    start, step, size = draw(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(0, 2)))
    return {"start": start, "stop": start + step * size, "step": step}


PARAMETERS = st.dictionaries(
    st.sampled_from("pq"), st.sampled_from([{"uniform": [0, 1]}, {"integers": [1, 9]}]), min_size=1
)
RUNS = st.fixed_dictionaries(
    {"grid": st.fixed_dictionaries({"g": unique(st.integers(0, 3), max_size=3)})},
    optional={
        "seeds": st.integers(1, 4) | unique(st.integers(0, 6), max_size=4),
        "list": unique(st.sampled_from("abc"), max_size=3).flatmap(
            lambda names: st.fixed_dictionaries({name: st.integers(0, 1) for name in names}).map(
                lambda rows: [{"name": name, "l": value} for name, value in rows.items()]
            )
        ),
        "zip": unique(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=2).map(
            lambda rows: {"y": [row[0] for row in rows], "z": [row[1] for row in rows]}
        ),
        "range": st.fixed_dictionaries({"r": steps()}),
        "sample": st.fixed_dictionaries(
            {"method": st.just("random"), "n": st.integers(1, 3), "parameters": PARAMETERS},
            optional={"seed": st.integers(1, 2)},
        ),
        "exclude": st.lists(
            st.sampled_from(["g == 1", "g > 1 and scenario == 'low'", "size > 30 and g == 2"]),
            max_size=2,
        ),
    },
)


def small_design(folder, **keys):
    """Return a design of some runs, or nothing if none of them is left."""
    try:
        return design_of(folder, **keys)
    except ConfigError as error:
        assert error.problems[0].startswith("runs: no run is left")
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a states table, for all examples of a test."""
    folder = tmp_path_factory.mktemp("designs")
    (folder / "states.csv").write_text(TABLE)
    return folder


@given(RUNS, RUNS, st.integers(1, 4), st.integers(1, 4))
def test_jobs_with_one_name_and_digest_hold_the_same_tasks(folder, runs, others, per_job, other):
    one = small_design(folder, runs=runs, tasks_per_job=per_job)
    two = small_design(folder, runs=others, tasks_per_job=other)
    if not one or not two:
        return
    for state, job in job_digests(one).keys() & job_digests(two).keys():
        same = [(t.name, t.digest) for t in one.tasks_of(state, job)] == [
            (t.name, t.digest) for t in two.tasks_of(state, job)
        ]
        assert same or one.digest_of(state, job) != two.digest_of(state, job)


def range_of(name, **steps):
    return {"range": {name: {"start": 1, "stop": 2, "step": 1} | steps}}


DATES = {"start": "2020-01-31", "stop": "2020-03-31"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (range_of("x"), range_of("y")),
        (range_of("x"), {"seeds": 2}),
        (range_of("x"), range_of("x", step=1.0)),
        (range_of("x", **DATES, step="1 month"), range_of("x", **DATES, step="30 days")),
        ({"list": [{"name": "a", "x": 1}]}, {"list": [{"name": "a", "x": 2}]}),
        ({"list": [{"name": "a", "x": 1}]}, {"list": [{"name": "a", "x": "1"}]}),
        ({"list": [{"name": "a", "x": 1}]}, {"list": [{"name": "a", "y": 1}]}),
        ({"list": [{"name": "a", "x": 1}]}, {"list": [{"name": "b", "x": 1}]}),
        ({"grid": {"x": [1, 2]}}, {"grid": {"x": [1.0, 2]}}),
        ({"grid": {"x": [1, 2]}}, {"grid": {"y": [1, 2]}}),
        ({"zip": {"x": [1, 2], "y": [3, 4]}}, {"zip": {"x": [3, 4], "y": [1, 2]}}),
        ({"grid": {"x": [1], "y": [2]}}, {"grid": {"x": [2], "y": [1]}}),
    ],
    ids=str,
)
def test_other_runs_are_another_job(tmp_path, one, other):
    digests = set()
    for runs in (one, other):
        design = design_in(tmp_path, runs=runs, tasks_per_job=9)
        (job,) = design.jobs_of("all")
        digests.add(design.digest_of("all", job))
    assert len(digests) == 2


SIZES = st.tuples(*[st.integers(1, 4)] * 3)


@given(SIZES, st.integers(0, 2), st.integers(0, 3), st.integers(1, 9), st.booleans())
def test_a_changed_value_changes_the_jobs_of_its_runs(
    folder, sizes, changed_axis, place, per_job, some_excluded
):
    values = [list(range(size)) for size in sizes]
    changed = [list(axis) for axis in values]
    changed[changed_axis][place % sizes[changed_axis]] = 99
    designs = []
    for seeds, g, h in (values, changed):
        runs = {"seeds": seeds, "grid": {"g": g, "h": h}}
        if some_excluded:
            runs["exclude"] = "g == 1 and h == 1"
        designs.append(design_of(folder, runs=runs, tasks_per_job=per_job, states="CA"))
    before, after = designs
    for job in before.jobs_of("CA").keys() & after.jobs_of("CA").keys():
        same = [t.digest for t in before.tasks_of("CA", job)] == [
            t.digest for t in after.tasks_of("CA", job)
        ]
        assert same or before.digest_of("CA", job) != after.digest_of("CA", job)


@given(RUNS, st.integers(1, 4))
def test_a_design_is_the_same_each_time_and_each_task_is_in_it_once(folder, runs, per_job):
    design, again = (small_design(folder, runs=runs, tasks_per_job=per_job) for _ in range(2))
    if not design:
        return
    tasks = list(design.all_tasks())
    assert tasks == list(again.all_tasks())
    assert job_digests(design) == job_digests(again)
    assert len({task.name for task in tasks}) == len(tasks) == design.size
    assert len({task.digest for task in tasks}) == len(tasks)
    for state in design.states:
        for job in design.jobs_of(state).values():
            assert {task.job for task in design.tasks_of(state, job.name)} == {job.name}


@given(RUNS)
def test_a_task_knows_what_its_axes_say_and_nothing_else(folder, runs):
    design = small_design(folder, runs=runs)
    columns = {"code", "name", "kind", "size", "x"}
    fanfold = {"experiment", "launch", "state", "scenario", "run", "task", "index", "threads"}
    of_axes = {*design.space.variables, *(["seed"] if "seeds" in runs else [])} if design else ()
    for task in design.all_tasks() if design else ():
        assert task.variables.keys() == columns | fanfold | set(of_axes)
        assert task.run.variables.items() <= task.variables.items()


METHODS = ("random", "sobol", "halton")


def sample_of(method, n):
    return {"method": method, "n": n, "parameters": {"p": {"normal": [0, 1]}}}


GROWING = [
    ("seeds", 2, 3),
    ("seeds", [5, 3], [5, 3, 4]),
    ("seeds", {"first": 4, "count": 1}, {"first": 4, "count": 3}),
    *(("sample", sample_of(method, 2), sample_of(method, 3)) for method in METHODS),
    ("list", [{"l": 1}, {"l": 2}], [{"l": 1}, {"l": 2}, {"l": 3}]),
    ("zip", {"y": [1, 2], "z": [3, 4]}, {"y": [1, 2, 5], "z": [3, 4, 6]}),
    ("range", {"r": {"start": 0, "stop": 1, "step": 1}}, {"r": {"start": 0, "stop": 3, "step": 1}}),
    ("grid", {"h": [1, 2], "g": [1, 2, 3]}, {"h": [1, 2, 9], "g": [1, 2, 3]}),
]


@pytest.mark.parametrize(("key", "few", "many"), GROWING, ids=str)
@pytest.mark.parametrize("per_job", [1, 2, 4, 5])
@pytest.mark.parametrize("conditions", [[], ["g == 2"], ["g == 1 and scenario == 'low'"]], ids=str)
def test_the_slowest_axis_may_grow(places, key, few, many, per_job, conditions):
    runs = {"grid": {"g": [1, 2, 3]}, "exclude": conditions}
    before, after = (
        design_of(places, runs=runs | {key: size}, tasks_per_job=per_job) for size in (few, many)
    )
    small, large = job_digests(before), job_digests(after)
    full = {at for at in small if before.jobs_of(at[0])[at[1]].size == per_job}
    assert full or per_job > 2
    assert {at: small[at] for at in full}.items() <= large.items()
    assert digests(before).items() <= digests(after).items()


def test_seeds_vary_slower_than_points_and_points_slower_than_all_others(places):
    sample = {"n": 2, "parameters": {"p": {"uniform": [0, 1]}}}
    runs = {"list": [{"name": "a"}, {"name": "b"}], "sample": sample, "seeds": 2}
    design = design_of(places, runs=runs, states="CA", scenarios={})
    assert list(tasks_of(design)) == [
        f"CA/{row}-p{point}-s{seed}" for seed in (1, 2) for point in (1, 2) for row in "ab"
    ]


def test_precedence_is_total(places):
    """A variable that is set everywhere is what the last of them says; state.x stays."""
    levels = {
        "vars": {"vars": {"x": "vars"}},
        "state": {},
        "scenario": {"scenarios": {"low": {"x": "scenario"}}},
        "run": {"runs": {"grid": {"x": ["run"]}}},
    }
    (places / "plain.csv").write_text("code\nCA\n")
    given = {"scenarios": {"low": {}}, "states": "CA", "states_table": "plain.csv"}
    found = []
    for keys in levels.values():
        given |= keys or {"states_table": "states.csv"}
        found.append(next(design_of(places, **given).all_tasks()).variables["x"])
    assert found == ["vars", 1, "scenario", "run"]
    task = next(design_of(places, **given).all_tasks())
    assert (task.variables["state"]["x"], task.run.variables) == (1, {"x": "run"})


def test_the_digest_of_a_design_changes_with_its_tasks_and_jobs(base):
    one = base().digest
    assert one == base().digest
    assert one != base(tasks_per_job=2).digest
    assert one != base(states=["CA"]).digest
    assert one != base(vars={"y": 5}).digest


# Loading


def test_all_mistakes_of_a_stage_are_shown_at_once(places):
    with pytest.raises(ConfigError) as caught:
        design_of(
            places,
            states=["XX"],
            runs={"grid": {"x": [1, 1]}},
            inputs=["no.csv"],
            templates={"dir": "nowhere"},
        )
    assert [line.split(":")[0] for line in caught.value.problems] == [
        "runs.grid.x",
        "states.0",
        "templates.dir",
        "inputs",
    ]


def test_an_experiment_below_the_current_folder_has_a_relative_one(load, tmp_path):
    design = load()
    assert str(design.folder) == "exp/trial"
    assert load_design([tmp_path / "exp/trial/experiment.yaml"], {}).folder == design.folder


def test_a_design_survives_pickling_as_snakemake_does_it(load):
    design = load(states=["CA"], runs={"seeds": 2})
    again = pickle.loads(pickle.dumps(design))
    assert again == design
    assert digests(again) == digests(design)


def test_results_may_name_an_environment_variable(load, monkeypatch):
    monkeypatch.setenv("SCRATCH_HERE", "/scratch/me")
    assert load(results="$SCRATCH_HERE/runs").results == "/scratch/me/runs/trial/main"
