# Everything sets itself up: Node 20 or later, npm and make are all that a machine needs.

BIN := node_modules/.bin
# Node 24 comes with the packages; everything of ours runs on it, whatever the machine has.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What infers speaks with nobody (device/kernel/quiet-libraries.ts).
export ORT_DISABLE_TELEMETRY := 1
NODE := $(BIN)/node
INSTALLED := node_modules/.package-lock.json
MODELS := .build/models/ssdlite-mobilenet-v2-int8/manifest.json

.PHONY: help install run image test-image test-update test-hardware test-arm64 test test-programs fuzz bench check format models docs street check-footage clean

help:
	@echo 'make install        put the packages there, Node 24 among them; every other target does it too'
	@echo 'make run            watch the street with known truth and write a report'
	@echo 'make test           run every test'
	@echo 'make image          make a card for a board: make image BOARD=qemu-x86 (or rpi4, qemu-arm64)'
	@echo 'make test-image     from a blank disk to the first event at a centre, and updated there, in an emulated PC (35 minutes)'
	@echo 'make test-update    the running program of this machine is updated, and goes back from broken ones (15 minutes)'
	@echo 'make test-hardware  the real program against real drivers, in an emulated PC (15 minutes)'
	@echo 'make test-arm64     the bundle for a Raspberry Pi finds the vehicles of a picture, emulated (3 minutes)'
	@echo 'make fuzz           run every test on property cases of a new seed'
	@echo 'make bench          measure: a line a figure (one section: npm run bench -- SECTION)'
	@echo 'make check          types, lint, format, import rules, generated pages'
	@echo 'make models         import and quantise the networks: detector, plate finder, plate reader'
	@echo 'make docs           write the generated reference pages anew'
	@echo 'make check-footage  hold the program against real footage, where it is present'
	@echo 'make clean          remove what was built; evidence in .build/run goes too'

# The inference library is whole without its install script, which would fetch what no unit needs.
$(INSTALLED): package.json package-lock.json
	@# What is compiled (epoll, for GPIO over sysfs) is compiled against the headers of the Node that runs it, not of the one that is here.
	ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund --loglevel=error --nodedir=$(CURDIR)/node_modules/node-linux-$(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
	@# Our own programs beside those of the packages, so that npx finds them here and asks nobody.
	@for program in device/cli/atalaya-audit cloud-bridge/cli/atalaya-bridge cloud-bridge/cli/atalaya-fleet \
	  models/cli/atalaya-models ota/cli/atalaya-ota provisioning/cli/atalaya-provision device/cli/atalaya-unit; do ln -sf ../../$$program.ts $(BIN)/$$(basename $$program); done
	@touch $@

# The source of the models: whatever makes them, made anew when it changes.
$(MODELS): $(INSTALLED) $(wildcard models/calibration/*.json models/plate-reader/*.onnx \
    $(foreach room,recipe bundles contract source graph network quantise onnx,models/$(room)/*.ts))
	$(NODE) models/cli/atalaya-models.ts import
	@touch $@

install: $(INSTALLED)

models: $(MODELS)

# Pictures are sealed to an authority as soon as they are taken. For the demonstration it is one of this machine's own, made once, so
# that the report can show them.
AUTHORITY := .build/demo-authority.txt

$(AUTHORITY): | $(INSTALLED)
	@$(NODE) device/cli/atalaya-audit.ts new-authority --out $@ 2>/dev/null >/dev/null

run: $(MODELS) $(AUTHORITY)
	device/cli/atalaya-unit.ts run --config device/config/examples/street.yaml --data .build/run --truth device/capture/street/truth.json --identity $(AUTHORITY)

# What tests are held against that is not ours: a video reader, another age, another transparency log, a TPM, a token, MQTT brokers, the engines
# of a large centre, network namespaces. Where one is missing and cannot be installed, its tests say so and are passed over. Services
# among them are installed without being started: the tests start their own, on free ports.
TEST_PROGRAMS := ffmpeg age go swtpm tpm2_sign openssl mosquitto rabbitmq-server pg_lsclusters ip tc softhsm2-util pkcs11-tool pdftotext
TEST_PACKAGES := ffmpeg age golang-go golang-golang-x-mod-dev swtpm tpm2-tools openssl mosquitto rabbitmq-server postgresql iproute2 softhsm2 opensc poppler-utils
POLICY := /usr/sbin/policy-rc.d

test-programs:
	@for program in $(TEST_PROGRAMS); do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "make test: installing what its tests are held against:$$missing"; \
	  [ -e $(POLICY) ] || { printf '#!/bin/sh\nexit 101\n' > $(POLICY) && chmod +x $(POLICY) && ours=yes; }; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(TEST_PACKAGES) >/dev/null 2>&1; } || \
	  echo 'make test: not all of them could be installed; the tests that want them are passed over'; \
	  [ -z "$$ours" ] || rm -f $(POLICY); fi

# Hundreds of processes load the same modules: each is compiled once, which takes a third off the time.
test fuzz: export NODE_COMPILE_CACHE := $(CURDIR)/.build/compile-cache

test: $(MODELS) test-programs
	$(BIN)/ava $(AVA_FLAGS)

# A flashable image: Debian by its lock, this program, its models; beside it its SHA-256.
image: $(if $(BOARD),$(MODELS))
	@[ -n "$(BOARD)" ] || { echo 'make image: say for which board: make image BOARD=qemu-x86 (or rpi4, qemu-arm64)' >&2; exit 2; }
	@mkdir -p .build/image
	@$(NODE) --disable-warning=ExperimentalWarning provisioning/cli/atalaya-provision.ts image --board $(BOARD) --out .build/image/$(BOARD).img $(IMAGE_FLAGS)

# IMAGE_TEST_FLAGS='--cuts 20' cuts its power at random besides.
test-image: $(MODELS)
	@$(NODE) provisioning/image/testing/first-event.ts $(IMAGE_TEST_FLAGS)

# Old to new to a blind one to one that does not start, watched over MQTT. Ends with 3 where nothing can be shown here, which is no pass.
test-update: $(MODELS)
	@$(NODE) --disable-warning=ExperimentalWarning ota/testing/real-update/run.ts $(UPDATE_TEST_FLAGS)

# HARDWARE_FLAGS='--only watchdog' runs a part. Ends with 3 where nothing can be shown here, which is no pass.
test-hardware: $(MODELS)
	@$(NODE) device/testing/hardware/run.ts $(HARDWARE_FLAGS)

# Ends with 3 where nothing can be shown here, which is no pass.
test-arm64: $(MODELS)
	@$(NODE) provisioning/bundle/testing/arm64.ts

# The same tests with property cases that were never drawn before; the seed of a failure goes into a test of its own.
fuzz: $(MODELS)
	@seed=$$(od -An -N3 -tu4 /dev/urandom | tr -d ' '); echo "PROPERTY_SEED=$$seed"; PROPERTY_SEED=$$seed $(BIN)/ava $(AVA_FLAGS)

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
