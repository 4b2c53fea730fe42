VENV ?= .venv
PYTHON ?= python3
PY = $(VENV)/bin/python
STAMP = $(VENV)/.installed

.PHONY: help quickstart test slow lint types figures bench wheel clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml Makefile
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "simlearn needs Python 3.11 or newer; try make PYTHON=python3.11")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet --editable '.[dev,faces,continual,analysis]'
	touch $(STAMP)

quickstart: $(STAMP) ## draw faces, train, evaluate, write a report: about 3 minutes on 2 cores
	$(PY) -m simlearn.train recipe=quickstart trainer=cpu

test: $(STAMP) lint types ## ruff, mypy and the fast tests
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PY) -m pytest -n 2

slow: $(STAMP) ## the tests that take minutes
	HF_HUB_OFFLINE=1 $(PY) -m pytest -m slow --timeout 1800

lint: $(STAMP) ## ruff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(STAMP) ## mypy
	$(PY) -m mypy

bench: $(STAMP) ## every benchmark of the README but Omniglot, hours (benchmarks/omniglot.py --data DIR)
	$(PY) benchmarks/quickstart.py
	$(PY) benchmarks/clip_loading.py
	$(PY) benchmarks/train_step.py
	$(PY) benchmarks/full_size.py
	$(PY) benchmarks/synthetic_faces.py
	$(PY) benchmarks/losses.py
	$(PY) benchmarks/retrieval.py
	$(PY) benchmarks/mdlstm.py
	$(PY) benchmarks/miner.py
	$(PY) benchmarks/neurons.py
	$(PY) benchmarks/errorradar.py
	$(PY) benchmarks/errorradar_scoring.py

figures: $(STAMP) ## the README's numbers and pictures, from the result files and a quickstart
	rm -rf outputs/figures
	$(PY) -m simlearn.train recipe=quickstart trainer=cpu run_dir=outputs/figures
	$(PY) benchmarks/readme.py --run outputs/figures

wheel: $(STAMP) ## build a wheel into dist/
	$(PY) -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove the virtual environment and build products
	rm -rf $(VENV) dist build *.egg-info
