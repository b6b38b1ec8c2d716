# Everything that is done to a checkout. It needs Python 3.11 or newer, pip and make; it brings the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v "$$each" && break; done)
UV := .tools/bin/uv
BIN := .venv/bin
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# Six seconds, once: where Python may not write bytecode itself, each start would take two more.
export UV_COMPILE_BYTECODE := 1

# What may run side by side does; what kills processes or draws pictures has the machine to itself.
ALONE := (crash and not points) or browser
WORKERS ?= 3
PICTURES := waiting-for-approval guided-deploy-version
NONE_CHOSEN = [ "$$?" = 5 -a -n "$(ARGS)" ]  # pytest's 5: of those that were asked for, none is here

.PHONY: help install demo test test-needs crash check docs pictures bench fmt lock clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r target words; do \
		printf 'make %-12s %s\n' "$$target" "$$words"; done

install: .venv/.installed ## Create .venv from the lock file

demo: .venv/.installed ## Run the whole product on this machine (ARGS="--no-browser" and the like)
	@exec $(BIN)/signalbox demo $(ARGS)

test: .venv/.installed-dev test-needs ## Run all tests (ARGS="-x tests/cards" and the like)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not ($(ALONE))" $(ARGS) || $(NONE_CHOSEN)
	$(BIN)/pytest -m "$(ALONE)" $(ARGS) || $(NONE_CHOSEN)

crash: .venv/.installed-dev ## Kill hundreds of processes and look what is lost (a quarter of an hour)
	$(BIN)/pytest -q -s -m crash --long tests/crash $(ARGS)

check: .venv/.installed-dev ## Check format, lint, types, import contracts, spelling and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/pytest -q tests/docs tests/layers

docs: .venv/.installed-dev ## Write the generated pages of docs/reference
	$(BIN)/python -m docs.generate

pictures: .venv/.installed-dev test-needs ## Draw the pictures of the documentation anew
	$(BIN)/pytest -q tests/scenarios/test_conversation_in_the_browser.py
	cp $(PICTURES:%=tests/artifacts/%.png) docs/images/

bench: .venv/.installed-dev ## Measure, beside baselines in the same run (ARGS=--long: for an hour)
	$(BIN)/python -m bench $(ARGS)

fmt: .venv/.installed-dev ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: $(UV) ## Take newer versions into uv.lock and requirements-uv.txt
	$(UV) lock --upgrade
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --output-file requirements-uv.txt requirements-uv.in

clean: ## Remove what was installed; the state of demos stays
	rm -rf .venv .tools

# The browser of the browser tests, and letters for it to draw.
test-needs:
	@[ -x /usr/bin/chromium ] || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		|| { echo 'The browser tests need /usr/bin/chromium: install Debian'"'"'s chromium.' >&2; exit 1; }; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends \
			chromium fonts-liberation fonts-dejavu-core fonts-noto-color-emoji; }

.venv/.installed: uv.lock pyproject.toml | $(UV)
	$(UV) sync --frozen --no-dev --inexact --python "$(PYTHON)"
	@touch $@

.venv/.installed-dev: uv.lock pyproject.toml | $(UV)
	$(UV) sync --frozen --python "$(PYTHON)"
	@touch .venv/.installed $@

# Into a folder of its own: works where Python came without venv, and where the system forbids pip.
$(UV): requirements-uv.txt
	@[ -n "$(PYTHON)" ] || { echo 'Python 3.11 or newer is needed.' >&2; exit 1; }
	@"$(PYTHON)" -m pip --version >/dev/null \
		|| { echo 'pip is needed: on Debian, the package python3-pip.' >&2; exit 1; }
	rm -rf .tools
	"$(PYTHON)" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--only-binary :all: --target .tools -r requirements-uv.txt
	@touch $@
