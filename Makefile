# The two commands that matter are `make demo` and `make test`; each installs what it needs.
# Needed beforehand: Rust (rustup or a distribution's, 1.95 or newer), Node 20.19 or newer with npm, Python 3 with
# pip, a C compiler.

SHELL := /bin/bash
PYTHON ?= python3
# The demo and the benches are built for the processor they run on.
RELEASE_FLAGS ?= -C target-cpu=native
NINES = target/release/nines
# The models that the tests and the demo use; set NINES_CACHE to keep them elsewhere.
MODELS = minilm-l6 smollm2-135m
# What the tests compare with transformers besides: 404 MB.
TEST_MODELS = $(MODELS) mpnet-base

.PHONY: help demo test build release web web-test e2e load screenshots browser fmt clippy docs unit paths sanitize models models-dev \
  postgres thesauri parity accuracy textattack attack-table techniques bench bench-attacks coverage clean-demo

help:
	@echo "make demo    build nines and do the main job in ./demo (2 to 10 minutes after the build)"
	@echo "make test    format, lints, docs and every test, real models and PostgreSQL included"
	@echo "make screenshots  pictures of every page into docs/pictures; make load: 50 labellers, 10 rewriters at once"
	@echo "make parity  compare with PyTorch, transformers and llama.cpp (installs them in .venv-reference)"
	@echo "make textattack  the same attacks in PyPI's textattack and here, row by row"
	@echo "make attack-table  every recipe on the demo's classifier, side by side (20 to 60 minutes)"
	@echo "make techniques  every training technique on the starter data, side by side (about a day; resumes)"
	@echo "make accuracy  what products in bf16 change, in training and in scores"
	@echo "make coverage  how often every interval holds the truth, into docs/coverage.md (6 to 15 minutes)"
	@echo "make bench-attacks  speed of attacks and of what the Rewrite page asks for"
	@echo "make bench   speed beside PyTorch, ONNX Runtime, transformers and llama.cpp in one run"

# --- the main job ------------------------------------------------------------------------------

release: web
	RUSTFLAGS="$(RELEASE_FLAGS)" cargo build --release --locked --workspace --bins --examples

# One build for everything that is measured: building crates apart would compile burn several times.
models: release
	for model in $(MODELS); do $(NINES) models pull $$model || exit 1; done

# Ends by serving the workbench; ctrl-C ends it.
demo: release
	$(NINES) demo --project demo $(DEMO_FLAGS)

clean-demo:
	rm -rf demo

# --- tests -------------------------------------------------------------------------------------

test: fmt web web-test clippy docs models-dev unit paths e2e
	@echo "all tests passed"

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --locked --workspace --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

build: web
	cargo build --locked --workspace --all-targets

models-dev: build
	for model in $(TEST_MODELS); do target/debug/nines models pull $$model || exit 1; done

# A throw-away PostgreSQL cluster lives for as long as the tests run.
unit: build postgres thesauri
	@set -euo pipefail; \
	if [ -z "$${NINES_TEST_POSTGRES_URL:-}" ]; then \
	  cluster=$$(mktemp -d); \
	  trap 'scripts/postgres-test.sh stop "$$cluster"; rm -rf "$$cluster"' EXIT; \
	  NINES_TEST_POSTGRES_URL=$$(scripts/postgres-test.sh start "$$cluster"); \
	  export NINES_TEST_POSTGRES_URL; \
	fi; \
	cargo test --locked --workspace --no-fail-fast

# What computes, again, held to less than this processor has: without AMX, in 32 bits, without AVX-512,
# in plain code. (The tests before ran on the best that it has.)
COMPUTES = --lib --test bert --test llama --test small
CPU_HAS = $(shell grep -om1 -w $(1) /proc/cpuinfo)
paths: models-dev
ifneq ($(call CPU_HAS,avx512_bf16),)
	NINES_VECTORS=avx512-bf16 NINES_PRECISION=bf16 cargo test --locked --workspace --no-fail-fast $(COMPUTES) --test classifier --test cli
endif
	NINES_VECTORS=avx512 cargo test --locked --workspace --no-fail-fast $(COMPUTES) --test classifier --test cli
	NINES_VECTORS=avx2 cargo test --locked --workspace --no-fail-fast $(COMPUTES) --test classifier
	NINES_VECTORS=baseline cargo test --locked --workspace --no-fail-fast $(COMPUTES)

# The kernels' unsafe code under Miri (plain code) and AddressSanitizer (vectors and tiles); needs a
# nightly toolchain with miri and rust-src. Miri's tree borrows, because rayon's queues need them.
sanitize:
	NINES_VECTORS=baseline MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-env-forward=NINES_VECTORS" \
	  CARGO_TARGET_DIR=target/sanitize cargo +nightly miri test --locked -p nines-kernels --lib -- \
	  product:: aligned shuffle pool finish::tests::what
	RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/sanitize cargo +nightly test --locked \
	  -p nines-kernels --lib --target x86_64-unknown-linux-gnu

