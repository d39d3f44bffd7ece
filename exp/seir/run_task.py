"""Stochastic SEIR epidemic in one state, without age structure.

    python run_task.py -s CA -j main

Reads model.json (place, time, measures, seed) and disease.yaml (natural history) from the current
folder and writes timeline.csv and summary.json there. Time is in days, rates are per day, S, E, I,
R and incidence are numbers of people. The equations are in README.md.
"""

import argparse
import csv
import json
import math
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import yaml


class BadConfig(Exception):
    """A config file is missing, unreadable, or holds a value that makes no sense."""


def read_mapping(path, parse):
    """Return the mapping in `path`; `parse` turns its text into Python values."""
    try:
        content = parse(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        # A YAML error spans several lines; one is enough to find the place.
        raise BadConfig(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise BadConfig(f"{path}: expected names and values, found {content!r}")
    return content


def number(config, path, key, low, high, whole=False):
    """Return config[key], a number in [low, high]; `whole` asks for an integer."""
    if key not in config:
        raise BadConfig(f"{path}: {key} is missing")
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise BadConfig(f"{path}: {key} must be a {'whole ' * whole}number, found {value!r}")
    if not low <= value <= high:
        raise BadConfig(f"{path}: {key} must be between {low} and {high}, found {value}")
    return value


def read_config(state):
    """Read and check both config files; return one dict with the model's parameters."""
    path = "model.json"
    model = read_mapping(path, json.loads)
    if model.get("state") != state:
        raise BadConfig(f"{path}: state is {model.get('state')!r}, but -s asks for {state!r}")
    try:
        start_date = date.fromisoformat(model.get("start_date"))
    except (TypeError, ValueError) as error:
        found = repr(model.get("start_date"))
        raise BadConfig(f"{path}: start_date must look like 2020-03-01, found {found}") from error
    population = number(model, path, "population", 1, 10**12, whole=True)
    config = {
        "start_date": start_date,
        "population": population,
        "horizon_days": number(model, path, "horizon_days", 1, 36_500, whole=True),
        "step_days": number(model, path, "step_days", 0.001, 1),
        "initial_infectious": number(model, path, "initial_infectious", 0, population, whole=True),
        "contact_reduction": number(model, path, "contact_reduction", 0, 1),
        "reduction_from_day": number(model, path, "reduction_from_day", 0, 36_500),
        "seed": number(model, path, "seed", 0, 2**63, whole=True),
    }
    if abs(1 / config["step_days"] - round(1 / config["step_days"])) > 1e-6:
        raise BadConfig(f"{path}: step_days must divide a day evenly (1, 0.5, 0.25, 0.1, ...)")

    path = "disease.yaml"
    disease = read_mapping(path, yaml.safe_load)
    config["R0"] = number(disease, path, "R0", 0, 100)
    config["latent_days"] = number(disease, path, "latent_days", 0.01, 36_500)
    config["infectious_days"] = number(disease, path, "infectious_days", 0.01, 36_500)
    return config


def make_generator(seed, state):
    """Return the random generator of one (seed, state).

    Several states are usually run with the same list of seeds. With the seed alone they would all
    draw from the same random numbers, and their epidemics would look alike by construction. So the
    letters of the state's code are part of the seed. (Python's hash() would not do: for strings it
    differs from one process to the next.)
    """
    return np.random.default_rng([seed, *state.encode()])


def simulate(config, rng):
    """Simulate the epidemic by tau-leaping with a fixed step.

    Returns an integer array of shape (horizon_days, 5) with the columns S, E, I, R at the end of
    each day and the new infections during it.
    """
    steps_per_day = round(1 / config["step_days"])
    step_days = 1 / steps_per_day
    # Per step: the probability that a person leaves S (set in each step), E and I.
    leave_probability = np.zeros(3)
    leave_probability[1] = -math.expm1(-step_days / config["latent_days"])
    leave_probability[2] = -math.expm1(-step_days / config["infectious_days"])
    # Infections per infectious person and day while all are susceptible. A case spends on average
    # step_days / leave_probability[2] days in I, slightly more than infectious_days; dividing R0 by
    # that time keeps its meaning, R0 infections by one case, whatever the step.
    transmission_rate = config["R0"] * leave_probability[2] / step_days
    population = config["population"]

    # ASSUME nobody is immune at the start, and the first cases are already infectious.
    people = np.array([population - config["initial_infectious"], 0, config["initial_infectious"]])
    recovered = 0

    days = np.empty((config["horizon_days"], 5), dtype=np.int64)
    for day in range(config["horizon_days"]):
        incidence = 0
        for step in range(steps_per_day):
            beta = transmission_rate
            if day + step * step_days >= config["reduction_from_day"]:
                beta *= 1 - config["contact_reduction"]
            leave_probability[0] = -math.expm1(-beta * people[2] / population * step_days)
            # Each compartment has one exit, and a binomial draw never takes out more people than
            # are in: no count can become negative, whatever the step.
            infected, became_infectious, healed = rng.binomial(people, leave_probability)
            people += (-infected, infected - became_infectious, became_infectious - healed)
            recovered += healed
            incidence += infected
        days[day] = (*people, recovered, incidence)
    return days


def write_timeline(path, start_date, days):
    """Write one row a day: S, E, I, R at its end, incidence = infections during it."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["date", "S", "E", "I", "R", "incidence"])
        for day, counts in enumerate(days.tolist()):
            table.writerow([start_date + timedelta(days=day), *counts])


def summarise(config, days):
    """Return the epidemic's key figures; those who start out infectious count as infections."""
    incidence = days[:, 4]
    peak = int(incidence.argmax())  # the first day, if several tie
    total_infections = config["initial_infectious"] + int(incidence.sum())
    return {
        "population": config["population"],
        "total_infections": total_infections,
        "attack_rate": round(total_infections / config["population"], 6),
        "peak_date": (config["start_date"] + timedelta(days=peak)).isoformat(),
        "peak_incidence": int(incidence[peak]),
        "R0": config["R0"],
        "contact_reduction": config["contact_reduction"],
    }


def main(arguments=None):
    """Run one simulation in the current folder; return the exit code."""
    parser = argparse.ArgumentParser(description="Stochastic SEIR epidemic in one state.")
    parser.add_argument("-s", "--state", required=True, help="code of the state, such as CA")
    parser.add_argument("-j", "--job", default="", help="a label, copied into summary.json")
    options = parser.parse_args(arguments)
    try:
        config = read_config(options.state)
    except BadConfig as error:
        print(f"run_task.py: {error}", file=sys.stderr)
        return 2

    days = simulate(config, make_generator(config["seed"], options.state))
    write_timeline("timeline.csv", config["start_date"], days)
    summary = {"state": options.state, "job": options.job, "seed": config["seed"]}
    summary |= summarise(config, days)
    Path("summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(
        f"{options.state} seed {config['seed']}: {summary['attack_rate']:.1%} infected, "
        f"peak of {summary['peak_incidence']} a day on {summary['peak_date']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
