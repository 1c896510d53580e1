/* What one thread of a shared search works with, and what it does to the tree. */
#ifndef MCTS_SHARED_WORKER_H
#define MCTS_SHARED_WORKER_H

#include "mcts/probe.h"
#include "mcts/shared_internal.h"

/* What became of simulations, values summed. */
typedef struct Sum {
  double value, draw;
  int visits; /* simulations that are done */
  int undone; /* those that met a position under evaluation, and are to be tried again */
} Sum;

/* Simulations that go over one edge together; a batch of them is a tree of its own. */
typedef struct Descent {
  int above;     /* the descent that it is a part of; -1: these begin at the root */
  uint32_t edge; /* its slot; none at the root */
  uint32_t node; /* the one behind the edge, where they go on; NO_CHILD: they end there */
  int count;
  Sum sum; /* of what has come back and is not yet written to the tree, for the player who took the edge */
} Descent;

/* A position that waits for its evaluation. */
typedef struct Leaf {
  int descent;
  LookAhead look;
} Leaf;

/* Each in cache lines of its own. */
typedef struct Worker {
  _Alignas(CACHE_LINE) SharedSearch *search;
  Evaluator *evaluator;
  Probe *probe;     /* NULL: none */
  Reserve *reserve; /* the search's, of this thread */
  double draws;     /* among the visits that are done, summed */

  Descent *descents;
  int descent_count, descent_capacity;
  char *positions; /* [batch + 1][state_size], a ring: no more descents wait for their turn, and theirs are
                      the last ones */
  Edge *edges;     /* scratch of one choice: [moves + EDGES_BEHIND] */
  int *placed;     /* [moves], simulations that each edge is given */

  Leaf *leaves; /* [batch] */
  int leaf_count;
  char *states; /* [batch][state_size] */
  float *logits, *wdl;
} Worker;

/* Makes the root's node. */
void worker_open_root(Worker *worker);
/* Takes up to `count` simulations down from the root all at once, and adds the positions that they reach to
 * the batch. Of the sum the visits are done; the undone ones were taken back. */
Sum worker_spread(Worker *worker, int count);
/* Evaluates the batch, which is not empty, makes nodes of it, and backs the values up. Returns how many were
 * done. */
int worker_evaluate(Worker *worker);

#endif
