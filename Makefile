# Everything runs in .venv, made from requirements.lock and nothing else: the same by hand and in CI.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-slow test-longest test-load test-deploy check fix bench bench-model lock clean

PORT ?= 8000
# The default python3 is what a person expects to be used; the others are for machines where it is too old or too new.
PYTHON ?= python3 python3.13 python3.12 python3.11
BIN := .venv/bin
UV_INSTALL := $(BIN)/uv pip install --python $(BIN)/python

help: ## show this list (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: PYTHON=/path/to/python3.12 make setup; PORT=9000 make demo; UPGRADE=1 make lock"

setup: .venv/installed ## make .venv with everything pinned in requirements.lock (again only when that changes)

# A candidate is tried by running it: a pyenv shim exists and still fails, and Debian's python3 may lack ensurepip.
$(BIN)/uv:
	@for python in $(PYTHON); do \
	  if "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	  then found=$$python; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	  echo "No usable Python: Bifocal needs 3.11, 3.12 or 3.13, able to make a virtual environment. Tried: $(PYTHON)." >&2; \
	  echo "Install one (on Debian and Ubuntu: python3 and python3-venv), or name one: make setup PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	echo "Making .venv with $$("$$found" --version)"; \
	"$$found" -m venv .venv
	@sed -n '/^uv==/,/# via/p' requirements.lock > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt

# The lock is a constraint, so that the gpu extra can be pinned in it and stay uninstalled; its hashes hold all the same.
.venv/installed: pyproject.toml requirements.lock $(wildcard model/native/src/*) | $(BIN)/uv
	$(UV_INSTALL) --quiet --require-hashes -c requirements.lock -r pyproject.toml --extra training --extra dev
	$(UV_INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## make the demo data, train on it (once), and serve the model on 127.0.0.1:8000
	@test -f demo/data/manifest.csv || $(BIN)/bifocal-training demo-data demo/data
	@if ls demo/models/demo/*/saved_model.pb >/dev/null 2>&1; then \
	  echo "demo/models/demo holds a version already: not trained again (rm -r demo starts anew)"; \
	else \
	  $(BIN)/bifocal-training fit demo/data/manifest.csv --image image --text caption --tags tags --label label \
	    --split split --name demo --epochs 15 --runs-dir demo/runs --models-dir demo/models --alone \
	    --set data.publish_examples=true; \
	fi
	@$(BIN)/bifocal-service serve demo/models --host 127.0.0.1 --port $(PORT) --example demo/data/manifest.csv

test: setup ## run the tests, but for what the targets below run
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-slow: setup ## kill and resume trainings, train in clusters, compare with Keras, drive the page (minutes)
	@$(BIN)/python -m pytest -m slow --numprocesses 2 --dist loadfile

test-longest: setup ## every pair of branch, merge and head, and what the README says of its data sets (20 minutes)
	@$(BIN)/python -m pytest -m longest --numprocesses 2 --dist loadfile

test-load: setup ## load a service on 127.0.0.1: overload, hang-ups, reloads, SIGTERM (minutes)
	@$(BIN)/python -m pytest -m load

test-deploy: setup ## build the images and try docker-compose.yml, where there is a container engine (minutes)
	@$(BIN)/python -m pytest -m deploy -rs

check: setup ## formatting, lint, types and import directions; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py

fix: setup ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## all comparisons with what people would use instead (hours)
	$(BIN)/python -m benchmarks

bench-model: setup ## only those of the model: merges, explanations, the training step (3 minutes)
	$(BIN)/python -m benchmarks.merges
	$(BIN)/python -m benchmarks.explanations
	$(BIN)/python -m benchmarks.batch_normalization

# Not the whole setup: a pyproject.toml that the lock doesn't fit yet can't be installed.
lock: $(BIN)/uv ## pin again after a change of pyproject.toml (UPGRADE=1: everything to its newest)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --python-version 3.11 \
	  --no-header $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock

clean: ## remove what make made: .venv, demo/, caches, build files; never your runs/ and models/
	rm -rf .venv demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage
	find $(wildcard model training service tests benchmarks) -name __pycache__ -prune -exec rm -rf {} +
