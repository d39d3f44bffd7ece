"""Run the model: one Snakemake job per pack of tasks. The only rules that leave this machine."""


rule run_tasks:
    """Run the tasks of one job and combine their tables."""
    output:
        record="<results>/records/{state}/{job}.jsonl",
        tables=expand(
            "<results>/tables/{output}/{{state}}/{{job}}.parquet", output=DESIGN.tables
        ),
        bundle=BUNDLE,
    log:
        "<results>/logs/run_tasks/{state}/{job}.log",
    conda:
        "../envs/workflow.yaml"
    threads: lambda wc: DESIGN.threads_of(size_of(wc))
    resources:
        mem_mb=lambda wc, attempt: DESIGN.mem_mb_of(size_of(wc)) * attempt,
        runtime=lambda wc, attempt: DESIGN.runtime_min_of(size_of(wc)) * attempt,
        limit_tasks=lambda wc: DESIGN.parallel_of(size_of(wc)),
        limit_jobs=1,
    params:
        design=DESIGN,
        digest=lambda wc: DESIGN.digest_of(wc.state, wc.job),
        outputs=DESIGN.output_list,
    message:
        "Run the tasks {wildcards.job} of {wildcards.state}."
    script:
        "../scripts/run_tasks.py"


rule list_tasks:
    """Say which tasks a job holds that lists them."""
    output:
        tasks="<results>/plan/listed/{state}/{listed}.json",
    log:
        "<results>/logs/list_tasks/{state}/{listed}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        text=lambda wc: (
            CALL.listed[wc.state, wc.listed].to_json() if CALL.listed else ""
        ),
    message:
        "List the tasks of {wildcards.listed} of {wildcards.state}."
    script:
        "../scripts/list_tasks.py"


rule run_listed:
    """Run the tasks that a job lists: failed ones again, or selected ones."""
    input:
        tasks="<results>/plan/listed/{state}/{listed}.json",
    output:
        record="<results>/records/{state}/{listed}.jsonl",
        tables=expand(
            "<results>/tables/{output}/{{state}}/{{listed}}.parquet",
            output=DESIGN.tables,
        ),
        bundle=LISTED_BUNDLE,
    log:
        "<results>/logs/run_listed/{state}/{listed}.log",
    conda:
        "../envs/workflow.yaml"
    threads: DESIGN.threads_of(FULL_JOB)
    resources:
        mem_mb=lambda wc, attempt: DESIGN.mem_mb_of(FULL_JOB) * attempt,
        runtime=lambda wc, attempt: DESIGN.runtime_min_of(FULL_JOB) * attempt,
        limit_tasks=DESIGN.parallel_of(FULL_JOB),
        limit_jobs=1,
    params:
        design=DESIGN,
        outputs=DESIGN.output_list,
    message:
        "Run the tasks {wildcards.listed} of {wildcards.state}."
    script:
        "../scripts/run_listed.py"


rule check_tasks:
    """Fail, naming the tasks that failed, unless so many are tolerated."""
    input:
        plan=local("<folder>/plan/tasks.csv"),
        records=lambda wc: over_jobs("<results>/records/{state}/{job}.jsonl"),
    output:
        tasks=local("<folder>/combined/tasks.parquet"),
    log:
        local("<results>/logs/check_tasks.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        call=CALL,
        tolerate=DESIGN.experiment.failures.tolerate,
    message:
        "Check what became of all tasks."
    script:
        "../scripts/check_tasks.py"
