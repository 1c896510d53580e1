/* Choosing among siblings, four edges at a time. Internal to the search of one thread.
 *
 * The vectors are the compiler's own of four lanes, which every CPU has, so that the result has the same bits
 * on all of them. Edges are read in blocks of four; tree.c keeps room behind the last one. */
#ifndef MCTS_SELECT_H
#define MCTS_SELECT_H

#include "mcts/search.h"
#include "mcts/tree.h"

/* What a choice below the root depends on, besides the edges. */
typedef struct SelectNode {
  const Edge *edges;
  int count;
  const float *priors; /* [count] in place of the edges' own, or NULL */
  bool solve;          /* edges that proofs make pointless are passed over */
} SelectNode;

/* PUCT: the edge with the best q + factor x prior / (1 + visits); the first of equals. Where an edge has
 * neither visit nor proof its q is value - fpu_reduction x sqrt(prior mass visited). */
int select_puct(const SelectNode *node, float factor, float value, float fpu_reduction);
/* Gumbel AlphaZero, Eq. 14: the edge whose share of the node's `visits` lags furthest behind the improved
 * policy softmax(logit + sigma(completed q)). `value` is the node's own evaluation. */
int select_gumbel(const SelectNode *node, const SearchConfig *config, float value, uint32_t visits);
/* out[i] = exp(x[i]) for x <= 0, within 2 units in the last place; in blocks of four, so both arrays have
 * room for that. */
void select_exp(const float *x, int count, float *out);

#endif
