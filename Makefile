# Everything from a bare machine with Python 3.11 or later, git and make. `make` lists the commands.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PAGES := chains codes commands data dialects operations service settings units

.DEFAULT_GOAL := help
.PHONY: help demo ui up test test-fast check docs constraints pictures site bench fuzz image-test migration format clean

help: ## List these commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(READY) ## Import a day of several feeds from local copies of the portals and show what happened.
	@$(BIN)/gogobe demo

ui: $(READY) ## The same, then open the web UI on it, until Ctrl-C.
	@$(BIN)/gogobe demo --ui

up: $(READY) ## Start PostgreSQL, the web UI and the daemon against the real portals; Ctrl-C stops them.
	@$(BIN)/gogobe up

test: $(READY) ## Run all tests, offline.
	@$(BIN)/pytest $(ARGS)

test-fast: $(READY) ## Run the fast tests, for work in progress.
	@$(BIN)/pytest -m "not slow" $(ARGS)

check: $(READY) ## Check style, types and which module may import which.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(READY) ## Write the generated pages and parts of pages in docs/, and uv.toml, again.
	@for page in $(PAGES); do echo "docs/$$page.md" && $(BIN)/python -m gogobe_dagster_tests.docs.$${page}_page || exit 1; done
	@echo uv.toml && $(BIN)/python -m gogobe_dagster_tests.constraints

constraints: ## Set the tested versions to the newest that are allowed; then run `make test`.
	@$(PYTHON) -m venv --clear $(VENV)-newest
	@$(VENV)-newest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(VENV)-newest/bin/python -m pip install --quiet --editable . --group dev
	@$(VENV)-newest/bin/python -m gogobe_dagster_tests.constraints --freeze
	@rm -rf $(VENV)-newest

pictures: $(READY) ## Take the pictures in docs/images again, with Chromium: make pictures NAME=grid.
	@$(BIN)/python -m gogobe_dagster_tests.docs.pictures $(NAME)

site: $(READY) ## Write the pages of docs/ as a site to build/site, links checked.
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --clean && echo "build/site/index.html"

bench: $(READY) ## Measure: make bench NAME=parse (or country, download, load, queries, runs, service, …).
	@$(BIN)/python -m gogobe_dagster_tests.benchmarks.$(or $(NAME),parse) $(ARGS)

fuzz: $(READY) ## Fuzz names, containers, readers and listings: make fuzz ARGS="containers --seconds 600".
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group fuzz
	@$(BIN)/python -m gogobe_dagster_tests.fuzz $(ARGS)

image-test: ## Build the image of deploy/Dockerfile and run it, as root, with buildah and debootstrap.
	@gogobe_dagster_tests/deploy/image-test $(ARGS)

migration: $(READY) ## Write the next migration from the tables: make migration NAME=add_opening_hours.
	@$(BIN)/python -m gogobe_dagster_tests.warehouse.new_migration $(or $(NAME),$(error NAME=… is missing))

format: $(READY) ## Bring the code into the project's style.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove the environment and everything that was imported.
	@! test -x $(BIN)/gogobe || GOGOBE_HOME=.gogobe $(BIN)/gogobe down || true
# Where root runs this, a server's folder may be a link to one that its account can get into.
	@for folder in .gogobe/postgres .gogobe/demo/postgres; do if test -L $$folder; then \
		case "$$(readlink -f $$folder)" in /var/lib/gogobe/?*) rm -rf "$$(readlink -f $$folder)";; esac; fi; done
	rm -rf $(VENV) .gogobe

# One environment for everything, made again when the requirements change.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	@echo "Setting up the environment in $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@
