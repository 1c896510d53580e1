#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_new(size_t count, size_t size) {
  size_t bytes;
  void *block = NULL;
  if (!__builtin_mul_overflow(count, size, &bytes) && bytes < (size_t)1 << 62) {
    bytes = (bytes + 63) / 64 * 64;
    block = aligned_alloc(64, bytes ? bytes : 64);
  }
  if (!block) {
    fprintf(stderr, "selfplay: out of memory (%zu x %zu bytes); use smaller settings\n", count, size);
    exit(1);
  }
  return memset(block, 0, bytes);
}

void *memory_grow(void *block, size_t old_count, size_t count, size_t size) {
  void *grown = memory_new(count, size);
  if (block) memcpy(grown, block, old_count * size);
  free(block);
  return grown;
}
