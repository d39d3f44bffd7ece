"""Write the schema of the experiment file, for editors: `python -m scripts.write_schema`."""

import json
from pathlib import Path
from typing import Any

from scripts.fanfold.atomic import write_text
from scripts.fanfold.schema import Experiment

SCHEMA_FILE = Path(__file__).parents[1] / "config/experiment.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def experiment_schema() -> str:
    """Return the JSON schema of an experiment file; the same text for the same model."""
    schema: dict[str, Any] = Experiment.model_json_schema(by_alias=True)
    schema |= {"$schema": DIALECT, "title": "Fanfold experiment"}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(SCHEMA_FILE, experiment_schema())
