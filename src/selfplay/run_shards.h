/* The shards of an iteration's self-play: played in parallel and kept in replay/, or read from there; a
 * damaged one is named, set aside and played again, to the same bytes. */
#ifndef SELFPLAY_RUN_SHARDS_H
#define SELFPLAY_RUN_SHARDS_H

#include "selfplay/training.h"

/* All shards of iteration `number`, played by `net`: blocks[config->shards], for the caller to release; their
 * sums are added to *stats, those of the shards that were not there yet to *played as well (NULL: to nobody).
 * NULL with a message, or with an empty message where *stop was set. */
ReplayBlock **run_shards_get(Training *training, int number, const Net *net, ShardStats *stats,
                             ShardStats *played, Error *err);
/* Positions in the window once `positions` have been played in all. */
int run_shards_window(const RunConfig *config, int64_t positions);
/* Loads the window's blocks of finished iterations; a damaged one is played again from the network that made
 * it. */
bool run_shards_load_window(Training *training, Error *err);

#endif
