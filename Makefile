# Everything is installed into .venv of this clone. Works with GNU make 3.81 (macOS) and later.

STACK ?= prod
BASE ?= main
ARGS ?=
# Where ARGS asks for no policies, there is nothing to write
EVIDENCE := $(if $(findstring --no-policy-packs,$(ARGS)),,--out evidence)

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed

GO := tests/real/kube_apiserver/requirements-go

PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
# No --compile: Python compiles what is imported, and most of the AWS SDK never is
INSTALL := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile --require-hashes
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock'

# Where the environment forbids bytecode beside the sources, it is kept in .venv: without any, every process would compile the SDK anew,
# which takes longer than all else that a preview does
ifdef PYTHONDONTWRITEBYTECODE
unexport PYTHONDONTWRITEBYTECODE
PYTHONPYCACHEPREFIX ?= $(CURDIR)/$(VENV)/.bytecode
export PYTHONPYCACHEPREFIX
endif

.DEFAULT_GOAL := help
.PHONY: help preview audit digest test lint style types pytest format mutate bench lock checksums clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

preview: $(RUNTIME) ## Preview a stack offline, with every policy, and write evidence/: STACK=dev|staging|prod (prod), ARGS="--json"
	@$(BIN)/python -m mastertrade preview -s "$(STACK)" $(EVIDENCE) $(ARGS)

audit: $(RUNTIME) ## Tell what every control says of every resource, and write evidence/: STACK=dev|staging|prod (prod), ARGS="--json"
	@$(BIN)/python -m mastertrade audit -s "$(STACK)" $(EVIDENCE) $(ARGS)

digest: $(RUNTIME) ## Tell what changes since a commit, the most dangerous first: BASE=REF (main), ARGS="--format markdown"
	@$(BIN)/python -m mastertrade digest --base "$(BASE)" $(ARGS)

test: $(DEVELOPMENT) ## Check style and types, run the tests
	@$(MAKE) --no-print-directory --keep-going --jobs=2 style types pytest

lint: style types ## Check style (ruff) and types (basedpyright)

style: $(DEVELOPMENT)
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run 'make format'." >&2; exit 1; }

# Speaks only of errors: under `make test` it runs beside pytest
types: $(DEVELOPMENT)
	@errors=$$($(BIN)/basedpyright 2>&1) || { echo "$$errors"; exit 1; }

pytest: $(DEVELOPMENT)
	@$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(ARGS)

format: $(DEVELOPMENT) ## Rewrite the code in the common style
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

mutate: $(DEVELOPMENT) ## Break production on purpose, and see the control that guards each property find it: ARGS="CONTROL ..."
	@$(BIN)/python -m tests.policies.mutation $(ARGS)

bench: $(RUNTIME) ## Measure previews, audits and a digest as ratios to an interpreter that only imports
	@$(BIN)/python bench/run.py $(ARGS)

lock: $(DEVELOPMENT) ## Resolve requirements*.in into exact, hashed requirements*.txt; ARGS="--upgrade"
	@$(LOCK) $(ARGS) requirements.in --output-file requirements.txt
	@$(LOCK) $(ARGS) requirements-dev.in --output-file requirements-dev.txt
	@$(LOCK) $(ARGS) $(GO).in --output-file $(GO).txt

checksums: ## Fetch the SHA-256 of the Pulumi CLI's archives, for the workflows: docs/continuous-integration.md
	@.github/actions/pulumi/install --checksums

clean: ## Remove what these targets made, .venv included
	@rm -rf $(VENV) evidence .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt into $(VENV) (once, under a minute)" >&2
	@$(INSTALL) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing requirements-dev.txt into $(VENV) (once, under a minute)" >&2
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

$(BIN)/python:
	@for python in $(PYTHON) $(PYTHONS); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$python" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed (Debian: apt install python3 python3-venv; macOS: brew install python@3.11)." >&2; \
	echo "If it is installed elsewhere: make PYTHON=/path/to/python3" >&2; \
	exit 1
