# Everything CI does can be done here, one step at a time.
.DEFAULT_GOAL := help
GO ?= go
FUZZTIME ?= 10s
SOAK ?= 10m
KILLS ?= 20
CHAOS ?= 2m

.PHONY: help
help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build ./bin/drawbridge, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/drawbridge ./cmd/drawbridge

.PHONY: demo
demo: ## watch a payment become finished work
	$(GO) run ./cmd/drawbridge demo

.PHONY: test
test: ## the tests that the README names
	$(GO) test ./...

.PHONY: redteam
redteam: ## every attack of the red team and its honest twin, and the table
	$(GO) test -count=1 -run '^TestRedTeam$$' -v ./cmd/drawbridge | grep -v -e '=== ' -e '--- PASS'

.PHONY: backends
backends: ## what each backend does, as its conformance suite finds it: tools/BACKENDS.md
	UPDATE_BACKENDS=1 $(GO) test -count=1 ./tools/... -run Conform
	UPDATE_BACKENDS=1 $(GO) test -count=1 ./cmd/drawbridge -run TestBackendsTable

.PHONY: conformance
conformance: ## the MCP project's conformance suite, both eras
	bash .ci/conformance

.PHONY: race
race: ## the same under the race detector, with 5 kills of a loaded server instead of 20
# Not within the SQLite driver, which is C turned into Go: it would be ten times slower, and
# what we share with it goes through database/sql. Without the second that every program
# would wait at its end for races that nobody looks at, and with less of collecting garbage.
	GOGC=400 GORACE=atexit_sleep_ms=0 DRAWBRIDGE_KILLS=5 $(GO) test -race -pgo=off -gcflags='modernc.org/...=-race=false' -timeout 40m ./...

.PHONY: check
check: ## format, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" bash .ci/fuzz

.PHONY: clients
clients: ## the TypeScript MCP SDK against all three transports (needs node)
	bash .ci/clients

.PHONY: chat-clients
chat-clients: ## the openai client, the AI SDK and the agents SDK against the chat door (needs node)
	bash .ci/chatclients

.PHONY: sender-libs
sender-libs: ## stripe, octokit, svix, standardwebhooks and openai sign for us and verify what we sign (needs node)
	bash .ci/senderlibs

.PHONY: openapi
openapi: ## the API's document under a validator (needs node)
	bash .ci/openapi-check

.PHONY: kill
kill: ## kill -9 under load, 20 times (KILLS=1000 for a night)
	DRAWBRIDGE_KILLS=$(KILLS) $(GO) test -count=1 -timeout 60m -run '^TestING02_Killed' -v ./cmd/drawbridge

.PHONY: soak
soak: ## mixed events, faulty senders and receivers for 10 minutes (SOAK=1m for less)
	DRAWBRIDGE_SOAK=$(SOAK) $(GO) test -count=1 -timeout 30m -run '^TestSoak$$' -v ./cmd/drawbridge

.PHONY: chaos
chaos: build ## kill, stop and deploy nodes under load for 2 minutes, on SQLite and on PostgreSQL (CHAOS=30m by hand)
	$(GO) build -o bin/chaos ./cmd/chaos
	bin/chaos --binary bin/drawbridge --store sqlite --for $(CHAOS)
	bin/chaos --binary bin/drawbridge --store postgres --for $(CHAOS)
	@echo "and a far side that ignores keys, which has to be found:"; bin/chaos --binary bin/drawbridge --break --for 20s --rate 30 >/dev/null 2>&1; test $$? -eq 1

.PHONY: bench
bench: ## the figures of the README, on both stores (10 minutes; PostgreSQL's are left out where there is none)
	$(GO) test -run '^$$' -bench . -benchtime 3s -count 1 -timeout 30m ./cmd/drawbridge

.PHONY: pgo
pgo: ## measure what the compiler optimizes drawbridge for: calls, accepts and runs, into cmd/drawbridge/default.pgo
	$(GO) test -trimpath -run '^$$' -bench 'Accept$$|Guard/by=mcp|Runs' -benchtime 3s -timeout 30m -outputdir bin -cpuprofile pgo.profile -o bin/pgo.test ./cmd/drawbridge
	$(GO) tool pprof -proto -output cmd/drawbridge/default.pgo bin/pgo.profile

.PHONY: snapshots
snapshots: ## accept changed tools and golden files
	$(GO) test ./cmd/drawbridge -update

.PHONY: ci
ci: ## all that CI does
	bash .ci/run
