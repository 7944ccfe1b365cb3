# Two commands: `make lab` and `make test`. Both need python3 (3.10 or newer, with venv) and make.
# Everything else (uv, Node.js where the PATH has none, packages) is fetched into this folder.

PYTHON ?= python3
UV := .tools/bin/uv
RUN := $(UV) run --no-sync
export UV_PYTHON := $(PYTHON)
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# The environment's own node, where the PATH has none, and its tools.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

ROOT_ARGS := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

.PHONY: help lab test check unit bench build format clean sync node-modules chromium audit reproducible kills failures fuzz soak suites

help:
	@echo "make lab    build, install, and open JupyterLab on examples/first-light.ipynb"
	@echo "make test   install what the tests need and pass all of them"
	@echo "make bench  what greencell costs and how right it is, side by side with others"
	@echo "make soak   an hour of random cells, faults, restarts; SOAK_ARGS='--minutes 5' is the short form"
	@echo "make fuzz   a million odd inputs for our readers; FUZZ_ARGS='--runs 5000' is the short form"
	@echo "make failures   spreads 1,000 transient failures over 2,000 cells, and looks for lost rows"
	@echo "make kills  kills kernels at random moments and counts what their history lost"
	@echo "make suites ipykernel's own tests and jupyter_kernel_test, with and without greencell loaded"
	@echo "make audit, make reproducible   known weaknesses of dependencies; two builds, compared"
	@echo "make build  wheel and sdist into dist/;  make format;  make clean"

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "greencell needs Python 3.10 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"

lab: $(UV)
	$(UV) sync --quiet --no-default-groups --extra lab
	$(UV) run --no-sync python scripts/lab.py $(ROOT_ARGS) $(LAB_ARGS)

sync: $(UV)
	$(UV) sync --quiet --group test --extra lab

node-modules: sync
	@[ node_modules/.greencell-dev -nt package-lock.json ] || \
	  { npm ci --no-fund --no-audit && touch node_modules/.greencell-dev; }

chromium: sync
	$(RUN) python scripts/chromium.py

test: check chromium
	$(RUN) pytest $(PYTEST_ARGS)

check: sync node-modules
	npm run --silent check
	npm run --silent lint
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	npm run --silent test

bench: $(UV) chromium
	$(UV) sync --quiet --group test --group bench --extra lab
	$(RUN) python benchmarks/overhead.py
	$(RUN) python benchmarks/accuracy.py
	$(RUN) python benchmarks/carbon_lookup.py
	$(RUN) python benchmarks/history_cost.py
	$(RUN) python benchmarks/export_cost.py
	$(RUN) python benchmarks/ui.py

build: $(UV)
	$(UV) build

reproducible: sync node-modules
	$(RUN) python scripts/reproducible.py

# Both ask public databases of known weaknesses, so they need the network. Without --strict, a
# registry that knows no weaknesses at all would pass for one that found none.
audit: sync node-modules
	$(UV) pip freeze | grep -v '^greencell\|^-e' > .tools/frozen.txt
	$(UV) tool run pip-audit --strict --requirement .tools/frozen.txt --no-deps --disable-pip
	npm audit --omit=dev

fuzz: $(UV)
	$(UV) sync --quiet --group test --group fuzz --extra lab
	$(RUN) python scripts/fuzz.py $(FUZZ_ARGS)

soak: sync
	$(RUN) python scripts/soak.py $(SOAK_ARGS)

failures: sync
	$(RUN) python scripts/failures.py $(FAILURES_ARGS)

kills: sync
	$(RUN) python scripts/kills.py $(KILLS_ARGS)

suites: sync
	$(RUN) python scripts/kernel_suites.py $(SUITES_ARGS)

format: sync
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

clean:
	rm -rf .venv .tools node_modules lib dist greencell/labextension greencell/static test-results .fuzz
