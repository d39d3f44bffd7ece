"""The manual and the schema of the experiment file say what the code does."""

import json
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import jsonschema
import pytest
from pydantic import BaseModel

from scripts.fanfold import design, expansion, launcher, names, preflight, tables
from scripts.fanfold.expansion import load_design
from scripts.fanfold.experiment import load_experiment, merge
from scripts.fanfold.names import RESERVED
from scripts.fanfold.runner import Runner
from scripts.fanfold.schema import Experiment, ModelProfile
from scripts.fanfold.slots import open_slots
from scripts.fanfold.yaml_files import parse_value, read_yaml
from scripts.write_schema import SCHEMA_FILE, experiment_schema

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "config/README.md").read_text(encoding="utf-8")
EXAMPLES = sorted(ROOT.glob("exp/*/experiment.yaml"))
BLOCKS = [
    block
    for block in re.findall(r"^```yaml\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
    if re.search(r"^model:", block, re.MULTILINE)
]
#: Name -> content of the CSV files in the manual.
TABLES = dict(re.findall(r"^```csv (\S+)\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL))
#: Key path -> [type, default, example, meaning].
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in MANUAL.partition("\n## Keys\n")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| `") and len(cells := line.strip("| ").split(" | ")) == 5
}
SAMPLE = {"runs": {"sample": {"n": 5, "parameters": {"other": {"uniform": [0, 1]}}}}}
RANGE = {"runs": {"range": {"some": {"start": 1, "stop": 100, "step": 2}}}}
#: What the example of a key needs beside itself, by what the key begins with.
COMPANIONS: dict[str, Any] = {
    "runs.seeds.first": {"runs": {"seeds": {"count": 3}}},
    "runs.range.": RANGE,
    "runs.sample.": SAMPLE,
    "model.args": {"tasks": {"table": "tasks.csv"}},
    "model.profile": {"model": {"profiles": {"large": {}}}},
    "outputs.<name>.table": {"outputs": {"some": {"path": "a.csv"}}},
}
SCHEMA = json.loads(experiment_schema())


def section_in(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """Return the section that a type is about, and what stands before its keys in a path."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin = get_origin(annotation)
    if origin not in (dict, Union, UnionType, Annotated):
        return None, ""
    found = [section_in(argument)[0] for argument in get_args(annotation)]
    prefix = ".<name>" if origin is dict else ""
    return next((section for section in found if section), None), prefix


def fields_of(section: type[BaseModel], path: str = "") -> dict[str, Any]:
    """Return key path -> field, of a section and all below it."""
    fields = {}
    for name, field in section.model_fields.items():
        key = f"{path}{field.alias or name}"
        inner, prefix = section_in(field.annotation)
        fields[key] = field
        if inner and inner is not ModelProfile:  # its keys are those of `model`
            fields |= fields_of(inner, f"{key}{prefix}.")
    return fields


FIELDS = fields_of(Experiment)


def test_every_key_of_the_schema_is_in_the_manual_and_no_other():
    assert len(FIELDS) > 30
    assert ROWS.keys() == FIELDS.keys()


@pytest.mark.parametrize("key", [key for key in FIELDS if key != "name"])
def test_the_manual_states_the_default_of_the_model(key):
    field, stated = FIELDS[key], ROWS[key][1]
    if field.is_required():
        assert stated == "required"
        return
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        assert default == type(default)()
        default = None
    if default in (None, (), {}):
        assert stated == "none"
    else:
        stated_value = parse_value(stated.strip("`"))
        assert stated_value == (list(default) if isinstance(default, tuple) else default)
        assert isinstance(stated_value, bool) == isinstance(default, bool)


def test_the_default_name_is_that_of_the_folder(tmp_path):
    assert ROWS["name"][1] == "the folder's name"
    file = tmp_path / "mine" / "experiment.yaml"
    file.parent.mkdir()
    file.write_text("model: {command: 'true'}\n")
    assert load_experiment([file], {})[0].name == "mine"


@pytest.mark.parametrize("key", ROWS)
def test_the_example_of_each_key_is_accepted_and_is_not_the_default(key):
    example: Any = parse_value(ROWS[key][2].strip("`"))
    for part in reversed(key.replace("<name>", "some").split(".")):
        example = {part: example}
    needed = next((value for start, value in COMPANIONS.items() if key.startswith(start)), {})
    without = merge({"model": {"command": "x"}}, needed)
    content = merge(without, example)
    assert Experiment.model_validate(content) != Experiment.model_validate(without)
    jsonschema.validate(content, SCHEMA)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_whole_experiment_in_the_manual_loads_and_fits_the_schema(block, tmp_path):
    file = tmp_path / "experiment.yaml"
    file.write_text(block, encoding="utf-8")
    for name, content in TABLES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for folder in ("templates", "template_configs"):
        (tmp_path / folder).mkdir()
    load_design([file], {})
    jsonschema.validate(read_yaml(file), SCHEMA)


def test_the_sizes_that_the_manual_tells_are_right(tmp_path):
    (tmp_path / "templates").mkdir()
    file = tmp_path / "experiment.yaml"
    stated = ("= 800 tasks in 16 jobs", "3 x 4 x 20 = 240 runs")
    blocks = [BLOCKS[0], next(block for block in BLOCKS if "calm" in block)]
    for block, sentence, size, jobs in zip(blocks, stated, (800, 240), (16, 240), strict=True):
        assert sentence in MANUAL
        file.write_text(block, encoding="utf-8")
        ensemble = load_design([file], {})
        assert ensemble.size == size
        assert sum(len(ensemble.jobs_of(state)) for state in ensemble.states) == jobs


def test_variables_go_before_each_other_as_the_manual_shows(tmp_path):
    chapter = MANUAL.partition("\n## Variables\n")[2]
    file = tmp_path / "experiment.yaml"
    file.write_text(re.search(r"```yaml\n(.*?)```", chapter, re.DOTALL)[1])
    ensemble = load_design([file], {})
    tasks = {task.name: task.variables for task in ensemble.all_tasks()}
    rows = [line.strip("| ").split(" | ") for line in chapter.splitlines() if line.startswith("|")]
    names = [cell.strip("`") for cell in rows[0][1:]]
    assert names == ["R0", "horizon", "population", "state.population"]
    for task, *cells in rows[2:4]:
        mine = tasks[task.strip("`")]
        values = [mine[name] if name in mine else mine["state"]["population"] for name in names]
        assert values == [parse_value(cell) for cell in cells], task


def test_the_manual_lists_all_variables_that_fanfold_sets():
    chapter = MANUAL.partition("\n## Variables\n")[2].partition("\n## ")[0]
    table = chapter.partition("| variable | is |")[2]
    first_cells = " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", first_cells)) == RESERVED - {"batch"}
    assert "(nor `batch`" in chapter


def test_the_manual_lists_all_variables_in_the_models_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("FANFOLD_COMMIT", "FANFOLD_REQUIRE_ALL"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "experiment.yaml"
    file.write_text("model: {command: 'env > env.txt', threads: 3}\n")
    ensemble = load_design([file], {})
    task = next(ensemble.all_tasks())
    with open_slots(1) as slots:
        record, _ = Runner(ensemble, "all").run(task, task.job, slots.get())
    assert record.done
    lines = (Path(ensemble.results) / "tasks/all/run/env.txt").read_text().splitlines()
    found = {line.partition("=")[0] for line in lines}
    assert set(re.findall(r"FANFOLD_[A-Z_]+", MANUAL)) == {
        name for name in found if name.startswith("FANFOLD_")
    }
    for library in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ):
        assert f"`{library}`" in MANUAL
        assert f"{library}=3" in lines


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("renders up to {} tasks", preflight.SAMPLES),
        ("up to {:,} rows", tables.CSV_ROWS),
        ("More than {:,} jobs are refused", expansion.MOST_JOBS),
        ("at most {:,} long without the seed", names.LONGEST_NAME),
        ("x `parallel` + {} MB", design.JOB_MEM_MB),
        ("plus {} minutes", design.JOB_RUNTIME_MIN),
        ("killed after {:.0f} seconds", launcher.GRACE_SECONDS),
    ],
)
def test_the_numbers_in_the_manual_are_those_of_the_code(sentence, number):
    assert sentence.format(number) in " ".join(MANUAL.split())


