# The commands of this project; `make help` lists them. Set-up steps leave stamps in build/, so that a second run does none again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)
FUZZ_COUNT ?= 20000
FAULT_COUNT ?= 300
FUZZ_SECONDS ?= 60

# OpenMP's threads sleep between two loops instead of spinning: tests and builds run side by side.
export OMP_WAIT_POLICY := passive

STAMPS := build/stamps
JS := tests/js/node_modules/.package-lock.json
RELEASE := build/release

.PHONY: build test check sanitize soak demo bench format shape clean help tests-built

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: $(RELEASE)/build.ninja ## installs what is missing and builds build/release/understudy
	@cmake --build $(RELEASE) -j $(JOBS) --target understudy

tests-built: $(RELEASE)/build.ninja
	@cmake --build $(RELEASE) -j $(JOBS)

test: tests-built $(JS) ## builds and runs all tests
	@ctest --test-dir $(RELEASE) -j 2 --output-on-failure --no-tests=error

demo: $(RELEASE)/build.ninja ## the main job end to end: data, training, evaluation, export, serving
	@cmake --build $(RELEASE) -j $(JOBS) --target understudy understudy-examples
	@bash examples/demo.sh

check: build $(STAMPS)/packages-check ## layers, doors, symbols, tests, layout, tree, clang-tidy
	@status=0; for check in check_layers check_doors check_isa_symbols check_tests check_format check_tree \
	  "draw_layers --check" check_tidy; do tools/$$check || status=1; done; exit $$status

sanitize: $(STAMPS)/packages-check $(JS) ## asan and tsan with all tests, clang's -Wthread-safety, clang-tidy over everything
	@cmake --preset clang && cmake --build build/clang -j $(JOBS)
	@tools/check_tidy --build build/clang --limit 0
	@cmake --preset asan && cmake --build build/asan -j $(JOBS)
	@ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  ctest --test-dir build/asan -j 2 --output-on-failure --no-tests=error
	@cmake --preset tsan && cmake --build build/tsan -j $(JOBS)
	@OMP_NUM_THREADS=1 TSAN_OPTIONS="suppressions=$(CURDIR)/tools/tsan_suppressions.txt halt_on_error=1 allocator_may_return_null=1" \
	  ctest --test-dir build/tsan -j 2 --output-on-failure --no-tests=error

soak: tests-built $(STAMPS)/packages-check $(JS) ## the tests with full counts of faults and mutations, then libFuzzer
	@UNDERSTUDY_FUZZ_COUNT=$(FUZZ_COUNT) UNDERSTUDY_FAULT_COUNT=$(FAULT_COUNT) \
	  ctest --test-dir $(RELEASE) -j 2 --output-on-failure --no-tests=error --timeout 3600
	@cmake --preset fuzz && cmake --build build/fuzz -j $(JOBS) --target fuzzers
	@tools/run_fuzzers.sh build/fuzz/fuzzers tests/fuzz/corpus build/fuzz/found $(FUZZ_SECONDS)

bench: $(STAMPS)/packages-check ## builds and runs the benchmarks
	@cmake --preset bench && cmake --build build/bench -j $(JOBS)
	@for program in build/bench/benchmarks/*; do echo "== $${program##*/}"; $$program; done

format: $(STAMPS)/packages-check ## lays every source out as .clang-format says
	@tools/check_format --fix

shape: ## lengths of files and functions
	@tools/shape

clean: ## removes build/ and the clients' packages
	@rm -rf build tests/js/node_modules

$(STAMPS)/packages: tools/packages.txt tools/install_packages.sh
	@tools/install_packages.sh --with-npm tools/packages.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/packages-check: tools/packages_check.txt tools/install_packages.sh $(STAMPS)/packages
	@tools/install_packages.sh tools/packages_check.txt
	@touch $@

$(RELEASE)/build.ninja: CMakePresets.json $(STAMPS)/packages
	@cmake --preset release
	@touch $@

$(JS): tests/js/package.json tests/js/package-lock.json $(STAMPS)/packages
	@npm ci --prefix tests/js --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@
