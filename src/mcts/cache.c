/* A cache of evaluations in front of another evaluator.
 *
 * Positions are looked up by the key of their canonical image, and it is always that image which the inner
 * evaluator sees. A network is not quite symmetric, so otherwise an answer would depend on which of the
 * images happened to come first; so it is a function of the position alone, cached or not. */
#include "base/memory.h"
#include "mcts/evaluator.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, NO_ROW = -1 };

/* Entries that share a place; the one used longest ago makes room. */
typedef struct Bucket {
  uint64_t keys[WAYS]; /* 0 = empty */
  uint32_t used[WAYS]; /* number of the call that last used it */
} Bucket;

/* Where the answer of a position of this call comes from. */
typedef struct Request {
  int symmetry; /* that made it canonical */
  size_t entry; /* in the answers of the cache, or ... */
  int miss;     /* ... the row of the inner evaluator's answers; NO_ROW where it was cached */
} Request;

typedef struct Cache {
  Evaluator base;
  Evaluator *inner;
  size_t mask; /* of bucket numbers */
  Bucket *buckets;
  float *answers; /* [entries][moves + 3], entry = bucket * WAYS + way */
  uint32_t calls;
  uint64_t lookups, hits;
  Request *requests;      /* [max_batch] */
  char *missing;          /* [max_batch][state_size], canonical */
  uint64_t *missing_keys; /* [max_batch] */
  int *missing_table; /* rows of `missing` by key, open addressing, NO_ROW = free; twice the batch or more */
  size_t table_mask;
  float *logits, *wdl; /* [max_batch][moves], [max_batch][3]: the inner evaluator's answers */
} Cache;

static float *answer_at(const Cache *cache, size_t entry) {
  return cache->answers + entry * ((size_t)cache->base.game->moves + 3);
}

/* True where the key is cached; *entry receives its place. */
static bool look_up(Cache *cache, uint64_t key, size_t *entry) {
  size_t number = (size_t)key & cache->mask;
  Bucket *bucket = &cache->buckets[number];
  for (size_t way = 0; way < WAYS; way++) {
    if (bucket->keys[way] != key) continue;
    bucket->used[way] = cache->calls;
    *entry = number * WAYS + way;
    return true;
  }
  return false;
}

static void store(Cache *cache, uint64_t key, const float *logits, const float *wdl) {
  size_t number = (size_t)key & cache->mask, oldest = 0, moves = (size_t)cache->base.game->moves;
  Bucket *bucket = &cache->buckets[number];
  /* Differences of call numbers stay right when the counter wraps; an empty way was never used. */
  for (size_t way = 0; way < WAYS && bucket->keys[oldest]; way++)
    if (!bucket->keys[way] || cache->calls - bucket->used[way] > cache->calls - bucket->used[oldest])
      oldest = way;
  bucket->keys[oldest] = key;
  bucket->used[oldest] = cache->calls;
  float *answer = answer_at(cache, number * WAYS + oldest);
  memcpy(answer, logits, moves * sizeof *answer);
  memcpy(answer + moves, wdl, 3 * sizeof *answer);
}

/* The slot of this call's table of misses that holds the key, or the free one where it belongs. */
static int *find_missing(const Cache *cache, uint64_t key) {
  size_t slot = (size_t)(key >> 32) & cache->table_mask;
  while (cache->missing_table[slot] != NO_ROW && cache->missing_keys[cache->missing_table[slot]] != key)
    slot = (slot + 1) & cache->table_mask;
  return &cache->missing_table[slot];
}

/* Looks every position up; those not cached go, each once, into `missing`. Returns how many. */
static int collect(Cache *cache, const void *states, int batch) {
  const Game *game = cache->base.game;
  int misses = 0;
  memset(cache->missing_table, 0xff, (cache->table_mask + 1) * sizeof *cache->missing_table);
  for (int i = 0; i < batch; i++) {
    Request *request = &cache->requests[i];
    char *canonical = cache->missing + (size_t)misses * game->state_size; /* kept only if it is missing */
    uint64_t key;
    request->symmetry =
        game_canonical(game, (const char *)states + (size_t)i * game->state_size, canonical, &key);
    request->miss = NO_ROW;
    key += !key;
    if (look_up(cache, key, &request->entry)) continue;
    int *row = find_missing(cache, key);
    if (*row == NO_ROW) {
      *row = misses;
      cache->missing_keys[misses++] = key;
    }
    request->miss = *row;
  }
  return misses;
}

static void cache_evaluate(void *self, const void *states, int batch, float *logits, float *wdl) {
  Cache *cache = self;
  const Game *game = cache->base.game;
  size_t moves = (size_t)game->moves;
  cache->calls++;
  int misses = collect(cache, states, batch);
  cache->lookups += (uint64_t)batch;
  cache->hits += (uint64_t)(batch - misses);
  if (misses) cache->inner->evaluate(cache->inner->self, cache->missing, misses, cache->logits, cache->wdl);
  for (int i = 0; i < batch; i++) {
    const Request *request = &cache->requests[i];
    bool cached = request->miss == NO_ROW;
    const float *answer =
        cached ? answer_at(cache, request->entry) : cache->logits + (size_t)request->miss * moves;
    const float *answer_wdl = cached ? answer + moves : cache->wdl + 3 * request->miss;
    game_symmetry_policy_back(game, request->symmetry, answer, logits + (size_t)i * moves);
    memcpy(wdl + 3 * i, answer_wdl, 3 * sizeof *wdl);
  }
  for (int m = 0; m < misses; m++)
    store(cache, cache->missing_keys[m], cache->logits + (size_t)m * moves, cache->wdl + 3 * m);
}

static void cache_release(void *self) {
  Cache *cache = self;
  evaluator_free(cache->inner);
  free(cache->buckets);
  free(cache->answers);
  free(cache->requests);
  free(cache->missing);
  free(cache->missing_keys);
  free(cache->missing_table);
  free(cache->logits);
  free(cache->wdl);
  free(cache);
}

Evaluator *evaluator_cached(Evaluator *inner, int log2_entries) {
  const Game *game = inner->game;
  size_t buckets = log2_entries > 2 ? ((size_t)1 << log2_entries) / WAYS : 1;
  size_t batch = (size_t)inner->max_batch, moves = (size_t)game->moves, table = 2;
  while (table < 2 * batch) table *= 2;
  Cache *cache = memory_new(1, sizeof *cache);
  *cache = (Cache){.base = {.self = cache,
                            .game = game,
                            .max_batch = inner->max_batch,
                            .evaluate = cache_evaluate,
                            .release = cache_release},
                   .inner = inner,
                   .mask = buckets - 1,
                   .buckets = memory_new(buckets, sizeof(Bucket)),
                   .answers = memory_new(buckets * WAYS * (moves + 3), sizeof(float)),
                   .requests = memory_new(batch, sizeof(Request)),
                   .missing = memory_new(batch, game->state_size),
                   .missing_keys = memory_new(batch, sizeof(uint64_t)),
                   .missing_table = memory_new(table, sizeof(int)),
                   .table_mask = table - 1,
                   .logits = memory_new(batch * moves, sizeof(float)),
                   .wdl = memory_new(batch * 3, sizeof(float))};
  return &cache->base;
}

void evaluator_cache_counts(const Evaluator *evaluator, uint64_t *lookups, uint64_t *hits) {
  bool cached = evaluator->evaluate == cache_evaluate;
  *lookups = cached ? ((const Cache *)evaluator->self)->lookups : 0;
  *hits = cached ? ((const Cache *)evaluator->self)->hits : 0;
}
