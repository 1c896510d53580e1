/* Checkpoints: raw weights, optimiser, counters and log line of an iteration, in learner-NNNNN.ckpt; the last
 * two are kept. */
#ifndef SELFPLAY_CHECKPOINT_H
#define SELFPLAY_CHECKPOINT_H

#include "selfplay/training.h"

/* networks/ITERATION.net: the averaged weights. */
bool checkpoint_save_network(Training *training, Error *err);
/* Writes the averaged network, then the checkpoint, then the log line (NULL: none), so that whatever a kill
 * leaves can be continued. The line travels in the checkpoint too: a log that lacks it is mended. */
bool checkpoint_save(Training *training, const json_t *line, Error *err);
/* Continues from the newest whole checkpoint: fills learner and totals, and trims the log to it; a damaged
 * one is named, set aside, and the one before it taken. *found is false for a run that has none yet. */
bool checkpoint_resume(Training *training, bool *found, Error *err);

#endif
