/* One iteration: self-play, measuring, learning, checkpoint. */
#ifndef SELFPLAY_RUN_ITERATION_H
#define SELFPLAY_RUN_ITERATION_H

#include "selfplay/training.h"

/* The iteration after the finished ones. False with a message, or with an empty message where *stop was set:
 * then its whole shards are kept and the next call goes on from them. */
bool run_iteration(Training *training, Error *err);

#endif
