/* Gumbel AlphaZero's formulas: I. Danihelka, A. Guez, J. Schrittwieser, D. Silver, "Policy improvement by
 * planning with Gumbel", ICLR 2022. Arrays run over the legal moves of one node. */
#ifndef MCTS_GUMBEL_H
#define MCTS_GUMBEL_H

#include "mcts/search.h"

/* v_mix of Eq. 33, what an edge without a value counts as: (v + sum N x mean) / (1 + sum N), where `total` is
 * sum N, `mass` and `weighted` are the sums of P and of P x Q over visited edges, and so mean = weighted /
 * mass. */
static inline float gumbel_mixed_value(float value, float total, float mass, float weighted) {
  float mean = mass > 0 ? weighted / mass : 0;
  return (value + total * mean) / (1 + total);
}

/* The factor of sigma (Eq. 8): (c_visit + max_b N(b)) c_scale. */
static inline float gumbel_sigma_scale(const SearchConfig *config, float most_visits) {
  return ((float)config->gumbel_visit + most_visits) * (float)config->gumbel_scale;
}

/* sigma(completed Q) of Eqs. 8, 10 and 33, into out[n]. priors[n] sum to 1; q[n] and visits[n] are the
 * edges', for the player to move; q is NAN where an edge has neither a visit nor a proven value; `value` is
 * the node's own evaluation. Q is mapped from [-1, 1] to [0, 1] first. */
void gumbel_sigma_completed(const SearchConfig *config, int n, const float *priors, const float *q,
                            const uint32_t *visits, float value, float *out);
/* softmax(logits + sigma) (Eq. 11). */
void gumbel_improved_policy(int n, const float *logits, const float *sigma, float *policy);
/* The visit count that moves must have to be considered at simulation `index` of `total` when sequential
 * halving starts from `considered` moves (Alg. 2): each phase gives the moves still considered the same
 * number of visits. */
int gumbel_considered_visits(int considered, int total, int index);

#endif
