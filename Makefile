# Everything sets itself up: Node 20 or later, npm and make are all that a machine needs.

BIN := node_modules/.bin
# Node 24 comes with the packages; everything of ours runs on it, whatever the machine has.
export PATH := $(CURDIR)/$(BIN):$(PATH)
NODE := $(BIN)/node
INSTALLED := node_modules/.package-lock.json
MODELS := .build/models/ssdlite-mobilenet-v2-int8/manifest.json

.PHONY: help run test bench check format models docs street check-footage clean

help:
	@echo 'make run            watch the street with known truth and write a report'
	@echo 'make test           run every test'
	@echo 'make bench          measure: a line a figure (one section: npm run bench -- SECTION)'
	@echo 'make check          types, lint, format, import rules, generated pages'
	@echo 'make models         import and quantise the detector'
	@echo 'make docs           write the generated reference pages anew'
	@echo 'make check-footage  hold the program against real footage, where it is present'
	@echo 'make clean          remove what was built; evidence in .build/run goes too'

# The inference library is whole without its install script, which would fetch what no unit needs.
$(INSTALLED): package.json package-lock.json
	ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The source of the models: whatever makes them, made anew when it changes.
$(MODELS): $(INSTALLED) $(wildcard models/calibration/*.json models/recipe/*.ts models/graph/*.ts models/quantise/*.ts models/onnx/*.ts)
	$(NODE) models/cli/atalaya-models.ts import
	@touch $@

models: $(MODELS)

run: $(MODELS)
	device/cli/atalaya-unit.ts run --config device/config/examples/street.yaml --data .build/run --truth device/capture/street/truth.json

# Tests that read video files want ffmpeg; without it they say so and are passed over.
test-programs:
	@if ! command -v ffmpeg >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo 'make test: installing ffmpeg with apt-get, for the tests that read video files'; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends ffmpeg >/dev/null; fi

test: $(MODELS) test-programs
	$(BIN)/ava $(AVA_FLAGS)

bench: $(MODELS)
	$(NODE) device/bench/bench.ts $(BENCH_FLAGS)

check: $(INSTALLED)
	$(BIN)/tsc -p .
	$(BIN)/biome ci --error-on-warnings .
	$(NODE) .ci/import-rules.ts
	$(NODE) .ci/reference-pages.ts --check

format: $(INSTALLED)
	$(BIN)/biome check --write .

docs: $(INSTALLED)
	$(NODE) .ci/reference-pages.ts

FOOTAGE := ../shared/accept/footage.mjs
check-footage: $(MODELS)
	@if [ -e $(FOOTAGE) ]; then $(NODE) $(FOOTAGE); else echo 'check-footage: $(FOOTAGE) is not here; nothing was checked'; fi

clean:
	rm -rf .build node_modules
