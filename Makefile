# The platform's commands. `make dev` and `make test` need python3 (3.11 or newer) and nothing else.
PYTHON ?= python3
RUN := .venv/bin/python
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install dev test lint format bench soak audit lock migrate restore build size contracts

help: ## List these commands
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: ## Install everything below this folder (most commands do it first)
	@$(PYTHON) scripts/bootstrap.py

dev: install ## Run the whole platform until Ctrl-C (ARGS="--fresh" for empty stores, ARGS="--help" for more)
	@exec $(RUN) -m scripts.dev $(ARGS)

test: install lint ## Check the code, run every test and print the coverage (ARGS="tests/unit -k name" for some, without it)
	@exec $(RUN) -m pytest $(or $(ARGS),--cov)

lint: install ## Format, lint and type checks
	@$(RUN) -m scripts.lint

format: install ## Format the code
	@$(RUN) -m ruff check --quiet --fix . || true
	@$(RUN) -m ruff format --quiet .

bench: install ## Measure the request paths and print ratios
	@exec $(RUN) -m scripts.bench $(ARGS)

soak: install ## Half an hour of mixed load with a fault each minute, and everything read back (ARGS="--minutes 2 --every 12" for less)
	@exec $(RUN) -m scripts.soak $(ARGS)

audit: install ## Look up known vulnerabilities of every locked package
	@exec $(RUN) -m scripts.audit $(ARGS)

lock: ## Write all locks anew after a change of versions (ARGS="--upgrade PACKAGE" takes the newest of one, too)
	@test -x $(RUN) || { echo "Nothing is installed yet. Run: make install" >&2; exit 1; }
	@exec $(RUN) -m scripts.lock $(ARGS)

migrate: install ## Apply the migrations that DATABASE_URL and CLICKHOUSE_URL lack
	@exec $(RUN) -m scripts.migrate $(ARGS)

restore: install ## Restore into DATABASE_URL, which is migrated and empty (BACKUP=folder, or BACKUP=latest of the local stack)
	@exec $(RUN) -m scripts.restore "$(BACKUP)" $(ARGS)

contracts: install ## Generate the TypeScript declarations and the OpenAPI document from the contract tables
	@$(RUN) -m scripts.contracts

build: install ## Build the uploads of all Workers into dist/, without an account, and print how large each is
	@$(RUN) -m scripts.deploy size

size: build ## The same as build
