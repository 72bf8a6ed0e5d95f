# Nothing but Python 3.11 or newer, git and make is assumed: the first target that needs the environment makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEXT ?= shakespeare.txt
PYTEST := $(BIN)/python -m pytest
# Three at once on two processors: many tests wait for a screen or another process. Tests that share something that is
# expensive to make name a group, which one process runs.
AT_ONCE := -n 3 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help run test coverage soak cluster lint types hooks docs pages pictures recording answers speed guard clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

# Two environments in one place: what a user needs, and with the tools that everything but `make run` needs.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.developing: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(VENV)/.installed $@

run: $(VENV)/.installed ## open the console on Shakespeare (another text: make run TEXT=my.txt)
	$(BIN)/charrnn-tui $(TEXT)

test: $(VENV)/.developing ## run the tests; with COVER=1 also say which lines they run
	$(PYTEST) $(AT_ONCE) $(if $(COVER),--cov)

coverage: ## run the tests, and say which lines they run
	$(MAKE) test COVER=1

soak: $(VENV)/.developing ## run the tests that look at very many examples, or for very long
	$(PYTEST) $(AT_ONCE) -m soak

cluster: $(VENV)/.developing ## run the tests of what becomes of Ray clusters, which take some minutes
	$(PYTEST) -m cluster

lint: $(VENV)/.developing ## check style and which way imports point
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.developing ## check types
	$(BIN)/mypy

hooks: $(VENV)/.developing ## have git check style, imports and types before each commit
	$(BIN)/pre-commit install

# Not --quiet: with it, MkDocs counts no warning, and --strict has nothing to refuse.
docs: $(VENV)/.developing ## build the documentation as a site, build/site/index.html; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml

pages: $(VENV)/.developing ## write the pages of causes, commands, keys and numbers anew, from the program's tables
	$(BIN)/python docs/make_pages.py

pictures: $(VENV)/.developing ## draw the documentation's pictures anew
	$(BIN)/python docs/make_pictures.py

recording: $(VENV)/.developing ## record a training that goes wrong and is cured, for the README
	$(BIN)/python docs/make_recording.py

answers: $(VENV)/.installed ## train for about an hour, and write docs/answers.md
	$(BIN)/python docs/make_answers.py

speed: $(VENV)/.installed ## measure the engine and the console beside the loops that people write
	$(BIN)/charrnn-tui bench $(TEXT)

guard: $(VENV)/.developing ## compare the paths that must stay fast with the last time on this machine
	$(PYTEST) -m soak tests/benchmarks --benchmark-autosave \
		$(if $(wildcard .benchmarks),--benchmark-compare --benchmark-compare-fail=median:15%)

clean: ## remove the environment and what was built
	rm -rf $(VENV) dist build .benchmarks .coverage .mypy_cache .ruff_cache .pytest_cache
