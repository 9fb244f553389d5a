# Wootz: `make help` says what there is.

CARGO ?= cargo
DEMO := target/demo

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.PHONY: demo
demo: ## Compiles an example to a shared library, shows what came out, and runs it (needs nothing but Rust)
	$(CARGO) build --release --package wootz-cli
	@mkdir -p $(DEMO)
	$(or $(CARGO_TARGET_DIR),target)/release/wootz compile examples/c/primes.wasm -o $(DEMO)/primes.so --time
	@if command -v file >/dev/null; then echo; file -b $(DEMO)/primes.so; fi
	@if command -v nm >/dev/null; then echo; nm --defined-only $(DEMO)/primes.so | grep -E ' (main|_start|sieve|wootz_module)' || true; fi
	@echo
	$(or $(CARGO_TARGET_DIR),target)/release/wootz inspect $(DEMO)/primes.so
	@echo
	$(or $(CARGO_TARGET_DIR),target)/release/wootz run $(DEMO)/primes.so 100

.PHONY: test
test: tools ## Installs what the tests need, then runs all of them, formatting and lints
	$(CARGO) fmt --all --check
	$(MAKE) --no-print-directory -j2 programs test-binaries emulated
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	$(CARGO) build --quiet --package wootz-c-api # the loader without compiler, too
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet
	$(CARGO) test --workspace --no-fail-fast

.PHONY: tools
tools: ## Installs the tools that tests use, where the system is Debian or its kin
	tests/install-tools.sh
	tests/cross/fetch.sh || echo "tests on other machines will be skipped" >&2

.PHONY: programs
programs: ## Builds the real programs that tests run (Lua, SQLite, QuickJS, zstd, a Zig program, tests of Go)
	$(MAKE) --no-print-directory -C tests/programs

# So that programs and tests are built at the same time.
.PHONY: test-binaries
test-binaries:
	$(CARGO) test --workspace --no-run --quiet

MACHINES := aarch64-linux riscv64-linux s390x-linux x86_64-windows

.PHONY: emulated
emulated: ## Builds the program that runs on emulated machines in `make test`
	@rm -f $(or $(CARGO_TARGET_DIR),target)/cross/*/debug/wootz-emulated*
	@for machine in $(MACHINES); do \
		tests/cross/cargo $$machine build --quiet --package wootz-tests-emulated \
			|| echo "tests on $$machine will be skipped" >&2; \
	done

.PHONY: test-cross
test-cross: tools ## Builds everything for other machines, and runs the tests there, emulated (MACHINES=; takes an hour or two)
	@for machine in $(MACHINES); do tests/cross/test $$machine || exit 1; done

# Where to, and how it is built: `dev` is faster to build.
C_LIBRARY ?= target/c-library
PROFILE ?= release
BUILT := $(or $(CARGO_TARGET_DIR),target)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

.PHONY: c-library
c-library: ## Puts libwootz.a, libwootz.so, wootz.h and wootz.pc into target/c-library
	$(CARGO) build --package wootz-c-api --profile $(PROFILE)
	@mkdir -p $(C_LIBRARY)
	cp -f $(BUILT)/libwootz.a $(BUILT)/libwootz.so capi/include/wootz.h capi/wootz.pc $(C_LIBRARY)

.PHONY: bless
bless: ## Makes what the filetests and golden files say now what they are expected to say
	BLESS=1 $(CARGO) test --package wootz-tests --test filetests --test arrows

.PHONY: bench
bench: ## Compares with wasmtime, native programs and others (builds them first, which takes half an hour; ARGS=--help)
	@benches/kernels/build.sh || echo "native kernels will not be compared" >&2
	@[ -n "$$WOOTZ_PROGRAMS" ] || $(MAKE) --no-print-directory programs || echo "whole programs will not be compared" >&2
	cd benches && $(CARGO) run --release -- $(ARGS)

# For how long, what, and with which sanitizer; see fuzz/README.md.
SECONDS ?= 3600
TARGETS ?= differential settings compile
SANITIZER ?= none
FUZZ_BUILD := -O --codegen-units 16 --no-trace-compares -s $(SANITIZER)
FUZZ_RUN := -max_total_time=$(SECONDS) -max_len=8192 -len_control=0 -timeout=60 -rss_limit_mb=8192 -malloc_limit_mb=0

.PHONY: fuzz
fuzz: ## Generates modules and compares, for an hour a target (SECONDS=, TARGETS=; needs nightly and cargo-fuzz)
	cd fuzz && $(CARGO) +nightly fuzz build $(FUZZ_BUILD)
	@for target in $(TARGETS); do \
		mkdir -p fuzz/corpus/$$target; \
		for seed in 1 2 3 4 5 6 7 8; do head -c 4096 /dev/urandom >fuzz/corpus/$$target/random-$$seed; done; \
		(cd fuzz && ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0 \
			$(CARGO) +nightly fuzz run $(FUZZ_BUILD) $$target -- $(FUZZ_RUN)) || exit 1; \
	done

.PHONY: fmt
fmt: ## Formats the code
	$(CARGO) fmt --all

.PHONY: clean
clean: ## Removes what was built
	$(CARGO) clean
