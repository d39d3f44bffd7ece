"""How far off was the forecast? Compare output/forecast.csv with the truth."""

import csv
import math
from collections import defaultdict


def main():
    """Write output/scores.csv: the root mean square error over all sites, by lead time."""
    with open("data/truth.csv", newline="", encoding="utf-8") as file:
        truth = {row["date"]: row for row in csv.DictReader(file)}
    squares = defaultdict(list)
    with open("output/forecast.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            true = float(truth[row["valid"]][row["site"]])
            squares[int(row["lead_hours"])].append((float(row["value"]) - true) ** 2)
    with open("output/scores.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["lead_hours", "rmse"])
        for lead, values in squares.items():
            table.writerow([lead, f"{math.sqrt(sum(values) / len(values)):.3f}"])


if __name__ == "__main__":
    main()
