"""One member of an ensemble forecast: read namelist.input and the analysis, write the forecast."""

import csv
import math
import re
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from lorenz96 import advance


def read_namelist(path):
    """Return the settings of all groups of a Fortran namelist: numbers and texts."""
    settings = {}
    text = re.sub(r"!.*", "", Path(path).read_text(encoding="utf-8"))
    for key, value in re.findall(r"^\s*(\w+)\s*=\s*(.+?)\s*,?\s*$", text, re.MULTILINE):
        settings[key] = value.strip("'") if value.startswith("'") else float(value)
    return settings


def read_physics(path):
    """Return the constants of a table: a name and a number a line."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in words}


def read_analysis(path, date):
    """Return the analysed state of one date."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row.pop("date") == date:
                return [float(value) for value in row.values()]
    raise SystemExit(f"{path} has no analysis of {date}")


def perturbed(x, settings):
    """Return the state with the member's pattern added or subtracted."""
    rng = Random(f"{settings['start_date']} {settings['pattern']:.0f}")
    size = settings["sign"] * settings["analysis_error"]
    return [value + size * rng.gauss(0, 1) for value in x]


def main():
    """Write output/forecast.csv."""
    settings = read_namelist("namelist.input")
    physics = read_physics("PHYSICS.TBL")
    x = perturbed(read_analysis("data/analysis.csv", settings["start_date"]), settings)
    start = datetime.fromisoformat(settings["start_date"])
    every = int(settings["history_hours"])
    with open("output/forecast.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["lead_hours", "valid", "site", "value"])
        for lead in range(0, int(settings["run_hours"]) + 1, every):
            if lead:
                x = advance(x, physics["forcing"], settings["step_hours"], every)
            if not all(map(math.isfinite, x)):
                raise SystemExit(f"unstable after {lead} hours: choose a shorter step")
            valid = (start + timedelta(hours=lead)).isoformat()
            table.writerows((lead, valid, f"x{i}", f"{value:.3f}") for i, value in enumerate(x, 1))


if __name__ == "__main__":
    main()
