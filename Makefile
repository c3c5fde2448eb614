BIN := node_modules/.bin
IMAGE ?= bitsperity-mqtt-mcp
.DEFAULT_GOAL := help
.PHONY: help setup generate format check test build image test-image docs bundle test-package audit demo conformance fuzz faults soak bench screenshots
help: ; @sed -nE '/^help/!s/^([a-z-]+):.* # (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'
setup: node_modules/.stamp # install the dependencies where they are not those of package-lock.json
node_modules/.stamp: package.json package-lock.json ; npm ci --no-audit --no-fund --loglevel=error && touch $@
generate: setup ; node scripts/generate.mjs # types and validators from schemas/, the App from src/app/
format: setup ; $(BIN)/biome check --write . # lay out the sources and repair what the linter can
check: generate ; $(BIN)/biome ci $(if $(CI),--colors=off) . && $(BIN)/tsc --noEmit && $(BIN)/tsc --noEmit -p tests/app # formatter, linter and types; writes no source
build: generate ; node scripts/build.mjs # the program: dist/main.js
test: build ; $(BIN)/vitest run --project suite $(ARGS) # every test, on a broker that it finds, starts or installs
demo: build ; node scripts/demo.mjs # all tools at work on simulated sensors; needs no broker
image: ; docker build --tag $(IMAGE) $(if $(NODE_IMAGE),--build-arg NODE_IMAGE=$(NODE_IMAGE)) . # the container image
test-image: setup ; $(BIN)/vitest run --project container $(ARGS) # the image and compose.yaml, on a Docker engine
docs: ; node scripts/docs.mjs # docs/tools/, a page for each tool, from schemas/
bundle: build ; node scripts/bundle.mjs # bitsperity-mqtt-mcp.mcpb, for hosts that install a server by a click
test-package: build ; $(BIN)/vitest run --project installed $(ARGS) # the packed package and the bundle, installed and driven on Node 20, 22 and 24; asks the npm registry
audit: setup ; npm audit signatures && npm audit # signatures and provenance of every dependency, and known holes; asks the npm registry
conformance: build ; node scripts/conformance.mjs # the official MCP conformance suite, on the protocol core and on the program
faults: build ; $(BIN)/vitest run --project suite tests/faults $(ARGS) # bad networks and bad brokers: every row of docs/RELIABILITY.md
fuzz: generate ; FUZZ_CASES=$(or $(CASES),1000000) FUZZ_EACH=$(EACH) node scripts/fuzz.mjs $(ARGS) # a million inputs in all, drawn by every fuzz test, thirty minutes at most; CASES=n for others; EACH=1000000 ARGS=decode-fuzz a million for each decoder
soak: build ; node scripts/soak.mjs # thirty minutes of five sessions with cuts and a killed broker: memory, descriptors, timers; SOAK_MINUTES=n for others
screenshots: build ; PICTURES=docs/images $(BIN)/vitest run --project suite tests/app/look.test.ts $(ARGS) # the App's pictures of real results, which the README shows
bench: build ; node bench/run.mjs $(ARGS) # every figure a ratio to a peer in the same run; writes bench/RESULTS.md