def test_every_link_within_the_manual_leads_somewhere():
    headings = re.findall(r"^#+ (.*)$", MANUAL, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors)
    targets = re.findall(r"\]\(#([^)]*)\)", MANUAL)
    assert targets
    assert set(targets) <= set(anchors)


def test_the_schema_for_editors_is_what_write_schema_writes():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == experiment_schema(), "make schema"


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.parent.name for path in EXAMPLES])
def test_the_example_experiments_fit_the_schema(path):
    jsonschema.validate(read_yaml(path), SCHEMA)


@pytest.mark.parametrize(
    "short_form",
    [
        {"states": "all"},
        {"states": ["CA", "NY"]},
        {"launch": 2},
        {"runs": {"seeds": 10}},
        {"runs": {"seeds": [1, 2]}},
        {"runs": {"seeds": {"first": 5, "count": 2}}},
        {"runs": {"list": [{"name": "a", "x": 1}]}},
        {"scenarios": {"baseline": None}},
        {"model": {"command": "true", "env": {"A": 1, "B": 0.5, "C": "x"}}},
        {"model": {"command": "true", "code": "lib", "runtime": 0.5}},
        {"inputs": "data.csv", "templates": {"render": "*.txt"}},
        {"failures": {"tolerate": 3}},
        {"failures": {"tolerate": "5%"}},
    ],
    ids=str,
)
def test_the_schema_accepts_what_the_model_accepts(short_form):
    content = {"model": {"command": "true"}} | short_form
    Experiment.model_validate(content)
    jsonschema.validate(content, SCHEMA)


@pytest.mark.parametrize(
    "mistake",
    [
        {"lunch": "main"},
        {"model": {"command": "true", "thread": 2}},
        {"outputs": {"a": {"path": "a.csv", "tabel": True}}},
        {"runs": {"seeds": {"start": 1}}},
        {"runs": {"seeds": "ten"}},
        {"tasks_per_job": "many"},
        {"keep": "some"},
        {"model": "sh model.sh"},
        {"model": {}},
    ],
    ids=str,
)
def test_the_schema_refuses_a_mistake(mistake):
    content = {"model": {"command": "true"}} | mistake
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SCHEMA)
