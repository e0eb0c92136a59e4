# `make help` lists the targets. Each prepares the machine first (scripts/setup.sh; nothing to do when that was done).
# One profile (release), one target directory and one set of features (--workspace) serve all of them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory
TEXT ?=
REPORT ?= demo-report

.PHONY: help setup build demo demo-private test test-gpu cuda fuzz bench lint fmt zombienet

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## install what a build needs, download libtorch
	@scripts/setup.sh

build: setup ## build dream-node, dream-worker and the tests
	@. scripts/env.sh
	cargo build --release --locked --workspace --bins --tests

demo: build ## run a small network that trains a model and prove it: [TEXT=folder] [REPORT=folder]
	@. scripts/env.sh
	exec "$$CARGO_TARGET_DIR/release/dream-demo" $(if $(TEXT),--text "$(TEXT)") --report "$(REPORT)"

demo-private: build ## run private rounds: four texts that never leave their miners: [TEXT=folder with folders 1 to 4] [REPORT=folder]
	@. scripts/env.sh
	exec "$$CARGO_TARGET_DIR/release/dream-demo" --private $(if $(TEXT),--text "$(TEXT)") --rounds 2 --report "$(REPORT)"

test: ## run every test: [ARGS="-p dream-primitives"] for some
	@scripts/setup.sh --js
	scripts/test.sh $(ARGS)

test-gpu: ## test and measure the CUDA kernels, where there is a GPU: [PROGRAM=dream-gpu built elsewhere]
	@$(if $(PROGRAM),,scripts/setup.sh)
	scripts/test-gpu.sh $(PROGRAM)

cuda: ## compile the CUDA kernels to kernels/cuda/rlwe.fatbin: [CHECK=yes] to compare only
	@scripts/cuda.sh $(if $(CHECK),--check)

fuzz: build ## mutate inputs until one breaks something: [TARGET=calls|decoders|governance|private] [SECONDS=n]
	@. scripts/env.sh
	exec "$$CARGO_TARGET_DIR/release/dream-fuzz" $(or $(TARGET),calls) $(SECONDS)

bench: build ## measure what docs/performance.md records
	@scripts/bench.sh

lint: ## formatting, clippy, shell scripts, the project's own rules
	@scripts/setup.sh --lint
	scripts/lint.sh

fmt: setup ## format the Rust code
	@cargo fmt --all

zombienet: build ## start two validators, check blocks, finality and peers, stop them
	@scripts/setup.sh --zombienet
	scripts/zombienet.sh zombienet/smoke.zndsl
