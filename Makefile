# Needs make and Python >= 3.11 with its venv module, nothing else. `make` alone lists the targets.

PORT ?= 8000
ARGS ?=
COVERAGE ?=
VENV := .venv
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)

PY := $(VENV)/bin/python
PIP := $(PY) -m pip -qq --disable-pip-version-check --no-input
COMPILE := $(PY) -m uv --quiet --no-config pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --custom-compile-command 'make lock' $(ARGS)

# One more than there are cores: many tests wait, for a clock, a page or another process.
TEST_WORKERS = $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))

# Many steps start kikao again and again: without bytecode each start would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check bench reliability lock gateways docs

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.run ## run the wallet (PORT=8000)
	@$(VENV)/bin/kikao demo wallet --port $(PORT)

test: $(VENV)/.dev ## run all tests; COVERAGE=yes measures too; ARGS="tests/test_house.py -k circle" runs some
	@$(PY) -m pytest $(or $(ARGS),--numprocesses $(TEST_WORKERS) $(if $(COVERAGE),--cov --cov-fail-under 90))

check: $(VENV)/.dev ## format, lint, types, layers, translations, the wallet
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy src tests benchmarks
	$(VENV)/bin/lint-imports
	$(VENV)/bin/kikao messages check src/kikao --locales src/kikao/i18n/locales
	$(VENV)/bin/kikao check kikao_apps.wallet:app --fail-on note

bench: $(VENV)/.dev ## measure everything, side by side with peers; ARGS="turn http" measures some parts, ARGS=--help lists them
	@$(PY) -m benchmarks $(ARGS)

reliability: $(VENV)/.dev ## kill, pause and starve a running server, and check the promises
	@$(PY) -m tests.reliability $(ARGS)

gateways: $(VENV)/.dev ## write the pages of docs/gateways anew, from what each gateway declares
	@$(PY) docs/providers.py

docs: $(VENV)/.dev ## build the documentation into docs/_build/html
	@$(PY) -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

lock: $(VENV)/.dev ## recompile requirements/*.txt; ARGS=--upgrade takes the newest versions
	$(COMPILE) pyproject.toml requirements/run.in --output-file requirements/run.txt
	$(COMPILE) pyproject.toml requirements/run.in requirements/dev.in --constraint requirements/run.txt \
		--output-file requirements/dev.txt
	$(COMPILE) benchmarks/requirements.in --constraint requirements/dev.txt --output-file benchmarks/requirements.txt

# --- the virtual environment -----------------------------------------------------------------------------
# Each stamp is newer than what it was installed from. `.made` holds the folder it was made in: a checkout
# that was moved or copied, or whose Python is gone, gets a new environment.

ifneq ($(CURDIR),$(shell $(PY) -c "" 2>/dev/null && cat $(VENV)/.made 2>/dev/null))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@seen=; lacking=; \
	for python in $(PYTHONS); do \
	  version=`$$python -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' \
	    2>/dev/null` || { seen="$$seen$${version:+ $$python is $$version.}"; continue; }; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { lacking="$$python $$version"; continue; }; \
	  rm -rf $(VENV) && $$python -m venv $(VENV) && printf '%s\n' "$(CURDIR)" > $@; exit; \
	done; \
	if test -n "$$lacking"; then set -- $$lacking; \
	  echo "kikao: $$1 has no venv module. On Debian or Ubuntu: apt install python$$2-venv" >&2; \
	else \
	  echo "kikao: needs Python 3.11 or newer, tried: $(PYTHONS).$$seen Install one, or say where: make PYTHON=/path/to/python3" >&2; \
	fi; exit 1

$(VENV)/.run: $(VENV)/.made requirements/run.txt pyproject.toml
	@echo "Installing what kikao needs to run into $(VENV), the first time and after changes (a minute or two) ..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.txt pyproject.toml
	@echo "Installing kikao and its test tools into $(VENV), the first time and after changes (a minute or two) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $(VENV)/.run $@
