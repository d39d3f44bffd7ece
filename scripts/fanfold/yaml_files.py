"""YAML as scientists expect it: `1e-3` is a number, `NO` and `06` are texts, a key stands once."""

import re
from pathlib import Path
from typing import Any

import yaml

from scripts.fanfold.errors import ConfigError

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


#: What the loader raises: its own errors, and whatever comes of `!!bool perhaps` and the like.
_UNREADABLE = (
    *(yaml.YAMLError, TypeError, ValueError),
    *(LookupError, AttributeError, RecursionError),
)
_OURS = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class ExperimentLoader(_Loader):
    """The safe loader with YAML 1.2's numbers and booleans, strict about duplicate keys."""


ExperimentLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OURS]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
ExperimentLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
ExperimentLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)
ExperimentLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"""^(?:[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?
        |[-+]?[0-9]+[eE][-+]?[0-9]+
        |[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?
        |[-+]?\.(?:inf|Inf|INF)
        |\.(?:nan|NaN|NAN))$""",
        re.VERBOSE,
    ),
    list("-+0123456789."),
)


class ExperimentDumper(_Dumper):
    """The safe dumper that quotes what either YAML takes for something else than a text."""


ExperimentDumper.yaml_implicit_resolvers = {
    first: [
        *_Dumper.yaml_implicit_resolvers.get(first, []),
        *ExperimentLoader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {*_Dumper.yaml_implicit_resolvers, *ExperimentLoader.yaml_implicit_resolvers}
}


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    """Build a mapping; raise for a key that stands twice (plain YAML keeps the last, silently)."""
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key `{key}` stands twice", key_node.start_mark
            )
        seen.add(key)
    loader.flatten_mapping(node)
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


ExperimentLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping; raise ConfigError with the line otherwise."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=ExperimentLoader)  # noqa: S506
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not valid YAML: {error.problem}") from None
    except _UNREADABLE as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "unhashable" in first_line:
            first_line = "a value with {{ }} needs quotes"
        raise ConfigError(f"{path}: not valid YAML: {first_line}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must be a mapping (`key: value` lines)")
    return content


def parse_value(text: str) -> Any:
    """Return what `text` is where YAML expects a value; itself if it is no YAML."""
    try:
        return yaml.load(text, Loader=ExperimentLoader)  # noqa: S506
    except _UNREADABLE:
        return text


def parse_scalar(text: str) -> Any:
    """Return what `text` is where YAML expects one: a number, boolean, date or text."""
    value = parse_value(text)
    return text if isinstance(value, list | dict) else value


def to_yaml(content: Any) -> str:
    """Write plain data as YAML, keys in the order given."""
    return yaml.dump(
        content, Dumper=ExperimentDumper, sort_keys=False, allow_unicode=True, width=100
    )