# Debian's PostgreSQL server, where it is missing.
postgres:
	@if [ -z "$${NINES_TEST_POSTGRES_URL:-}" ] && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then \
	  echo "installing Debian's postgresql for the tests"; \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  $$SUDO apt-get update -qq && $$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; \
	fi

# 10 MB: the formats of attacks' thesauri as they really are.
thesauri:
	@if [ ! -d /usr/share/wordnet ] || [ ! -f /usr/share/mythes/th_en_US_v2.dat ]; then \
	  echo "installing Debian's wordnet-base and mythes-en-us for the tests"; \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  $$SUDO apt-get update -qq && $$SUDO env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends wordnet-base mythes-en-us >/dev/null; \
	fi

# --- the web app -------------------------------------------------------------------------------

# The embedded app. Built anew where a source is newer than what was built.
WEB_SOURCES = $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*')
web: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20.19 or newer"; exit 1; }
	cd web && npm ci --no-audit --no-fund

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build
	touch $@

web-test: web
	cd web && npm run check && npm test

# Debian's Chromium, where no browser is there.
browser:
	@if ! command -v chromium >/dev/null; then \
	  echo "installing Debian's chromium for the tests of the pages"; \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  $$SUDO apt-get update -qq && $$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core >/dev/null; \
	fi

e2e/node_modules/.package-lock.json: e2e/package-lock.json
	cd e2e && npm ci --no-audit --no-fund

# Every page in a real browser, against the built binary with the real default models.
e2e: models-dev browser e2e/node_modules/.package-lock.json
	cd e2e && NINES=$(CURDIR)/target/debug/nines npm test

# Pictures of every page, light, dark and narrow.
screenshots: models browser e2e/node_modules/.package-lock.json
	cd e2e && NINES=$(CURDIR)/$(NINES) npm run screenshots

# Fifty labellers at once for two minutes, then ten people rewriting for one.
load: models e2e/node_modules/.package-lock.json
	cd e2e && NINES=$(CURDIR)/$(NINES) npm run load

# How often every interval of nines-stats holds a known truth; the tests run a smaller size of the same.
coverage:
	cargo run --release --locked -p nines-stats --example coverage -- --full --out docs/coverage.md

# --- comparisons with peers (gigabytes of Python; never part of the tests) ----------------------

.venv-reference/done: benches/requirements.txt
	$(PYTHON) -m venv .venv-reference || \
	  { $(PYTHON) -m pip install -q --break-system-packages virtualenv && $(PYTHON) -m virtualenv -q .venv-reference; }
	.venv-reference/bin/pip install -q -r benches/requirements.txt
	touch $@

# Cross-validation here and in PyTorch with the same rows, folds, batches and first weights; then
# the endpoint generator against a real server. Over two hours on two cores; every finished fold is
# kept, and a second call goes on from there.
PARITY = .cache/parity
PARITY_SEEDS = 0 1 2
parity: .venv-reference/done models
	base=$$($(NINES) --json models list | $(PYTHON) -c 'import json, sys; print(next(m["folder"] for m in json.load(sys.stdin) if m["name"] == "minilm-l6"))') && \
	for seed in $(PARITY_SEEDS); do \
	  out=$(PARITY)/seed-$$seed && \
	  target/release/examples/folds $$base data/starter export $$out/export --set seed=$$seed && \
	  target/release/examples/folds $$base data/starter train $$out/nines --set seed=$$seed && \
	  .venv-reference/bin/python benches/parity_train.py $$out/export $$out/pytorch || exit 1; \
	done
	.venv-reference/bin/pip install -q -r golden/requirements.txt
	cd golden && ../.venv-reference/bin/python parity_endpoint.py \
	  $$(../$(NINES) --json models list | $(PYTHON) -c 'import glob, json, sys; print(glob.glob(next(m["folder"] for m in json.load(sys.stdin) if m["name"] == "smollm2-135m") + "/*.gguf")[0])') \
	  ../target/release/examples/endpoint_parity
	.venv-reference/bin/python benches/compare_cv.py \
	  --first nines $(PARITY_SEEDS:%=$(PARITY)/seed-%/nines/out_of_fold.jsonl) \
	  --second PyTorch $(PARITY_SEEDS:%=$(PARITY)/seed-%/pytorch/out_of_fold.jsonl)

