# Every target sets up .venv by itself: no root, nothing outside this folder.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.9
# uv comes from PyPI, into this folder; it finds Python 3.13 or brings it.
UV := .tools/bin/uv
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test check format bench soak lock clean

help: ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(READY) ## Start real agents on this machine and walk the main job.
	$(BIN)/wanderbuch demo

test: $(READY) ## Run all tests (under 10 minutes).
	$(BIN)/pytest --numprocesses 2 --dist loadfile

check: $(READY) ## Format, lint, types and import rules.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Rewrite the code in the house style.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## Measure, print and write build/bench.json (under 15 minutes).
	$(BIN)/python -m tests.bench

soak: $(READY) ## What takes longer: kills, load, long runs.
	$(BIN)/pytest -m soak tests/soak

lock: $(UV) ## Pin the newest allowed dependencies with their hashes.
	$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml --output-file requirements.lock

clean: ## Remove what the other targets made.
	rm -rf .venv .tools build .mypy_cache .ruff_cache .pytest_cache

$(UV):
	@command -v python3 >/dev/null || { echo "Python 3 is missing: install it (Debian: apt-get install python3 python3-pip), then run make again."; exit 1; }
	python3 -m pip install --quiet --target .tools uv==$(UV_VERSION) \
		|| { python3 -m venv .tools && .tools/bin/python -m pip install --quiet uv==$(UV_VERSION); } \
		|| { echo "pip is missing: install it (Debian: apt-get install python3-pip), then run make again."; exit 1; }

$(READY): requirements.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --clear --python 3.13 .venv
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@
