"""Particles that drift in a tidal channel; all settings come from the environment.

    START_DATE=20210501 RELEASE_DEPTH=1 PARTICLES=60 DAYS=8 SEED=1 python drift.py

Writes track.csv: where the particles are at the end of each day, seaward positive. Lengths are in
metres and times in seconds, where the name does not say otherwise.

Current at height s (0: surface, -1: bottom) = tide + river 3/2 (1 - s^2) + exchange (1 - 9 s^2 -
8 s^3), the classical profiles of an estuary (MacCready & Geyer 2010, Annu. Rev. Mar. Sci. 2:35-58):
no current at the bottom, no stress at the surface, no net transport by the exchange. Up and down,
particles walk at random between surface and bottom.
"""

import csv
import math
import os
import statistics
from datetime import datetime, timedelta
from random import Random

# ASSUME a straight channel of one width and depth, as long as need be.
CHANNEL_DEPTH = 10
CROSS_SECTION = 5000  # square metres
# ASSUME tides of a moderate estuary. The periods are those of the main lunar and solar tides.
TIDES = ((0.6, 12.4206 * 3600), (0.2, 12.0 * 3600))  # metres per second, period
TIDE_EPOCH = datetime(2021, 1, 1)
# ASSUME a river fed by snow, cubic metres per second: highest on 1 May, in autumn a quarter of it.
MEAN_DISCHARGE = 250
DISCHARGE_SWING = 0.6
PEAK_DAY = 121
EXCHANGE_SPEED = 0.08  # ASSUME outward at the surface, inward below, metres per second
MIXING = 5e-5  # ASSUME constant vertical diffusivity, square metres per second
STEP = 600


def discharge(now):
    """Return the river's discharge on a date."""
    phase = 2 * math.pi * (now.timetuple().tm_yday - PEAK_DAY) / 365.25
    return MEAN_DISCHARGE * (1 + DISCHARGE_SWING * math.cos(phase))


def tide(now):
    """Return the tidal current, the same at all depths."""
    seconds = (now - TIDE_EPOCH).total_seconds()
    return sum(speed * math.sin(2 * math.pi * seconds / period) for speed, period in TIDES)


def residual(height, river_speed):
    """Return river and exchange flow at `height` (0: surface, -1: bottom), without the tide."""
    river = river_speed * 1.5 * (1 - height**2)
    return river + EXCHANGE_SPEED * (1 - 9 * height**2 - 8 * height**3)


def reflected(depth):
    """Return a depth within the water: particles bounce off the surface and the bottom."""
    depth = abs(depth)
    return depth if depth <= CHANNEL_DEPTH else 2 * CHANNEL_DEPTH - depth


def drift(start, release_depth, count, days, rng):
    """Yield distances and depths of all particles: at the start and after each day."""
    distances = [0.0] * count
    depths = [release_depth] * count
    jump = math.sqrt(2 * MIXING * STEP)
    for day in range(days + 1):
        midnight = start + timedelta(days=day)
        yield distances, depths
        for second in range(0, 86400, STEP):
            now = midnight + timedelta(seconds=second)
            tidal, river_speed = tide(now), discharge(now) / CROSS_SECTION
            for i, depth in enumerate(depths):
                distances[i] += STEP * (tidal + residual(-depth / CHANNEL_DEPTH, river_speed))
                depths[i] = reflected(depth + rng.gauss(0, jump))


def main():
    """Follow the particles that the environment describes."""
    positions = drift(
        datetime.strptime(os.environ["START_DATE"], "%Y%m%d"),
        float(os.environ["RELEASE_DEPTH"]),
        int(os.environ["PARTICLES"]),
        int(os.environ["DAYS"]),
        Random(int(os.environ["SEED"])),
    )
    with open("track.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["day", "mean_km", "sd_km", "mean_depth_m"])
        for day, (distances, depths) in enumerate(positions):
            mean_km, sd_km = statistics.fmean(distances) / 1000, statistics.pstdev(distances) / 1000
            depth = statistics.fmean(depths)
            table.writerow([day, f"{mean_km:.3f}", f"{sd_km:.3f}", f"{depth:.2f}"])


if __name__ == "__main__":
    main()
