"""How many people are admitted in the season, by age.

    python exp/hospital/postprocessing_scripts/1_totals.py -j main

Writes post/totals.csv.
"""

import argparse
from pathlib import Path

import polars as pl


def totals(hospital):
    """Return median, least and most admissions over seeds, by age and over all ages."""
    keys = ["state", "scenario", "age", "seed"]
    both = pl.concat([hospital, hospital.with_columns(age=pl.lit("all"))])
    by_run = both.group_by(keys).agg(pl.sum("admissions"))
    by_scenario = by_run.group_by(keys[:-1]).agg(
        admissions=pl.median("admissions"),
        least=pl.min("admissions"),
        most=pl.max("admissions"),
    )
    return by_scenario.sort(keys[:-1])


def main(launch):
    """Summarise results/hospital/<launch>."""
    folder = Path("results/hospital", launch)
    (folder / "post").mkdir(exist_ok=True)
    hospital = pl.read_parquet(folder / "combined/hospital.parquet")
    totals(hospital).write_csv(folder / "post/totals.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-j", "--launch", default="main")
    main(parser.parse_args().launch)
