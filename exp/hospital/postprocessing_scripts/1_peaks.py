"""When the hospitals are fullest, and how full.

    python exp/hospital/postprocessing_scripts/1_peaks.py -j main

Writes post/peaks.csv.
"""

import argparse
from pathlib import Path

import polars as pl


def peaks(hospital):
    """Return the median over seeds of the peak of patients and of its day."""
    daily = hospital.group_by("state", "scenario", "seed", "date").agg(pl.sum("in_hospital"))
    highest = daily.sort("in_hospital", "date", descending=[True, False])
    by_run = highest.group_by("state", "scenario", "seed").first()
    by_scenario = by_run.group_by("state", "scenario").agg(
        peak_patients=pl.median("in_hospital"), peak_date=pl.median("date").dt.date()
    )
    return by_scenario.sort("state", "scenario")


def main(launch):
    """Summarise results/hospital/<launch>."""
    folder = Path("results/hospital", launch)
    (folder / "post").mkdir(exist_ok=True)
    hospital = pl.read_parquet(folder / "combined/hospital.parquet")
    peaks(hospital).write_csv(folder / "post/peaks.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-j", "--launch", default="main")
    main(parser.parse_args().launch)
