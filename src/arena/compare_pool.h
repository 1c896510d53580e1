/* The rating pool of an experiment: networks of all runs along their budgets, and fixed opponents, in one
 * table. */
#ifndef ARENA_COMPARE_POOL_H
#define ARENA_COMPARE_POOL_H

#include "arena/compare.h"
#include "arena/elo.h"

/* A network of a run that is measured. */
typedef struct ComparePoint {
  int run;
  int network;      /* -1: the seed's initial weights, before the bootstrap stage */
  CompareCost cost; /* of everything up to it */
  char path[FILE_PATH_MAX];
  uint32_t hash;
  int player; /* in the pool's table of players; equal networks share one */
} ComparePoint;

/* A network at another search budget than the pool's. */
typedef struct CompareSearcher {
  int point, visits, player;
  int checkpoint; /* index into the design's search_checkpoints */
} CompareSearcher;

typedef struct ComparePool {
  ComparePoint *points; /* run by run, by ascending cost */
  int point_count;
  CompareSearcher *searchers;
  int searcher_count;
  char (*spellings)[FILE_PATH_MAX + 64]; /* [player_count], for player_new(); fixed opponents first */
  char (*names)[PLAYER_NAME_MAX];        /* [player_count], as recorded */
  uint32_t *hashes;
  int player_count, fixed_count;
} ComparePool;

/* Picks the networks: for each run its initial weights, its first network and those nearest to equal shares
 * of the budget; for test-time search those at the shares that the design names (search_checkpoints). Runs
 * without any network are left out. */
bool compare_pool_new(const Experiment *experiment, ComparePool *out, Error *err);
void compare_pool_free(ComparePool *pool);

/* Plays what is missing into FOLDER/ratings.sqlite: every network against the fixed opponents, its
 * predecessors in the same run and its counterparts of the same seed; then where intervals are widest. Ended
 * by *stop it keeps what was played and returns false with an empty message. */
bool compare_pool_play(const Experiment *experiment, const ComparePool *pool, int threads,
                       void (*progress)(void *context, const EloProgress *progress), void *context,
                       const volatile sig_atomic_t *stop, Error *err);

/* Ratings of the pool from all games, and what part of them says. */
typedef struct ComparePoolRatings {
  RatingTable *table; /* of players[] below */
  int *index;         /* [player_count] into the table; -1 where it has not played */
  int games;
} ComparePoolRatings;

bool compare_pool_rate(const Experiment *experiment, const ComparePool *pool, ComparePoolRatings *out,
                       Error *err);
void compare_pool_ratings_free(ComparePoolRatings *ratings);

/* Elo gained from point a to point b with its 95 % interval, by games inside the run alone, and by games
 * against the fixed opponents alone: a run that only learns to beat itself shows a gap. NaN where these games
 * do not connect. */
typedef struct CompareGain {
  double elo, low, high;
  int games;
} CompareGain;

bool compare_pool_gains(const Experiment *experiment, const ComparePool *pool, int a, int b,
                        CompareGain *inside, CompareGain *fixed, Error *err);

#endif
