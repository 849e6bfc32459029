# `make` lists what there is. Each target does the set-up that it needs; what is set up already costs next to nothing.
STACK ?= dev
NAME ?= url
OVERLAP ?= 24h
SINCE ?= 7d
BY ?= client
UPDATES ?= $(shell date -u +%F)
WORKERS ?= 3
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

PYTHON := .venv/bin/python
# The value of a variable as one word of the shell, whatever is in it: a path may have a quote, a blank or a backquote.
quoted = '$(subst ','\'',$($1))'
# CLIENT=$$WHO of a shell that has no WHO is nobody, and not whoever has the master key.
OF_CLIENT = $(if $(filter-out undefined,$(origin CLIENT)),--client=$(call quoted,CLIENT))
IN_STACK = setup/in_env.sh $(call quoted,STACK)
# What runs in containers, which import-linter looks into, too.
IMAGE_CODE := images/litellm/app:images/acme/app
PACKAGES := $(wildcard rules components posture ops setup testbed tests images bench tools)
# How long a module is, and which room leads to which: what no linter sees.
HOUSE := tests/unit/house/test_sizes.py tests/unit/house/test_rooms.py
# Tests that share a stack go to one worker (tests/conftest.py); most of them wait for containers, so there are more workers
# than processors on a small machine.
SPREAD = --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 15 --durations-min 10
SCRIPTS = $(shell git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
LOCKS = $(shell git ls-files --cached --others --exclude-standard '*.lock')

.DEFAULT_GOAL := help
# With -f ../Makefile, from another folder, nothing here would be found. The list has this file alone, perhaps behind a
# blank; blanks in its name are ends to make's own functions.
HERE = $(shell printf %q "$$(dirname "$$(sed 's/^ //' <<<"$(MAKEFILE_LIST)")")")
$(if $(wildcard setup/lib.sh),,$(error run make in the folder of the Makefile: make -C $(HERE) $(MAKECMDGOALS)))
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' Makefile)

help: ## this list
	@awk -F ':.*## ' '/^##### / {printf "\n%s\n", substr($$0, 7)} /^[a-z0-9-]+:.*## / { \
	    line = sprintf("  make %-17s", $$1); count = split($$2, words, " "); \
	    for (i = 1; i <= count; i++) { \
	      if (length(line " " words[i]) > 80) {print line; line = sprintf("%24s", "")} \
	      line = line " " words[i] \
	    } print line}' Makefile
	@echo; echo "STACK=dev (the default) or STACK=prod chooses the stack."

##### the stack

up: setup ## bring the stack up, and say how to use it (BUNDLE=FILE: on a machine that reaches nothing)
	@ops/up.sh $(call quoted,STACK)

upgrade: setup ## build the images with Debian's security updates of today, and bring the stack up with them
	@$(IN_STACK) $(PYTHON) -m ops.upgrade $(call quoted,STACK)
	@ops/up.sh $(call quoted,STACK)

bundle: setup ## what an `up` needs in one file, for a machine that reaches nothing: FILE=NAME
	@$(IN_STACK) $(PYTHON) -m setup.bundle_make $(call quoted,FILE) $(call quoted,UPDATES)

preview: setup ## show what `up` would change
	@ops/preview.sh $(call quoted,STACK)

down: setup-pulumi setup-python setup-engine ## take the stack down; the Claude login stays
	@ops/down.sh $(call quoted,STACK)

verify: setup-pulumi setup-python setup-engine ## check the running stack: is it as secure as its declaration says?
	@$(IN_STACK) $(PYTHON) -m posture --stack $(call quoted,STACK) $(VERIFY)

backup: setup-pulumi setup-python setup-engine setup-base ## settings, keys and login of a stack in one encrypted file: FILE=NAME
	@$(IN_STACK) $(PYTHON) -m ops.backup $(call quoted,STACK) $(if $(FILE),$(call quoted,FILE))

restore: setup-pulumi setup-python ## make a stack from a backup, where there is none: FILE=NAME (on another ENGINE=ssh://...)
	@ops/restore.sh $(call quoted,STACK) $(call quoted,FILE) $(call quoted,ENGINE)

rotate: setup ## new master key, or of CLIENT=name; the old one works for OVERLAP=24h more (EMERGENCY=1: not at all)
	@$(IN_STACK) $(PYTHON) -m ops.rotate $(call quoted,STACK) --overlap=$(call quoted,OVERLAP) $(OF_CLIENT) $(if $(filter-out 0 no false,$(EMERGENCY)),--emergency)

retire: setup ## refuse the previous master key, or that of CLIENT=name, from now on
	@$(IN_STACK) $(PYTHON) -m ops.retire $(call quoted,STACK) $(OF_CLIENT)

clients: setup-pulumi setup-python ## the stack's clients: models, limits, age of their keys
	@$(IN_STACK) $(PYTHON) -m ops.clients $(call quoted,STACK)

client: NAME :=
client: setup-pulumi setup-python ## the key of one client, and how to use it: NAME=alice
	@$(IN_STACK) $(PYTHON) -m ops.clients $(call quoted,STACK) --show=$(call quoted,NAME)

ca: setup-pulumi setup-python ## the CA of a stack with tls: managed, and how each kind of client trusts it
	@$(IN_STACK) $(PYTHON) -m ops.authority $(call quoted,STACK)

usage: setup-pulumi setup-python setup-engine ## who used what: SINCE=7d BY=client|model|day JSON=1
	@$(IN_STACK) $(PYTHON) -m ops.usage $(call quoted,STACK) --since=$(call quoted,SINCE) --by=$(call quoted,BY) $(if $(filter-out 0 no false,$(JSON)),--json)

login: setup-pulumi setup-python setup-engine ## log in to Claude, in the running container
	@$(IN_STACK) $(PYTHON) -m ops.login $(call quoted,STACK)

logs: setup-pulumi setup-python setup-engine ## what the stack's containers logged last (SINCE=1h: since then)
	@$(IN_STACK) $(PYTHON) -m ops.logs $(call quoted,STACK) $(if $(filter-out file,$(origin SINCE)),--since=$(call quoted,SINCE))

output: setup-pulumi setup-python ## print one output: NAME=url, NAME=master_key, ...
	@ops/output.sh $(call quoted,STACK) $(call quoted,NAME)

env: setup-pulumi setup-python ## print what `make` sets for pulumi: eval "$(make -s env STACK=dev)"
	@setup/env.sh $(call quoted,STACK)

##### tests

test: lint test-unit test-integration ## lint and types, unit and property tests, stacks and clients on a real engine

test-all: test test-long ## make test and make test-long: all but what is named "not part of test" (what CI runs)

test-unit: setup-dev ## unit and property tests: all branches of rules/ and components/, 95% of posture/ and ops/
	@$(PYTHON) -m pytest $(SPREAD) tests/unit tests/property --cov --cov-branch --cov-report=
	@$(PYTHON) -m coverage report --include='rules/*,components/*' --fail-under=100
	@$(PYTHON) -m coverage report --include='posture/*,ops/*' --fail-under=95 --format=total >/dev/null || \
	  $(PYTHON) -m coverage report --include='posture/*,ops/*' --fail-under=95

test-integration: setup-pulumi setup-dev setup-images ## tests on a real Docker engine
	@setup/in_env.sh dev $(PYTHON) -m pytest $(SPREAD) -m "not faults and not long" tests/integration tests/conformance tests/gateway

test-long: setup-pulumi setup-dev setup-images setup-tools ## ways to deploy: acme, replicas, managed CA, CI, backends, backup, ssh, Prometheus, kills
	@setup/in_env.sh dev $(PYTHON) -m pytest $(SPREAD) -m "long and not faults" tests/integration tests/gateway

test-faults: setup-pulumi setup-dev setup-engine setup-base ## break running stacks on purpose (not part of test)
	@setup/in_env.sh dev $(PYTHON) -m pytest $(SPREAD) -m faults tests/integration tests/gateway

test-engine: setup-pulumi setup-dev setup-engine setup-base ## a stack on Debian's newer engines, with both image stores (as root, half an hour)
	@NEWER_ENGINES=1 setup/in_env.sh dev $(PYTHON) -m pytest -m faults tests/integration/test_engine_faults.py

record: setup-pulumi setup-dev setup-engine setup-base ## record what engines answer, for unit tests: ENGINES='own trixie' (as root, ten minutes)
	@setup/in_env.sh dev $(PYTHON) -m tests.integration.record_answers $(ENGINES)

test-bundle: setup-pulumi setup-dev setup-engine setup-base ## a bundle, and a stack from it on a machine without a route (as root, some minutes)
	@setup/in_env.sh dev $(PYTHON) -m pytest -m faults tests/integration/test_bundle.py

test-swarm: setup-pulumi setup-dev setup-engine setup-base ## a stack on three engines of one swarm: updates, lost nodes (as root, 20 minutes)
	@setup/in_env.sh dev $(PYTHON) -m pytest -m swarm tests/swarm

test-mishaps: setup-pulumi setup-dev setup-engine setup-base ## 50 mishaps at random to one stack: does make up bring it back? (15 minutes)
	@MISHAPS=$(or $(MISHAPS),50) setup/in_env.sh dev $(PYTHON) -m pytest tests/integration/test_mishaps.py

test-mutants: setup-dev ## do the tests notice a changed rule? a random sample, ten minutes (not part of test)
	@setup/python.sh tools/mutants/requirements.lock .toolchain/tools/mutants
	@.toolchain/tools/mutants/bin/python -m tools.mutants.sample $(MUTANTS)

##### benchmarks

bench-rotation: setup-pulumi setup-dev setup-engine setup-base ## a rotation under load, and docker compose beside it
	@setup/compose.sh
	@setup/in_env.sh dev $(PYTHON) -m bench.rotation

bench-updates: setup-pulumi setup-dev setup-engine setup-base ## every kind of update under load, and docker compose beside it
	@setup/compose.sh
	@setup/in_env.sh dev $(PYTHON) -m bench.updates

bench-claude: setup-dev setup-engine setup-base ## what the Claude path costs: native, one process a request, reused processes
	@$(PYTHON) -m bench.claude

bench-clients: setup-pulumi setup-dev setup-engine setup-base ## what 500 clients cost: a request, a preview
	@setup/in_env.sh dev $(PYTHON) -m bench.clients

bench-gateways: setup-dev setup-engine setup-base ## the whole stack beside stock LiteLLM and Portkey's gateway (needs Node.js)
	@setup/python.sh tools/gateways/requirements.lock .toolchain/tools/gateways
	@setup/node.sh tools/gateways .toolchain/tools/portkey
	@$(PYTHON) -m bench.gateways

bench-overhead: setup-dev setup-engine setup-base ## what front and gateway take of LiteLLM's throughput, and add to a request (needs wrk)
	@$(PYTHON) -m bench.gateway_overhead

bench-scale: setup-pulumi setup-dev setup-engine setup-base ## the same load on one replica and on two, and one of two killed
	@setup/in_env.sh dev $(PYTHON) -m bench.scale

bench-siege: setup-dev setup-engine setup-base ## all attacks at all limits at once, for two minutes: does an honest client notice?
	@$(PYTHON) -m bench.siege

bench-soak: setup-dev setup-engine setup-base ## 2,000 requests to Claude: do memory, processes or files grow?
	@$(PYTHON) -m bench.soak

##### code

lint: setup-dev ## style, types, workflows
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check --quiet .
	@$(PYTHON) -m mypy --strict __main__.py $(PACKAGES)
	@PYTHONPATH=$(IMAGE_CODE) .venv/bin/lint-imports >/dev/null || PYTHONPATH=$(IMAGE_CODE) .venv/bin/lint-imports
	@.venv/bin/shellcheck --external-sources $(SCRIPTS)
	@$(PYTHON) -m pytest -q $(HOUSE) >/dev/null || $(PYTHON) -m pytest -q $(HOUSE)
	@.venv/bin/zizmor --offline --quiet --persona pedantic .github docs/examples
	@$$(setup/go_tool.sh actionlint) -shellcheck .venv/bin/shellcheck .github/workflows/*.yml docs/examples/*.yml

format: setup-dev ## put the Python code into its standard form
	@$(PYTHON) -m ruff check --fix --quiet .
	@$(PYTHON) -m ruff format .

hooks: setup-dev ## check each commit as lint does (installs a git hook)
	@setup/python.sh tools/hooks/requirements.lock .toolchain/tools/hooks
	@setup/go_tool.sh actionlint >/dev/null
	@.toolchain/tools/hooks/bin/pre-commit install

##### the project

docs: setup-dev ## the documentation as a site, in site/ (fails on a link that leads nowhere)
	@$(PYTHON) -m tools.docs.settings_page
	@$(PYTHON) -m tools.docs.usage_page
	@$(PYTHON) -m posture --document >docs/posture.md
	@setup/python.sh tools/docs/requirements.lock .toolchain/tools/docs
	@NO_MKDOCS_2_WARNING=1 .toolchain/tools/docs/bin/mkdocs build --strict --quiet

sbom: setup-python setup-engine setup-base ## a software bill of materials (CycloneDX) of each image, in sbom/
	@setup/sbom.sh

audit: ## locked packages against the published advisories (asks the network)
	@setup/python.sh tools/audit/requirements.lock .toolchain/tools/audit
	@for lock in $(LOCKS); do echo "$$lock"; \
	  .toolchain/tools/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || exit 1; done

arm64: ## do the locks serve arm64? (asks the package index)
	@setup/arm64.sh

lock: setup-dev ## lock the newest versions that requirements*.in allow, with hashes
	@setup/lock.sh

clients-matrix: setup-dev setup-engine setup-base ## try real clients, and write docs/clients-matrix.md
	@WRITE_CLIENTS_MATRIX=1 setup/in_env.sh dev $(PYTHON) -m pytest -q tests/conformance/test_clients.py

dashboard-picture: setup-pulumi setup-dev setup-engine setup-base ## draw docs/images/dashboard.png from a run of its own (needs npm, chromium)
	@setup/in_env.sh dev $(PYTHON) -m bench.dashboard

version: ## the version of this working copy
	@sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml

clean: ## delete what set-up made here (.venv, .toolchain); stacks, passphrases and images stay
	rm -rf .venv .toolchain

setup: setup-pulumi setup-python setup-engine setup-base
setup-bundle: ; @setup/bundle.sh $(call quoted,STACK) $(call quoted,BUNDLE)
setup-pulumi: $(if $(BUNDLE),setup-bundle) ; @setup/pulumi.sh
setup-python: $(if $(BUNDLE),setup-bundle) ; @setup/python.sh requirements.lock
setup-dev: ; @setup/python.sh requirements-dev.lock
# Which engine it is stands in the stack's file, which Python reads.
setup-engine: setup-python ; @setup/engine.sh $(call quoted,STACK)
# Before the tests that need it: beside two other workers its build takes longer than a test may.
setup-tools: ; @setup/go_tool.sh s3 >/dev/null
setup-images: setup-engine setup-base ; @setup/in_env.sh dev setup/images.sh
setup-base: setup-engine $(if $(BUNDLE),setup-bundle) ; @setup/base_image.sh $(call quoted,STACK)
