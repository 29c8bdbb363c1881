# `make` lists the targets. Everything runs in .venv, which `make env` makes and keeps up to date.

PYTHON ?= python3 python3.13 python3.12 python3.11 python
OLDEST_PYTHON ?= python3.11
LAB_ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help env lab test test-offline test-oldest lint build notebooks site slides browser bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: .venv/installed ## make the environment, or bring it up to date

lab: env ## open JupyterLab on the first chapter (LAB_ARGS="--no-browser --port 8899")
	$(BIN)/minigan lab $(LAB_ARGS)

test: lint ## check style and types, then run all tests
	$(BIN)/python -m pytest

test-offline: env ## run all tests with the network cut
	.ci/offline $(BIN)/python -m pytest

test-oldest: .venv-oldest/installed ## run the unit tests with the oldest versions that pyproject.toml admits
	.venv-oldest/bin/python -m pytest tests --ignore tests/browser -W ignore::DeprecationWarning

lint: env ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

build: env ## write the notebooks from their sources, outputs of unchanged cells kept
	$(BIN)/python -m minigan.course build

notebooks: env ## write and execute all notebooks
	$(BIN)/python -m minigan.course build --execute

site: env ## the web site, from the executed notebooks, into docs/_build/site
	$(BIN)/python -m minigan.course site

slides: env ## the slides of all chapters, into docs/_build/slides
	$(BIN)/python -m minigan.course slides

browser: env ## open every chapter and exercise in JupyterLab in a real browser (Chromium) and use it
	MINIGAN_BROWSER=all $(BIN)/python -m pytest tests/browser

bench: env runs/peers/installed ## measure everything that the texts claim, some hours (QUICK=1: only try, in minutes)
	$(BIN)/python benchmarks $(if $(QUICK),--quick)

clean: ## remove caches; the environment stays (rm -r .venv removes it)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find minigan tests notebooks benchmarks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# A python that cannot make environments is as bad as none, so the candidates are tried out, not only looked up.
.venv/bin/python:
	@bare=; for python in $(PYTHON); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || { bare="$$python"; continue; }; \
	  echo "making .venv with $$("$$python" --version)"; exec "$$python" -m venv .venv; \
	done; \
	if [ -n "$$bare" ]; then \
	  echo "$$bare cannot make environments (no venv module); on Debian and Ubuntu: sudo apt install python3-venv" >&2; \
	else \
	  echo "no Python 3.11 or newer was found; install one from https://www.python.org/downloads, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	fi; exit 1

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing minigan and what it needs; the first time this fetches PyTorch, which takes minutes"
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[test,docs,browser]'
	@touch $@

# Old versions run on old Pythons alone, so this environment begins with the oldest one. The new packages beside them warn
# of what they use; that is no failure.
.venv-oldest/installed: pyproject.toml constraints-oldest.txt
	$(OLDEST_PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --disable-pip-version-check -c constraints-oldest.txt -e '.[test,docs]'
	@touch $@

# What minigan is measured against stands apart from the environment; where it cannot be had, the tables say so.
runs/peers/installed: benchmarks/peers.txt | .venv/installed
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --target runs/peers --upgrade -r $< \
	  && touch $@ || echo "the packages of $< cannot be had; the benchmarks go on without them" >&2
