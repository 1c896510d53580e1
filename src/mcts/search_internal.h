/* What search.c (descending, backing up) and search_result.c (reading the outcome) share. */
#ifndef MCTS_SEARCH_INTERNAL_H
#define MCTS_SEARCH_INTERNAL_H

#include "mcts/look_ahead.h"
#include "mcts/probe.h"
#include "mcts/proof.h"
#include "mcts/search.h"

struct Search {
  const Game *game;
  SearchConfig config;
  Tree tree, spare; /* node 0 is the root; `spare` receives the subtree kept by search_advance() */
  Rng rng;
  int budget, simulations;
  bool pending;  /* a leaf was handed out and wants search_update() */
  bool quiet;    /* no noise at the root */
  bool kept;     /* the tree is what search_advance() kept */
  bool advanced; /* root_state is where search_advance() came to */

  uint64_t root_state[GAME_STATE_MAX / sizeof(uint64_t)];
  uint64_t leaf_state[GAME_STATE_MAX / sizeof(uint64_t)];
  LookAhead leaf; /* moves of leaf_state */
  Probe *probe;   /* NULL: none */
  uint32_t *path; /* edges from the root to the leaf, [max_plies + 1] */
  int path_length;

  /* One entry per legal move at the root, or scratch of that length. */
  float *root_logits; /* log priors; of a kept subtree as the edges hold them */
  float *root_priors; /* with Dirichlet noise, for PUCT */
  float *root_gumbel; /* noise times its factor; -INFINITY for moves dominated from the start */
  int root_open;      /* moves not dominated from the start */
  float *scratch[4];
  uint32_t *visits;
};

static inline Edge *search_edges(const Search *search, const Node *node) {
  return search->tree.edges + node->first_edge;
}

/* What may be pruned by at this node: its bounds, or open ones where the search does not use proofs. */
static inline Bounds search_bounds(const Search *search, const Node *node) {
  if (!search->config.solve) return (Bounds){-1, 1};
  return edges_bounds(search_edges(search, node), node->edge_count);
}

/* True where root moves are forced (mcts/forced.h). */
bool search_forces_playouts(const Search *search);
/* Computes sigma(completed Q) of a node's edges into scratch[2], and their visits into visits[]. */
void search_complete(Search *search, const Node *node, const float *priors);
/* Index of the root edge best by gumbel + logit + sigma(Q) among those with exactly `visits` visits; -1 where
 * there is none. */
int search_best_gumbel(Search *search, uint32_t visits);

#endif
