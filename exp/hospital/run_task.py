"""One influenza season in one region: infections and hospital patients by age.

    python run_task.py -s CO -j main

Reads config_global.json and config_disease.json from the current folder; writes hospital.csv (a row
per day and age: infections and admissions of the day, patients at its end) and summary.json there.
Susceptible people become exposed, infectious, and then recovered or hospital patients, each age
group in two parts: vaccinated or not; binomial draws, four steps a day. Times are in days.

Populations are the 2020 Census, and so are the shares of age groups in the US (under 18: 22.1 %, 65
and over: 16.8 %), taken for each state. R, the infections by one case where nobody is vaccinated
(older immunity is in it), is 1.4, and so 1.2 with the usual vaccination; published estimates for
seasonal influenza have a median of 1.28, half of them from 1.19 to 1.37 (Biggerstaff et al. 2014,
BMC Infect. Dis. 14:480). Times, shares admitted and effects of the vaccine are examples of a
plausible size, not estimates.
"""

import argparse
import csv
import json
import math
from datetime import date, timedelta
from pathlib import Path
from random import Random

STEPS_PER_DAY = 4


class Group:
    """People of one age, vaccinated or not, by where they are in the course of the disease."""

    def __init__(self, age, people, infectious, vaccine, admitted_share):
        """Start with `infectious` of `people` infectious and the others susceptible."""
        self.age = age
        self.susceptible = people - infectious
        self.exposed = 0
        self.infectious = infectious
        self.in_hospital = 0
        # ASSUME the vaccine prevents a part of each exposure's infections and of the admissions of
        # those infected all the same, and makes nobody less infectious.
        self.hazard_ratio = 1 - vaccine["AGAINST_INFECTION"]
        self.admitted_share = admitted_share * (1 - vaccine["AGAINST_ADMISSION"])

    def step(self, draw, force, leaving):
        """Move people on by one step; return how many were infected and admitted."""
        infected = draw(self.susceptible, -math.expm1(-force * self.hazard_ratio))
        onset = draw(self.exposed, leaving["latent"])
        ended = draw(self.infectious, leaving["infectious"])
        admitted = draw(ended, self.admitted_share)
        discharged = draw(self.in_hospital, leaving["hospital"])
        self.susceptible -= infected
        self.exposed += infected - onset
        self.infectious += onset - ended
        self.in_hospital += admitted - discharged
        return infected, admitted


def binomial(rng, n, p):
    """Draw from the binomial distribution; by a rounded normal where both outcomes are many."""
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:
        return n - binomial(rng, n, 1 - p)
    if n * p > 30:
        return min(n, max(0, round(rng.gauss(n * p, math.sqrt(n * p * (1 - p))))))
    # The gaps between successes are geometric: one draw for each success.
    successes, trial = 0, 0
    while True:
        trial += int(math.log(1 - rng.random()) / math.log1p(-p)) + 1
        if trial > n:
            return successes
        successes += 1


def make_groups(config, disease):
    """Return the groups at the start: each age, not vaccinated and vaccinated."""
    no_vaccine = dict.fromkeys(disease["VACCINE"], 0)
    groups = []
    for age, share, covered, admitted in zip(
        config["AGE_GROUPS"],
        config["AGE_SHARES"],
        config["VACCINATION"]["COVERAGE"],
        disease["ADMITTED_SHARE"],
        strict=True,
    ):
        for part, vaccine in ((1 - covered, no_vaccine), (covered, disease["VACCINE"])):
            people = round(config["POP_SIZE"] * share * part)
            infectious = round(config["INITIAL_INFECTIONS"] * share * part)
            groups.append(Group(age, people, infectious, vaccine, admitted))
    return groups


def simulate(config, disease, rng):
    """Yield (day, age, infections, admissions, in_hospital) for each day and age group."""
    groups = make_groups(config, disease)
    leaving = {
        stage: -math.expm1(-1 / (days * STEPS_PER_DAY))
        for stage, days in (
            ("latent", disease["LATENT_DAYS"]),
            ("infectious", disease["INFECTIOUS_DAYS"]),
            ("hospital", disease["DAYS_IN_HOSPITAL"]),
        )
    }
    # ASSUME everybody meets everybody, at any age, and hospital patients infect nobody.
    contacts = disease["R"] * leaving["infectious"] / config["POP_SIZE"]
    for day in range(config["HORIZON_DAYS"]):
        counts = {age: [0, 0] for age in config["AGE_GROUPS"]}
        for _ in range(STEPS_PER_DAY):
            force = contacts * sum(group.infectious for group in groups)
            for group in groups:
                moved = group.step(lambda n, p: binomial(rng, n, p), force, leaving)
                counts[group.age] = [a + b for a, b in zip(counts[group.age], moved, strict=True)]
        for age, (infections, admissions) in counts.items():
            patients = sum(group.in_hospital for group in groups if group.age == age)
            yield day, age, infections, admissions, patients


def main(state, job):
    """Run the season that the config files of the current folder describe."""
    config = json.loads(Path("config_global.json").read_text(encoding="utf-8"))
    disease = json.loads(Path("config_disease.json").read_text(encoding="utf-8"))
    # The state is part of the seed: places do not share their luck.
    rows = list(simulate(config, disease, Random(f"{config['SEED']} {state}")))
    start = date.fromisoformat(config["START_DATE"])
    with open("hospital.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["date", "age", "infections", "admissions", "in_hospital"])
        table.writerows((start + timedelta(days=day), *rest) for day, *rest in rows)
    summary = {
        "job": job,
        "regions": config["REGIONS"],
        "infections": sum(row[2] for row in rows),
        "admissions": sum(row[3] for row in rows),
    }
    Path("summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-s", "--state", required=True, help="code of the state or region")
    parser.add_argument("-j", "--job", required=True, help="name of the launch, for the summary")
    arguments = parser.parse_args()
    main(arguments.state, arguments.job)
