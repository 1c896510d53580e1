/* Choosing among siblings: which edge a simulation follows. Internal to src/mcts.
 *
 * Each choice exists twice. select_puct() and select_gumbel() (select.c) weigh four siblings at a time, with
 * the same bits on every CPU; select_plain_puct() and select_plain_gumbel() (select_plain.c) are the same
 * formulas edge by edge. The two sum in a different order, so they may part where scores are equal but for
 * rounding; tests/test_select.c holds them together.
 *
 * Edges that proofs make pointless (edge_dominated() in mcts/proof.h) are passed over where `solve` is set;
 * of equal scores the first wins. Visits are below 2^31, as a search's budget is. */
#ifndef MCTS_SELECT_H
#define MCTS_SELECT_H

#include "mcts/search.h"
#include "mcts/tree.h"

/* The edges to choose from. They belong to a Tree, or have as much room behind them (EDGES_BEHIND). */
typedef struct Siblings {
  const Edge *edges;
  int count;           /* 1..GAME_MOVES_MAX */
  const float *priors; /* [count] in place of the edges' own, or NULL */
  bool solve;
} Siblings;

/* PUCT (AlphaZero, Science 2018, supplement), the index of
 *
 *   argmax_a  Q(a) + factor P(a) / (1 + N(a)),   factor = puct_factor() = c(s) sqrt(N(s))
 *
 * Q(a) is the mean value of a's visits, held within what is proven of a. Where a has neither visit nor proof
 * it is puct_first_play(): `value`, the node's mean, less fpu_reduction x sqrt(prior mass visited). */
int select_puct(const Siblings *siblings, float factor, float value, float fpu_reduction);
int select_plain_puct(const Siblings *siblings, float factor, float value, float fpu_reduction);

/* Gumbel AlphaZero (ICLR 2022), Eq. 14 for nodes below the root, the index of
 *
 *   argmax_a  pi'(a) - N(a) / (1 + sum_b N(b)),   pi' = softmax(log P + sigma(completed Q))   (Eq. 11)
 *
 * so that visits follow the improved policy. `value` is v(s), the network's own evaluation of the node, with
 * which Q is completed where an edge has neither visit nor proof (Eq. 33); `visits` = 1 + sum_b N(b). Every
 * prior is positive, as tree_add_node() makes them. */
int select_gumbel(const Siblings *siblings, const SearchConfig *config, float value, uint32_t visits);
int select_plain_gumbel(const Siblings *siblings, const SearchConfig *config, float value, uint32_t visits);

#endif
