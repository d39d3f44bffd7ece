# Everything works on a machine with python3 >= 3.11, git and make alone: a .venv holds the rest.
#   make run    the demo, from nothing to a report          make test   all tests that can run here
#   make env    only the .venv, and links for --profile     make bench  benchmarks, with their peers
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Tools called below belong to the .venv, whatever else is active.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
WORKERS ?= 2

.PHONY: run test env dev lint format bench lock schema clean

run: env
	snakemake --profile local
	@echo
	@echo "Done. Look at the report:   results/seir/main/report/report.html"
	@echo "The combined results:       results/seir/main/combined/timeline.csv"

test: dev
	pytest -n $(WORKERS)

env: $(VENV)/requirements.done links

dev: $(VENV)/requirements-dev.done links

lint: dev
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

format: dev
	ruff format .
	ruff check --fix .
	snakefmt Snakefile rules

bench: dev
	python -m benchmarks.run_benchmarks $(BENCH)

# Pin what pyproject.toml asks for, for all platforms.
lock: dev
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header pyproject.toml -o envs/requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --group test --group lint -c envs/requirements.txt -o envs/requirements-dev.txt

schema: dev
	python -m scripts.write_schema

clean:
	rm -rf $(VENV) .snakemake .pytest_cache .ruff_cache .hypothesis

# `--profile local` works by bare name because of these links (git ignores them).
.PHONY: links
links:
	@for profile in profiles/*/; do name=$$(basename $$profile); \
	    [ $$name = default ] || ln -sfn profiles/$$name $$name; done

$(VENV)/%.done: envs/%.txt $(VENV)/bin/uv
	@echo "Installing envs/$*.txt into $(VENV) ..."
	@uv pip install --quiet --python $(BIN)/python -r envs/$*.txt
	@touch $@

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Fanfold needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 run"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) || \
	    { echo "Python's venv module is incomplete here; on Debian or Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
