#!/bin/bash
# Stand-in for a cloud worker: runs a Snakemake jobscript in an empty folder with an empty environment.
# Submit command of the cluster-generic executor; STANDIN is a folder for workers, PATH has snakemake.
set -u
worker=$(mktemp -d "$STANDIN/worker.XXXXXX")
mkdir "$worker/home" "$worker/work"
sed -e "s#^cd .*#cd $worker/work#" "$1" > "$worker/job.sh"
(
    cd "$worker/work" || exit 1
    if env -i HOME="$worker/home" PATH="$PATH" LC_ALL=C.UTF-8 bash "$worker/job.sh" > "$worker/log" 2>&1
    then echo success > "$worker/status.new"
    else echo failed > "$worker/status.new"
    fi
    mv "$worker/status.new" "$worker/status"
) > /dev/null 2>&1 &
echo running > "$worker/status.start"
echo "$worker"
