/* A shard of self-play: a fixed number of games played in lock-step, one leaf of each game's search per
 * batch.
 *
 * A shard owns its games, their searches, one evaluator and its random streams, and shares nothing but the
 * immutable plan. So it is a pure function of (configuration, seed, iteration, shard, weights): whoever plays
 * it again, with whatever threads around it, gets the same bytes. No virtual loss, no lock, no atomic.
 *
 * With search.kind = none every move is drawn from the network's own policy after one evaluation, and the
 * move played is the policy target: what a policy gradient learns from. */
#ifndef SELFPLAY_SHARD_H
#define SELFPLAY_SHARD_H

#include "net/plan.h"
#include "selfplay/replay.h"
#include "selfplay/run_config.h"

typedef struct ShardSpec {
  const Game *game;
  const RunConfig *config;
  const NetPlan *plan;
  uint64_t seed;
  uint32_t iteration;
  int first_game, games; /* numbers of its games within the iteration */
} ShardSpec;

/* Called whenever a game has ended; may be NULL. Runs on the shard's thread. */
typedef void ShardProgress(void *context, int plies);

/* Plays the shard; what it cost is in the block's stats. The block is the caller's to free. */
ReplayBlock *shard_play(const ShardSpec *spec, ShardProgress *progress, void *context);
void shard_stats_add(ShardStats *total, const ShardStats *part);

#endif
