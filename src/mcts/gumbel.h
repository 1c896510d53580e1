/* Gumbel AlphaZero's formulas: I. Danihelka, A. Guez, J. Schrittwieser, D. Silver, "Policy improvement by
 * planning with Gumbel", ICLR 2022. Arrays run over the legal moves of one node. */
#ifndef MCTS_GUMBEL_H
#define MCTS_GUMBEL_H

#include "mcts/search.h"

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
