/* A cache of evaluations in front of another evaluator. */
#include "base/memory.h"
#include "mcts/evaluator.h"

#include <stdlib.h>
#include <string.h>

typedef struct Cache {
  Evaluator base;
  Evaluator *inner;
  size_t mask;
  uint64_t *keys; /* 0 = empty */
  float *answers; /* [entries][moves + 3] */
  uint64_t lookups, hits;
  char *missing;          /* [max_batch][state_size] */
  int *rows;              /* [max_batch], where each miss goes */
  uint64_t *missing_keys; /* [max_batch] */
  float *logits, *wdl;    /* [max_batch][moves], [max_batch][3] */
} Cache;

static void cache_evaluate(void *self, const void *states, int batch, float *logits, float *wdl) {
  Cache *cache = self;
  const Game *game = cache->base.game;
  size_t moves = (size_t)game->moves, stride = moves + 3;
  int misses = 0;
  for (int i = 0; i < batch; i++) {
    const char *state = (const char *)states + (size_t)i * game->state_size;
    uint64_t key = game->key(state);
    key += !key;
    size_t slot = (size_t)key & cache->mask;
    if (cache->keys[slot] == key) {
      memcpy(logits + (size_t)i * moves, cache->answers + slot * stride, moves * sizeof(float));
      memcpy(wdl + 3 * i, cache->answers + slot * stride + moves, 3 * sizeof(float));
      cache->hits++;
      continue;
    }
    memcpy(cache->missing + (size_t)misses * game->state_size, state, game->state_size);
    cache->rows[misses] = i;
    cache->missing_keys[misses++] = key;
  }
  cache->lookups += (uint64_t)batch;
  if (!misses) return;
  cache->inner->evaluate(cache->inner->self, cache->missing, misses, cache->logits, cache->wdl);
  for (int m = 0; m < misses; m++) {
    size_t slot = (size_t)cache->missing_keys[m] & cache->mask, row = (size_t)cache->rows[m];
    cache->keys[slot] = cache->missing_keys[m];
    memcpy(cache->answers + slot * stride, cache->logits + (size_t)m * moves, moves * sizeof(float));
    memcpy(cache->answers + slot * stride + moves, cache->wdl + 3 * m, 3 * sizeof(float));
    memcpy(logits + row * moves, cache->logits + (size_t)m * moves, moves * sizeof(float));
    memcpy(wdl + 3 * row, cache->wdl + 3 * m, 3 * sizeof(float));
  }
}

static void cache_release(void *self) {
  Cache *cache = self;
  evaluator_free(cache->inner);
  free(cache->keys);
  free(cache->answers);
  free(cache->missing);
  free(cache->rows);
  free(cache->missing_keys);
  free(cache->logits);
  free(cache->wdl);
  free(cache);
}

Evaluator *evaluator_cached(Evaluator *inner, int log2_entries) {
  const Game *game = inner->game;
  size_t entries = (size_t)1 << log2_entries, batch = (size_t)inner->max_batch, moves = (size_t)game->moves;
  Cache *cache = memory_new(1, sizeof *cache);
  *cache = (Cache){.base = {.self = cache,
                            .game = game,
                            .max_batch = inner->max_batch,
                            .evaluate = cache_evaluate,
                            .release = cache_release},
                   .inner = inner,
                   .mask = entries - 1,
                   .keys = memory_new(entries, sizeof(uint64_t)),
                   .answers = memory_new(entries * (moves + 3), sizeof(float)),
                   .missing = memory_new(batch, game->state_size),
                   .rows = memory_new(batch, sizeof(int)),
                   .missing_keys = memory_new(batch, sizeof(uint64_t)),
                   .logits = memory_new(batch * moves, sizeof(float)),
                   .wdl = memory_new(batch * 3, sizeof(float))};
  return &cache->base;
}

void evaluator_cache_counts(const Evaluator *evaluator, uint64_t *lookups, uint64_t *hits) {
  bool cached = evaluator->evaluate == cache_evaluate;
  *lookups = cached ? ((const Cache *)evaluator->self)->lookups : 0;
  *hits = cached ? ((const Cache *)evaluator->self)->hits : 0;
}
