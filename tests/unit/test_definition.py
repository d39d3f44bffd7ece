"""What determines a task is read from its files, by content; mistakes are all shown at once."""

import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold import digests as digests_module
from scripts.fanfold.digests import FileDigests, digest_of, files_below
from scripts.fanfold.errors import ConfigError
from scripts.fanfold.experiment import validate_experiment
from scripts.fanfold.model_code import code_files
from tests.conftest import as_nobody, content_of, design_in, write_files

FILES = {
    "run.py": "1",
    "src/a.py": "2",
    "src/sub/b.py": "3",
    "data/x.csv": "4",
    "templates/t.j2": "5",
}


@pytest.fixture
def place(tmp_path):
    write_files(tmp_path, FILES)
    return tmp_path


def definition_of(folder, **keys):
    return design_in(folder, **keys).definition


# Which files


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python run.py -s {{ state.code }}", ["run.py"]),
        ("python 'run.py' \"src/a.py\"; sh -c run.py", ["run.py", "src/a.py"]),
        ("./run.py --in=data/x.csv>out", ["run.py", "data/x.csv"]),
        ("cat <data/x.csv|python run.py&", ["data/x.csv", "run.py"]),
        ("python {{ 'run.py' }} {# run.py #} {% if x %}src{% endif %}", []),
        ("python ../run.py /run.py src nothing.py", []),
        ("echo " + "x" * 5000, []),
        ("echo a\\", []),
    ],
)
def test_the_files_that_a_command_names_are_its_code(place, command, found):
    assert code_files(validate_experiment(content_of(command)), place) == found


def test_further_code_is_added_once(place):
    model = {"code": ["src", "./run.py", "src/"]}
    experiment = validate_experiment(content_of("python run.py", model=model))
    assert code_files(experiment, place) == ["run.py", "src"]


def test_a_definition_holds_the_digest_of_each_file(place):
    definition = definition_of(
        place,
        command="python run.py",
        model={"code": "src"},
        inputs=["data", str(place / "run.py")],
        templates={"dir": "templates"},
    )
    assert set(definition.code) == {"run.py", "src/a.py", "src/sub/b.py"}
    assert set(definition.inputs) == {"data/x.csv", str(place / "run.py")}
    assert set(definition.templates) == {"templates/t.j2"}
    assert json.loads(json.dumps(definition.as_dict()))["code"] == definition.code


def test_all_missing_files_are_named(place):
    with pytest.raises(ConfigError) as caught:
        definition_of(
            place,
            inputs=["no.csv", "data", "no/2"],
            model={"code": "no.py"},
            templates={"dir": "no"},
        )
    assert caught.value.problems == [
        f"templates.dir: there is no folder {place}/no",
        f"model.code: {place}/no.py does not exist",
        f"inputs: {place}/no.csv does not exist",
        f"inputs: {place}/no/2 does not exist",
    ]


def test_templates_must_be_a_folder(place):
    with pytest.raises(ConfigError, match=r"there is no folder .*/run\.py$"):
        definition_of(place, templates={"dir": "run.py"})


def test_what_cannot_be_read_is_named(place):
    write_files(place, {"closed/x": "1", "closed_too/x": "1"})
    (place / "data/x.csv").chmod(0)
    (place / "closed").chmod(0)
    (place / "closed_too").chmod(0o600)
    code = """
from pathlib import Path
from tests.conftest import design_in
become_nobody()
inputs = ["data", "closed", "closed/x", "closed_too/x"]
design_in(Path.cwd(), inputs=inputs, templates={"dir": "closed_too/x"})
"""
    said = as_nobody(place, code).stderr.splitlines()[-5:]
    assert said == [
        "scripts.fanfold.errors.ConfigError: "
        f"templates.dir: there is no folder {place}/closed_too/x",
        f"inputs: {place}/data/x.csv cannot be read: Permission denied",
        f"inputs: {place}/closed cannot be read: Permission denied",
        f"inputs: {place}/closed/x cannot be read: Permission denied",
        f"inputs: {place}/closed_too/x cannot be read: Permission denied",
    ]


# What changes a digest


def touch(place):
    os.utime(place / "src/a.py", (1, 1))


def rewrite(place):
    text = (place / "src/a.py").read_text()
    (place / "src/a.py").unlink()
    (place / "src/a.py").write_text(text)


def other_read_bits(place):
    (place / "src/a.py").chmod(0o600)


def left_by_tools(place):
    write_files(place / "src", {"__pycache__/a.pyc": "", "a.py~": "", ".DS_Store": "", "b.pyc": ""})


def other_content(place):
    (place / "src/a.py").write_text("new")


def new_file(place):
    (place / "src/new.py").touch()


def gone_file(place):
    (place / "src/sub/b.py").unlink()


def renamed(place):
    (place / "src/a.py").rename(place / "src/c.py")


def executable(place):
    (place / "src/a.py").chmod(0o755)


def now_a_link(place):
    (place / "src/a.py").unlink()
    (place / "src/a.py").symlink_to("sub/b.py")


