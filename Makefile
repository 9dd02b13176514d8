# Every target sets up .venv by itself: no root, nothing outside this folder.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Agents and tests start often: what they import is compiled once.
unexport PYTHONDONTWRITEBYTECODE

UV_VERSION := 0.13.9
# uv comes from PyPI, into this folder; it finds Python 3.13 or brings it.
UV := .tools/bin/uv
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test system test-all containers pool check format bench soak pictures lock clean

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## Start real agents on this machine and walk the main job.
	$(BIN)/wanderbuch demo

# The longest files first; four at a time, for half of the files wait (tests/shared_town.py).
PYTEST := $(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(READY) ## Run the tests before a commit: all but make system's (six minutes on two slow cores).
	$(PYTEST) -m "not system" tests/flow tests/abuse tests/unit

system: $(READY) ## Run the others: browsers, wallets of others, towns that take long (ten minutes).
	$(PYTEST) -m system

test-all: $(READY) ## Run both at once, as CI does (a quarter of an hour); make soak takes more of some.
	$(PYTEST)

containers: $(READY) ## Build the images; run the demo and both compose files in containers (root; podman, buildah).
	$(BIN)/pytest -n 0 tests/containers

pool: $(READY) ## Run the tests on a real Indy ledger of four nodes (Python 3.8 or 3.9; 6 minutes).
	$(BIN)/pytest -n 0 tests/pool

check: $(READY) ## Format, lint, types and import rules.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --namespace-packages --explicit-package-bases rogues tests/bench tests/soak tests/containers tests/pictures.py  # what no test runs
	$(BIN)/mypy --config-file tests/mypy.ini tests  # each call in the tests fits what it calls
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Rewrite the code in the house style.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## Measure, print and write build/bench.json (about half an hour).
	$(BIN)/python -m tests.bench

soak: $(READY) ## What takes longer: kills, load, long runs; all of what `make test-all` takes a share of; the whole Chromium.
	$(BIN)/pytest -m soak tests/soak
	WANDERBUCH_THOROUGH=1 $(BIN)/pytest --numprocesses 3 --dist loadfile \
		$$(grep -rlE --include='test_*.py' 'thorough|share_of|@given|by_chance|power\.cuts|"chromium"' tests/unit tests/browser tests/flow tests/interop)
	WANDERBUCH_THOROUGH=1 $(BIN)/pytest --numprocesses 3 --dist loadfile -k postgresql tests/unit  # all on both engines

pictures: $(READY) ## Make the README's pictures of agents that run (needs Chromium).
	$(BIN)/python -m tests.pictures

lock: $(UV) ## Pin the newest allowed dependencies with their hashes.
	$(UV) pip compile --quiet --upgrade --python-version 3.13 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml --output-file requirements.lock
	$(UV) pip compile --quiet --python-version 3.13 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--constraint requirements.lock pyproject.toml --output-file compose/requirements.lock  # of the image

clean: ## Remove what the other targets made.
	rm -rf .venv .tools build wallet/build wallet/node_modules .mypy_cache .ruff_cache .pytest_cache

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
