# The same commands for people and for CI. `make help` lists them.

export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# What npm writes last; older than the lock file means: install again.
INSTALLED := node_modules/.package-lock.json
BENCH_INSTALLED := bench/node_modules/.package-lock.json
SQLITE_PEERS := bench/sqlite/node_modules/.package-lock.json
SQLITE_PEERS_BUILT := bench/sqlite/node_modules/better-sqlite3/build/Release/better_sqlite3.node
BUILT := dist/index.mjs
SOURCES := $(shell find src ui -type f) tsdown.config.ts package.json
TEST_REPORT := .cache/tests.json
NODE22 := .cache/node22/node_modules/.bin/node

.PHONY: help demo demo-ui monitor test test-all test-node22 test-browser screenshots check types lint doors generated lockfile unused package consumer pages examples \
	interop bench bench-smoke bench-monitor build run-redis run-server run-client clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BUILT) ## the whole system on real work: two processes on one file; ends by itself
	@tsx examples/demo/main.ts

test: $(INSTALLED) ## every test but the slow ones; finds or installs a Redis (ARGS=test/client: only those)
	@$(call run-tests,,$(TEST_REPORT),node)

test-all: $(INSTALLED) ## the slow ones too
	@$(call run-tests,--mode all,$(TEST_REPORT),node)

# There SQLite is Node's own; below, a package's.
test-node22: $(INSTALLED) $(NODE22) ## what stands on SQLite, the testing kit and the command, on Node.js 22
	@$(call run-tests,test/engine/sqlite test/testing test/cli/ test/model,.cache/tests-node22.json,$(NODE22))

interop: $(INSTALLED) ## side by side with real asynq; wants Go 1.24 or newer, installs Go modules; about 8 minutes
	@$(call run-tests,--mode interop,.cache/tests-interop.json,node)

test-browser: $(BUILT) ## the monitor's pages in a real Chromium, which it finds or installs, and in Next
	@$(call run-tests,--mode browser,.cache/tests-browser.json,node)

check: types lint doors generated lockfile unused package consumer pages examples ## types, lint, doors, generated files, package

demo-ui: $(BUILT) ## a shop at work and the monitor beside it, on http://127.0.0.1:8080, until Ctrl+C
	@tsx examples/demo-ui/main.ts

screenshots: $(BUILT) ## pictures of the monitor's pages, into docs/images
	@tsx scripts/screenshots.ts

monitor: $(BUILT) ## the monitor of TITANQUEUE_URL or redis://127.0.0.1:6379 (ARGS="--port 8081")
	@node dist/cli/main.mjs monitor $(ARGS)

build: $(INSTALLED) ## the package, under dist/, with the monitor's pages
	npm run build

bench: $(BUILT) $(BENCH_INSTALLED) $(SQLITE_PEERS_BUILT) ## TitanQueue beside its peers; about 35 minutes (ARGS=--fresh begins anew)
	tsx bench/run.ts $(ARGS)

bench-smoke: $(BUILT) $(BENCH_INSTALLED) ## the figures that do not depend on the machine's mood; a minute
	tsx bench/run.ts --smoke

bench-monitor: $(BUILT) ## how soon the monitor's pages show their data, a million tasks behind them; 3 minutes
	tsx bench/monitor/run.ts

run-redis: $(INSTALLED) ## a Redis on port 6379 that keeps its data in .cache/redis, in the foreground
	@tsx scripts/run-redis.ts

run-server: $(BUILT) ## the demo's handlers, on TITANQUEUE_URL or redis://127.0.0.1:6379
	@tsx examples/demo/server.ts

run-client: $(BUILT) ## enqueues the demo's work for them
	@tsx examples/demo/client.ts

clean: ## removes what the build and the checks made
	rm -rf dist .cache

# The parts of `make check`.

types: $(BUILT) $(BENCH_INSTALLED) $(SQLITE_PEERS)
	npm run types
	tsc --noEmit --project bench

lint: $(INSTALLED)
	biome check .

doors: $(INSTALLED)
	tsx scripts/check-doors.ts

generated: $(INSTALLED)
	tsx scripts/gen-lua.ts --check
	tsx scripts/gen-openapi.ts --check
	tsx scripts/gen-differences.ts --check
	tsx scripts/gen-readme.ts --check

lockfile: $(INSTALLED)
	tsx scripts/check-lockfile.ts

unused: $(INSTALLED) $(BENCH_INSTALLED) $(SQLITE_PEERS)
	knip

package: $(BUILT)
	publint --strict
	attw --pack .

consumer: $(BUILT)
	tsx scripts/check-consumer.ts

# What the browser is served: how much, and nothing in it that the monitor's own policy forbids.
pages: $(BUILT)
	tsx scripts/check-ui.ts

# Users' tests with the built package, each by its own runner.
examples: $(BUILT)
	npm run examples

# $(1) what to run, $(2) the report, $(3) the Node.js to run it on. The report is read afterwards: a run without tests, or
# with skipped ones, is a failed run.
define run-tests
mkdir -p $(dir $(2)); rm -f $(2); \
$(3) node_modules/vitest/vitest.mjs run $(1) $(ARGS) --reporter=default --reporter=json --outputFile.json=$(2); \
status=$$?; \
tsx scripts/test-summary.ts $(2) && exit $$status
endef

$(INSTALLED): package-lock.json
	npm ci
	@touch $@

# The package `node` ships the program of the platform it is installed on.
$(NODE22):
	npm install --no-save --prefix .cache/node22 node@22.23.3
	@touch $@

$(BENCH_INSTALLED): bench/package-lock.json
	npm ci --prefix bench
	@touch $@

$(SQLITE_PEERS): bench/sqlite/package-lock.json
	npm ci --ignore-scripts --prefix bench/sqlite
	@touch $@

# Compiled only where it is run: that takes minutes.
$(SQLITE_PEERS_BUILT): $(SQLITE_PEERS)
	npm rebuild better-sqlite3 --prefix bench/sqlite
	@touch $@

$(BUILT): $(INSTALLED) $(SOURCES)
	npm run build
	@touch $@
