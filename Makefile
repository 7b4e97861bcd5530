# Every command sets itself up: Python >= 3.11, make and a package index are all that a machine needs.
#
#   make demo          run examples/nycflights and show its result
#   make test          run the tests;   make test ARGS="-k journal"   COVERAGE=1
#   make check         lint, format, types, import contracts
#   make soak          the tests that take minutes
#   make wheels        build every distribution into dist/
#   make constraints   pin the newest versions anew
#   make clean         remove what these commands have made, .venv included

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
MEMBERS := $(patsubst %/pyproject.toml,%,$(sort $(wildcard odibi_*/pyproject.toml plugins/*/pyproject.toml)))
# The template of plugins is built and tested in an environment of its own: active here, it would be in every list.
INSTALLED := $(filter-out plugins/odibi_template,$(MEMBERS))
MEMBER_PROJECTS := $(addsuffix /pyproject.toml,$(MEMBERS))
GROUPS := --group test --group check
UV := $(BIN)/python tools/uv.py
CHECK_PYTHON = import sys; sys.version_info >= (3, 11) or sys.exit("Odibi needs Python 3.11 or newer, and $(PYTHON) is " \
	+ sys.version.split()[0] + ". Name a newer one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)")

.DEFAULT_GOAL := help
.PHONY: help demo test check soak wheels constraints clean

help:
	@sed -n 's/^#   //p' Makefile

# Without pip the environment is not there, or its creation was cut off.
$(STAMP): pyproject.toml constraints.txt tools/uv.py $(MEMBER_PROJECTS)
	@test -x $(BIN)/pip || { $(PYTHON) -c '$(CHECK_PYTHON)' && echo "Creating .venv (once)" && $(PYTHON) -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(UV) pip install --python $(BIN)/python --compile-bytecode --constraint constraints.txt \
		--build-constraint constraints.txt $(GROUPS) $(addprefix --editable ,$(INSTALLED))
	@touch $@

demo: $(STAMP)
	@cd examples/nycflights && ../../$(BIN)/odibi run && ../../$(BIN)/python show.py

# Two workers: all that needs Spark is one's, because there is one session, and the rest is the other's.
test: $(STAMP)
	@$(BIN)/python tools/delta_jars.py
	@$(BIN)/python tools/install_database_servers.py
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not soak" $(if $(COVERAGE),--cov --cov-report=term) $(ARGS)

soak: $(STAMP)
	@$(BIN)/python tools/install_database_servers.py
	@$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

wheels: $(STAMP)
	@for member in $(MEMBERS); do $(BIN)/python -m build --no-isolation --wheel --outdir dist $$member || exit; done

constraints: $(STAMP)
	@$(UV) pip compile $(MEMBER_PROJECTS) $(GROUPS) --group build --all-extras --upgrade \
		--universal --python-version 3.11 \
		$(shell sed -n 's/^name = "\(.*\)"/--no-emit-package \1/p' $(MEMBER_PROJECTS)) --quiet \
		--no-annotate --custom-compile-command "make constraints" --output-file constraints.txt

clean:
	rm -rf .venv dist build .coverage .coverage.* htmlcov .hypothesis
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -rf examples/*/data examples/*/.odibi
