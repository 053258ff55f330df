# The two commands to remember: make demo, make test. Everything runs in .venv, from the locked dependencies.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORPUS ?= ../shared/corpus
GEODATA ?= ../shared/geodata
# Real messages and boundaries are read where they lie beside the project, or where the command names them.
given = $(filter-out undefined default file,$(origin $(1)))
FOLDERS = $(if $(call given,CORPUS)$(wildcard $(CORPUS)),--cap-corpus=$(CORPUS)) \
  $(if $(call given,GEODATA)$(wildcard $(GEODATA)),--geodata=$(GEODATA))
PYTEST = $(BIN)/python -m pytest --numprocesses=auto --dist=loadgroup --no-loadscope-reorder --durations=10
SETTINGS ?= warnsys.toml
PORT ?= 8080
DEPTH ?= 4
EXAMPLES ?= 100

.DEFAULT_GOAL := help
.PHONY: site wheel bench-parse bench-match bench-scale bench-web bench-load fuzz-web fuzz-index screens help install install-dev gis demo run kafka test test-all test-faults test-crash test-crash-long soak explore mutants lint format docs contracts asyncapi sustainable pictures lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## make .venv and install the locked dependencies

install-dev: $(VENV)/.installed-dev

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "warnsys needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-gis: $(VENV)/.installed requirements-gis.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-gis.lock
	@touch $@

gis: $(VENV)/.installed-gis ## install what importing borders, terrain models and PNGs of maps need

demo: install ## play a storm over Solingen at 60 times speed, live in the terminal, with pages on PORT (an exercise)
	@$(BIN)/warnsys demo --port $(PORT)

run: install ## watch the live DWD feed for the city of $(SETTINGS) (make it with: .venv/bin/warnsys init)
	@$(BIN)/warnsys up --settings $(SETTINGS)

kafka: install ## run a Kafka on port 9092 for trying out, until Ctrl-C (needs Java 17 and Maven)
	@$(BIN)/python -m tools.local_kafka

test: install-dev ## run the tests but the slow ones (minutes); the summary says what it left out, and why
	$(PYTEST) --quick $(FOLDERS) $(PYTEST_ARGS)

test-all: install-dev ## run all tests, then those that kill workers and brokers on a real Kafka (an hour)
	$(PYTEST) $(FOLDERS) $(PYTEST_ARGS)
	$(BIN)/python -m pytest --durations=10 -m crash tests/crash

test-faults: install-dev ## a storm on a real Kafka while workers and brokers die, a test for each kind of fault (minutes)
	$(BIN)/python -m pytest -m crash tests/crash

test-crash: install-dev ## ten seeds with six kills each, every step × signal, every other fault: as tables (half an hour)
	$(BIN)/python -m tools.crash --seeds 10 --kills 6 --faults kill
	$(BIN)/python -m tools.crash.report --only steps-1 faults-1

test-crash-long: install-dev ## the same on three brokers, too, and three runners compared: docs/reference/reliability.md
	$(BIN)/python -m tools.crash.report docs/reference/reliability.md

mutants: install-dev ## change the CAP reader and the decisions line by line, and see what no test notices (an hour)
	@test -d .venv-mutants || $(BIN)/uv venv --quiet --python $(BIN)/python .venv-mutants
	@echo 'click>=8.4.2' > .venv-mutants/newer  # than Faust allows; what mutmut runs needs no Faust
	@$(BIN)/uv pip install --quiet --python .venv-mutants --override .venv-mutants/newer --editable . --group mutants
	CI=true PYTEST_ADDOPTS="--cap-corpus=$(abspath $(CORPUS)) --geodata=$(abspath $(GEODATA))" \
	  .venv-mutants/bin/mutmut run $(MUTANTS)

explore: install-dev ## play every history of DEPTH steps from each prepared state: docs/reference/explorer.md
	$(BIN)/python -m tests.explore --depth $(DEPTH)

fuzz-web: install-dev ## send EXAMPLES requests a route, of every kind, to both sites: no 5xx (minutes)
	EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/web/test_fuzz.py

