# `make help` lists what this file can do. On Windows, or without make: see README.md.

PY     := .venv/bin/python
PYTHON ?= python3# makes the environment; 3.10 to 3.13
WORKERS ?= 2# processes that test side by side

INSTALLED := .venv/.installed
BUILT     := _build/.built
INDEX     := _build/html/book/index.html

# Chapters that nbval runs. Notebooks in folders that start with "_" or "." are no chapters.
CHAPTERS := $(sort $(wildcard $(foreach part,start steps types practice back,book/$(part)/*.ipynb)))
# Whatever the pages are made from. The reference is made from the library's docstrings.
SOURCES  := _config.yml _toc.yml benchmarks/RESULTS.md $(shell find book tl_teach -type f \
	-not -path '*/.*' -not -path '*/node_modules/*' -not -name '*.pyc' 2>/dev/null)

# Progress bars are for people who wait; nbval would compare them.
export TQDM_DISABLE := 1
NBVAL := --nbval --nbval-sanitize-with tests/book/nbval-sanitize.cfg --nbval-cell-timeout=600

MAKEFLAGS += -j2# the book is built while the code is checked
.DEFAULT_GOAL := help
.PHONY: help book lab site pdf epub slides test test-all lint bench notebooks colab-check oldest-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(BUILT) ## build the book (the first time: install everything it needs)
	@echo "The book is ready: $(CURDIR)/$(INDEX)"

site: $(BUILT) ## the book as it is published: lighter to load, in _build/site
	$(PY) book/_tools/site.py

JB_PAPER := .venv/bin/jupyter-book build . --quiet -n --builder custom --custom-builder

pdf: $(INSTALLED) ## the book as one PDF, in _build/paper (needs Chromium)
	$(JB_PAPER) singlehtml
	$(PY) book/_tools/paper.py

epub: $(INSTALLED) ## the book for e-readers, in _build/epub
	$(JB_PAPER) epub
	$(PY) book/_tools/ebook.py

slides: $(INSTALLED) ## make slides of the chapters in _build/slides (needs npm)
	cd book/_tools/offline_slides/npm && npm ci --ignore-scripts --no-audit --no-fund
	$(PY) book/_tools/slides.py $(NB)

lab: $(BUILT) ## add the network that the page on your own photographs loads (needs npm)
	cd book/lab/npm && npm ci --ignore-scripts --no-audit --no-fund
	$(PY) book/_tools/photographs.py _build/html/_static/lab/photographs

# Workers that share the cores take one thread each: more would only wait for each other.
test: lint $(BUILT) ## lint, then every test: library, chapters, built pages
	OMP_NUM_THREADS=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile $(NBVAL) tl_teach tests $(CHAPTERS)

# The chapters' claims must hold however the sums are ordered: by one thread or by two, and with the
# plain instructions of an older processor.
test-all: test ## test, and the chapters once more under other conditions
	OMP_NUM_THREADS=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile $(NBVAL) $(CHAPTERS)
	OMP_NUM_THREADS=2 $(PY) -m pytest $(NBVAL) $(CHAPTERS)
	OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default $(PY) -m pytest -n $(WORKERS) --dist loadfile $(NBVAL) $(CHAPTERS)

lint: $(INSTALLED) ## style, types and the one-way imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/codespell
	.venv/bin/mypy tl_teach
	.venv/bin/lint-imports

bench: $(INSTALLED) ## measure the figures that the project claims
	$(PY) -m benchmarks

notebooks: $(INSTALLED) ## run notebooks and keep their outputs: make notebooks [NB=path]
	$(PY) book/_tools/execute.py $(NB)

# --- Other people's environments -------------------------------------------------------------------

COLAB_PYTHON ?= python3.13
OLDEST_PYTHON ?= python3.10

# The set-up cell of a chapter may add packages; whatever Colab has must stay as it is.
colab-check: .venv-colab/.installed ## every notebook with Colab's versions (needs Python 3.13)
	.venv-colab/bin/python book/_tools/check.py colab $(if $(JOBS),--jobs $(JOBS))

oldest-check: .venv-oldest/.installed ## tests and notebooks with the oldest versions (Python 3.10)
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest -q tests/networks tests/learning tests/tasks
	.venv-oldest/bin/python book/_tools/check.py oldest $(if $(JOBS),--jobs $(JOBS))

.venv-colab/.installed: PYTHON_HERE = $(COLAB_PYTHON)
.venv-oldest/.installed: PYTHON_HERE = $(OLDEST_PYTHON)
.venv-%/.installed: book/_tools/environments/%.txt pyproject.toml
	@test -x $(@D)/bin/python || $(PYTHON_HERE) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=26"
	$(@D)/bin/python -m pip install --quiet -r $<
	$(@D)/bin/python -m pip install --quiet -c $< -e ".[book]"
	@touch $@

clean: ## remove what was built, but not the environment
	rm -rf _build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# --- Files -----------------------------------------------------------------------------------------

# An older pip needs many minutes to work out which versions go together.
$(INSTALLED): requirements.txt pyproject.toml
	@test -x $(PY) || $(PYTHON) -c 'import sys; sys.exit(None if (3, 10) <= sys.version_info[:2] <= (3, 13) else "This needs Python 3.10 to 3.13, and $(PYTHON) is " + sys.version.split()[0] + "; say which one to take: make book PYTHON=python3.13")'
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "Installing into .venv: about 6 GB, two minutes on a fast line."
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade "pip>=26"
	$(PY) -m pip install --quiet -r requirements.txt
	$(PY) -m pip install --quiet --no-deps -e .
	@touch $@

# Sphinx makes only the pages anew whose sources changed. Of our own extensions it does not know, and
# where no page has changed it copies no script and no style.
$(BUILT): $(INSTALLED) $(SOURCES)
	.venv/bin/jupyter-book build . --quiet -W -n --keep-going $(if $(filter book/_ext/% book/_static/% book/_templates/%,$?),--all)
	@touch $@
