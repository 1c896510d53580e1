# selfplay: `make demo` shows the whole thing, `make test` checks it. `make help` lists the rest.
CC ?= cc
PREFIX ?= /usr/local
BUILD ?= build
SANITIZE ?=

PACKAGES = openblas zlib inih sqlite3 jansson
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

CSTD = -std=c17 -D_GNU_SOURCE
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CFLAGS ?= -O3 -g
ALL_CFLAGS = $(CSTD) $(WARN) $(CFLAGS) $(SANITIZE) -fopenmp -MMD -MP -Isrc $(shell pkg-config --cflags $(PACKAGES))
LIBS = $(shell pkg-config --libs $(PACKAGES)) -lm -lpthread

LAYERS = base games net mcts selfplay arena cli
SOURCES := $(foreach layer,$(LAYERS),$(wildcard src/$(layer)/*.c))
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out src/cli/main.c,$(SOURCES)))
TESTS = $(wildcard tests/*.c)
TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(TESTS))
# The layers once more in double precision (src/net/real.h), for the tests that check gradients.
F64_LAYERS = conv batchnorm linear loss workspace forward backward
F64_OBJECTS := $(if $(filter net,$(LAYERS)),$(F64_LAYERS:%=$(BUILD)/f64/src/net/%.o))

.PHONY: all
all: $(BUILD)/selfplay

# What only this machine can tell (installed packages) is checked before anything is compiled.
$(BUILD)/.packages: tools/install-packages
	@mkdir -p $(BUILD)
	@tools/install-packages
	@touch $@

$(BUILD)/selfplay: $(BUILD)/src/cli/main.o $(LIBRARY_OBJECTS)
	$(CC) $(ALL_CFLAGS) $^ -o $@ $(LIBS)

$(BUILD)/run-tests: $(TEST_OBJECTS) $(LIBRARY_OBJECTS) $(F64_OBJECTS)
	$(CC) $(ALL_CFLAGS) $^ -o $@ $(LIBS) $$(pkg-config --libs criterion)

$(BUILD)/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(dir $@)
	@echo "  CC $<"
	@$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/f64/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(dir $@)
	@echo "  CC $< (double)"
	@$(CC) $(ALL_CFLAGS) -DNET_REAL_DOUBLE -c $< -o $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
