# make run    installs everything and shows it working with four simulated headsets
# make test   installs what tests need, Godot and Mono too, and runs them
# make godot  fetches Godot for them, if it is not there yet; with a virtual screen: make godot SCREEN=--screen

PYTHON ?= python3
VENV ?= .venv
DURATION ?= 60
SESSIONS ?= 4
HZ ?= 90

.PHONY: run test lint mono install godot clean

run: $(VENV)/installed
	$(VENV)/bin/genlock demo --duration $(DURATION) --sessions $(SESSIONS) --hz $(HZ)

test: lint mono
	$(VENV)/bin/pytest -q

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

mono:
	@tests/engines/get_mono.sh

install: $(VENV)/installed

godot:
	tests/engines/get_godot.sh .engines/godot$(SCREEN) $(SCREEN)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Genlock needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
