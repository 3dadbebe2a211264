# The front door of the project. A bare clone needs Python 3.11 or newer and make; node and redis-server only for test-external.

SHELL := /bin/bash
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
RUN := .venv/bin
NODE_TOOLS := build/node
TYPED := cstar_async codegen examples tests/typing
# Two at once, for two cores; where make can, it shows what each said in one piece.
TOGETHER := $(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
PIP_INSTALL := pip install --quiet --disable-pip-version-check

TYPE_CHECKS := pyright-3.11 pyright-3.13 mypy-3.11 mypy-3.13

.DEFAULT_GOAL := help
.PHONY: help setup demo bot test soak test-external setup-external generate check-generated format lint types cover mutants bench bench-events wheel-test clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build/demo.stamp ## Play a support desk against a cStar on this machine (or the real one, with CSTAR_API_KEY)
	@.demo-venv/bin/python examples/support_desk.py

bot: build/demo.stamp ## Watch a support bot answer tickets while deliveries go astray and it is killed
	@.demo-venv/bin/python examples/watch_support_bot.py

test: setup ## Check everything that needs Python only: lint, drift, types, tests, coverage
	$(TOGETHER) lint check-generated $(TYPE_CHECKS)
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -m "not external and not soak" --numprocesses auto --dist worksteal
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report

soak: setup ## Run what takes minutes: faults on the wire by the ten thousand, memory over long runs
	$(RUN)/python -m pytest -m soak --numprocesses auto --dist worksteal --timeout 1800

test-external: setup ## Check with Node tools (make setup-external installs them) and a real redis-server (Debian's package)
	$(RUN)/python -m pytest -m external tests/external

setup-external: ## Install the Node tools that test-external needs, into build/
	npm install --no-audit --no-fund --no-save --loglevel=error --prefix $(NODE_TOOLS) @redocly/cli@2.77.0 @stoplight/prism-cli@5.16.0

setup: build/dev.stamp ## Make the virtual environment for development

generate: setup ## Write the generated code from openapi/cstar.yaml
	$(RUN)/python -m codegen

check-generated: setup ## Fail if the generated code is not that of the document
	$(RUN)/python -m codegen --check

format: setup ## Format the hand-written code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

lint: setup ## Look for slips in the hand-written code
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: setup ## Check the types, as strictly as both checkers can, for the oldest and the newest Python
	$(TOGETHER) $(TYPE_CHECKS)

pyright-%: setup
	$(RUN)/pyright --pythonversion $*

mypy-%: setup
	$(RUN)/mypy --python-version $* $(TYPED)

cover: setup ## Run the tests and show the lines that none of them reaches
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -m "not external and not soak" --numprocesses auto --dist worksteal
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report --fail-under=0
	$(RUN)/coverage html --quiet && echo "line by line: htmlcov/index.html"

ROOM ?= *
mutants: setup ## Change the rules line by line and see whether a test notices (a quarter of an hour; ROOM=_retry for one room)
	$(RUN)/$(PIP_INSTALL) --editable . --group dev --group mutation
	rm -rf mutants
	nice $(RUN)/mutmut run --max-children 1 "cstar_async.$(ROOM).*" | tail -n 1
	$(RUN)/python -m tests.mutation

bench: setup ## Compare the client with bare aiohttp
	$(RUN)/python -m bench

bench-events: setup ## Compare an inbox with a bare handler, and time events from change to handler
	$(RUN)/python -m bench.events

wheel-test: setup ## Build the wheel and use it without the source tree
	$(RUN)/python -m pytest -p no:randomly tests/contract/test_wheel.py

clean: ## Remove what the targets made
	rm -rf build dist mutants .venv .demo-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage .coverage.*

build/dev.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@$(RUN)/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(RUN)/$(PIP_INSTALL) --editable . --group dev
	@mkdir -p build && touch $@

build/demo.stamp: pyproject.toml $(shell find cstar_async -name '*.py' -o -name '*.json')
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found" >&2; exit 1; }
	@echo "setting up .demo-venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .demo-venv
	@.demo-venv/bin/$(PIP_INSTALL) --upgrade "pip>=25.1"
	@.demo-venv/bin/$(PIP_INSTALL) ".[cli]"
	@mkdir -p build && touch $@
