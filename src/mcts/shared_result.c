/* Reading a shared search's outcome, once its threads have stopped. */
#include "mcts/shared_internal.h"

#include <string.h>

static const SharedNode *child_of(const SharedSearch *search, const SharedEdge *edge) {
  uint32_t child = atomic_load(&edge->child);
  return child == NO_CHILD ? NULL : &search->nodes[child];
}

static int visits_of(const SharedSearch *search, const SharedEdge *edge) {
  const SharedNode *child = child_of(search, edge);
  return child ? atomic_load(&child->visits) : 0;
}

int shared_search_children(const SharedSearch *search, SearchChild *children) {
  const SharedNode *root = &search->nodes[0];
  int own = atomic_load(&root->visits);
  float value = own ? (float)((double)atomic_load(&root->value_sum) / UNIT / own) : 0;
  for (uint32_t i = 0; i < root->edge_count; i++) {
    const SharedEdge *edge = &search->edges[root->first_edge + i];
    const SharedNode *child = child_of(search, edge);
    Bounds bounds = shared_edge_bounds(edge);
    int visits = visits_of(search, edge);
    float q = visits ? (float)(-(double)atomic_load(&child->value_sum) / UNIT / visits) : value;
    if (visits || bounds.lower == bounds.upper) q = fminf(fmaxf(q, (float)bounds.lower), (float)bounds.upper);
    children[i] = (SearchChild){.move = edge->move,
                                .visits = visits,
                                .prior = edge->prior,
                                .value = q,
                                .lower = bounds.lower,
                                .upper = bounds.upper};
  }
  return (int)root->edge_count;
}

bool shared_search_proven(const SharedSearch *search, int *value) {
  Bounds bounds = shared_bounds(search, &search->nodes[0]);
  *value = bounds.lower;
  return bounds.lower == bounds.upper;
}

void shared_search_root_wdl(const SharedSearch *search, float wdl[3]) {
  const SharedNode *root = &search->nodes[0];
  double visits = fmax(1, atomic_load(&root->visits));
  double value = (double)atomic_load(&root->value_sum) / UNIT / visits;
  double draw = (double)atomic_load(&root->draw_sum) / UNIT / visits;
  int proven;
  if (shared_search_proven(search, &proven)) value = proven, draw = proven == 0;
  wdl[0] = (float)fmax(0, (1 - draw + value) / 2);
  wdl[1] = (float)draw;
  wdl[2] = (float)fmax(0, 1 - wdl[0] - draw);
}

/* Most visited of a node's edges that are not dominated, the higher prior where visits are equal; NULL of a
 * node without edges. */
static const SharedEdge *best_edge(const SharedSearch *search, const SharedNode *node) {
  Bounds all = shared_bounds(search, node);
  const SharedEdge *best = NULL;
  int most = 0;
  for (uint32_t i = 0; i < node->edge_count; i++) {
    const SharedEdge *edge = &search->edges[node->first_edge + i];
    int visits = visits_of(search, edge);
    if (bounds_dominated(shared_edge_bounds(edge), all)) continue;
    if (!best || visits > most || (visits == most && edge->prior > best->prior)) most = visits, best = edge;
  }
  return best;
}

/* The root's move that wins at once; -1 where none does. */
static int winning_move(const SharedSearch *search) {
  const SharedNode *root = &search->nodes[0];
  uint64_t after[GAME_STATE_MAX / sizeof(uint64_t)];
  float value;
  for (uint32_t i = 0; i < root->edge_count; i++) {
    const SharedEdge *edge = &search->edges[root->first_edge + i];
    if (atomic_load(&edge->lower) < 1) continue;
    memcpy(after, search->root_state, search->game->state_size);
    search->game->play(after, edge->move);
    if (search->game->over(after, &value)) return edge->move;
  }
  return -1;
}

int shared_search_move(const SharedSearch *search) {
  int winning = winning_move(search);
  return winning >= 0 ? winning : best_edge(search, &search->nodes[0])->move;
}

int shared_search_pv(const SharedSearch *search, int *moves, int max) {
  const SharedNode *node = &search->nodes[0];
  int length = 0;
  if (max > 0 && winning_move(search) >= 0) return moves[0] = winning_move(search), 1;
  while (length < max && node) {
    const SharedEdge *best = best_edge(search, node);
    if (!best || (!visits_of(search, best) && length > 0)) break;
    moves[length++] = best->move;
    node = child_of(search, best);
  }
  return length;
}

size_t shared_search_nodes(const SharedSearch *search) {
  return atomic_load(&search->node_count);
}

size_t shared_search_bytes(const SharedSearch *search) {
  return atomic_load(&search->node_count) * sizeof(SharedNode) +
         atomic_load(&search->edge_count) * sizeof(SharedEdge);
}
