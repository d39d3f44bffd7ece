# The model: reads params.sh, which Fanfold has made for this task, and writes growth.csv.
# Replace it by yours: any program that runs from a command and writes files where it is started.
set -eu
. ./params.sh
awk -v seed="$seed" -v days="$days" -v growth="$growth" -v cases="$start" 'BEGIN {
    srand(seed)
    print "day,cases"
    for (day = 0; day <= days; day++) {
        printf "%d,%.1f\n", day, cases
        cases *= 1 + growth * 2 * rand()
    }
}' > growth.csv
