/* What one thread of a shared search works with, and what it does to the tree. */
#ifndef MCTS_SHARED_WORKER_H
#define MCTS_SHARED_WORKER_H

#include "mcts/look_ahead.h"
#include "mcts/probe.h"
#include "mcts/shared_internal.h"

/* Simulations that end below a node, their values summed as the node's player sees them. */
typedef struct Sum {
  int64_t value, draw; /* in 1/UNIT */
  int32_t visits;      /* simulations that are done */
  int32_t undone;      /* those that met a leaf under evaluation, or no room, and are to be tried again */
} Sum;

/* A position that waits for its evaluation. */
typedef struct Leaf {
  uint32_t *nodes, *edges; /* [max_plies + 2], the line from the root; edges[i] led to nodes[i], i > 0 */
  int length;              /* of the line */
  bool expand; /* false where the tree was full: the position then is one below the line's last node */
  LookAhead look;
} Leaf;

/* Each in cache lines of its own. */
typedef struct Worker {
  _Alignas(CACHE_LINE) SharedSearch *search;
  Evaluator *evaluator;
  Probe *probe;                       /* NULL: none */
  Reserve *spare_nodes, *spare_edges; /* the search's, of this thread */

  /* the line at hand, [max_plies + 2] each */
  char *line;              /* [...][state_size] */
  uint32_t *nodes, *edges; /* as in Leaf */
  uint16_t *placed;        /* [...][moves]: simulations that each edge of that node is given */
  Sum *sums;

  /* scratch of one choice, [moves] each: visits, values summed, both with those pending counted as lost;
   * proven bounds, of which lower > upper says that the edge is out */
  float *visits, *values;
  Bounds *bounds;
  float *priors; /* scratch of an expansion, [moves] */

  /* the batch */
  Leaf *leaves; /* [batch] */
  int leaf_count;
  char *states; /* [batch][state_size] */
  float *logits, *wdl;
} Worker;

/* Takes up to `count` simulations down from the root all at once, and adds the leaves that they reach to the
 * batch. Of the sum the visits are done; the undone ones were taken back. */
Sum worker_spread(Worker *worker, int count);
/* Evaluates the batch, expands its leaves, and backs their values up. */
void worker_evaluate(Worker *worker);

#endif
