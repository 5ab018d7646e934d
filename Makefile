# One runner for people and for CI. `make help` lists the recipes.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell .ci/find-python)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
# What CARGO_TARGET_DIR of the surrounding shell says must not leak build products between checkouts.
unexport CARGO_TARGET_DIR

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src -name '*.rs')
PYTHON_SOURCES := pyproject.toml README.md $(shell find python -type f -not -path '*/__pycache__/*')

.PHONY: help demo test test-rust test-plain test-all lint types check check-full bench apps steadiness held-out reliability verdicts lab-peers stress loom build clean

help: ## list the recipes
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMPS)/venv: pyproject.toml
	@test -n "$(PYTHON)" || { echo "coldcache needs CPython 3.10 or newer on the PATH" >&2; exit 1; }
	@command -v cargo >/dev/null || { echo "coldcache needs a Rust toolchain: no cargo on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	rm -rf $(STAMPS) && mkdir -p $(STAMPS)
	$(BIN)/python -m pip install --quiet --upgrade pip "maturin>=1.16,<2"
	touch $@

build/wheels/current.stamp: $(STAMPS)/venv $(RUST_SOURCES) $(PYTHON_SOURCES)
	rm -rf build/wheels/current && mkdir -p build/wheels
	$(BIN)/maturin build --quiet --release --locked --compression-level 9 -i $(BIN)/python -o build/wheels/current
	touch $@

$(STAMPS)/installed: build/wheels/current.stamp
	$(BIN)/pip install --quiet --force-reinstall --no-deps build/wheels/current/*.whl
	$(BIN)/pip install --quiet "coldcache[tools] @ file://$$(ls $(CURDIR)/build/wheels/current/*.whl)"
	touch $@

$(STAMPS)/examples: $(STAMPS)/installed examples/requirements.txt
	$(BIN)/pip install --quiet -r examples/requirements.txt
	touch $@

$(STAMPS)/test-tools: $(STAMPS)/examples pyproject.toml
	$(BIN)/pip install --quiet --group test --group metrics --group servers --group lint
	touch $@

$(STAMPS)/fault-tools: $(STAMPS)/test-tools benches/faults/requirements.txt
	$(BIN)/pip install --quiet -r benches/faults/requirements.txt
	touch $@

$(STAMPS)/bench-tools: $(STAMPS)/test-tools benches/requirements.txt
	$(BIN)/pip install --quiet -r benches/requirements.txt
	touch $@

build: $(STAMPS)/installed ## build the release wheel and install it into .venv

demo: $(STAMPS)/examples ## optimize and measure the example function: plain, planned, tuned, on the real runtime client
	$(BIN)/python examples/report_function/demo.py

test: test-rust test-python test-plain ## everything that needs a few minutes: Rust core, runtime, tools, example, docs

.PHONY: test-python
test-python: $(STAMPS)/fault-tools
	$(BIN)/python -m pytest -q

test-rust:
	cargo test --quiet --locked --no-default-features

# The hit path has two ways in; both have to behave alike.
test-plain: $(STAMPS)/test-tools
	COLDCACHE_PLAIN_CALL=1 $(BIN)/python -m pytest -q tests/runtime

test-all: $(STAMPS)/venv ## the runtime's tests on every CPython found, each in a clean environment
	.ci/test-all $(CURDIR)/$(BIN)/maturin

lint: $(STAMPS)/test-tools ## formatting, lints, layers
	cargo fmt --check
	cargo clippy --quiet --locked --no-default-features --all-targets -- -D warnings
	PYO3_PYTHON=$(CURDIR)/$(BIN)/python cargo clippy --quiet --locked -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	cd python && PYTHONPATH=. ../$(BIN)/lint-imports --config ../.importlinter

types: $(STAMPS)/test-tools ## mypy --strict, and the stubs against the binary
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest coldcache._core --mypy-config-file pyproject.toml --allowlist tests/typing/stubtest-allowlist.txt

check: lint types test ## what CI runs

loom: ## model checks of the flight's state machine
	RUSTFLAGS="--cfg loom" cargo test --release --locked --no-default-features --target-dir target/loom flight::loom_tests

check-full: check test-all loom ## everything, slow suites included; says what it skipped
	tests/conformance/run
	.ci/with-sid $(CURDIR)/$(BIN)/maturin
	@echo "check-full: done. Skipped: CPython versions listed above as SKIPPED; make stress (10 minutes) and make bench are run by hand."

bench: $(STAMPS)/bench-tools ## speed against peers, as ratios in one interleaved run
	@missed=; for bench in imports calls hit_ratio instructions leaks warm_up preload handler handler_cost start_class; do \
		$(BIN)/python benches/$$bench.py || missed="$$missed $$bench"; \
	done; [ -z "$$missed" ] || { echo "targets missed in:$$missed" >&2; exit 1; }

apps: $(STAMPS)/installed ## optimize the rebuilt applications; writes benches/apps/RESULTS.md
	$(BIN)/python benches/apps.py

reliability: $(STAMPS)/fault-tools ## put coldcache and peers through real faults; writes docs/reliability.md (13 minutes)
	$(BIN)/python benches/reliability.py

steadiness: $(STAMPS)/test-tools ## startup budgets on a loaded machine: 50 runs, no false alarm (some minutes)
	$(BIN)/python benches/budget_steadiness.py

held-out: $(STAMPS)/installed ## plans found with one event, tried on uses the search never saw
	$(BIN)/python benches/held_out.py

verdicts: $(STAMPS)/installed ## whether the lab's verdicts can be trusted: the same function twice, and one that sleeps
	$(BIN)/python benches/lab_verdicts.py

lab-peers: $(STAMPS)/examples ## functions plain, with AWS Powertools, with coldcache in the lab; writes docs/comparison-lab.md
	$(BIN)/python benches/lab_peers.py

stress: $(STAMPS)/test-tools ## 10 minutes of seeded random operations against an oracle
	$(BIN)/python benches/stress.py --seconds 600

clean: ## remove everything that was built or installed here
	rm -rf build target $(VENV) .venvs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
