# Every target that needs it makes .venv first; nothing outside this folder is touched.

PYTHON ?= python3
TESTS ?= tests
WORKERS ?= 2
IN_VENV = .venv/bin/python -m
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 $(IN_VENV) pip install --quiet
LOCK = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
       --no-emit-index-url --custom-compile-command "make lock" --extra redis
CATALOGUE = marketplace/translations

.DEFAULT_GOAL := help
.PHONY: help install demo test check benchmark format messages translations lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: .venv/main.installed ## Make .venv with the command .venv/bin/marketplace (PYTHON=python3)
	@echo "Ready: .venv/bin/marketplace --help"

demo: .venv/main.installed ## Run everything with an invented catalogue on http://127.0.0.1:8000 (RESET=1 starts over, PORT=8000)
	$(IN_VENV) marketplace.demo

# Each worker process starts servers of its own and begins with its own half of the tests.
test: .venv/dev.installed ## Run the tests (TESTS=tests/core for some of them, WORKERS=0 in one process)
	$(IN_VENV) pytest --numprocesses $(WORKERS) --dist worksteal --durations 15 $(TESTS)

check: .venv/dev.installed ## Check lint, format, types and the direction of imports
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

benchmark: .venv/dev.installed ## Measure and write docs/benchmarks.md
	$(IN_VENV) benchmarks

format: .venv/dev.installed ## Format the code and mend what ruff can mend
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# What is translated: marked strings, and the sentences of domain errors (their second argument).
MESSAGE_KEYWORDS = -k _l -k N_ $(foreach error,Invalid Conflict NotFound Forbidden Unauthenticated Unavailable StaleVersion,-k $(error):2)
POT ?= .cache/messages.pot

messages: .venv/dev.installed
	@mkdir -p $(dir $(POT))
	@.venv/bin/pybabel -q extract -F babel.cfg $(MESSAGE_KEYWORDS) --no-location --sort-output -o $(POT) marketplace

translations: messages ## Collect the messages from the code and compile the catalogue
	.venv/bin/pybabel -q update -i $(POT) -d $(CATALOGUE) -l zh --no-fuzzy-matching --ignore-obsolete \
	    --ignore-pot-creation-date
	.venv/bin/pybabel compile -d $(CATALOGUE) --statistics

lock: .venv/dev.installed ## Make requirements/*.txt anew from pyproject.toml
	.venv/bin/$(LOCK) --output-file requirements/main.txt
	.venv/bin/$(LOCK) --extra dev --constraint requirements/main.txt --output-file requirements/dev.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or later is needed, but '$(PYTHON)' is not; name another: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# Two stamps: the first for what the product needs, the second for what its developers need besides.
.venv/main.installed: requirements/main.txt pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes --requirement requirements/main.txt
	$(PIP) --no-deps --editable .
	@touch $@

.venv/dev.installed: requirements/dev.txt .venv/main.installed
	$(PIP) --require-hashes --requirement requirements/dev.txt
	@touch $@
