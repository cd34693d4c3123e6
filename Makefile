# Every target does the set-up it needs; the second time that is a look at a date.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SEEDED  = $(if $(HYPOTHESIS_SEED),--hypothesis-seed=$(HYPOTHESIS_SEED))

.PHONY: demo test test-all check docs format bench clean

demo: $(READY)  ## real pictures, sorted into class folders, with a report
	$(BIN)/tamis demo

test: $(READY)  ## the fast tests, the same examples each time; others with HYPOTHESIS_SEED=1
	$(BIN)/python -m pytest -n 2 -m "not slow" $(SEEDED)

test-all: $(READY)  ## all tests, on new examples each time; minutes more
	$(BIN)/python -m pytest -n 2 --hypothesis-profile=free $(SEEDED)

check: $(READY)  ## style and types; the wheel is built, installed and tried
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/try_wheel.py

docs: $(READY)  ## the documentation site, into docs/_build; warnings are errors
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## the figures of docs/results.md
	$(BIN)/python benchmarks/decode_color.py
	$(BIN)/python benchmarks/reference.py --check
	$(BIN)/python benchmarks/descriptor_speed.py
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/threads.py
	$(BIN)/python benchmarks/collection.py --corel --synthetic 100000
	$(BIN)/python benchmarks/six_classes.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else 'tamis needs Python 3.11, 3.12 or 3.13, and %s is %d.%d. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)' % (sys.executable, *v))"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev --group docs -e ".[all]"
	touch $(READY)

clean:
	rm -rf $(VENV) build dist docs/_build docs/api/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