@pytest.mark.parametrize("change", [touch, rewrite, other_read_bits, left_by_tools])
def test_what_does_not_change_the_content_does_not_change_the_digest(place, change):
    before = definition_of(place, model={"code": "src"}).digest
    change(place)
    assert definition_of(place, model={"code": "src"}).digest == before


@pytest.mark.parametrize(
    "change", [other_content, new_file, gone_file, renamed, executable, now_a_link]
)
def test_what_changes_the_content_changes_the_digest(place, change):
    before = definition_of(place, model={"code": "src"}).digest
    change(place)
    assert definition_of(place, model={"code": "src"}).digest != before


def test_a_copy_elsewhere_has_the_same_digest(place, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy") / "there"
    shutil.copytree(place, copy)
    keys = {"model": {"code": "src"}, "inputs": ["data"], "templates": {"dir": "templates"}}
    assert definition_of(place, **keys).digest == definition_of(copy, **keys).digest


def test_a_folder_reached_through_a_link_is_read(place):
    (place / "link").symlink_to("src")
    (place / "link.csv").symlink_to("data/x.csv")
    definition = definition_of(place, inputs=["link", "link.csv"])
    assert set(definition.inputs) == {"link/a.py", "link/sub/b.py", "link.csv"}
    before = definition.digest
    (place / "data/x.csv").write_text("other")
    assert definition_of(place, inputs=["link", "link.csv"]).digest != before


def test_links_within_a_folder_are_not_followed(place):
    (place / "src/loop").symlink_to(".")
    (place / "src/nowhere").symlink_to("no such file")
    found = FileDigests(place / "memory").of_tree(place / "src")
    assert found["loop"] == "-> ."
    assert found["nowhere"] == "-> no such file"
    assert sorted(found) == ["a.py", "loop", "nowhere", "sub/b.py"]


def test_what_a_link_to_a_file_leads_to_counts(place):
    (place / "src/link").symlink_to("../data/x.csv")
    before = definition_of(place, model={"code": "src"}).digest
    (place / "data/x.csv").write_text("other")
    assert definition_of(place, model={"code": "src"}).digest != before


def test_a_file_name_that_is_not_utf8_has_a_digest(place):
    before = definition_of(place, inputs=["data"]).digest
    with open(os.fsencode(place / "data") + b"/caf\xe9", "w") as file:
        file.write("1")
    assert definition_of(place, inputs=["data"]).digest != before


def test_files_come_in_the_same_order_everywhere(place):
    found = [str(path.relative_to(place / "src")) for path in files_below(place / "src")]
    assert found == ["a.py", "sub/b.py"]
    assert list(files_below(place / "run.py")) == [place / "run.py"]


# Remembered digests


@pytest.fixture
def reads(place, monkeypatch):
    """Remember every file, and return the list of those that were really read."""
    monkeypatch.setattr(digests_module, "REMEMBERED_BYTES", 0)
    found = []
    file_digest = digests_module.hashlib.file_digest

    def noting(file, name):
        found.append(os.path.relpath(file.name, place))
        return file_digest(file, name)

    monkeypatch.setattr(digests_module.hashlib, "file_digest", noting)
    return found


def test_a_large_file_is_read_once(place, reads):
    memory = place / ".snakemake/memory.json"
    first = FileDigests(memory).of(place / "run.py")
    assert FileDigests(memory).of(place / "run.py") == first
    assert reads == ["run.py"]


def test_a_large_file_that_changed_is_read_again(place, reads):
    memory = place / "memory.json"
    first = FileDigests(memory).of(place / "run.py")
    (place / "run.py").write_text("2")
    os.utime(place / "run.py", ns=(1, 1))
    assert FileDigests(memory).of(place / "run.py") != first
    assert reads == ["run.py", "run.py"]


@pytest.mark.parametrize("damage", ["", "{", "[]", "\xff", '"x"', "5"])
def test_a_damaged_memory_is_as_good_as_none(place, reads, damage):
    memory = place / "memory.json"
    memory.write_text(damage, encoding="latin-1")
    assert FileDigests(memory).of(place / "run.py")
    assert FileDigests(memory).of(place / "run.py")
    assert reads == ["run.py"]


def test_a_memory_that_cannot_be_written_is_done_without(place, reads):
    memory = place / "run.py/memory.json"
    assert FileDigests(memory).of(place / "data/x.csv") == FileDigests(memory).of(
        place / "data/x.csv"
    )
    assert len(reads) == 2


# Digests of values

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN, PLAIN)
def test_equal_values_have_equal_digests_and_others_do_not(one, other):
    assert (digest_of(one) == digest_of(other)) == (json.dumps(one) == json.dumps(other)) or (
        one == other  # mappings in another order, 1 and 1.0
    )


def test_a_digest_is_the_same_in_another_process():
    assert digest_of({"b": 1, "a": [1.5, "é"]}, None) == digest_of({"a": [1.5, "é"], "b": 1}, None)
    assert digest_of("fanfold") == "eb1ab46f3498995c03b0"
