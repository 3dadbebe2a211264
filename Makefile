# Targets for development. A clone needs Python 3.11 or newer and make; only test-external needs Node, redis-server and Chromium.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := .venv/$(BIN)
RELEASE := build/release/$(BIN)
DOCS := build/docs-venv/$(BIN)
PEERS := build/peers/$(BIN)
DEMO := .demo-venv/$(BIN)
NODE_TOOLS := build/node
TYPED := cstar_async codegen examples bench .ci/release tests/typing
# Run two targets in parallel. GNU make 4 prints the output of each target in one piece.
PARALLEL := $(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# As a module: on Windows, pip.exe cannot replace itself.
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check

TYPE_CHECKS := pyright-3.11 pyright-3.13 mypy-3.11 mypy-3.13

.DEFAULT_GOAL := help
.PHONY: help setup demo bot test soak test-external setup-external generate check-generated format lint types cover mutants bench bench-events bench-peers wheel-test docs docs-serve release test-lowest test-highest audit clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build/demo.stamp ## Run the support desk example on a local server (or on cStar, with CSTAR_API_KEY)
	@$(DEMO)/python examples/support_desk.py

bot: build/demo.stamp ## Run the support bot example while deliveries fail and the bot is killed
	@$(DEMO)/python examples/watch_support_bot.py

test: setup ## Run all checks that need only Python: lint, generated code, types, tests, coverage
	@echo "make test takes about nine minutes on two cores: lint and types (one), then the tests with coverage (eight)."
	@echo "It needs no network after 'make setup', and writes to .coverage and caches only. One file: .venv/bin/python -m pytest FILE"
	$(PARALLEL) lint check-generated $(TYPE_CHECKS)
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -m "not external and not soak" --numprocesses auto --dist worksteal
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report

soak: setup ## Run the tests that take minutes: thousands of network faults, memory use over long runs
	$(RUN)/python -m pytest -m soak --numprocesses auto --dist worksteal --timeout 1800

test-external: setup docs ## Run the tests that need pandas and Node tools (make setup-external), redis-server and Chromium
	$(RUN)/python -m pytest -m external tests/external

setup-external: setup ## Install what test-external needs: pandas into .venv, Node tools into build/
	@$(RUN)/$(PIP_INSTALL) --group external
	npm install --no-audit --no-fund --no-save --loglevel=error --prefix $(NODE_TOOLS) @redocly/cli@2.77.0 @stoplight/prism-cli@5.16.0

setup: build/dev.stamp ## Create the virtual environment for development

generate: setup ## Generate code from openapi/cstar.yaml
	$(RUN)/python -m codegen

check-generated: setup ## Fail if the generated code differs from openapi/cstar.yaml
	$(RUN)/python -m codegen --check

format: setup ## Format the code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

lint: setup ## Lint the code, and check which package imports which
	$(RUN)/ruff check .
	$(RUN)/ruff check --quiet --select D401 --config 'lint.pydocstyle.convention = "pep257"' .
	$(RUN)/ruff format --check .
	$(RUN)/lint-imports --no-cache

types: setup ## Check types with pyright and mypy, for Python 3.11 and 3.13
	$(PARALLEL) $(TYPE_CHECKS)

pyright-%: setup
	$(RUN)/pyright --pythonversion $*

mypy-%: setup
	$(RUN)/mypy --python-version $* $(TYPED)

cover: setup ## Run the tests and list the lines without coverage
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -m "not external and not soak" --numprocesses auto --dist worksteal
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report --fail-under=0
	$(RUN)/coverage html --quiet && echo "line by line: htmlcov/index.html"

MODULE ?= *
mutants: setup ## Run mutation tests (25 minutes; MODULE=_protocol.retry for one module)
	$(RUN)/$(PIP_INSTALL) --editable . --group dev --group mutation
	rm -rf mutants
	nice $(RUN)/mutmut run --max-children 1 "cstar_async.$(MODULE).*" | tail -n 1
	$(RUN)/python -m tests.mutation

bench: setup ## Compare the client with bare aiohttp
	$(RUN)/python -m bench

bench-events: setup ## Compare WebhookInbox with a bare handler, and time events from change to handler
	$(RUN)/python -m bench.events

bench-peers: build/peers.stamp ## Compare with other clients, write docs/performance.md (15 minutes; ROUNDS=3: four)
	$(PEERS)/python -m bench.peers $(if $(ROUNDS),--rounds $(ROUNDS))

wheel-test: setup ## Build the wheel and test it without the source tree
	$(RUN)/python -m pytest -p no:randomly tests/contract/test_wheel.py

docs: build/docs.stamp ## Build the documentation site into site/, and check its links
	@PYTHONPATH=.ci $(DOCS)/python -m docsite

docs-serve: build/docs.stamp ## Show the documentation site at http://localhost:8000, and build it again when a page changes
	@PYTHONPATH=.ci $(DOCS)/python -m docsite.reference
	@$(DOCS)/zensical serve

release: build/release.stamp lint check-generated ## Build wheel, sdist and SBOM twice in dist/, and test them (15 minutes)
	PYTHONPATH=.ci $(RELEASE)/python -m release

test-lowest test-highest: build/release.stamp ## Test wheel and sdist with the lowest or the highest versions of the dependencies
	PYTHONPATH=.ci $(RELEASE)/python -m release $(@:test-%=%)

audit: build/release.stamp ## Look for known vulnerabilities in the dependencies, all extras included
	@PYTHONPATH=.ci $(RELEASE)/python -m release.audit

clean: ## Remove build output, caches and virtual environments
	rm -rf build dist site .cache docs/reference mutants .venv .demo-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage .coverage.*

build/dev.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@$(RUN)/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(RUN)/$(PIP_INSTALL) --editable . --group dev
	@mkdir -p build && touch $@

build/release.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@$(PYTHON) -m venv build/release
	@$(RELEASE)/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(RELEASE)/$(PIP_INSTALL) --group release
	@touch $@

build/peers.stamp: pyproject.toml openapi/cstar.yaml bench/peers/setup.py
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@echo "setting up build/peers with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv build/peers
	@$(PEERS)/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(PEERS)/$(PIP_INSTALL) --editable ".[codegen,redis]" --group peers
	@$(PEERS)/python -m bench.peers.setup
	@touch $@

build/demo.stamp: pyproject.toml $(shell find cstar_async -name '*.py' -o -name '*.json')
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@echo "setting up .demo-venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .demo-venv
	@$(DEMO)/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(DEMO)/$(PIP_INSTALL) ".[cli]"
	@mkdir -p build && touch $@

build/docs.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@$(PYTHON) -m venv build/docs-venv
	@$(DOCS)/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(DOCS)/$(PIP_INSTALL) --group docs
	@touch $@
