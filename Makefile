# The commands of the project; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
# Each of the many processes that the tests start would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
MODERN_NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b > 18) ? 0 : 1)' 2>/dev/null && command -v npm)
DASHBOARD := graphql_api/static/dashboard/index.html

.PHONY: help venv dashboard clients run test matrix matrix-short torture benchmark lint format schema reference migration lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: .venv/made ## Make .venv from the pinned files, with uv where it is installed, else pip

.venv/made: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "execgraph needs Python 3.11 or later; name one with: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv && \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirement requirements.txt && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
		$(PYTHON) -m venv --clear .venv && \
		$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt && \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	fi
	@touch $@

dashboard: ## Build the dashboard that the server serves at / (needs Node 20.19 or later)
	@test -n "$(MODERN_NODE)" || { echo "the dashboard needs Node 20.19 or later, see https://nodejs.org" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(DASHBOARD)

$(DASHBOARD): dashboard/node_modules/.made schema.graphql $(shell find dashboard/src dashboard/public dashboard/*.html dashboard/*.ts -type f -not -name generated.ts)
	npm --prefix dashboard run --silent build
	@touch $@

dashboard/node_modules/.made: dashboard/package.json dashboard/package-lock.json
	npm --prefix dashboard ci --silent
	@touch $@

clients: tests/clients/node_modules/.made ## Install the npm clients that tests of the streams use

tests/clients/node_modules/.made: tests/clients/package.json tests/clients/package-lock.json
	npm --prefix tests/clients ci --silent
	@touch $@

screenshots: venv dashboard ## Take docs/screenshots of the dashboard (needs Chromium)
	$(BIN)/python -m tests.dashboard.screenshots

run: venv ## Serve on 127.0.0.1:8000 with an example engine beside it, until Ctrl-C
	@if [ -n "$(MODERN_NODE)" ]; then \
		$(MAKE) --no-print-directory dashboard || echo "the dashboard could not be built; serving the API all the same" >&2; \
	else echo "without Node 20.19 or later there is no dashboard, only the API" >&2; fi
	@exec $(BIN)/python examples/run.py

# Tests wait half of their time, for processes, timers and browsers. Those that measure come after all others, alone.
# Where ARGS select none of the one or the other kind, pytest exits with 5.
define run_tests
	$(1) -m pytest -n 4 --dist worksteal -m "not alone" $(ARGS) || [ $$? = 5 ]
	$(1) -m pytest -m alone $(ARGS) || [ $$? = 5 ]
endef

test: venv $(if $(MODERN_NODE),$(DASHBOARD) clients) ## Run all tests and hold the coverage floors
	$(if $(MODERN_NODE),npm --prefix dashboard run --silent test)
	@rm -f .coverage .coverage.*
	$(call run_tests,$(BIN)/coverage run)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python tests/coverage_floors.py

POSTGRES_15 ?= /usr/lib/postgresql/15/bin
ON_15 = EXECGRAPH_TEST_POSTGRES=$(POSTGRES_15)
POOLED = EXECGRAPH_TEST_POOLER=pgbouncer

matrix: venv ## Run all tests on PostgreSQL 18 and 15, directly and through pgbouncer
	$(call run_tests,$(BIN)/python)
	$(call run_tests,$(POOLED) $(BIN)/python)
	$(call run_tests,$(ON_15) $(BIN)/python)
	$(call run_tests,$(ON_15) $(POOLED) $(BIN)/python)

BOTH_PARTS := tests/acceptance tests/archive/test_archive.py tests/db/test_purge.py tests/graphql_api/test_lists.py

matrix-short: venv # A representative part of it
	$(ON_15) $(BIN)/python -m pytest -n 4 $(BOTH_PARTS) tests/migrations tests/db/test_filters.py
	$(POOLED) $(BIN)/python -m pytest -n 4 $(BOTH_PARTS)

torture: venv ## Run the long tests at full length
	EXECGRAPH_TORTURE=full $(BIN)/python -m pytest -m torture -s $(ARGS)

benchmark: venv ## Fill a database with a busy year, unless it is, and measure what dashboards read
	$(BIN)/python benchmarks/fill.py --if-empty
	$(BIN)/python benchmarks/read.py $(ARGS)

lint: venv ## Check style, types, the import arrows and that schema.graphql is current
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(if $(wildcard dashboard/node_modules/.made),npm --prefix dashboard run --silent check)
	@$(BIN)/execgraph schema | diff -u schema.graphql - || { echo "schema.graphql is stale: make schema" >&2; exit 1; }

format: venv ## Bring the code into style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schema: venv ## Write schema.graphql anew
	$(BIN)/execgraph schema > schema.graphql

reference: venv ## Write the reference of the settings anew
	$(BIN)/execgraph settings > docs/configuration.md

migration: venv ## Start a migration from the difference to the models: make migration REV=0002 NAME="what it does"
	$(BIN)/alembic revision --autogenerate --rev-id "$(REV)" -m "$(NAME)"

lock: ## Pin the dependencies anew, with hashes and without the address of an index (needs uv)
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header \
		--group dev pyproject.toml --output-file requirements.txt

clean: ## Remove what was made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* build *.egg-info \
		dashboard/node_modules graphql_api/static
