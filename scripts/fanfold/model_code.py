"""Which files of an experiment's folder are the model: a change in any of them runs it again."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.fanfold.names import is_inside
from scripts.fanfold.schema import Experiment


def code_files(experiment: Experiment, folder: Path) -> list[str]:
    """Return the model's files, relative to `folder`, each once.

    They are the files that the command names, the modules beside a Python file that it imports
    (and so on), and `model.code`.
    """
    without_jinja = re.sub(r"\{[{%#].*?[}%#]\}", " ", experiment.model.command, flags=re.DOTALL)
    words = re.split(r"[\s'\"=;|&<>()]+", without_jinja)
    named = [str(Path(word)) for word in words if word and _is_file_below(folder, word)]
    found = dict.fromkeys([*named, *(str(Path(path)) for path in experiment.model.code)])
    waiting = list(found)
    while waiting:
        for module in _imported(folder, waiting.pop()):
            if module not in found:
                found[module] = None
                waiting.append(module)
    return list(found)


def _is_file_below(folder: Path, word: str) -> bool:
    # Not Path.is_file(): that raises for a word that is longer than a file's name can be.
    return is_inside(word) and os.path.isfile(folder / word)  # noqa: PTH113


def _imported(folder: Path, path: str) -> Iterator[str]:
    """Yield the modules and packages beside a Python file that it imports."""
    if not path.endswith(".py"):
        return
    try:
        tree = ast.parse((folder / path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # the model will say so itself
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    for name in sorted(names):
        module, package = Path(path).with_name(f"{name}.py"), Path(path).with_name(name)
        if (folder / module).is_file():
            yield str(module)
        elif (folder / package / "__init__.py").is_file():
            yield str(package)
