/* Forced playouts and policy target pruning at the root of PUCT: D. Wu, "Accelerating Self-Play Learning in
 * Go" (KataGo, 2019), 3.2.
 *
 * A root child that has been visited at all gets at least
 *
 *   n_forced(a) = sqrt(k P(a) sum_b N(b))
 *
 * visits, P with the root's noise, so that a move the noise has brought up is looked at properly before it is
 * dropped. The target then leaves out again what was forced alone: of every child but the most visited one,
 * up to n_forced(a) visits, as long as its PUCT score stays below that child's; and a child left with one. */
#ifndef MCTS_FORCED_H
#define MCTS_FORCED_H

#include "mcts/proof.h"

/* The first edge that has fewer visits than it is to be given; -1 where none has. `k` > 0; priors[count] with
 * noise. Edges that proofs make pointless (`bounds` are the node's) are forced no further. */
int forced_edge(const Edge *edges, int count, const float *priors, Bounds bounds, double k);
/* Visits as the policy target counts them, into shares[count]: none of an edge that is pointless. `factor` is
 * puct_factor() of the root, of whose other edges at least one has been visited. */
void forced_prune(const Edge *edges, int count, const float *priors, Bounds bounds, float factor, double k,
                  float *shares);

#endif
