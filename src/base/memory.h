/* Allocation that cannot fail: running out of memory ends the program with one clear line, since no caller
 * could do anything better. All memory is freed with free(). */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* `count` zeroed elements of `size` bytes, aligned to 64 bytes (a cache line, and an AVX-512 register). */
void *memory_new(size_t count, size_t size);

/* The same with whatever the memory held: pages that are never written to take no room. */
void *memory_reserve(size_t count, size_t size);

/* Grows a memory_new() block to `count` elements; what is new is zero. `old_count` elements are kept. */
void *memory_grow(void *block, size_t old_count, size_t count, size_t size);

#endif
