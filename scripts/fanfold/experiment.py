"""From experiment files and `--config` overrides to one checked Experiment."""

import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.names import listing, nearest
from scripts.fanfold.schema import Experiment
from scripts.fanfold.yaml_files import parse_scalar, read_yaml

#: A config file with this key alone names the experiment to run (config/config.yaml does).
POINTER = "experiment"
#: Words of other tools -> ours.
SYNONYMS = {
    **dict.fromkeys(("cores", "cpus", "ntasks"), "threads"),
    **dict.fromkeys(("mem", "memory"), "mem_mb"),
    **dict.fromkeys(("time", "timeout", "walltime"), "runtime"),
}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` on top: mappings are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if both else value
    return merged


def load_experiment(
    files: Sequence[Path], overrides: Mapping[str, Any]
) -> tuple[Experiment, Path, list[Path]]:
    """Read experiment files, later ones on top, and overrides on top of all.

    The first file may be a pointer (`experiment: path`): then that file is read in its place. A
    file may extend others (`extends: path`, from its own folder).

    Returns
    -------
    The experiment, its folder (that of the first file: paths in it are relative to it), and the
    files read.

    Raises
    ------
    ConfigError
        With one line for each mistake in any of them.
    """
    overrides = {key: _retyped(value) for key, value in overrides.items()}
    chosen = overrides.pop(POINTER, None)
    if "extends" in overrides:
        raise ConfigError("extends: belongs in a file; give several after --configfile")
    first, *more = files
    read: list[Path] = []
    content = _read(first, read)
    pointer = chosen if chosen is not None else content.pop(POINTER, None)
    if pointer is not None:
        if not isinstance(pointer, str):
            raise ConfigError(f"{POINTER}: must be the path of an experiment file")
        first, read = Path(pointer), []
        content = merge(_read(first, read), {} if chosen is not None else content)
    for path in more:
        content = merge(content, _read(path, read))
    content = merge(content, overrides)
    content.setdefault("name", _name_of(first))
    return validate_experiment(_with_profile(content)), first.parent, read


def _read(path: Path, read: list[Path], extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a file on top of those that it extends; note all of them in `read`."""
    here = path.resolve()
    if here in extended_by:
        circle = " extends ".join(file.name for file in (*extended_by, here))
        raise ConfigError(f"extends: {circle}: nothing to begin with")
    own = read_yaml(path)
    bases = own.pop("extends", ())
    bases = (bases,) if isinstance(bases, str) else bases
    if not isinstance(bases, list | tuple) or not all(isinstance(base, str) for base in bases):
        raise ConfigError(f"{path}: extends: must be the path of a file, or a list of them")
    content: dict[str, Any] = {}
    for base in bases:
        content = merge(content, _read(path.parent / base, read, (*extended_by, here)))
    read.append(path)
    return merge(content, own)


def _with_profile(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in what `model` leaves to its profile; what it says itself goes before."""
    model = content.get("model")
    if not isinstance(model, Mapping) or not isinstance(model.get("profiles"), Mapping):
        return content
    chosen = str(model.get("profile"))
    settings = next((value for key, value in model["profiles"].items() if str(key) == chosen), None)
    if not isinstance(settings, Mapping):
        return content
    return {**content, "model": merge(settings, model)}


def _retyped(value: Any) -> Any:
    """Give the numbers in a mapping or list of `--config` their type (Snakemake leaves texts)."""
    if isinstance(value, Mapping):
        return {
            key: parse_scalar(item) if isinstance(item, str) else _retyped(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [parse_scalar(item) if isinstance(item, str) else _retyped(item) for item in value]
    return value


def _name_of(path: Path) -> str:
    return path.absolute().parent.name


def validate_experiment(content: Mapping[str, Any]) -> Experiment:
    """Check `content`; raise ConfigError with a line for each mistake."""
    try:
        return Experiment.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain(problem) for problem in error.errors()) from None


def _explain(problem: Any) -> str:
    """Say in one line where a mistake is, what it is, and what to write instead."""
    location = [part for part in problem["loc"] if part != "[key]"]
    if location[:2] == ["states", "codes"]:  # they have a short form, without this key
        del location[1]
    path = ".".join(str(part) for part in location)
    kind, text = problem["type"], problem["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        unknown = str(location[-1])
        return f"{path}: unknown key{_meant(unknown, known)}"
    shown = _shown(problem["input"])
    limits = problem.get("ctx", {})
    a_mapping = f"must be a mapping (`key: value` lines), not {shown}"
    what = {
        "missing": "is missing",
        "too_short": "is empty; write at least one",
        "tuple_type": f"must be a list (`[a, b]`), not {shown}",
        "int_parsing": f"must be a whole number, not {shown}",
        "int_type": f"must be a whole number, not {shown}",
        "int_from_float": f"must be a whole number, not {shown}",
        "float_parsing": f"must be a number, not {shown}",
        "float_type": f"must be a number, not {shown}",
        "string_type": f"must be a text, not {shown}",
        "greater_than_equal": f"must be at least {limits.get('ge')}, not {shown}",
        "greater_than": f"must be above {limits.get('gt', 0):g}, not {shown}",
        "less_than_equal": f"must be at most {limits.get('le')}, not {shown}",
        "model_type": a_mapping,
        "dict_type": a_mapping,
    }
    if kind in what:
        return f"{path}: {what[kind]}"
    if kind.startswith("value_error"):
        return f"{path}: {text}" if path else text
    return f"{path}: {text[0].lower()}{text[1:]}, not {shown}"


def _meant(unknown: str, known: Sequence[str]) -> str:
    """Return what was probably meant by a key that its section does not have."""
    if unknown == "select":
        return "; it goes on the command line: --config select=..."
    if SYNONYMS.get(unknown) in known:
        return f"; write `{SYNONYMS[unknown]}`"
    homes = [name for name in ("runs", "model", "templates") if unknown in _known_keys([name])]
    if homes:
        return f"; it belongs under `{homes[0]}`"
    return nearest(unknown, known) or f"; known: {listing(known)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _known_keys(location: Sequence[Any]) -> list[str]:
    """Return the keys that the section at `location` of the experiment file may have."""
    section: Any = Experiment
    for part in location:
        fields = {field.alias or name: field for name, field in section.model_fields.items()}
        if str(part) in fields:  # else it is a name that the user gave, such as an output's
            section = _section_in(fields[str(part)].annotation) or section
    return [field.alias or name for name, field in section.model_fields.items()]


def _section_in(annotation: Any) -> Any:
    """Return the section that a type such as `dict[str, Output] | None` is about."""
    if get_origin(annotation) in (Union, types.UnionType, Annotated, dict, tuple, list):
        sections = [_section_in(argument) for argument in get_args(annotation)]
        return next((section for section in sections if section is not None), None)
    is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_section else None
