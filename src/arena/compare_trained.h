/* The positions that the runs of an experiment have learnt from, so that a test of generalisation can leave
 * them out. */
#ifndef ARENA_COMPARE_TRAINED_H
#define ARENA_COMPARE_TRAINED_H

#include "arena/compare.h"

/* Keys of positions, equal for all symmetric images, in order and each once. Zero-initialise; release with
 * compare_trained_free(). */
typedef struct TrainedKeys {
  uint64_t *keys;
  size_t count, capacity;
} TrainedKeys;

/* All positions of plies[0] to plies[1] in the games that any run of the experiment has played or been taught
 * by. False with a message where a file of them is damaged or missing. */
bool compare_trained_read(const Experiment *experiment, const int plies[2], TrainedKeys *out, Error *err);
void compare_trained_add(TrainedKeys *trained, const Game *game, const void *state);
/* After the last compare_trained_add(), and before compare_trained_has(). */
void compare_trained_sort(TrainedKeys *trained);
bool compare_trained_has(const TrainedKeys *trained, const Game *game, const void *state);
void compare_trained_free(TrainedKeys *trained);

#endif
