#!/bin/bash
# Status command of the cluster-generic executor for remote_worker.sh: running, success or failed.
cat "$1/status" 2> /dev/null || echo running
