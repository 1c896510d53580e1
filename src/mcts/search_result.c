/* Reading a search's outcome: value, policy, move, principal variation. */
#include "mcts/forced.h"
#include "mcts/gumbel.h"
#include "mcts/puct.h"
#include "mcts/search_internal.h"

#include <string.h>

int search_children(const Search *search, SearchChild *children) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  for (int i = 0; i < root->edge_count; i++)
    children[i] = (SearchChild){.move = edges[i].move,
                                .visits = (int)edges[i].visits,
                                .prior = expf(search->root_logits[i]),
                                .value = edge_q(&edges[i]),
                                .lower = edge_lower(&edges[i]),
                                .upper = edge_upper(&edges[i])};
  return root->edge_count;
}

bool search_proven(const Search *search, int *value) {
  if (!search->config.solve || search->tree.node_count == 0) return false;
  Bounds bounds = search_bounds(search, &search->tree.nodes[0]);
  if (value) *value = bounds.lower;
  return bounds.lower == bounds.upper;
}

/* The improved policy over the root's edges. The scratch it writes is no part of the search's result. */
static void improved_policy(const Search *search, float *policy) {
  Search *scratch = (Search *)search;
  const Node *root = &search->tree.nodes[0];
  search_complete(scratch, root, search->root_priors);
  gumbel_improved_policy(root->edge_count, search->root_logits, search->scratch[2], policy);
}

/* Sequential halving and forced playouts visit bad moves by design, so the mean over visits is no estimate of
 * the root: each move whose value is known counts by its share of the policy target instead, before
 * search_policy() takes out the moves that cannot be best. */
static void target_root_wdl(const Search *search, double *value, double *draw) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  double mass = 0, values = 0, draws = 0;
  if (search->config.kind == SEARCH_GUMBEL)
    improved_policy(search, search->scratch[3]);
  else
    forced_prune(edges, root->edge_count, search->root_priors, search_bounds(search, root),
                 puct_factor(&search->config, (float)root->visits), search->config.forced_playouts,
                 search->scratch[3]);
  for (int i = 0; i < root->edge_count; i++) {
    double q = edge_q(&edges[i]), share = search->scratch[3][i];
    if (isnan(q)) continue;
    mass += share;
    values += share * q;
    if (edges[i].child == NO_NODE || edge_proven(&edges[i])) {
      draws += share * (q == 0);
    } else {
      const Node *child = &search->tree.nodes[edges[i].child];
      draws += share * child->draw_sum / child->visits;
    }
  }
  if (mass <= 0) return;
  *value = values / mass;
  *draw = draws / mass;
}

void search_root_wdl(const Search *search, float wdl[3]) {
  const Node *root = &search->tree.nodes[0];
  double value = root->value_sum / (double)root->visits, draw = root->draw_sum / (double)root->visits;
  int proven;
  if (search_proven(search, &proven))
    value = proven, draw = proven == 0;
  else if ((search->config.kind == SEARCH_GUMBEL || search_forces_playouts(search)) && root->visits > 1)
    target_root_wdl(search, &value, &draw);
  wdl[1] = (float)draw;
  wdl[0] = (float)fmax(0, (1 - draw + value) / 2);
  wdl[2] = fmaxf(0, 1 - wdl[0] - wdl[1]);
}

void search_policy(const Search *search, float *policy) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  Bounds bounds = search_bounds(search, root);
  float *shares = search->scratch[3], total = 0;
  bool visited = false;
  for (int i = 0; i < root->edge_count; i++)
    visited = visited || (edges[i].visits && !edge_dominated(&edges[i], bounds));
  if (search->config.kind == SEARCH_GUMBEL) improved_policy(search, shares);
  bool forced = search_forces_playouts(search);
  if (forced && visited)
    forced_prune(edges, root->edge_count, search->root_priors, bounds,
                 puct_factor(&search->config, (float)root->visits), search->config.forced_playouts, shares);
  for (int i = 0; i < root->edge_count; i++) {
    if (search->config.kind == SEARCH_PUCT && !(forced && visited))
      shares[i] = visited ? (float)edges[i].visits : expf(search->root_logits[i]);
    if (edge_dominated(&edges[i], bounds)) shares[i] = 0;
    total += shares[i];
  }
  memset(policy, 0, (size_t)search->game->moves * sizeof *policy);
  for (int i = 0; i < root->edge_count; i++) policy[edges[i].move] = shares[i] / total;
}

/* The root edge that wins at once; -1 where none does. */
static int winning_edge(const Search *search) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  uint64_t after[GAME_STATE_MAX / sizeof(uint64_t)];
  float value;
  for (int i = 0; i < root->edge_count; i++) {
    if (edge_lower(&edges[i]) < 1) continue;
    memcpy(after, search->root_state, search->game->state_size);
    search->game->play(after, edges[i].move);
    if (search->game->over(after, &value)) return i;
  }
  return -1;
}

/* Most visited among the root's moves that are not dominated; of several, the best by the root policy's own
 * score. A win at once goes before any other. */
static int best_edge(Search *search) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  Bounds bounds = search_bounds(search, root);
  bool gumbel = search->config.kind == SEARCH_GUMBEL;
  int best = bounds.lower == 1 ? winning_edge(search) : -1;
  float best_score = 0;
  if (best >= 0) return best;
  if (gumbel) search_complete(search, root, search->root_priors);
  for (int i = 0; i < root->edge_count; i++) {
    if (edge_dominated(&edges[i], bounds)) continue;
    float score = search->root_logits[i];
    if (gumbel) score += search->root_gumbel[i] + search->scratch[2][i];
    bool better = best < 0 || edges[i].visits > edges[best].visits ||
                  (edges[i].visits == edges[best].visits && score > best_score);
    if (better) best = i, best_score = score;
  }
  return best;
}

int search_move(Search *search, double temperature) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  if (temperature <= 0) return edges[best_edge(search)].move;
  float policy[GAME_MOVES_MAX], *weights = search->scratch[3], most = 0;
  search_policy(search, policy);
  for (int i = 0; i < root->edge_count; i++) most = fmaxf(most, policy[edges[i].move]);
  for (int i = 0; i < root->edge_count; i++)
    weights[i] = powf(policy[edges[i].move] / most, (float)(1 / temperature));
  return edges[rng_choose(&search->rng, weights, root->edge_count)].move;
}

int search_pv(const Search *search, int *moves, int max) {
  int length = 0;
  for (uint32_t index = 0; length < max && search->tree.node_count > 0;) {
    const Node *node = &search->tree.nodes[index];
    const Edge *edges = search_edges(search, node), *best = NULL;
    Bounds bounds = search_bounds(search, node);
    for (int i = 0; i < node->edge_count; i++)
      if (isfinite(edge_q(&edges[i])) && !edge_dominated(&edges[i], bounds) &&
          (!best || edges[i].visits > best->visits))
        best = &edges[i];
    if (!best) break;
    moves[length++] = best->move;
    if (best->child == NO_NODE) break;
    index = best->child;
  }
  return length;
}
