# `make demo` and `make test` set everything up by themselves, in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
IN_PARALLEL := -n auto --maxprocesses 8 --dist worksteal
SOURCES := aiohttp_route_middleware tests typing_tests examples bench docs/*.py

.PHONY: help demo test check format docs bench build clean

help:
	@echo "make demo    start a gateway with two services behind it, and say what to try"
	@echo "make test    run the tests, with coverage"
	@echo "make check   format, lint, types, house rules"
	@echo "make docs    write a page for each battery, and one for the proxy, from docstrings"
	@echo "make bench   measure, and write the table that the README quotes"
	@echo "make build   build the package"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV); this is done once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.demo: $(BIN)/python pyproject.toml Makefile
	@$(BIN)/python -m pip install --quiet --editable '.[compress,jwt]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	@echo "Installing what the tests need; this is done once."
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/python -m examples.erp_gateway $(if $(PORT),--port $(PORT))

test: $(VENV)/.dev
	@.ci/install-servers
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(IN_PARALLEL)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

check: $(VENV)/.dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright --verifytypes aiohttp_route_middleware --ignoreexternal
	$(BIN)/python -m pytest -q tests/test_house_rules.py

format: $(VENV)/.dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

docs: $(VENV)/.dev
	$(BIN)/python -m docs.write_batteries

bench: $(VENV)/.dev
	$(BIN)/python -m bench

build: $(VENV)/.dev
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
