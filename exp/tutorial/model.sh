#!/bin/sh
# Water in a reservoir, day by day: reads params.txt, writes level.csv (level: million cubic metres).
# Inflow is random (exponential, mean `inflow` a day); people take 0.3 cubic metres each a day; what
# does not fit flows over. The same seed gives the same weather, so states differ by demand alone.
set -eu
LC_ALL=C awk -F= '
    { value[$1] = $2 }
    END {
        srand(value["seed"] + 0)
        demand = value["population"] * 0.3 / 1000000
        level = value["capacity"] / 2
        print "day,level"
        for (day = 1; day <= value["days"] + 0; day++) {
            level += -value["inflow"] * log(1 - rand()) - demand
            if (level < 0) level = 0
            if (level > value["capacity"] + 0) level = value["capacity"] + 0
            printf "%d,%.3f\n", day, level
        }
    }' < params.txt > level.csv
