"""Cells that divide, get in each other's way and die: a colony on a grid, cell by cell.

    python cells.py setup.xml

Writes growth.csv (one row per hour) and colony.csv (the cells that live in the end).

A site of the grid holds one cell. A cell divides at the end of its cycle if one of the eight sites
around it is free, else it waits. From `drug_from_hour` on, cells die with the rate kill_rate c^h /
(half_um^h + c^h), c being the concentration and h `hill`. Repeats with the same seed start from the
same colony in all conditions.
"""

import argparse
import csv
from dataclasses import dataclass
from random import Random
from xml.etree import ElementTree

NEIGHBOURS = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]


@dataclass
class Cell:
    """A cell: hours since it was born, and the age at which it is ready to divide."""

    age: int
    cycle: float


class Colony:
    """The cells of a dish, each at a site of its own: (x, y) -> cell."""

    def __init__(self, setup, rng):
        """Put the first cells close together in the middle, each somewhere in its cycle."""
        self.size = int(setup.find("domain").get("size"))
        cycle = setup.find("cell/cycle")
        self.cycle = float(cycle.get("mean_hours")), float(cycle.get("sd_hours"))
        self.death_rate = float(setup.find("cell/death").get("rate_per_hour"))
        self.drug = setup.find("drug")
        self.rng = rng
        middle = self.size // 2
        sites = [(x, y) for x in range(self.size) for y in range(self.size)]
        sites.sort(key=lambda site: (site[0] - middle) ** 2 + (site[1] - middle) ** 2)
        self.cells = {}
        for site in sites[: int(setup.find("cell").get("initial"))]:
            self.cells[site] = self.new_cell()
            self.cells[site].age = int(rng.random() * self.cells[site].cycle)

    def new_cell(self):
        """Return a cell just born; its cycle is never shorter than half the mean."""
        mean, sd = self.cycle
        return Cell(0, max(mean / 2, self.rng.gauss(mean, sd)))

    def death_probability(self, hour):
        """Return the probability that a cell dies within the hour."""
        rate = self.death_rate
        if self.drug is not None and hour > float(self.drug.get("from_hour")):
            effect = {name: float(value) for name, value in self.drug.find("effect").items()}
            dose = (float(self.drug.get("concentration_um")) / effect["half_um"]) ** effect["hill"]
            rate += effect["max_rate_per_hour"] * dose / (1 + dose)
        return min(1.0, rate)

    def free_sites(self, site):
        """Return the sites around one that are in the dish and hold no cell."""
        around = ((site[0] + dx, site[1] + dy) for dx, dy in NEIGHBOURS)
        return [
            (x, y)
            for x, y in around
            if 0 <= x < self.size and 0 <= y < self.size and (x, y) not in self.cells
        ]

    def step(self, hour):
        """Let an hour pass; return how many cells divided, died and waited for room."""
        divided = died = waiting = 0
        death_probability = self.death_probability(hour)
        sites = list(self.cells)
        self.rng.shuffle(sites)  # else the same cells would always be first to take the room
        for site in sites:
            cell = self.cells[site]
            cell.age += 1
            if self.rng.random() < death_probability:
                del self.cells[site]
                died += 1
            elif cell.age >= cell.cycle:
                # ASSUME a cell without room waits, and divides as soon as a neighbour is gone.
                if free := self.free_sites(site):
                    self.cells[self.rng.choice(free)] = self.new_cell()
                    self.cells[site] = self.new_cell()
                    divided += 1
                else:
                    waiting += 1
        return divided, died, waiting


def write_table(path, header, rows):
    """Write a CSV file."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def main(setup_file):
    """Grow the colony that the setup file describes."""
    setup = ElementTree.parse(setup_file).getroot()
    colony = Colony(setup, Random(int(setup.find("random").get("seed"))))
    growth = [(0, len(colony.cells), 0, 0, 0)]
    for hour in range(1, int(setup.find("time").get("hours")) + 1):
        changes = colony.step(hour)
        growth.append((hour, len(colony.cells), *changes))
    write_table("growth.csv", ["hour", "cells", "divided", "died", "waiting"], growth)
    write_table(
        "colony.csv",
        ["x", "y", "age_hours"],
        ((*site, cell.age) for site, cell in sorted(colony.cells.items())),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("setup", help="XML file with all settings")
    main(parser.parse_args().setup)
