"""A run is called by what its axes say or by a pattern, and no two runs of a state by one name."""

from pathlib import Path

import pytest

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.jinja import RenderError
from scripts.fanfold.names import LONGEST_NAME
from scripts.fanfold.preflight import check_run_names
from scripts.fanfold.run_names import check_names, default_name, name_from
from scripts.fanfold.run_space import make_run_space
from scripts.fanfold.runs_schema import Runs
from tests.conftest import design_in, run

TABLE = "code,name,size\nCA,California,40\nNY,New York,20\n"
RUNS = {"grid": {"R0": [1.5, 2]}, "seeds": 2}
SCENARIOS = {"low": {}, "high": {}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a states table and a table of runs."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "states.csv").write_text(TABLE)
    (folder / "t.csv").write_text("x,y\n1,1\n1,2\n2,1\n")
    return folder


def design_of(folder, pattern, **keys):
    keys = {"states": ["CA", "NY"], "states_table": "states.csv"} | keys
    return design_in(folder, run_name=pattern, **keys)


def names(design):
    return [task.name for task in design.all_tasks() if str(task.state) == "CA"]


def problems_of(folder, pattern, **keys):
    with pytest.raises(ConfigError) as caught:
        design_of(folder, pattern, **keys)
    return caught.value.problems


@pytest.mark.parametrize(
    ("scenario", "labels", "name"),
    [
        (None, [], "run"),
        ("low", [], "low"),
        (None, ["R0_2", "s1"], "R0_2-s1"),
        ("low", ["R0_2", "s1"], "low-R0_2-s1"),
    ],
)
def test_a_run_is_called_by_scenario_and_axes(scenario, labels, name):
    assert default_name(scenario, labels) == name


@pytest.mark.parametrize(
    ("pattern", "keys", "first", "last"),
    [
        ("{{ scenario }}-{{ R0 }}-{{ seed }}", {"scenarios": SCENARIOS}, "low-1.5-1", "high-2-2"),
        ("{{ 10 * seed + R0 * 2 }}", {}, "13.0", "24"),
        ("r{{ '%04d' | format(seed) }}_{{ R0 }}", {}, "r0001_1.5", "r0002_2"),
        ("{{ label }}-s{{ seed }}", {"derive": {"label": "R{{ R0 }}"}}, "R1.5-s1", "R2-s2"),
        ("{{ launch }}.{{ R0 }}.{{ seed }}", {}, "main.1.5.1", "main.2.2"),
        ("{% if R0 > 1.7 %}big{% else %}small{% endif %}{{ seed }}", {}, "small1", "big2"),
        ("{{ seed }}-{{ R0 | replace('.', '_') }}", {}, "1-1_5", "2-2"),
    ],
    ids=str,
)  # fmt: skip
def test_a_pattern_says_what_runs_are_called(folder, pattern, keys, first, last):
    keys = dict(keys)
    design = design_of(folder, pattern, runs=RUNS | {"derive": keys.pop("derive", {})}, **keys)
    found = names(design)
    assert (found[0], found[-1]) == (f"CA/{first}", f"CA/{last}")
    check_run_names(design)
    assert len(set(found)) == len(found)


def test_a_pattern_names_the_folders_and_what_the_model_sees(load):
    design = load(
        runs={"seeds": [7]},
        run_name="number{{ seed }}",
        command="echo $FANFOLD_RUN {{ run }} {{ task }} > out.txt",
        outputs={"out": {"path": "out.txt"}},
    )
    (record,) = run(design)
    assert (record.status, record.task) == ("done", "all/number7")
    text = Path(design.results, "tasks/all/number7/out.txt").read_text()
    assert text == "number7 number7 all/number7\n"


@pytest.mark.parametrize(
    ("pattern", "keys", "problems"),
    [
        (
            "{{ R0 }}",
            {},
            ["run_name: does not say `seed`, so different runs would have one name"],
        ),
        (
            "fixed",
            {"scenarios": SCENARIOS},
            [
                "run_name: does not say `R0`, so different runs would have one name",
                "run_name: does not say `seed`, so different runs would have one name",
                "run_name: does not say `scenario`, so different runs would have one name",
            ],
        ),
        (
            "{{ R0 }}-{{ seed }}-{{ state }}",
            {},
            [
                "run_name: `state` differs between states, and runs are called the same in all "
                "of them"
            ],
        ),
        (
            "{{ R0 }}-{{ seed }}-{{ size }}",
            {},
            [
                "run_name: `size` differs between states, and runs are called the same in all "
                "of them"
            ],
        ),
        (
            "{{ R0 }}-{{ sed }}",
            {},
            ["run_name: there is no variable `sed`; did you mean `seed`?"],
        ),
        ("{{ run }}", {}, ["run_name: `run` is not known yet here"]),
        ("{{ R0 }}-{{ index }}", {}, ["run_name: `index` is not known yet here"]),
        ("{{ R0", {}, None),
    ],
    ids=str,
)
def test_a_pattern_that_cannot_tell_runs_apart_is_refused(folder, pattern, keys, problems):
    found = problems_of(folder, pattern, runs=RUNS, **keys)
    assert all(line.startswith("run_name: ") for line in found)
    if problems:
        assert found[: len(problems)] == problems


def test_a_state_in_a_derived_variable_is_seen_too(folder):
    runs = RUNS | {"derive": {"share": "{{ R0 / size }}"}}
    assert problems_of(folder, "{{ share }}-{{ seed }}", runs=runs) == [
        "run_name: `size` differs between states, and runs are called the same in all of them"
    ]


def test_an_axis_with_one_value_need_not_be_said(folder):
    runs = {"grid": {"R0": [2], "x": [1, 2]}, "seeds": 1}
    design = design_of(folder, "x{{ x }}", runs=runs, scenarios={"low": {}})
    assert names(design) == ["CA/x1", "CA/x2"]


@pytest.mark.parametrize("name", ["a b", "a/b", "../up", ".hidden", "-x", "", "ä", "x" * 201])
def test_a_name_that_no_folder_can_have_is_an_error(name):
    with pytest.raises(RenderError, match=r"^run_name: gives `.*`, which is no name of a folder"):
        name_from("{{ x }}", {"x": name})
    assert name_from("{{ x }}", {"x": "x" * LONGEST_NAME}) == "x" * LONGEST_NAME


def test_a_task_without_a_legal_name_has_that_as_its_problem(folder):
    runs = {"grid": {"x": ["a", "b c"]}}
    design = design_of(folder, "{{ x }}", runs=runs)
    good, bad = (design.task("CA", None, index) for index in (1, 2))
    assert (good.name, good.problem) == ("CA/a", None)
    assert bad.problem.startswith("run_name: gives `b c`, which is no name of a folder")
    with pytest.raises(ConfigError, match="run_name: gives `b c`"):
        check_run_names(design)


@pytest.mark.parametrize(
    ("pattern", "runs", "name", "one", "other"),
    [
        ("{{ x }}", {"table": "t.csv"}, "1", "y=1", "y=2"),
        ("{{ a }}{{ b }}", {"grid": {"a": [1, 11], "b": [1, 11]}}, "111", "a=1, b=11", "a=11, b=1"),
        ("{{ x // 2 }}", {"grid": {"x": [2, 3]}}, "1", "x=2", "x=3"),
        ("s{{ seed % 2 }}", {"seeds": 3}, "s1", "seed=1", "seed=3"),
    ],
    ids=str,
)
def test_two_runs_with_one_name_are_an_error_that_says_which(
    folder, pattern, runs, name, one, other
):
    with pytest.raises(ConfigError) as caught:
        check_run_names(design_of(folder, pattern, runs=runs))
    assert caught.value.problems == [f"run_name: two runs are called `{name}`: {one} and {other}"]


def test_two_runs_may_have_one_name_in_different_states(folder):
    (folder / "of_states.csv").write_text("state,x\nCA,1\nNY,1\n")
    design = design_of(folder, "x{{ x }}", runs={"table": "of_states.csv"})
    check_run_names(design)
    assert [task.name for task in design.all_tasks()] == ["CA/x1", "NY/x1"]


def test_another_pattern_is_another_run_and_another_job(folder):
    one, other = (design_of(folder, p, runs={"seeds": 2}) for p in ("a{{ seed }}", "b{{ seed }}"))
    assert one.task("CA", None, 1).digest != other.task("CA", None, 1).digest
    assert one.digest_of("CA", "runs-1-1") != other.digest_of("CA", "runs-1-1")


def test_a_default_name_that_is_too_long_is_shown_as_it_would_be():
    value = "long" * 10
    runs = Runs.model_validate({"grid": {f"v{number}": [value] for number in range(5)}})
    name = "-".join(f"v{number}_{value}" for number in range(5))
    with pytest.raises(ConfigError, match=rf"^runs: `{name}` is too long for the name of a folder"):
        check_names([], make_run_space(runs, Path()))


def test_with_a_pattern_the_names_made_of_axes_do_not_matter(folder):
    grid = {
        "a": ["x" * 40, "y"],
        "b": ["x" * 40],
        "c": ["x" * 40],
        "d": ["x" * 40],
        "e": ["x" * 40],
    }
    with pytest.raises(ConfigError, match="is too long for the name of a folder"):
        design_of(folder, None, runs={"grid": grid})
    pattern = "{{ a[:1] }}-{{ b[:1] }}{{ c[:1] }}{{ d[:1] }}{{ e[:1] }}"
    assert names(design_of(folder, pattern, runs={"grid": grid})) == ["CA/x-xxxx", "CA/y-xxxx"]


def test_an_axis_called_like_a_column_of_the_states_is_the_runs_own(folder):
    design = design_of(folder, "n{{ size }}", runs={"grid": {"size": [1, 2]}})
    assert names(design) == ["CA/n1", "CA/n2"]
