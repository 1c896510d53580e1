/* What the shared search's files share: shared.c (life and threads), shared_tree.c (the tree),
 * shared_worker.c (what one thread does to it) and shared_result.c (reading the outcome). */
#ifndef MCTS_SHARED_INTERNAL_H
#define MCTS_SHARED_INTERNAL_H

#include "mcts/look_ahead.h"
#include "mcts/proof.h"
#include "mcts/shared.h"

enum { NO_CHILD = NO_NODE, CLAIMED = 0xfffffffe, CACHE_LINE = 64 };

/* An Edge that several threads change. All that a choice depends on lies beside its siblings, not in nodes
 * all over the memory: two or three lines that another core has written to take as long to come as a whole
 * simulation. Simulations under way are among the visits, as losses. */
typedef struct SharedEdge {
  _Atomic uint64_t mean;  /* a Mean, for the player who moves along it */
  _Atomic uint32_t child; /* a node's first slot; NO_CHILD; CLAIMED while a thread evaluates the position */
  _Atomic uint32_t rest;  /* an Edge's last four bytes */
} SharedEdge;

/* A position that has been evaluated; its edges are the slots behind it. */
typedef struct SharedNode {
  _Atomic uint64_t mean; /* a Mean, for the player to move: its evaluation and all that is done below it */
  uint32_t edge_count;
} SharedNode;

typedef union Slot {
  SharedNode node;
  SharedEdge edge;
} Slot;
_Static_assert(sizeof(Slot) == 16 && sizeof(Edge) == 16, "an edge takes one slot, and so does a node");
enum { SLOTS_OF_A_LINE = CACHE_LINE / sizeof(Slot) };

/* Changed as one. A mean, since a sum in a float stands still after 2^24 visits and its mean then falls. */
typedef struct Mean {
  float value;
  uint32_t visits;
} Mean;

/* Slots [next, end) that a thread has set aside for its nodes, so that their counter does not pass from
 * thread to thread all the time. Each in a cache line of its own. */
typedef struct Reserve {
  _Alignas(CACHE_LINE) size_t next;
  size_t end;
} Reserve;

struct SharedSearch {
  const Game *game;
  SearchConfig config;
  Evaluator **evaluators; /* a copy of the caller's list */
  int threads, batch;
  Reserve *reserves; /* [threads] */
  Slot *slots;       /* the first is the root */
  size_t slot_capacity;
  uint64_t root_state[GAME_STATE_MAX / sizeof(uint64_t)];
  float root_priors[TREE_PRIORS_MAX];
  double root_draws; /* draws among the root's visits, summed */
  /* What is written all the time lies apart from what is only read. */
  _Alignas(CACHE_LINE) _Atomic size_t slot_count;
  _Atomic int tickets; /* simulations that may still begin */
  _Atomic int done;
  _Atomic bool stop;
};

/* Slots of a node with so many edges: whole cache lines, so that no two threads' new nodes share one. */
static inline size_t shared_slots(size_t edges) {
  return (1 + edges + SLOTS_OF_A_LINE - 1) / SLOTS_OF_A_LINE * SLOTS_OF_A_LINE;
}

/* A node with these moves, what is known of them, their priors and the position's value; NO_CHILD where the
 * tree is full. */
uint32_t shared_node_new(SharedSearch *search, Reserve *reserve, const LookAhead *look, const float *priors,
                         float value);
/* Bounds of a node from its edges; open ones where the search does not use proofs. */
Bounds shared_node_bounds(const SharedSearch *search, uint32_t node);
/* An edge as it stands. */
Edge shared_edge_read(const SharedEdge *edge);
/* Closes an edge's bounds; true where that was news. Bounds only ever close, and whoever closes one then
 * reads all its siblings, so of two threads that close siblings at once the later one sees both. */
bool shared_edge_prove(SharedEdge *edge, int lower, int upper);
Mean shared_mean_read(const _Atomic uint64_t *mean);
/* Adds visits (negative: takes them back) and what their values sum to. */
void shared_mean_add(_Atomic uint64_t *mean, int visits, double sum);

#endif
