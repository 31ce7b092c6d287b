# Everything runs in .venv, which the first target that needs it makes. `make` alone says what there
# is.

PYTHON ?= python3
PROFILE ?= quick

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
CHECKS = tests/site-checks

.PHONY: help site envs test test-slow bench screenshots browser-checks clean

help:
	@echo 'make site               measure this machine and render site/ (three minutes or so)'
	@echo 'make site PROFILE=full  the same with every experiment at full length'
	@echo 'make envs               an environment for each further framework, to measure and test it'
	@echo 'make test               lint, types and tests, in ten minutes'
	@echo 'make test-slow          the other tests: faults, packaging, other frameworks'
	@echo 'make bench              time the parts of the program itself'
	@echo 'make screenshots        take the pictures of the README from site/'
	@echo 'make browser-checks     hold site/ against HTML, link and accessibility checkers'
	@echo 'make clean              remove what was installed and cached; results/ and site/ stay'
	@echo
	@echo 'PYTHON=python3.12 chooses the Python (3.11 or newer) that .venv is made with.'

site: $(VENV)/.installed
	$(BIN)/report build --profile $(PROFILE)

# In the user's cache; tests of a framework that has none are skipped and say so.
envs: $(VENV)/.installed
	$(BIN)/report env create jax mxnet numba numpy tensorflow

# loadfile keeps a file's tests in one process, so that what they share, an installed wheel for one,
# is made once.
test: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile -m 'not slow'

test-slow: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadfile -m slow

bench: $(VENV)/.installed
	@set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

screenshots: $(VENV)/.installed-dev
	$(BIN)/python docs/screenshots.py

browser-checks: $(CHECKS)/node_modules/.installed
	$(CHECKS)/check.sh site

clean:
	rm -rf $(VENV) $(CHECKS)/node_modules build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find report tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is older than what it was made from exactly when something must be installed again.

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'This needs Python 3.11 or newer, and $(PYTHON) is not.' \
	    'Name one that is: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/pip pyproject.toml constraints.txt
	$(PIP) -e '.[torch]'
	@touch $@

$(VENV)/.installed-dev: $(BIN)/pip pyproject.toml constraints.txt
	$(PIP) -e '.[torch,dev]'
	@touch $@

# No package of these needs its install script: all that those would do is download a browser.
$(CHECKS)/node_modules/.installed: $(CHECKS)/package.json
	cd $(CHECKS) && npm install --ignore-scripts --no-package-lock --no-audit --no-fund
	@touch $@