fuzz-index: EXAMPLES = 5000
fuzz-index: install-dev ## match EXAMPLES made-up outlines by the index and by the plain method: no difference (minutes)
	EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/geofences/test_index_equals_plain.py

soak: install-dev ## half an hour of storm and faults, and the slope of each process's memory
	$(BIN)/python -m tools.crash.soak --minutes 30 --report docs/reference/reliability.md

lint: install-dev ## check style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.contracts --check

format: install-dev ## put the code into the project's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install-dev ## write the tables of docs/reference again
	$(BIN)/python -m tools.docs.rights docs/reference/rights.md
	$(BIN)/python -m tools.docs.lifecycle docs/reference/lifecycle.md
	$(BIN)/python -m tools.docs.fault_table docs/reference/feed-faults.md
	$(BIN)/python -m tools.import_graph docs/reference/import-graph.md
	$(BIN)/python -m tools.docs.adr_index docs/adr
	$(BIN)/python -m tools.docs.drawings docs/explanation
	@if [ -d "$(CORPUS)" ]; then $(BIN)/python -m tools.docs.findings docs/reference/findings.md --corpus "$(CORPUS)"; \
	else echo "docs/reference/findings.md stays: it counts real messages, name their folder with CORPUS=…"; fi

site: install-dev ## build the documentation site into site/; a broken link or any warning fails
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --jobs auto -d site/.doctrees docs site

wheel: install-dev ## build the wheel, install it into an empty environment, and play the demo from there
	$(BIN)/python -m tools.wheel

contracts: install-dev ## write docs/contracts again from the models; what differs there is a drift
	$(BIN)/python -m tools.contracts

asyncapi: ## validate the AsyncAPI documents of docs/contracts with AsyncAPI's own parser (needs Node.js 18 or later)
	@cd tools/asyncapi && npm ci --silent --ignore-scripts --no-audit --no-fund
	@cd tools/asyncapi && npm run --silent check

sustainable: install-dev ## every file's licence, publiccode.yml, an SBOM of what is shipped (dist/sbom.json)
	$(BIN)/reuse lint --quiet || { $(BIN)/reuse lint; exit 1; }
	$(BIN)/python -m tools.publiccode
	@test -d .venv-shipped || $(BIN)/uv venv --quiet --python $(BIN)/python .venv-shipped
	@$(BIN)/uv pip sync --quiet --python .venv-shipped --require-hashes requirements.lock
	@mkdir -p dist
	$(BIN)/cyclonedx-py environment .venv-shipped --pyproject pyproject.toml --mc-type application \
	  --output-format JSON --output-reproducible --output-file dist/sbom.json

pictures: install ## draw the README's picture again
	$(BIN)/python -m tools.docs.pictures docs/demo.svg

screens: install-dev ## take the screenshots of docs/reference/pages.md again
	$(BIN)/python -m tools.screens docs/reference/pages

bench-parse: install-dev ## what reading a message costs, beside bare lxml
	$(BIN)/python -m benchmarks parse $(CORPUS)/dwd/*.xml

bench-match: install-dev ## which fences an outline covers: a loop, a tree, and ours (minutes)
	$(BIN)/python -m benchmarks match

bench-scale: install-dev ## a day of thunderstorms over 200 cities on a real Kafka (minutes)
	$(BIN)/python -m benchmarks scale

bench-web: install-dev ## how fast the pages follow the topics, and what 200 open event streams cost
	$(BIN)/python -m benchmarks.web_follow

bench-load: install-dev ## every page a thousand times while 50 outcomes a second come in
	$(BIN)/python -m benchmarks.web_load

lock: install-dev ## pin the newest dependencies that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate pyproject.toml --group build --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate pyproject.toml --extra gis --group build --constraint requirements.lock \
	  --output-file requirements-gis.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate pyproject.toml --extra gis --group dev --output-file requirements-dev.lock

clean: ## remove .venv and caches
	rm -rf $(VENV) .venv-mutants .venv-shipped tools/asyncapi/node_modules mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
