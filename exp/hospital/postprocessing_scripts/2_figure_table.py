"""One row per state and scenario, per 100,000 people, to draw from.

    python exp/hospital/postprocessing_scripts/2_figure_table.py -j main

Reads what the scripts 1_*.py wrote, writes post/figure_table.csv. Admissions are compared with the
scenario `none`.
"""

import argparse
from pathlib import Path

import polars as pl


def figure_table(peaks, totals, tasks):
    """Return peaks and totals side by side, relative to the population."""
    population = tasks.select("state", "population").unique()
    table = (
        totals.filter(age="all").join(peaks, on=["state", "scenario"]).join(population, on="state")
    )
    per_100k = [
        (pl.col(name) * 1e5 / pl.col("population")).round(1).alias(f"{name}_per_100k")
        for name in ("admissions", "peak_patients")
    ]
    without = pl.col("admissions").filter(scenario="none").first().over("state")
    averted = (1 - pl.col("admissions") / without).round(3).alias("averted_share")
    return table.select("state", "scenario", *per_100k, "peak_date", averted).sort(
        "state", "admissions_per_100k", descending=[False, True]
    )


def main(launch):
    """Put together the table of results/hospital/<launch>."""
    folder = Path("results/hospital", launch)
    table = figure_table(
        pl.read_csv(folder / "post/peaks.csv"),
        pl.read_csv(folder / "post/totals.csv"),
        pl.read_csv(folder / "plan/tasks.csv"),
    )
    table.write_csv(folder / "post/figure_table.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-j", "--launch", default="main")
    main(parser.parse_args().launch)
