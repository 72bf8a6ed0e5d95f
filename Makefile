# Nothing but Python 3.11 or newer, git and make is assumed: the first target that needs the environment makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEXT ?= shakespeare.txt

.DEFAULT_GOAL := help
.PHONY: help run test cluster lint types picture answers speed guard clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

run: $(VENV)/.installed ## open the console on Shakespeare (another text: make run TEXT=my.txt)
	$(BIN)/charrnn-tui $(TEXT)

# Three at once on two processors: many tests wait for a screen or another process.
test: $(VENV)/.installed ## run the tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

cluster: $(VENV)/.installed ## run the tests of what becomes of Ray clusters, which take some minutes
	$(BIN)/python -m pytest -m cluster

lint: $(VENV)/.installed ## check style and which way imports point
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed ## check types
	$(BIN)/mypy

picture: $(VENV)/.installed ## draw the README's picture anew
	$(BIN)/python docs/make_picture.py

answers: $(VENV)/.installed ## train for about an hour, and write docs/answers.md
	$(BIN)/python docs/make_answers.py

speed: $(VENV)/.installed ## measure the engine and the console beside the loops that people write
	$(BIN)/charrnn-tui bench $(TEXT)

guard: $(VENV)/.installed ## compare the paths that must stay fast with the last time on this machine
	$(BIN)/python -m pytest tests/benchmarks --benchmark-autosave \
		$(if $(wildcard .benchmarks),--benchmark-compare --benchmark-compare-fail=median:15%)

clean: ## remove the environment and what was built
	rm -rf $(VENV) dist build .benchmarks .mypy_cache .ruff_cache .pytest_cache
