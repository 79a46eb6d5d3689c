# Every target does its own set-up; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Processes that share the tests, a file each at a time; long ones come first, so that none is left waiting.
WORKERS ?= 2
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help env site study test test-fast test-isa lint types verify docs picture snapshots schemas lock release-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

site: env ## train, evaluate and write the whole post into site/
	$(BIN)/python build.py --variants all

study: env ## train the study's variants and write its post into site/ too (hours)
	$(BIN)/python build.py --config study.toml --variants all

test: .venv/dev ## run all tests, offline
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-fast: .venv/dev ## run the tests that need neither training nor a browser
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not train and not browser and not jekyll and not cluster"

test-isa: .venv/dev ## run the tests of precision as on processors with fewer instructions
	for limit in ONEDNN_MAX_CPU_ISA=AVX2 ONEDNN_MAX_CPU_ISA=AVX512_CORE TF_ENABLE_ONEDNN_OPTS=0; do \
	  echo "$$limit" && env $$limit $(BIN)/python -m pytest -m precision \
	    tests/training/test_convolution.py tests/training/test_folding.py tests/training/test_epochs.py || exit 1; \
	done

env: .venv/run ## make .venv from the locked versions

lint: .venv/dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev ## check types
	$(BIN)/mypy

verify: env ## hold the committed site against its manifest
	$(BIN)/python build.py verify

docs: env ## write what was measured into the documents, from the recorded files
	$(BIN)/python -m benchmarks.weights --json benchmarks/recorded/weights.json
	$(BIN)/python tools/write_reference.py
	$(BIN)/python tools/write_docs.py

picture: .venv/dev ## take the README's picture of the committed post (needs Jekyll and Chromium)
	$(BIN)/python tools/take_picture.py

snapshots: .venv/dev ## renew the snapshots of the rendered post after an intended change
	$(BIN)/python -m pytest tests/post/test_render.py -k as_recorded --snapshot-update

schemas: .venv/dev ## renew docs/schemas/ after a change of the published files
	$(BIN)/python tools/write_schemas.py

lock: ## renew requirements*.txt from pyproject.toml (needs uv and the network)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --upgrade pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --upgrade --group release -o requirements-release.txt

release-check: env ## pack what is committed, install it where nothing else is, and build and verify a project with it
	$(BIN)/python tools/release_check.py

clean: ## remove the environment, the store and all caches; the site stays
	rm -rf .venv .store build-output .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "make: $(PYTHON) is no Python 3.11 to 3.13, which TensorFlow needs; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
