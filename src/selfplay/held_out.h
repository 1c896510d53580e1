/* How well a network predicts positions it was not fitted to. */
#ifndef SELFPLAY_HELD_OUT_H
#define SELFPLAY_HELD_OUT_H

#include "net/net.h"
#include "selfplay/replay.h"

/* Loss on positions that the network was not fitted to, beside the best constant prediction's. */
typedef struct HeldOutStats {
  int count;                                             /* positions */
  int with_policy;                                       /* of them, those with a policy target */
  double policy, policy_baseline, value, value_baseline; /* nats */
  double value_square;                                   /* of win - loss */
  double top1, top3; /* share whose target move is the network's best, in its best 3 */
} HeldOutStats;

enum { CALIBRATION_BINS = 10 };

/* Predicted against observed outcome, by tenths of the predicted win - loss in [-1, 1]. */
typedef struct Calibration {
  double predicted[CALIBRATION_BINS], observed[CALIBRATION_BINS]; /* means */
  int count[CALIBRATION_BINS];
  double error; /* mean absolute difference, weighted by count */
} Calibration;

/* Loss on positions indices[count) of replay, with value targets of the game's outcome alone, or the proven
 * result where there is one. The network is asked in single precision, whatever self-play's is, and about the
 * position as it lies, on `threads` threads; their number does not change the result. */
void held_out_measure(const Game *game, const Net *net, const Replay *replay, const uint32_t *indices,
                      int count, int threads, HeldOutStats *stats, Calibration *calibration);

#endif
