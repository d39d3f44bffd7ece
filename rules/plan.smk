"""Before anything runs: the design table, rendered configs, and how far a launch is."""


rule write_plan:
    """Write the design table: one row per task."""
    output:
        table=local("<results>/plan/tasks.csv"),
    log:
        local("<results>/logs/write_plan.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        design=DESIGN,
        digest=DESIGN.digest,
    message:
        "Write the design table."
    script:
        "../scripts/write_plan.py"


rule plan:
    """Show what the experiment comes to. Target."""
    input:
        table=local("<results>/plan/tasks.csv"),
    log:
        local("<results>/logs/plan.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        design=DESIGN,
    script:
        "../scripts/plan.py"


rule configs:
    """Render the configs of tasks without running them. Target; --config select=CA/*."""
    log:
        local("<results>/logs/configs.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        design=DESIGN,
        select=SELECT,
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
        design=DESIGN,
        jobs=JOBS,
    script:
        "../scripts/status.py"
