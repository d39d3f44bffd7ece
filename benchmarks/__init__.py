"""Benchmarks: what Fanfold costs beside what must be done anyway. See README.md."""
