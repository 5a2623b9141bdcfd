# The only door to this project. `make help` lists what it does.
#
# Variables:
#   SWIFT    the Swift toolchain's driver          (default: swift)
#   INIT     what `make run` runs, as for --init   (default: all)
#   JOBS     containers at once                    (default: the tool's own choice)
#   PYTHON   an interpreter for `make formats`     (default: /usr/bin/python3)
#   PREFIX   where `make install` puts things      (default: /usr/local)
#   SECONDS_OF_FUZZING  how long `make fuzz` takes (default: 20)

SHELL  := bash
SWIFT  ?= swift
INIT   ?= all
JOBS   ?=
PREFIX ?= /usr/local
SECONDS_OF_FUZZING ?= 20

# An import that Package.swift does not declare is an error: it keeps the doors of the house shut.
SWIFT_BUILD := $(SWIFT) build --explicit-target-dependency-import-check error

# Suites whose name ends in Serial count what there is in the whole process or on the machine: they run alone.
SWIFT_TEST := $(SWIFT) test --explicit-target-dependency-import-check error --disable-xctest

# What has failed stands at the end, too.
tested = @mkdir -p .build; set -o pipefail; $(SWIFT_TEST) $(1) 2>&1 | tee .build/test.log \
	|| { grep -A 2 'recorded an issue' .build/test.log; exit 1; }

# What runs inside containers is static: it must start in any root that has /proc. A folder of its own, because the flag
# must not reach the tests.
STATIC_BUILD := $(SWIFT_BUILD) -c release --scratch-path .build-static --product fake-services -Xswiftc -static-executable

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## installs the real inits, the runtimes that `make bench` compares with, and the programs that `make formats` reads reports with (Debian, Ubuntu; as root)
	scenarios/inits/setup.sh
	apt-get install -y -q --no-install-recommends crun runc zstd python3-junitparser python3-tap python3-jsonschema python3-yaml
	command -v chromium-headless-shell chromium || apt-get install -y -q --no-install-recommends chromium-headless-shell \
		|| echo "no Chromium here: its tests are skipped"

.PHONY: build
build: bin/harness bin/fake-services ## leaves bin/harness and bin/fake-services, release, ready to use

SOURCES := Package.swift $(shell find Sources -name '*.swift' -o -name '*.[ch]' -o -name '*.css' -o -name '*.js')

# The linker warns of dlopen in a static program; nothing here loads anything.
bin/fake-services: $(SOURCES)
	@mkdir -p bin
	$(STATIC_BUILD) 2>&1 | grep -v 'dlopen' ; exit $${PIPESTATUS[0]}
	strip -o $@ .build-static/release/fake-services

# Which commit `harness --version` names; written only where it has changed.
.PHONY: commit
commit:
	@echo "#define HARNESS_COMMIT \"$$(git describe --always --dirty 2> /dev/null)\"" > .commit.h
	@cmp -s .commit.h Sources/CLinux/commit.h && rm .commit.h || mv .commit.h Sources/CLinux/commit.h

bin/harness: $(SOURCES) | commit
	@mkdir -p bin
	$(SWIFT_BUILD) -c release --product harness --static-swift-stdlib
	strip -o $@ .build/release/harness

.PHONY: run
run: build ## runs the conformance suite against every init that is installed, and prints the matrix
	@bin/harness run --init $(INIT) --known scenarios/inits/none.known $(if $(JOBS),--jobs $(JOBS)); status=$$?; \
	if [ $$status -le 1 ]; then echo "(what an init is known to get wrong is in its profile; 'make check' is what must pass)"; else exit $$status; fi

.PHONY: check
check: test fuzz formats scenarios mutants ## all tests, 20 s of fuzzing, reports read by other programs, all scenarios, then the suite against every deliberate defect

.PHONY: test
test: bin/fake-services ## the tests
	$(call tested,--skip Serial)
	$(call tested,--filter Serial --no-parallel)

.PHONY: fuzz
fuzz: ## fuzzes the scenario language, for SECONDS_OF_FUZZING
	SECONDS_OF_FUZZING=$(SECONDS_OF_FUZZING) Tests/Fuzz/run.sh

# Debian's modules are those of its own interpreter.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

.PHONY: formats
formats: build ## reports, read by junitparser, tap.py, prove, a JSON schema and a headless Chromium, where they are installed
	$(PYTHON) Tests/Formats/check.py bin/harness

