#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, HUGE_FROM = 8 << 20 };

void *memory_reserve(size_t count, size_t size) {
  size_t bytes;
  void *block = NULL;
  if (!__builtin_mul_overflow(count, size, &bytes) && bytes < (size_t)1 << 62) {
    size_t alignment = bytes >= HUGE_FROM ? HUGE_PAGE : ALIGNMENT;
    bytes = bytes ? (bytes + alignment - 1) / alignment * alignment : alignment;
    block = aligned_alloc(alignment, bytes);
#ifdef MADV_HUGEPAGE
    /* Tables are read at random: with pages of 4 KiB nearly every read would also miss the address cache. It
     * is a request; where it is refused nothing is lost. */
    if (block && alignment == HUGE_PAGE) (void)madvise(block, bytes, MADV_HUGEPAGE);
#endif
  }
  if (!block) {
    fprintf(stderr, "selfplay: out of memory (%zu x %zu bytes); use smaller settings\n", count, size);
    exit(1);
  }
  return block;
}

void *memory_new(size_t count, size_t size) {
  return memset(memory_reserve(count, size), 0, count * size);
}

void *memory_grow(void *block, size_t old_count, size_t count, size_t size) {
  void *grown = memory_new(count, size);
  if (block) memcpy(grown, block, old_count * size);
  free(block);
  return grown;
}
