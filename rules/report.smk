"""What a person looks at: the report, and the task folders where they are not here yet."""


rule report:
    """Write the report: one page that opens without a network."""
    input:
        tasks=local("<folder>/combined/tasks.parquet"),
        tables=local(COMBINED),
    output:
        report=local("<folder>/report/report.html"),
    log:
        local("<results>/logs/report.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        call=CALL,
    message:
        "Write the report."
    script:
        "../scripts/report.py"


rule unpack_files:
    """Unpack the task folders of one state here."""
    input:
        bundles=lambda wc: over_jobs(
            "<results>/bundles/{state}/{job}.tar.zst", state=wc.state
        ),
    output:
        unpacked=local(touch("<results>/tasks/{state}/.unpacked")),
    log:
        local("<results>/logs/unpack_files/{state}.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        design=DESIGN,
    message:
        "Unpack the task folders of {wildcards.state}."
    script:
        "../scripts/unpack_files.py"


rule files:
    """Have all task folders on this machine. Target; on a shared file system they are."""
    input:
        local(
            []
            if SHARED
            else expand("<results>/tasks/{state}/.unpacked", state=CALL.jobs)
        ),
