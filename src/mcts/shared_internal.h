/* What the shared tree's files share: shared.c (life and threads), shared_worker.c (one thread's work) and
 * shared_result.c (reading the outcome). */
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

/* Half a cache line, so that none lies in two. */
typedef struct SharedNode {
  _Atomic int64_t value_sum, draw_sum; /* in 1/UNIT, for the player to move here */
  _Atomic int32_t visits, virtual_losses;
  _Atomic uint16_t phase;
  uint16_t edge_count;
  union {
    uint32_t first_edge; /* of an expanded node */
    float value;         /* of a finished game, or of a proven position without edges */
  };
} SharedNode;

typedef struct SharedEdge {
  _Atomic uint32_t child;
  float prior;
  uint16_t move;
  _Atomic int8_t lower, upper; /* proven bounds, for the player who moves; they only ever close */
} SharedEdge;

/* Numbers [next, end) of nodes or edges that a thread has set aside for itself, so that neither the counters
 * nor the cache lines of new nodes pass from thread to thread all the time. */
typedef struct Reserve { /* each in a cache line of its own */
  _Alignas(CACHE_LINE) size_t next;
  size_t end;
} Reserve;

enum { EDGES_ASIDE = 512 };

struct SharedSearch {
  const Game *game;
  SearchConfig config;
  Evaluator **evaluators; /* a copy of the caller's list */
  int threads, batch;
  Reserve *spare_nodes, *spare_edges; /* [threads] */
  SharedNode *nodes;
  SharedEdge *edges;
  size_t node_capacity, edge_capacity;
  uint64_t root_state[GAME_STATE_MAX / sizeof(uint64_t)];
  /* What is written all the time lies apart from what is only read. */
  _Alignas(CACHE_LINE) _Atomic size_t node_count;
  _Atomic size_t edge_count;
  _Atomic int tickets; /* simulations that may still begin */
  _Atomic int done;
  _Atomic bool stop;
};

static inline void shared_node_init(SharedNode *node) {
  atomic_store_explicit(&node->value_sum, 0, memory_order_relaxed);
  atomic_store_explicit(&node->draw_sum, 0, memory_order_relaxed);
  atomic_store_explicit(&node->visits, 0, memory_order_relaxed);
  atomic_store_explicit(&node->virtual_losses, 0, memory_order_relaxed);
  node->edge_count = 0;
  atomic_store_explicit(&node->phase, PHASE_NEW, memory_order_release);
}

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
