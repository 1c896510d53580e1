/* Positions with exact scores from where an experiment's players have been: what generalisation is measured
 * on.
 *
 * None of them has been learnt from: games are played anew, from random streams that no training has the name
 * of, and positions that occur in the games of training, or images of them, are left out. Only positions that
 * test something are kept, as in positions_exact.h: not won at once, moves of different value. This needs an
 * exact solver of the game; only positions within its reach are drawn. */
#ifndef ARENA_COMPARE_SETS_H
#define ARENA_COMPARE_SETS_H

#include "arena/accuracy.h"
#include "arena/compare_trained.h"
#include "net/net.h"
#include "selfplay/replay.h"
#include "selfplay/run_config.h"

/* True where the game has an exact solver. */
bool compare_sets_possible(const Game *game);

/* `games` games of self-play by this network under the configuration, single-threaded shards on `threads`
 * threads; the random stream is one of evaluation `number`, which no training uses. */
ReplayBlock *compare_sets_games(const Game *game, const RunConfig *config, const Net *net, uint64_t seed,
                                int number, int games, int threads);
/* Games of the configuration's teacher that no run has seen. NULL with an empty message where the watch,
 * which may be NULL here and below, ends it. */
ReplayBlock *compare_sets_teacher(const Game *game, const RunConfig *config, uint64_t seed, int games,
                                  int threads, const CompareWatch *watch, Error *err);
/* Positions of uniformly random play, as many as can be wanted. */
ReplayBlock *compare_sets_random(const Game *game, uint64_t seed, int count);

/* First and last ply of the positions that are kept. */
void compare_sets_plies(const Game *game, int plies[2]);
/* At most `count` positions of the block that are not among those trained on, drawn at random, with exact
 * scores. NULL with an empty message where none is fit, or the watch ends it. */
Positions *compare_sets_solve(const ReplayBlock *block, int count, uint64_t seed, const TrainedKeys *trained,
                              const CompareWatch *watch, Error *err);

#endif
