# Everything a fresh machine needs: Python 3.11 or newer, and make.
#   make classify     PYTHON=python3.13 make test     make help

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python -m
# Settings handed on to a command, as in: make classify ARGS="--epochs 2 --out runs/short"
ARGS ?=
# Versions to install; /dev/null for the newest, as in: make test CONSTRAINTS=/dev/null VENV=.venv-newest
CONSTRAINTS ?= constraints.txt

# What runs the tests of make test, and in how many processes: each takes some 3 GB
PYTEST ?= pytest
PROCESSES ?= 2
TOGETHER = --numprocesses $(PROCESSES) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help classify redshift linenet quasarnet report compare predict evaluate test test-slow test-fast test-oldest fuzz coverage coverage-report lint format hooks docs benchmark wheel clean

help:  ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

classify: $(VENV)/run  ## train, evaluate and plot the four-class network (makes a mock survey)
	$(RUN) experiments.classify $(ARGS)

redshift: $(VENV)/run  ## the same for the redshift network (ARGS="--target bal")
	$(RUN) experiments.redshift $(ARGS)

linenet: $(VENV)/run  ## the same for LineNet: class, redshift and broad absorption (half an hour)
	$(RUN) experiments.linenet $(ARGS)

quasarnet: $(VENV)/run  ## the same for QuasarNET (docs/quasarnet.md)
	$(RUN) experiments.quasarnet $(ARGS)

report: $(VENV)/run  ## reproduce the report on one page (with ARGS=--quick in 4 minutes)
	$(RUN) experiments.report $(ARGS)

compare: $(VENV)/run  ## print one table of models: make compare ARGS="runs/classify runs/quasarnet"
	$(RUN) experiments.compare $(ARGS)

predict: $(VENV)/run  ## make a catalog of your spectra: make predict ARGS="spec-*.fits"
	$(VENV)/bin/spectranet predict $(ARGS)

evaluate: $(VENV)/run  ## evaluate a run again: make evaluate ARGS="runs/classify"
	$(RUN) experiments.evaluate $(ARGS)

test: $(VENV)/dev  ## run all tests except the long ones (7 minutes on two cores)
	$(RUN) $(PYTEST) -m "not long" $(TOGETHER) $(ARGS)

test-slow: $(VENV)/dev  ## run the long tests: fuzzing, kills, complete training runs (25 minutes)
	$(RUN) pytest -m long $(TOGETHER) $(ARGS)

test-fast: $(VENV)/dev  ## run 2,200 tests that take less than a third of a second each (a minute)
	$(RUN) pytest -m "not slow and not long" $(TOGETHER) $(ARGS)

coverage:  ## make test; fails if it covers less than 92 % of the library's lines
	rm -f .coverage .coverage.*
	$(MAKE) test PYTEST="coverage run -m pytest"
	$(MAKE) coverage-report

coverage-report:  ## print the coverage of the last make coverage, by file
	$(RUN) coverage combine --quiet
	$(RUN) coverage report --skip-covered

fuzz: $(VENV)/dev  ## run 20,000 new cases of damaged files, texts and command lines (half an hour)
	FUZZ_CASES=450 $(RUN) pytest -m fuzz $(TOGETHER) $(ARGS)

test-oldest:  ## run make test on Python 3.11 with the oldest allowed versions
	$(MAKE) test PYTHON=python3.11 VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt

lint: $(VENV)/dev  ## check style and types
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy

format: $(VENV)/dev  ## format the code
	$(RUN) ruff check --fix
	$(RUN) ruff format

hooks: $(VENV)/dev  ## install checks of style, types and notebooks before each commit
	$(RUN) pre_commit install

docs: $(VENV)/docs  ## build the documentation as a web site in build/docs; warnings are errors
	$(VENV)/bin/python docs/columns_page.py
	PYTHONPATH=$(CURDIR) $(RUN) sphinx --builder html --fail-on-warning --keep-going \
	  --doctree-dir build/doctrees docs build/docs $(ARGS)

benchmark: $(VENV)/run  ## measure speed, as ratios to peers
	$(RUN) experiments.benchmark $(ARGS)

wheel: $(VENV)/dev  ## build the wheel, install it into an empty environment, predict with it
	rm -rf build dist
	$(RUN) build --wheel --outdir dist
	.ci/try-wheel dist/*.whl

clean:  ## remove the environment, builds and caches; keep data/ and runs/
	rm -rf $(VENV) .venv-oldest build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; say PYTHON=python3.13, or whichever you have"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(RUN) pip install --quiet --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/dev: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(RUN) pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@ $(VENV)/run

$(VENV)/docs: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(RUN) pip install --quiet --constraint $(CONSTRAINTS) --editable '.[docs]'
	@touch $@
