/* Reading a shared search's outcome, once its threads have stopped. */
#include "mcts/shared_internal.h"

#include <string.h>

/* The i-th edge of a node. */
static Edge edge_of(const SharedSearch *search, uint32_t node, int i) {
  return shared_edge_read(&search->slots[node + 1 + (uint32_t)i].edge);
}

static int edge_count(const SharedSearch *search, uint32_t node) {
  return (int)search->slots[node].node.edge_count;
}

static Mean root_mean(const SharedSearch *search) {
  return shared_mean_read(&search->slots[0].node.mean);
}

int shared_search_children(const SharedSearch *search, SearchChild *children) {
  int count = edge_count(search, 0);
  for (int i = 0; i < count; i++) {
    Edge edge = edge_of(search, 0, i);
    children[i] = (SearchChild){.move = edge.move,
                                .visits = (int)edge.visits,
                                .prior = search->root_priors[i],
                                .value = edge_q(&edge),
                                .lower = edge_lower(&edge),
                                .upper = edge_upper(&edge)};
  }
  return count;
}

bool shared_search_proven(const SharedSearch *search, int *value) {
  Bounds bounds = shared_node_bounds(search, 0);
  *value = bounds.lower;
  return bounds.lower == bounds.upper;
}

void shared_search_root_wdl(const SharedSearch *search, float wdl[3]) {
  Mean mean = root_mean(search);
  double value = mean.value, draw = search->root_draws / mean.visits;
  int proven;
  if (shared_search_proven(search, &proven)) value = proven, draw = proven == 0;
  wdl[0] = (float)fmax(0, (1 - draw + value) / 2);
  wdl[1] = (float)draw;
  wdl[2] = (float)fmax(0, 1 - wdl[0] - draw);
}

/* Most visited of a node's edges that are not dominated, the higher prior where visits are equal. */
static Edge best_edge(const SharedSearch *search, uint32_t node) {
  Bounds all = shared_node_bounds(search, node);
  Edge best = {0};
  bool found = false;
  for (int i = 0; i < edge_count(search, node); i++) {
    Edge edge = edge_of(search, node, i);
    if (search->config.solve && edge_dominated(&edge, all)) continue;
    if (found &&
        (edge.visits < best.visits || (edge.visits == best.visits && edge_prior(&edge) <= edge_prior(&best))))
      continue;
    found = true;
    best = edge;
  }
  return best;
}

/* The root's move that wins at once; -1 where none does. */
static int winning_move(const SharedSearch *search) {
  uint64_t after[GAME_STATE_MAX / sizeof(uint64_t)];
  float value;
  for (int i = 0; i < edge_count(search, 0); i++) {
    Edge edge = edge_of(search, 0, i);
    if (edge_lower(&edge) < 1) continue;
    memcpy(after, search->root_state, search->game->state_size);
    search->game->play(after, edge.move);
    if (search->game->over(after, &value)) return edge.move;
  }
  return -1;
}

int shared_search_move(const SharedSearch *search) {
  int winning = winning_move(search);
  return winning >= 0 ? winning : best_edge(search, 0).move;
}

int shared_search_pv(const SharedSearch *search, int *moves, int max) {
  uint32_t node = 0;
  int length = 0;
  if (max > 0 && winning_move(search) >= 0) return moves[0] = winning_move(search), 1;
  while (length < max && node < CLAIMED) {
    Edge best = best_edge(search, node);
    if (!best.visits && length > 0) break;
    moves[length++] = best.move;
    node = best.child;
  }
  return length;
}

size_t shared_search_bytes(const SharedSearch *search) {
  size_t slots = atomic_load(&search->slot_count);
  for (int i = 0; i < search->threads; i++) slots -= search->reserves[i].end - search->reserves[i].next;
  return slots * sizeof(Slot);
}
