"""A table says which tasks there are, and its cells reach the model as they are."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from tests.conftest import design_in, folder_of, run, write_files

STATES = "code,name,size\nCA,California,40\nNY,New York,20\nTX,Texas,30\n"
TASKS = "state,seed,dose,label\nNY,1,0.5,a b\nCA,1,0.5,c;d\nNY,2,0.75,e\n"
#: Writes its arguments, each ended by a NUL.
MODEL = "printf '%s\\0' \"$@\" > arguments\n"


@pytest.fixture
def design_of(tmp_path):
    """Return a function that writes a table and returns the design of its tasks."""

    def make(table=TASKS, **keys):
        write_files(tmp_path, {"t.csv": table, "states.csv": STATES, "model.sh": MODEL})
        keys = {"tasks": {"table": "t.csv"}, "states_table": "states.csv"} | keys
        return design_in(tmp_path, results=str(tmp_path / "results"), **keys)

    return make


def csv_of(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def names(design):
    return [task.name for task in design.all_tasks()]


def arguments_of(design, task):
    return folder_of(design, task).joinpath("arguments").read_text().split("\0")[:-1]


# Which tasks there are


def test_a_table_is_all_that_says_which_tasks_there_are(design_of):
    design = design_of()
    assert names(design) == ["NY/r1", "NY/r3", "CA/r2"]
    task = design.task("NY", None, 2)
    variables = {name: task.variables[name] for name in ("seed", "dose", "label", "size", "index")}
    assert variables == {"seed": 2, "dose": 0.75, "label": "e", "size": 20, "index": 2}
    assert (task.run.seed, task.run.variables) == (2, {"dose": 0.75, "label": "e"})
    assert design.coordinates == ("state", "scenario", "dose", "label", "seed", "run")
    assert not design.notes


def test_a_table_without_states_has_its_tasks_in_one_called_all(design_of):
    design = design_of("name,x\none,1\ntwo,2\n")
    assert names(design) == ["all/one", "all/two"]
    assert design.states["all"] == {"code": "all"}


def test_a_table_may_be_parquet(design_of, tmp_path):
    frame = pl.DataFrame({"state": ["CA", "NY"], "x": ["1", "2"], "sure": [True, False]})
    frame.write_parquet(tmp_path / "t.parquet")
    design = design_of(tasks={"table": "t.parquet"})
    assert [(t.name, t.variables["x"], t.variables["sure"]) for t in design.all_tasks()] == [
        ("CA/r1", "1", True),
        ("NY/r2", "2", False),
    ]


def test_rows_of_a_state_that_follow_each_other_are_packed(design_of):
    rows = [("CA", n) for n in range(5)] + [("NY", n) for n in range(3)] + [("CA", 9)]
    design = design_of(csv_of([("state", "x"), *rows]), tasks_per_job=4)
    jobs = {state: list(design.jobs_of(state)) for state in design.states}
    assert jobs == {"CA": ["runs-1-4", "runs-5-6"], "NY": ["runs-1-3"]}
    found = [(str(task.state), task.variables["x"]) for task in design.all_tasks()]
    assert sorted(found) == sorted(rows)
    assert design.size == 9


def test_derived_variables_go_with_a_table_of_tasks(design_of):
    design = design_of(runs={"derive": {"total": "{{ dose * size }}"}})
    assert [task.variables["total"] for task in design.all_tasks()] == [10, 15, 20]


def test_a_new_row_leaves_the_others_alone(design_of):
    before = {task.name: task.digest for task in design_of().all_tasks()}
    after = {task.name: task.digest for task in design_of(TASKS + "CA,2,1,f\n").all_tasks()}
    assert before.items() < after.items()


def test_a_changed_cell_changes_its_job_alone(design_of):
    before, after = design_of(), design_of(TASKS.replace("0.75", "0.8"))
    jobs = [(state, job) for state in before.states for job in before.jobs_of(state)]
    changed = [job for job in jobs if before.digest_of(*job) != after.digest_of(*job)]
    assert changed == [("NY", "runs-2-2")]


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        (
            "state,x\nCA,1\nNYC,2\nNYC,3\nZZ,1\n",
            [
                "tasks.table: row 2, column state: there is no state `NYC`; did you mean `NY`?",
                "tasks.table: row 4, column state: there is no state `ZZ`",
            ],
        ),
        ("state,x\n", None),
        ("state,scenario\nCA,low\n", None),
        ("state,code x\nCA,low\n", None),
    ],
)
def test_a_mistake_in_the_table_is_named(design_of, table, problems):
    with pytest.raises(ConfigError) as caught:
        design_of(table)
    assert all(line.startswith("tasks.table: ") for line in caught.value.problems)
    assert problems is None or caught.value.problems == problems


@pytest.mark.parametrize(
    ("keys", "others"),
    [
        ({"states": "CA"}, "`states`"),
        ({"scenarios": {"low": {}}}, "`scenarios`"),
        ({"runs": {"seeds": 2}}, "`runs`"),
        ({"runs": {"grid": {"z": [1]}, "derive": {"w": "{{ z }}"}}}, "`runs`"),
        ({"states": "CA", "scenarios": {"low": {}}, "runs": {"seeds": 2}},
         "`states`, `scenarios`, `runs`"),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_table_of_tasks_says_is_said_nowhere_else(design_of, keys, others):
    with pytest.raises(ConfigError) as caught:
        design_of(**keys)
    assert caught.value.problems == [
        f"tasks: its table says which tasks there are; leave out {others}"
    ]


# Tables of runs


def test_a_row_of_a_state_is_run_there_alone_and_goes_with_other_axes(design_of):
    design = design_of(
        tasks=None,
        runs={"table": "t.csv", "grid": {"z": [1, 2]}},
        scenarios={"low": {}, "high": {}},
    )
    assert names(design) == [
        *(f"NY/{c}-r{r}-z_{z}" for c in ("low", "high") for r in (1, 3) for z in (1, 2)),
        *(f"CA/{c}-r2-z_{z}" for c in ("low", "high") for z in (1, 2)),
    ]


def test_states_choose_among_those_of_the_table(design_of):
    design = design_of(tasks=None, runs={"table": "t.csv"}, states=["CA", "TX"])
    assert names(design) == ["CA/r2"]
    assert design.notes == (
        "states: without `NY`, of which the table has rows",
        "states: `TX`: no run is left for them",
    )


def test_a_table_without_states_is_for_all_of_them(design_of):
    design = design_of("x\n1\n2\n", tasks=None, runs={"table": "t.csv"}, states=["CA", "NY"])
    assert names(design) == ["CA/r1", "CA/r2", "NY/r1", "NY/r2"]


# What reaches the model

NASTY = [
    "plain",
    "a b",
    "a;b",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "it's",
    'say "hi"',
    "'\"'\"'",
    "$HOME ${HOME} $1",
    "a\\b\\\\c\\",
    "two\nlines",
    "tab\there",
    "*",
    "~",
    "--flag",
    "-",
    "{{ name }} {% raw %}",
    "ünïcödé ☃ 𝒳",
    "!history",
    "a>b<c|d&e",
    "#no comment",
    "%s %d",
    "a\u2028b",
    "x" * 5000,
]


def test_cells_reach_the_model_unchanged(design_of, tmp_path):
    rows = [("name", "nasty", "number"), *((f"n{i}", v, i) for i, v in enumerate(NASTY))]
    model = {"args": "columns"}
    design = design_of(csv_of(rows), command="sh model.sh", model=model, tasks_per_job=100)
    records = run(design)
    assert {record.status for record in records} == {"done"}
    for number, value in enumerate(NASTY):
        assert arguments_of(design, f"all/n{number}") == [
            *("--nasty", value.strip()),
            *("--number", str(number)),
        ]
    assert not list(tmp_path.rglob("pwned"))


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r") | st.sampled_from("\"'`$\\;&|#{}()\n")
)


@settings(max_examples=5)
@given(st.lists(TEXTS, min_size=20, max_size=20))
def test_any_text_reaches_the_model_unchanged(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("any")
    rows = [("number", "text"), *((i, f"t{text}.") for i, text in enumerate(texts))]
    write_files(folder, {"t.csv": csv_of(rows), "model.sh": MODEL})
    design = design_in(
        folder,
        tasks={"table": "t.csv"},
        command="sh model.sh",
        model={"args": "columns"},
        results=str(folder / "results"),
        tasks_per_job=20,
    )
    run(design)
    for number, text in enumerate(texts):
        found = arguments_of(design, f"all/r{number + 1}")
        assert found == ["--number", str(number), "--text", f"t{text}."]


def test_all_columns_but_the_name_are_arguments_in_their_order(design_of):
    table = "dose,state,name,seed,day\n0.50,CA,first,7,2020-01-31\n"
    design = design_of(table, command="sh model.sh --own x", model={"args": "columns"})
    run(design)
    assert arguments_of(design, "CA/first") == [
        *("--own", "x"),
        *("--dose", "0.5"),
        *("--state", "CA"),
        *("--seed", "7"),
        *("--day", "2020-01-31"),
    ]


def test_columns_are_arguments_only_where_that_is_asked_for(design_of):
    design = design_of("name,x\na,1\n", command="sh model.sh {{ x }}")
    run(design)
    assert arguments_of(design, "all/a") == ["1"]


def test_columns_as_arguments_need_a_table(design_of):
    with pytest.raises(ConfigError, match=r"^model.args: there is no table; write `tasks.table`"):
        design_of(tasks=None, model={"args": "columns"})


def test_a_column_that_is_no_argument_any_more_changes_every_task(design_of):
    one, other = (design_of(model=model) for model in ({}, {"args": "columns"}))
    assert one.task("CA", None, 1).digest != other.task("CA", None, 1).digest


@pytest.mark.parametrize(
    "command", ["sh m.sh # note", "sh m.sh;", "sh m.sh &", "sh m.sh | tee log", "sh m.sh \\"]
)
def test_where_flags_would_be_lost_they_are_refused(design_of, command):
    with pytest.raises(ConfigError, match=r"^model.args: flags go to the end of the command; no"):
        design_of(model={"args": "columns", "command": command})


def test_a_filter_and_lines_before_the_last_may_hold_anything(design_of):
    command = "echo a | cat; # note\nsh m.sh {{ run | upper }}\n"
    design = design_of(model={"args": "columns", "command": command})
    assert design.definition.command.startswith(
        "echo a | cat; # note\nsh m.sh {{ run | upper }} --"
    )
