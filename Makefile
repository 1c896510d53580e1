# selfplay: `make demo` shows the whole thing, `make test` checks it, `make help` lists the rest.
CC ?= cc
PREFIX ?= /usr/local
BUILD ?= build
SANITIZE ?=

# All processors, unless -j says otherwise.
ifeq ($(filter -j% --jobs%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

PACKAGES = openblas zlib inih sqlite3 jansson
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

CSTD = -std=c17 -D_GNU_SOURCE
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CFLAGS ?= -O3 -g
# Evaluated when a file is compiled, since the packages may have been installed a moment before.
ALL_CFLAGS = $(CSTD) $(WARN) $(CFLAGS) $(SANITIZE) -fno-math-errno -fopenmp -MMD -MP -Isrc $$(pkg-config --cflags $(PACKAGES))
LIBS = $$(pkg-config --libs $(PACKAGES)) -lm -lpthread

LAYERS = base games net mcts selfplay arena cli
SOURCES := $(foreach layer,$(LAYERS),$(wildcard src/$(layer)/*.c))
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out src/cli/main.c,$(SOURCES)))
TESTS = $(wildcard tests/*.c)
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(TESTS))
# The layers of the network once more in double precision, for gradient checks.
F64_SOURCES = $(addprefix src/net/,conv.c batchnorm.c linear.c loss.c auxiliary.c workspace.c forward.c backward.c)
F64_OBJECTS := $(patsubst %.c,$(BUILD)/f64/%.o,$(F64_SOURCES))

.PHONY: all
all: $(BUILD)/selfplay

.PHONY: help
help:
	@echo 'make              build $(BUILD)/selfplay'
	@echo 'make demo         about ten minutes: train both ways, compare, show how to play (DEMO_MINUTES=3.5 each)'
	@echo 'make test         all tests'
	@echo 'make bench        speed, as ratios to the SGEMM peak of the same run'
	@echo 'make bench-onednn the network beside oneDNN'
	@echo 'make install      to PREFIX=$(PREFIX) (DESTDIR is honoured)'
	@echo 'make asan, tsan   tests under AddressSanitizer + UBSan; the search of one position under ThreadSanitizer'
	@echo 'make format, lint, layers'

# What this machine lacks is installed before anything is compiled.
$(BUILD)/.packages: tools/install-packages
	@mkdir -p $(BUILD)
	@tools/install-packages
	@touch $@

$(BUILD)/selfplay: $(BUILD)/src/cli/main.o $(LIBRARY_OBJECTS)
	@echo "  LD $@"
	@$(CC) $(CFLAGS) $(SANITIZE) -fopenmp $^ -o $@ $(LIBS)

$(BUILD)/run-tests: $(TEST_OBJECTS) $(LIBRARY_OBJECTS) $(F64_OBJECTS)
	@echo "  LD $@"
	@$(CC) $(CFLAGS) $(SANITIZE) -fopenmp $^ -o $@ $(LIBS) $$(pkg-config --libs criterion)

# Rewritten when the version has changed, so that no binary names an old one.
$(shell mkdir -p $(BUILD) && echo '$(VERSION)' | cmp -s - $(BUILD)/version || echo '$(VERSION)' >$(BUILD)/version)
$(BUILD)/src/base/version.o: $(BUILD)/version
$(BUILD)/src/base/version.o: ALL_CFLAGS += -DSELFPLAY_VERSION='"$(VERSION)"'

$(BUILD)/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(dir $@)
	@echo "  CC $<"
	@$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/f64/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(dir $@)
	@$(CC) $(ALL_CFLAGS) -DNET_REAL_DOUBLE -c $< -o $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: test
test: $(BUILD)/selfplay $(BUILD)/run-tests
	SELFPLAY_BIN=$(BUILD)/selfplay $(BUILD)/run-tests

.PHONY: demo
demo: $(BUILD)/selfplay
	BIN=$(BUILD)/selfplay tools/demo

.PHONY: bench
bench: $(BUILD)/selfplay
	$(BUILD)/selfplay bench

# Beside oneDNN, which only this needs.
.PHONY: bench-onednn
bench-onednn: $(LIBRARY_OBJECTS)
	@tools/install-packages libdnnl-dev
	@$(CC) $(ALL_CFLAGS) tools/bench_onednn.c $^ -o $(BUILD)/bench-onednn $(LIBS) -ldnnl
	$(BUILD)/bench-onednn

.PHONY: asan tsan
asan:
	LSAN_OPTIONS=suppressions=$(CURDIR)/tools/lsan-suppressions:print_suppressions=0 $(MAKE) BUILD=$(BUILD)-asan CFLAGS="-O1 -g -Wno-format-truncation" SANITIZE="-fsanitize=address,undefined -fno-omit-frame-pointer" test
# libgomp is not instrumented, so only the shared tree, which uses POSIX threads, can be checked; and Criterion's arena
# does not fit beside ThreadSanitizer's, so the program itself is: openings, and a position that is proven on the way.
tsan:
	$(MAKE) BUILD=$(BUILD)-tsan CFLAGS="-O1 -g" SANITIZE="-fsanitize=thread" $(BUILD)-tsan/selfplay
	for moves in "" 44444326 44444326226; do \
	  $(BUILD)-tsan/selfplay analyze net:weights/connect4.net --threads 4 --visits 1500 --moves "$$moves" || exit 1; done

.PHONY: format lint layers
format:
	clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]')
lint: layers
	@tools/install-packages clang-format cppcheck
	clang-format --dry-run --Werror $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]')
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
	  --library=tools/cppcheck-jansson.cfg --suppressions-list=tools/cppcheck-suppressions -Isrc src
layers:
	@tools/check-layers $(LAYERS)

.PHONY: install
install: $(BUILD)/selfplay
	install -Dm755 $(BUILD)/selfplay $(DESTDIR)$(PREFIX)/bin/selfplay
	for f in configs/* weights/* openings/* positions/*; do \
	  install -Dm644 $$f $(DESTDIR)$(PREFIX)/share/selfplay/$$f || exit 1; done

.PHONY: clean
clean:
	rm -rf $(BUILD)
