"""Make data/truth.csv and data/analysis.csv anew: `python make_data.py` in this folder.

The truth is one long run of the model. The analysis, what a weather service would know of it, is
the truth with errors.
"""

import csv
from datetime import datetime, timedelta
from random import Random

from lorenz96 import advance

SITES, FORCING, STEP_HOURS = 40, 8.0, 6
FIRST = datetime(2021, 1, 1)
DAYS = 42
SPIN_UP_HOURS = 100 * 24  # ASSUME enough to forget how it began
ANALYSIS_ERROR = 0.2  # ASSUME a twentieth or so of the differences between weathers


def write_states(path, states):
    """Write date -> state, a row each."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["date", *(f"x{site}" for site in range(1, SITES + 1))])
        for date, x in states.items():
            table.writerow([date, *(f"{value:.3f}" for value in x)])


def main():
    """Write both files."""
    x = [FORCING] * SITES
    x[0] += 0.01
    x = advance(x, FORCING, STEP_HOURS, SPIN_UP_HOURS)
    rng = Random(96)
    truth, analysis = {}, {}
    for half_day in range(2 * DAYS + 1):
        now = FIRST + timedelta(hours=12 * half_day)
        truth[now.isoformat()] = x
        if now.hour == 0:
            analysis[now.date().isoformat()] = [v + ANALYSIS_ERROR * rng.gauss(0, 1) for v in x]
        x = advance(x, FORCING, STEP_HOURS, 12)
    write_states("data/truth.csv", truth)
    write_states("data/analysis.csv", analysis)


if __name__ == "__main__":
    main()
