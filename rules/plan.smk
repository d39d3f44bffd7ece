"""Before anything runs: the design table, rendered configs, and how far a launch is."""


rule write_plan:
    """Write the design table: one row per task."""
    output:
        table=local("<folder>/plan/tasks.csv"),
    log:
        local("<results>/logs/write_plan.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        call=CALL,
        digest=lambda wc: CALL.digest,
    message:
        "Write the design table."
    script:
        "../scripts/write_plan.py"


rule plan:
    """Show what the experiment comes to. Target."""
    input:
        table=local("<folder>/plan/tasks.csv"),
    log:
        local("<results>/logs/plan.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        text=lambda wc, input: summary(CALL, input.table),
    shell:
        "echo {params.text:q} | tee {log}"


rule configs:
    """Render the configs of the selected tasks without running them. Target."""
    log:
        local("<results>/logs/configs.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        call=CALL,
    script:
        "../scripts/configs.py"


rule status:
    """Say how far the launch is. Target; works while another call runs."""
    log:
        local("<results>/logs/status.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        call=CALL,
    script:
        "../scripts/status.py"
