/* The positions that the runs of an experiment have learnt from, so that a test of generalisation can leave
 * them out. */
#ifndef ARENA_COMPARE_TRAINED_H
#define ARENA_COMPARE_TRAINED_H

#include "arena/compare.h"
#include "arena/compare_watch.h"

/* Keys of positions, equal for all symmetric images, in order and each once: there are many millions, for
 * which a hash set would need two to four times the memory. Zero-initialise; release with
 * compare_trained_free(). */
typedef struct TrainedKeys {
  uint64_t *keys;
  size_t count, capacity;
} TrainedKeys;

/* All positions of plies[0] to plies[1] in the games of finished iterations of any run of the experiment, and
 * in those of its teachers. False with a message that names the file where one is damaged or missing, and
 * with an empty one where the watch, which may be NULL, ends it. */
bool compare_trained_read(const Experiment *experiment, const int plies[2], const CompareWatch *watch,
                          TrainedKeys *out, Error *err);
void compare_trained_add(TrainedKeys *trained, const Game *game, const void *state);
/* After the last compare_trained_add(), and before compare_trained_has(). */
void compare_trained_sort(TrainedKeys *trained);
bool compare_trained_has(const TrainedKeys *trained, const Game *game, const void *state);
/* Names what compare_trained_read() would read: another number where a run has gone on or one is added. */
uint32_t compare_trained_stamp(const Experiment *experiment);
void compare_trained_free(TrainedKeys *trained);

#endif