# What bf16 changes (needs a CPU that has it): cross-validation in both precisions, on three training seeds (shared with
# `make parity`), and the scores of 20,000 drawn snippets in both. Over two hours on two cores; every
# finished fold is kept.
ACCURACY = .cache/accuracy
BF16 = $(if $(call CPU_HAS,amx_bf16),bf16/amx,bf16/avx512)
accuracy: .venv-reference/done models
	base=$$($(NINES) --json models list | $(PYTHON) -c 'import json, sys; print(next(m["folder"] for m in json.load(sys.stdin) if m["name"] == "minilm-l6"))') && \
	for seed in $(PARITY_SEEDS); do \
	  target/release/examples/folds $$base data/starter train $(ACCURACY)/seed-$$seed --set seed=$$seed --set precision=$(BF16) && \
	  target/release/examples/folds $$base data/starter train $(PARITY)/seed-$$seed/nines --set seed=$$seed || exit 1; \
	done
	.venv-reference/bin/python benches/accuracy.py scores $(NINES) $(ACCURACY)/project
	.venv-reference/bin/python benches/accuracy.py curves \
	  --bf16 $(PARITY_SEEDS:%=$(ACCURACY)/seed-%) --f32 $(PARITY_SEEDS:%=$(PARITY)/seed-%/nines)
	.venv-reference/bin/python benches/compare_cv.py \
	  --first bf16 $(PARITY_SEEDS:%=$(ACCURACY)/seed-%/out_of_fold.jsonl) \
	  --second f32 $(PARITY_SEEDS:%=$(PARITY)/seed-%/nines/out_of_fold.jsonl)

# The same victim, substitutes, starts and searches in PyPI's textattack and here, row by row; docs/attacks-peers.md
# holds the table. The fixture of `cargo test` is what this wrote.
.venv-textattack/done: benches/requirements-textattack.txt .venv-reference/done
	$(PYTHON) -m venv .venv-textattack || $(PYTHON) -m virtualenv -q .venv-textattack
	echo $(CURDIR)/.venv-reference/lib/python3.*/site-packages > \
	  $$(echo .venv-textattack/lib/python3.*/site-packages)/reference.pth
	.venv-textattack/bin/pip install -q --no-deps -r benches/requirements-textattack.txt
	touch $@

TEXTATTACK = crates/nines-attack/tests/fixtures/textattack
textattack: .venv-textattack/done release
	$(PYTHON) benches/peer_textattack_inputs.py .cache/textattack/inputs
	for file in .cache/textattack/inputs/*; do cmp $$file $(TEXTATTACK)/$$(basename $$file) || exit 1; done
	target/release/examples/textattack $(TEXTATTACK) > .cache/textattack/nines.jsonl
	.venv-textattack/bin/python benches/peer_textattack.py $(TEXTATTACK) .cache/textattack/nines.jsonl \
	  --out .cache/textattack/results.jsonl
	cmp .cache/textattack/results.jsonl $(TEXTATTACK)/results.jsonl

# llama.cpp for this processor but without AMX, whose packing of weights crashes.
NO_AMX = -mno-amx-tile -mno-amx-int8 -mno-amx-bf16
LLAMA_FLAGS = -DGGML_NATIVE=ON -DCMAKE_C_FLAGS='$(NO_AMX)' -DCMAKE_CXX_FLAGS='$(NO_AMX)'
.venv-reference/llama/done: .venv-reference/done
	CMAKE_ARGS="$(LLAMA_FLAGS)" .venv-reference/bin/pip install -q --no-deps --no-cache-dir --upgrade \
	  --no-binary llama_cpp_python --target .venv-reference/llama $$(grep llama_cpp benches/requirements.txt)
	touch $@

# Speed beside PyTorch, ONNX Runtime, transformers and llama.cpp, in turn, on the same inputs.
bench: .venv-reference/done .venv-reference/llama/done models
	.venv-reference/bin/python benches/speed.py $(BENCH_FLAGS)

# Every recipe on the classifier of `make demo`, from the same 50 starts; docs/attacks.md. What is finished is kept.
attack-table: models
	@test -d demo || { echo "no classifier: make demo first"; exit 1; }
	scripts/attack-table.sh $(NINES) demo 50 0 --by judges --markdown --sampling

# Speed of attacks and of what the Rewrite page asks for, with a trained classifier (`make demo` makes one).
ATTACKED ?= $(firstword $(wildcard demo/models/*/))
# Resumes trial by trial: a result that is there is not made again.
techniques: models
	$(NINES) models pull mpnet-base
	test -e .techniques/nines.toml || $(NINES) init .techniques --starter
	$(NINES) import snippets data/techniques/finds.jsonl --project .techniques
	$(NINES) sweep run data/techniques/techniques.toml --results data/techniques/results --project .techniques $(SWEEP_FLAGS)
	$(NINES) sweep table data/techniques/techniques.toml --results data/techniques/results --markdown

bench-attacks: models
	@test -n "$(ATTACKED)" || { echo "no classifier: make demo first, or give ATTACKED=FOLDER"; exit 1; }
	cd benches && $(PYTHON) attacks.py --classifier $(abspath $(ATTACKED)) $(BENCH_FLAGS)
