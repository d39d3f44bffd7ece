"""The ensemble logic: pure Python, one concept a file, knows nothing of Snakemake."""

VERSION = "0.1.0"
