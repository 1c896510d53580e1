/* Proven values: what the search knows for certain about an edge, beside its statistics.
 *
 * M. Winands, Y. Bjornsson, J.-T. Saito, "Monte-Carlo tree search solver" (2008), in the form of T. Cazenave
 * and A. Saffidine, "Score bounded Monte-Carlo tree search" (2010), which keeps draws exact too: an edge
 * carries a lower and an upper bound of the game's value in {-1, 0, 1}, for the player who moves along it.
 * Both start open; finished games close them; a node's bounds are the best of its edges':
 *
 *   lower(node) = max lower(edge),  upper(node) = max upper(edge),  lower(edge into node) = -upper(node), ...
 */
#ifndef MCTS_PROOF_H
#define MCTS_PROOF_H

#include "mcts/tree.h"

#include <math.h>

typedef struct Bounds {
  int lower, upper; /* in {-1, 0, 1}, for the player to move */
} Bounds;

static inline int edge_lower(const Edge *edge) {
  return (int)edge->lower - 1;
}

static inline int edge_upper(const Edge *edge) {
  return (int)edge->upper - 1;
}

static inline bool edge_proven(const Edge *edge) {
  return edge->lower == edge->upper;
}

static inline void edge_prove(Edge *edge, int lower, int upper) {
  edge->lower = (uint16_t)(lower + 1) & 3;
  edge->upper = (uint16_t)(upper + 1) & 3;
}

/* Mean value of a visited edge, held within its bounds; the value of a proven one; NAN of any other. */
static inline float edge_q(const Edge *edge) {
  if (edge_proven(edge)) return (float)edge_lower(edge);
  if (!edge->visits) return NAN;
  return fminf(fmaxf(edge->value_sum / (float)edge->visits, (float)edge_lower(edge)),
               (float)edge_upper(edge));
}

/* Bounds of a node with these edges. */
static inline Bounds edges_bounds(const Edge *edges, int count) {
  Bounds best = {-1, -1};
  for (int i = 0; i < count; i++) {
    if (edge_lower(&edges[i]) > best.lower) best.lower = edge_lower(&edges[i]);
    if (edge_upper(&edges[i]) > best.upper) best.upper = edge_upper(&edges[i]);
  }
  return best;
}

/* True where another move is known to do at least as well as the one with bounds `edge`, so that this needs
 * no more thought: it cannot beat what the node already has for certain, and is not itself what secures that.
 * `node` is the bounds of all moves together. */
static inline bool bounds_dominated(Bounds edge, Bounds node) {
  if (node.lower == -1) return edge.upper == -1 && node.upper > -1;
  return edge.upper <= node.lower && edge.lower < node.lower;
}

static inline bool edge_dominated(const Edge *edge, Bounds node) {
  return bounds_dominated((Bounds){edge_lower(edge), edge_upper(edge)}, node);
}

#endif
