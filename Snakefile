"""Fanfold: fan a model out over states and runs; fold the results back in. See README.md."""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/plan.smk"
include: "rules/run.smk"
include: "rules/combine.smk"
include: "rules/report.smk"


rule all:
    """Run what is missing, combine everything, and write the report."""
    default_target: True
    input:
        local("<folder>/combined/tasks.parquet"),
        local(COMBINED),
        local("<folder>/report/report.html"),


onstart:
    start_call()
