# Needs Python 3.11 or newer and make. Each target makes the virtual environment that it uses.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
TOX_VENV := .venv-tox
TOX := $(TOX_VENV)/bin/tox
PIP_INSTALL := -m pip --disable-pip-version-check install --quiet
# No project environment should be influenced by the settings of another.
unexport DJANGO_SETTINGS_MODULE PYTHONPATH

##@ Use

.PHONY: help
help: ## Print this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/.demo ## Play an identity provider against the example project, then serve it (ARGS=--once: stop after)
	@$(VENV)/bin/python example_project/manage.py demo $(ARGS)

##@ Check

.PHONY: test
test: $(TOX_VENV)/.tox ## Lint, types, layers, then the suite on SQLite (TESTS="tests/api -k etag": those tests only)
ifdef TESTS
	@$(TOX) run -e py-sqlite -- $(TESTS)
else
	@$(TOX) run -e lint,py-sqlite
endif

.PHONY: coverage
coverage: $(TOX_VENV)/.tox ## The suite on SQLite, every line and branch of the package accounted for
	@$(TOX) run -e py-sqlite-cov

.PHONY: test-postgres
test-postgres: $(TOX_VENV)/.tox ## The suite on PostgreSQL at POSTGRES_URL (TESTS as above)
	@$(TOX) run -e py-postgres -- $(TESTS)

.PHONY: test-mariadb
test-mariadb: $(TOX_VENV)/.tox ## The suite on MariaDB or MySQL at MARIADB_URL (TESTS as above)
	@$(TOX) run -e py-mariadb -- $(TESTS)

.PHONY: test-browser
test-browser: $(TOX_VENV)/.tox ## The panel in a real browser, with axe; needs a Chromium on PATH
	@$(TOX) run -e browser -- $(or $(TESTS),tests/browser)

SOAK = tests/reliability tests/dialects tests/test_corpus.py tests/testing tests/performance/test_group_budgets.py \
	tests/protocol/test_filter_properties.py tests/security/test_token_timing.py

.PHONY: soak
soak: $(TOX_VENV)/.tox ## Faults, races, fuzzing, dialects and simulations in their long form, on each database; hours (TESTS as above)
	@SCIM_SOAK=1 $(TOX) run -e py-sqlite,py-postgres,py-mariadb -- $(or $(TESTS),$(SOAK)) --timeout=3600

.PHONY: bench
bench: $(TOX_VENV)/.tox ## Beside django-scim2 and a bare view, on PostgreSQL at POSTGRES_URL (ARGS="--quick", "--write", "--users 1000")
	@$(TOX) run -e bench -- $(ARGS)

.PHONY: lint
lint: $(TOX_VENV)/.tox ## Style, types, layers, missing migrations
	@$(TOX) run -e lint

.PHONY: docs
docs: $(TOX_VENV)/.tox ## Build the documentation into docs/_build/html
	@$(TOX) run -e docs

##@ Work

.PHONY: dev
dev: $(VENV)/.dev ## Make .venv with what tests on SQLite, lint and documentation need, the package installed editable

.PHONY: format
format: $(TOX_VENV)/.tox ## Put style right
	@$(TOX) run -q -e format

.PHONY: messages
messages: $(VENV)/.dev ## Collect what is to be translated and compile what is (needs gettext)
	@cd django_scim_provider && PYTHONPATH=../tests DJANGO_SETTINGS_MODULE=hosts.stock.settings sh -c '\
		../$(VENV)/bin/django-admin makemessages --locale de --no-location --no-wrap --no-obsolete && \
		../$(VENV)/bin/django-admin compilemessages --locale de'

.PHONY: screenshots
screenshots: $(TOX_VENV)/.tox ## Photograph the panel: wide and light for the documentation, the others into docs/_build/panel
	@SCIM_SCREENSHOTS=docs/_static/panel $(TOX) run -e browser -- tests/browser/test_pages.py

.PHONY: clean
clean: ## Remove everything that is made here
	rm -rf $(VENV) $(TOX_VENV) .tox dist docs/_build .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------- virtual environments; a stamp says what is in them

%/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "making $*"
	@$(PYTHON) -m venv $*
	@$*/bin/python $(PIP_INSTALL) "pip>=25.1"
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml example_project/requirements.txt
	@$(VENV)/bin/python $(PIP_INSTALL) -e . -r example_project/requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.python $(VENV)/.demo pyproject.toml
	@$(VENV)/bin/python $(PIP_INSTALL) -e ".[testing]" --group dev
	@touch $@

$(TOX_VENV)/.tox: $(TOX_VENV)/.python
	@$(TOX_VENV)/bin/python $(PIP_INSTALL) "tox>=4.30,<5"
	@touch $@
.PRECIOUS: %/.python
