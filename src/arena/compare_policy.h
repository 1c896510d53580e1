/* Policies of networks on one fixed set of positions, against the exact solver's, a teacher's, and an earlier
 * network's. */
#ifndef ARENA_COMPARE_POLICY_H
#define ARENA_COMPARE_POLICY_H

#include "arena/accuracy.h"
#include "net/net.h"
#include "selfplay/run_config.h"

typedef struct ComparePolicies ComparePolicies;

/* The set: at most 400 of `positions`, or of random play where NULL (then there is nothing of a solver).
 * `teacher` names whose policy is estimated by asking it 8 times a position; NULL for none. */
ComparePolicies *compare_policies_new(const Game *game, const Positions *positions, const RunConfig *teacher,
                                      uint64_t seed, int threads, Error *err);
void compare_policies_free(ComparePolicies *policies); /* NULL is fine */

/* Means over the set; NaN where there is no solver or no teacher. KL(reference || network), in nats; the
 * solver's policy is uniform over the moves of best score. top1: the network's first choice is one of the
 * reference's. */
typedef struct ComparePolicyFacts {
  double solver_kl, solver_top1, teacher_kl, teacher_top1;
  double start_kl;       /* KL(start || network) */
  double start_distance; /* of the weights, Euclidean, relative to the start's norm */
  double entropy;        /* of the network's policy, nats */
} ComparePolicyFacts;

ComparePolicyFacts compare_policies_measure(const ComparePolicies *policies, const Net *net,
                                            const Net *start);

#endif
