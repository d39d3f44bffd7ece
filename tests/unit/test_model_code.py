"""Modules beside the model that it imports belong to it."""

import pytest

from scripts.fanfold.experiment import validate_experiment
from scripts.fanfold.model_code import code_files
from tests.conftest import content_of, design_in, write_files


def code_of(folder, command="python run.py", **model):
    return code_files(validate_experiment(content_of(command, model=model)), folder)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import helper", ["helper.py"]),
        ("import os, helper as h", ["helper.py"]),
        ("from helper import f", ["helper.py"]),
        ("from package.part import f", ["package"]),
        ("import package.part", ["package"]),
        ("def f():\n    import helper", ["helper.py"]),
        ("import numpy, json, no_package", []),
        ("# import helper", []),
        ("import helper(", []),
        ("\x00", []),
        ("\xff", []),
    ],
)
def test_a_module_beside_a_python_file_is_code_where_it_is_imported(tmp_path, text, found):
    write_files(tmp_path, {"helper.py": "", "package/__init__.py": "", "no_package/x.py": ""})
    (tmp_path / "run.py").write_text(text, encoding="latin-1")
    assert code_of(tmp_path) == ["run.py", *found]


def test_what_a_module_imports_is_code_too_and_circles_end(tmp_path):
    files = {
        "run.py": "import a",
        "a.py": "import b",
        "b.py": "import a, run, c",
        "c/__init__.py": "",
    }
    write_files(tmp_path, files)
    assert set(code_of(tmp_path)) == {"run.py", "a.py", "b.py", "c"}


def test_modules_are_looked_for_beside_the_file_that_imports_them(tmp_path):
    write_files(tmp_path, {"src/run.py": "import a", "src/a.py": "", "a.py": ""})
    assert code_of(tmp_path, "python src/run.py") == ["src/run.py", "src/a.py"]


def test_a_change_in_an_imported_module_changes_the_digest(tmp_path):
    write_files(tmp_path, {"run.py": "import a", "a.py": "1", "unused.py": "1"})
    before = design_in(tmp_path, command="python run.py").definition
    assert set(before.code) == {"run.py", "a.py"}
    (tmp_path / "unused.py").write_text("2")
    assert design_in(tmp_path, command="python run.py").definition.digest == before.digest
    (tmp_path / "a.py").write_text("2")
    assert design_in(tmp_path, command="python run.py").definition.digest != before.digest
