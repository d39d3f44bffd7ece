"""Fold the results back in: the tables of all jobs of a state, then of all states."""


rule combine_state:
    """Stack the tables of one state's jobs."""
    input:
        tasks=local("<folder>/combined/tasks.parquet"),
        tables=lambda wc: over_jobs(
            "<results>/tables/{output}/{state}/{job}.parquet",
            output=wc.output,
            state=wc.state,
        ),
    output:
        table=local("<folder>/combined/{state}/{output}.parquet"),
    log:
        local("<results>/logs/combine_state/{state}/{output}.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    message:
        "Combine {wildcards.output} of {wildcards.state}."
    script:
        "../scripts/combine_state.py"


rule combine_states:
    """Stack the tables of all states."""
    input:
        tables=local(
            expand("<folder>/combined/{state}/{{output}}.parquet", state=CALL.jobs)
        ),
    output:
        table=local("<folder>/combined/{output}.parquet"),
    log:
        local("<results>/logs/combine_states/{output}.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    message:
        "Combine {wildcards.output} of all states."
    script:
        "../scripts/combine_states.py"


rule combine:
    """Run what is missing and combine everything, without the report. Target."""
    input:
        local("<folder>/combined/tasks.parquet"),
        local(COMBINED),
