"""Show what the experiment comes to."""

from scripts.fanfold.script_log import script_log

if __name__ == "__main__":
    with script_log(snakemake.log) as log:
        pass
