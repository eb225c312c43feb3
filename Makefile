# weir's commands. `make` alone lists them.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 20s

GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The packages that drive the binary from outside. They run by themselves, after the others: they keep time and start brokers.
OUTSIDE := ./conformance/... ./bench/... ./examples
INSIDE   = $(filter-out weir/conformance% weir/bench% weir/examples,$(shell go list ./...))
# What needs neither the binary nor other programs.
UNIT     = $(filter-out weir/cmd%,$(INSIDE))

# What install takes, and where it puts things; DESTDIR comes before each path.
BINARY  ?= bin/weir
PREFIX  ?= /usr/local
DESTDIR ?=
SBINDIR ?= $(PREFIX)/sbin
MANDIR  ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
USERDIR ?= $(PREFIX)/lib/sysusers.d
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d

# The commit goes into the binary where git can say which one it is.
VCS = $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)

# The race detector needs a C compiler.
RACE = $(shell command -v "$$(go env CC)" >/dev/null && echo -race)

.DEFAULT_GOAL := help
.PHONY: help build install uninstall run unit test test-deps arch race fuzz lint lint-more check conformance agreement bench bench-tables soak cover dist test-packages clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

build: ## build bin/weir, one static binary
	CGO_ENABLED=0 go build -buildvcs=$(VCS) -trimpath -o bin/weir ./cmd/weir

install: ## install bin/weir, manual pages, completions and the systemd unit below PREFIX (/usr/local); run `make build` first
	@test -x "$(BINARY)" || { echo 'there is no $(BINARY): run "make build" first'; exit 1; }
	install -d "$(DESTDIR)$(SBINDIR)" "$(DESTDIR)$(MANDIR)/man5" "$(DESTDIR)$(MANDIR)/man8" "$(DESTDIR)$(UNITDIR)" "$(DESTDIR)$(USERDIR)"
	install -d "$(DESTDIR)$(BASHDIR)" "$(DESTDIR)$(ZSHDIR)" "$(DESTDIR)$(FISHDIR)"
	install -m 755 "$(BINARY)" "$(DESTDIR)$(SBINDIR)/weir"
	install -m 644 packaging/weir.conf.5 "$(DESTDIR)$(MANDIR)/man5/weir.conf.5"
	install -m 644 packaging/weir.8 "$(DESTDIR)$(MANDIR)/man8/weir.8"
	install -m 644 packaging/completions/weir.bash "$(DESTDIR)$(BASHDIR)/weir"
	install -m 644 packaging/completions/_weir "$(DESTDIR)$(ZSHDIR)/_weir"
	install -m 644 packaging/completions/weir.fish "$(DESTDIR)$(FISHDIR)/weir.fish"
	sed 's|/usr/local/sbin/|$(SBINDIR)/|' packaging/weir.service >"$(DESTDIR)$(UNITDIR)/weir.service"
	chmod 644 "$(DESTDIR)$(UNITDIR)/weir.service"
	install -m 644 packaging/sysusers.conf "$(DESTDIR)$(USERDIR)/weir.conf"

uninstall: ## remove what install has installed
	rm -f "$(DESTDIR)$(SBINDIR)/weir" "$(DESTDIR)$(MANDIR)/man5/weir.conf.5" "$(DESTDIR)$(MANDIR)/man8/weir.8"
	rm -f "$(DESTDIR)$(BASHDIR)/weir" "$(DESTDIR)$(ZSHDIR)/_weir" "$(DESTDIR)$(FISHDIR)/weir.fish"
	rm -f "$(DESTDIR)$(UNITDIR)/weir.service" "$(DESTDIR)$(USERDIR)/weir.conf"

run: build ## show weir at work: three brokers, a fleet of clients, port 1880 for your own client
	go build -buildvcs=false -o bin/demo ./examples/emqx-sticky/demo
	bin/demo -weir bin/weir

unit: ## the inner loop: tests that need nothing but Go, in less than a minute
	go test -short $(UNIT)

test: build test-deps ## install what the tests need, as far as possible, and run them all
	$(if $(RACE),,@echo 'NO C COMPILER: the tests run without the race detector')
	scripts/arch
	go test $(RACE) -shuffle=on $(INSIDE)
	cd packaging/dist && go test -count=1 -short ./...
	WEIR_BIN=$(CURDIR)/bin/weir go test -count=1 -p 1 -shuffle=on $(OUTSIDE)

test-deps: ## install Debian and npm packages for the tests; says what it may not install
	scripts/install-test-deps

arch: ## build and vet for every system and processor, and run tests on 386 and, in an emulator, on arm64
	scripts/arch

race: ## run the tests of the packages under the race detector, twice
	go test -race -shuffle=on -count=2 $(INSIDE)

fuzz: ## fuzz every parser of untrusted input, FUZZTIME each (20s)
	scripts/fuzz $(FUZZTIME)

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	cd packaging/dist && go vet ./... && go run $(STATICCHECK) ./...

lint-more: ## the linters of .golangci.yml
	go run $(GOLANGCI) run ./...

check: lint lint-more test ## what a change must pass

conformance: build ## run every script on weir and on each of NGINX_BINS (the system's nginx), and print the table
	cd conformance && NGINX_BINS="$(NGINX_BINS)" WEIR_BIN=$(CURDIR)/bin/weir go test -count=1 -table -write ../docs/conformance.md

agreement: build ## compare -t of weir and of NGINX_BIN (the system's nginx) for thousands of wrong configurations (10 minutes)
	NGINX_BIN="$(NGINX_BIN)" WEIR_BIN=$(CURDIR)/bin/weir go run ./conformance/agreement -write docs/agreement.md

bench: build ## measure weir beside nginx and HAProxy in one run (25 minutes); writes docs/performance.md
	WEIR_BIN=$(CURDIR)/bin/weir go run ./bench -write docs/performance.md -json bin/bench.json

bench-tables: build ## measure weir beside nginx with large tables of map and geo (3 minutes); writes docs/tables.md
	WEIR_BIN=$(CURDIR)/bin/weir go run ./bench -tables -rounds 3 -write docs/tables.md -json bin/tables.json

soak: build ## relay at random through both drivers for five minutes each, attack TLS handshakes, change the names of servers for 17, fail in each way for 30
	WEIR_SOAK=5m go test -race -timeout 30m -run 'Contract/.*/soak' ./stream/driver/epoll ./stream/driver/goroutine
	WEIR_SOAK=5m WEIR_BIN=$(CURDIR)/bin/weir go test -count=1 -timeout 30m -v ./conformance/handshakes
	WEIR_SOAK=17m WEIR_BIN=$(CURDIR)/bin/weir go test -count=1 -timeout 30m -v ./conformance/dnschurn
	WEIR_SOAK=30m WEIR_BIN=$(CURDIR)/bin/weir go test -count=1 -timeout 60m -v ./conformance/reliability

cover: ## measure how much of the code the tests reach
	@mkdir -p bin
	go test -coverprofile=bin/cover.out -coverpkg=./directives/...,./internal/...,./parser/...,./runtime/...,./stream/... $(INSIDE)
	go tool cover -func=bin/cover.out | tail -1

dist: ## build a release in dist/: archives, deb, rpm, apk, image, chart, SBOM, SHA256SUMS; MAINTAINER="Name <address>"
	cd packaging/dist && go run . $(if $(MAINTAINER),-maintainer '$(MAINTAINER)')

test-packages: ## build a release twice, and install, start, reload, upgrade and remove it in containers (10 minutes, as root)
	scripts/install-test-deps -packages
	cd packaging/dist && go test -count=1 -v -timeout 40m ./...

clean: ## remove what was built
	rm -rf bin dist
