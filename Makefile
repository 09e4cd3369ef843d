# Every target does its own set-up; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	@# Imports are three times as fast with bytecode, and some machines write none by themselves;
	@# pip would write it on one processor.
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib cli compiler runtime_tasks server >/dev/null 2>&1 || true
	@touch $@

.PHONY: setup
setup: $(VENV)/.installed ## Install everything into .venv

editor/node_modules/.installed: editor/package-lock.json editor/package.json
	cd editor && npm ci --no-audit --no-fund
	@touch $@

server/web/index.html: editor/node_modules/.installed $(shell find editor/src editor/public editor/index.html editor/vite.config.ts editor/compressed.ts -type f 2>/dev/null)
	cd editor && npm run build
	@touch $@

.PHONY: editor
editor: server/web/index.html ## Build the editor into server/web

.PHONY: screenshots
screenshots: setup editor ## Take pictures of every screen, light and dark, into docs/images
	$(BIN)/python -m tests.browser.screenshots docs/images

.PHONY: lint-editor
lint-editor: editor/node_modules/.installed ## Check the editor's types and style
	cd editor && npm run check

.PHONY: test-editor
test-editor: editor/node_modules/.installed ## Pass the editor's own tests
	cd editor && npm test

.PHONY: wheel
wheel: setup editor ## Build dist/dataroll-*.whl, the editor in it
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: run
run: setup editor ## Start everything on this machine and print one URL
	$(BIN)/dataroll up

.PHONY: demo
demo: setup ## Do the main job four times, without a browser, and say what happened
	$(BIN)/dataroll demo

.PHONY: lint
lint: ## Check style, types, the direction of imports and the committed flows
	$(MAKE) --no-print-directory -j 2 lint-python lint-editor

.PHONY: lint-python
lint-python: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dataroll compile --check --prefect prefect.yaml templates/workflows/*.yaml

.PHONY: system
system: ## Install what the tests need from Debian's packages, or say what is missing
	@sh tests/system-packages

.PHONY: test
test: ## Pass every test, on real databases, a real Prefect and a real browser
	@# What cannot be installed here is said before anything takes time.
	$(MAKE) --no-print-directory system
	$(MAKE) --no-print-directory -j 2 setup editor
	@# Side by side: much of their time they wait, for a page, a database or a run.
	$(MAKE) --no-print-directory -j 3 test-editor test-python test-browser

.PHONY: test-python
test-python: setup system ## Pass the tests of the compiler, the runtime, the server and the whole road
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not long" --ignore tests/browser

.PHONY: test-browser
test-browser: setup system editor ## Pass the tests that drive Chromium
	@# Apart from the others: Playwright keeps an event loop running, which asynchronous tests refuse.
	$(BIN)/python -m pytest -m "not long" tests/browser

.PHONY: test-long
test-long: setup system ## Pass the tests that take minutes: servers killed again and again, every template's branches
	$(BIN)/python -m pytest -m long

.PHONY: api-docs
api-docs: setup editor/node_modules/.installed ## Write docs/api.md, the editor's types and docs/templates.md
	$(BIN)/python -m server.api_docs docs/api.md editor/openapi.json
	$(BIN)/python -m server.access_docs docs/access.md
	cd editor && npm run --silent api
	$(BIN)/python -m server.templates.docs docs/templates.md

.PHONY: clean
clean: ## Remove what was built and installed here; .dataroll/ with its data stays
	rm -rf $(VENV) editor/node_modules server/web .mypy_cache .ruff_cache .pytest_cache .hypothesis
