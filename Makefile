# Every command of the house. `make` alone lists them.
PYTHON  ?= python3
# One more than cores: a third of the suite waits for terminals and servers.
WORKERS ?= 3
BIN     := .venv/bin
PYTEST   = $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types borders lock picture faults failovers bench clean runtime development campaigns packages

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: runtime ## install into .venv, build a synthetic district and open the console on it
	@$(BIN)/district demo

test: development packages ## install what the tests need, system packages too, and run every test
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m "not bench"

check: development packages ## format, lint, types, borders, tests
	@$(MAKE) --no-print-directory --keep-going lint types borders test

format: development ## put every file into the house's form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: development
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: development
	@$(BIN)/mypy

borders: development
	@$(BIN)/lint-imports --no-cache

picture: development packages ## draw the README's pictures from the running console
	@$(BIN)/python -m docs.pictures.draw

faults: campaigns packages ## the fault and fuzz campaigns in their whole length (ONLY=words picks some)
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m campaign --whole -k "$(ONLY)"

failovers: development packages ## three PostgreSQL servers under Patroni fail over, with packages of their own (ONLY=words picks some)
	@$(BIN)/python .ci/packages.py packages-failovers.txt
	@$(PYTEST) tests/patroni_loses_nothing.py --whole -k "$(ONLY)"

bench: campaigns packages ## the measurements, one after the other (PARTS=names picks some)
	@$(BIN)/python -m tests.measured $(PARTS)

lock: development ## resolve the dependencies anew and write the lock files
	@$(BIN)/python .ci/lock.py

clean: ## remove .venv, the demonstration's district and every cache
	@rm -rf .venv district-demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime development campaigns:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, nothing was installed; name it with PYTHON=…")'
	@$(PYTHON) .ci/environment.py $@

packages: development
	@$(BIN)/python .ci/packages.py