.PHONY: reference
reference: ## writes docs/LANGUAGE.md and editors/ anew from the table of the language
	$(SWIFT) run --explicit-target-dependency-import-check error LanguageReference

.PHONY: scenarios
scenarios: build ## the conformance suite: the reference must pass, every other init fail what its profile says, and nothing else
	bin/harness run --no-config --init reference,reference-g --quiet
	bin/harness run --no-config --init all --known scenarios/inits/none.known

.PHONY: matrix
matrix: build ## writes docs/MATRIX.md and docs/MATRIX-RUNTIMES.md: every init that is installed, with its version
	bin/harness run --init all --format markdown --output docs/MATRIX.md || [ $$? -eq 1 ]
	bin/harness run $(addprefix scenarios/,grace-period orphans readiness signal-forwarding stop-order) \
	  --init all --runtime all --format markdown --output docs/MATRIX-RUNTIMES.md || [ $$? -eq 1 ]

.PHONY: goldens
goldens: ## writes the expected reports of the recorded run in Tests/ReportsTests anew
	WRITE_GOLDENS=1 $(SWIFT_TEST) --filter Golden

.PHONY: picture
picture: build ## draws docs/timeline.svg anew: the picture in the README
	bin/harness run --no-config PG03-survivors-of-the-group:4 --init tini --svg docs/timeline.svg --quiet

.PHONY: mutants
mutants: build ## the suite against each deliberate defect of the reference: which scenario catches which, by which cause; fails if one survives or is misnamed
	$(SWIFT_BUILD) -c release --product Mutants
	.build/release/Mutants

.PHONY: fidelity
fidelity: build ## what the harness does, held against a real Docker and a real Podman, where they are installed (as root)
	$(SWIFT_BUILD) --product Fidelity
	.build/debug/Fidelity

.PHONY: vm
vm: build ## the suite on emulated machines with other kernels, releases of Debian and layouts of control groups (docs/MACHINES.md); debootstrap and qemu, as root
	Tests/Machines/run.sh

.PHONY: bench
bench: build ## the benchmarks, each as a ratio against its reference in the same run
	Tests/Benchmarks/run.sh

.PHONY: lint
lint: ## style, and what the formatter would change
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

.PHONY: format
format: ## brings the sources into the formatter's form
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

.PHONY: install
install: build ## installs under PREFIX
	install -D bin/harness $(DESTDIR)$(PREFIX)/bin/harness
	install -D bin/fake-services $(DESTDIR)$(PREFIX)/libexec/harness/fake-services
	mkdir -p $(DESTDIR)$(PREFIX)/share/harness $(DESTDIR)$(PREFIX)/share/man/man1
	rm -rf $(DESTDIR)$(PREFIX)/share/harness/scenarios
	cp -r scenarios $(DESTDIR)$(PREFIX)/share/harness/
	bin/harness man > $(DESTDIR)$(PREFIX)/share/man/man1/harness.1

.PHONY: uninstall
uninstall: ## takes away what `make install` has put under PREFIX
	rm -rf $(DESTDIR)$(PREFIX)/bin/harness $(DESTDIR)$(PREFIX)/libexec/harness $(DESTDIR)$(PREFIX)/share/harness \
	  $(DESTDIR)$(PREFIX)/share/man/man1/harness.1

# Fully static: it starts on any Linux with any libc, and with none.
STATIC_CLI := $(SWIFT_BUILD) -c release --scratch-path .build-static --product harness -Xswiftc -static-executable

.PHONY: dist
dist: commit bin/fake-services ## an archive, a Debian package and an image in dist/, both programs fully static
	$(STATIC_CLI) 2>&1 | grep -v -e dlopen -e getaddrinfo -e getpwnam -e getgrnam ; exit $${PIPESTATUS[0]}
	mkdir -p .build-static/packed dist
	strip -o .build-static/packed/harness .build-static/release/harness
	cp bin/fake-services .build-static/packed/fake-services
	$(SWIFT) --version 2> /dev/null | head -n 1 > .build-static/packed/toolchain
	deploy/dist.sh .build-static/packed dist

.PHONY: clean
clean: ## removes everything that was built
	rm -rf .build .build-static .build-dependent .build-fuzz bin dist
