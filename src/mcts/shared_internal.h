/* What shared.c (searching) and shared_result.c (reading the outcome) share. */
#ifndef MCTS_SHARED_INTERNAL_H
#define MCTS_SHARED_INTERNAL_H

#include "mcts/proof.h"
#include "mcts/shared.h"

enum { NO_CHILD = 0xffffffff, CACHE_LINE = 64 };

/* Life of a node. Whoever moves it from NEW to CLAIMED evaluates it; its edges may be read once it is
 * EXPANDED. */
enum { PHASE_NEW, PHASE_CLAIMED, PHASE_EXPANDED, PHASE_FINISHED };

/* Sums are fixed point, since atomic addition of integers is exact in any order. */
static const double UNIT = 1 << 20;

typedef struct SharedNode {
  _Atomic int64_t value_sum, draw_sum; /* in 1/UNIT, for the player to move here */
  _Atomic int32_t visits, virtual_losses;
  _Atomic uint32_t phase;
  uint32_t first_edge, edge_count;
  float value; /* of a finished game, or of a proven position without edges */
} SharedNode;

typedef struct SharedEdge {
  _Atomic uint32_t child;
  float prior;
  uint16_t move;
  _Atomic int8_t lower, upper; /* proven bounds, for the player who moves; they only ever close */
} SharedEdge;

struct SharedSearch {
  const Game *game;
  SearchConfig config;
  Evaluator **evaluators; /* a copy of the caller's list */
  int threads, batch;
  SharedNode *nodes;
  SharedEdge *edges;
  size_t node_capacity, edge_capacity;
  uint32_t root;
  uint64_t root_state[GAME_STATE_MAX / sizeof(uint64_t)];
  char padding[CACHE_LINE]; /* what is written all the time lies apart from what is only read */
  _Atomic size_t node_count, edge_count;
  _Atomic int tickets; /* simulations that may still begin */
  _Atomic int done;
  _Atomic bool stop;
  char end_padding[CACHE_LINE];
};

/* Bounds of a node from its edges; open ones where the search does not use proofs. */
static inline Bounds shared_bounds(const SharedSearch *search, const SharedNode *node) {
  Bounds best = {-1, -1};
  if (!search->config.solve || !node->edge_count) return (Bounds){-1, 1};
  for (uint32_t i = 0; i < node->edge_count; i++) {
    const SharedEdge *edge = &search->edges[node->first_edge + i];
    int lower = atomic_load(&edge->lower), upper = atomic_load(&edge->upper);
    if (lower > best.lower) best.lower = lower;
    if (upper > best.upper) best.upper = upper;
  }
  return best;
}

static inline Bounds shared_edge_bounds(const SharedEdge *edge) {
  return (Bounds){atomic_load(&edge->lower), atomic_load(&edge->upper)};
}

#endif
