"""`--config KEY=VALUE` of our own commands, read as Snakemake's."""

from collections.abc import Iterable
from typing import Any

import click

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.yaml_files import parse_value

CONFIG_OPTION = click.option(
    "--config", "overrides", multiple=True, metavar="KEY=VALUE", help="As for snakemake --config."
)


def read_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Return key -> value; raise ConfigError for what has no `=`."""
    values = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--config {override}: write KEY=VALUE")
        values[key] = parse_value(value)
    return values
