/* Learner: fits a network to replay.
 *
 * A minibatch is cut into fixed slices; each slice draws its positions and symmetries from its own random
 * streams and is one independent forward and backward pass; the slices' gradients are summed in their order.
 * So the result does not depend on how many threads there are. */
#ifndef SELFPLAY_LEARNER_H
#define SELFPLAY_LEARNER_H

#include "selfplay/held_out.h"
#include "selfplay/replay.h"
#include "selfplay/run_config.h"

typedef struct Learner Learner;

/* What one call of learner_fit() did, averaged over its samples. */
typedef struct FitStats {
  int64_t steps, samples;
  double policy, value; /* losses in nats */
  double plies;         /* squared error of the plies left, as shares of the longest game */
  double reply;         /* cross-entropy of the opponent's reply, nats, where it is known */
  double gradient_norm; /* mean before clipping */
  double rate;          /* learning rate of the last step */
  double expert_share;  /* share of samples from expert games */
} FitStats;

/* Weights drawn from the seed's own stream: the same for both arms of a comparison; of the shape that the
 * configuration begins with. */
Learner *learner_new(const Game *game, const RunConfig *config, uint64_t seed, int threads);
void learner_free(Learner *learner);
/* How the two losses are weighed; {1, learner.value_weight} until set. */
void learner_weigh(Learner *learner, double policy_weight, double value_weight);
/* Takes `steps` steps on replay, with `expert_share` of each minibatch from `expert` (NULL where 0), at the
 * learning rate of `iteration`. The value target is the configuration's. Where the configuration searches not
 * (search.kind = none), the policy's part is REINFORCE with the network's own value as baseline (R. Williams,
 * "Simple statistical gradient-following algorithms for connectionist reinforcement learning", 1992, eq. 11):
 * the played move's log-probability times (outcome - value when it was played). */
void learner_fit(Learner *learner, const Replay *replay, const Replay *expert, double expert_share,
                 int64_t steps, int iteration, FitStats *stats);
/* The learner's own last weights, and the averaged ones that play (owned by the learner, refreshed by this
 * call). */
const Net *learner_net(const Learner *learner);
const Net *learner_averaged(Learner *learner);
/* Starts again from these weights, of any shape, with a fresh optimiser and step count: after the imitation
 * stage. */
void learner_restart(Learner *learner, const Net *weights);
/* Grows the averaged network to this shape (net_grow()) and starts again from it; nothing where it has that
 * shape. */
void learner_grow(Learner *learner, const NetShape *shape);
/* False once training has diverged: a weight or a batch norm's statistic is infinite or no number. */
bool learner_is_finite(const Learner *learner);
/* Samples drawn since the learner was made, over restarts. */
int64_t learner_samples(const Learner *learner);

/* held_out_measure() on the learner's threads: loss of `net` on positions indices[count) of replay, with
 * value targets of the game's outcome alone, or the proven result where there is one. */
void learner_measure(const Learner *learner, const Net *net, const Replay *replay, const uint32_t *indices,
                     int count, HeldOutStats *stats, Calibration *calibration);

/* Whole state, for checkpoints. */
void learner_save(const Learner *learner, Buffer *out);
bool learner_load(Learner *learner, Buffer *in, Error *err);

#endif
