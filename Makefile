# `make run` and `make test` need Python 3.11 or newer and nothing else.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PORT ?= 8000
RUN_READY := .venv/run-ready
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help run pdf test test-slow cut torture demo bench check format lock browser picture vega texts clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# What runs; `make run` needs no more. The test tools come on top of it and leave it as it is.
$(RUN_READY): requirements.lock requirements-run.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Error: Python 3.11 or newer is needed; install it, or say make PYTHON=/path/to/python"; exit 1; }
	@echo "making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python tools/install.py requirements.lock requirements-run.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(READY): $(RUN_READY) requirements-dev.lock
	@$(BIN)/python tools/install.py requirements-dev.lock
	@touch $@

run: $(RUN_READY) ## start everything: servers, migrations, web, worker, clock
	@exec $(BIN)/advocacy up --port $(PORT)

pdf: $(RUN_READY) ## install what makes PDF files and the pictures in mails (165 MB)
	@$(BIN)/python tools/install.py requirements-pdf.lock

test: $(READY) ## run the quick tests against the embedded servers, in two processes
	@$(BIN)/pytest --numprocesses 2 --dist worksteal $(ARGS)

test-slow: $(READY) ## run what takes longer: processes, a browser, many examples, all orders
	@$(BIN)/pytest -m "slow or browser or hypothesis" --hypothesis-profile full \
		--numprocesses 2 --dist loadgroup $(ARGS)

cut: $(READY) ## run the tests that query the database on tables partitioned by organization, as on Citus
	@$(BIN)/python -m tests.architecture.cut_everything $(ARGS)

HISTORIES ?= 200
SEED ?= 1
torture: $(READY) ## run random histories through workers that are slow, killed and disturbed
	@$(BIN)/pytest tests/torture -m "" --histories $(HISTORIES) --seed $(SEED) \
		--numprocesses 2 --dist worksteal $(ARGS)

demo: $(RUN_READY) ## run one round through real processes and check every figure
	@$(BIN)/advocacy demo

bench: $(READY) ## measure performance beside baselines (make bench ARGS=--quick for less)
	@$(BIN)/python -m bench $(ARGS)

check: $(READY) ## lint, types and import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(READY) ## format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
EXTRA := import sys, tomllib; project = tomllib.load(open("pyproject.toml", "rb")); \
	print(*project["project"]["optional-dependencies"][sys.argv[1]], *sys.argv[2:], sep="\n")
lock: ## write the lock files again (needs uv)
	$(COMPILE) --all-extras pyproject.toml -o requirements-dev.lock
	$(COMPILE) -c requirements-dev.lock pyproject.toml -o requirements.lock
	@# The embedded servers, and what installs this folder itself.
	$(PYTHON) -c '$(EXTRA)' embedded setuptools | $(COMPILE) -c requirements-dev.lock - -o requirements-run.lock
	$(PYTHON) -c '$(EXTRA)' pdf | $(COMPILE) -c requirements-dev.lock - -o requirements-pdf.lock

browser: ## install Debian's Chromium for the browser tests, where possible
	@tests/browser/install_chromium

picture: $(READY) ## take the README's picture of the dashboard
	@$(BIN)/python -m docs.screenshot

vega: $(READY) ## rebuild the chart library after upgrading vl-convert-python
	@$(BIN)/python -m tools.vega_bundle

TEXTS := advocacy/web/translations
texts: $(READY) ## extract new texts, update the translations, list what is missing
	@mkdir -p build
	@$(BIN)/pybabel -q extract -F babel.cfg -k N_ -k say -k say_many:1,2 --no-location --sort-output -o build/messages.pot advocacy
	@$(BIN)/pybabel -q update -i build/messages.pot -d $(TEXTS) --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	@$(BIN)/pybabel -q compile -d $(TEXTS)
	@$(BIN)/pytest tests/architecture/test_translations.py

clean: ## remove what was built; keep the data in var/
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
