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


rule plan_retry:
    """Say which failed tasks a retry job holds."""
    output:
        tasks="<results>/plan/retries/{state}/{retry}.json",
    log:
        "<results>/logs/plan_retry/{state}/{retry}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        text=lambda wc: RETRIES[wc.state, wc.retry].to_json() if RETRIES else "",
    message:
        "Plan {wildcards.retry} of {wildcards.state}."
    script:
        "../scripts/plan_retry.py"


rule retry_tasks:
    """Run failed tasks again, and nothing else."""
    input:
        tasks="<results>/plan/retries/{state}/{retry}.json",
    output:
        record="<results>/records/{state}/{retry}.jsonl",
        tables=expand(
            "<results>/tables/{output}/{{state}}/{{retry}}.parquet",
            output=DESIGN.tables,
        ),
        bundle=RETRY_BUNDLE,
    log:
        "<results>/logs/retry_tasks/{state}/{retry}.log",
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
        "Run failed tasks of {wildcards.state} again: {wildcards.retry}."
    script:
        "../scripts/retry_tasks.py"


rule check_tasks:
    """Fail, naming the tasks that failed, unless so many are tolerated."""
    input:
        plan=local("<results>/plan/tasks.csv"),
        records=over_jobs("<results>/records/{state}/{job}.jsonl"),
    output:
        tasks=local("<results>/combined/tasks.parquet"),
    log:
        local("<results>/logs/check_tasks.log"),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        design=DESIGN,
        tolerate=DESIGN.experiment.failures.tolerate,
    message:
        "Check what became of all tasks."
    script:
        "../scripts/check_tasks.py"
