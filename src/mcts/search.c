#include "mcts/search.h"

#include "base/memory.h"
#include "mcts/forced.h"
#include "mcts/gumbel.h"
#include "mcts/puct.h"
#include "mcts/search_internal.h"
#include "mcts/select.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

SearchConfig search_config_defaults(void) {
  return (SearchConfig){.kind = SEARCH_PUCT,
                        .c_init = 1.25,
                        .c_base = 19652,
                        .solve = 0,
                        .probe_nodes = 0,
                        .fpu_reduction = 0.2,
                        .dirichlet_alpha = 0,
                        .dirichlet_share = 0,
                        .gumbel_considered = 16,
                        .gumbel_visit = 50,
                        .gumbel_scale = 1,
                        .gumbel_noise = 0};
}

SearchConfig search_config_plain(void) {
  SearchConfig config = search_config_defaults();
  config.c_init = 3;
  config.fpu_reduction = 0;
  return config;
}

Search *search_new(const Game *game, const SearchConfig *config) {
  Search *search = memory_new(1, sizeof *search);
  size_t moves = (size_t)game->moves;
  search->game = game;
  search->config = *config;
  search->path = memory_new((size_t)game->max_plies + 1, sizeof *search->path);
  search->root_logits = memory_new(moves, sizeof(float));
  search->root_priors = memory_new(moves, sizeof(float));
  search->root_gumbel = memory_new(moves, sizeof(float));
  for (int i = 0; i < 4; i++) search->scratch[i] = memory_new(moves, sizeof(float));
  search->visits = memory_new(moves, sizeof *search->visits);
  if (config->solve && config->probe_nodes > 0) search->probe = probe_new(game, config->probe_nodes);
  return search;
}

void search_free(Search *search) {
  if (!search) return;
  tree_free(&search->tree);
  tree_free(&search->spare);
  free(search->path);
  free(search->root_logits);
  free(search->root_priors);
  free(search->root_gumbel);
  for (int i = 0; i < 4; i++) free(search->scratch[i]);
  free(search->visits);
  probe_free(search->probe);
  free(search);
}

void search_noise(Search *search, bool on) {
  search->quiet = !on;
}

static bool has_dirichlet_noise(const Search *search) {
  return search->config.dirichlet_share > 0 && !search->quiet;
}

bool search_forces_playouts(const Search *search) {
  return search->config.kind == SEARCH_PUCT && search->config.forced_playouts > 0 &&
         has_dirichlet_noise(search);
}

/* Noise and priors of the root, once its node is there. */
static void prepare_root(Search *search) {
  const Node *root = &search->tree.nodes[0];
  const SearchConfig *config = &search->config;
  int n = root->edge_count;
  const Edge *edges = search_edges(search, root);
  Bounds bounds = search_bounds(search, root);
  search->root_open = 0;
  for (int i = 0; i < n; i++) {
    search->root_priors[i] = expf(search->root_logits[i]);
    search->root_open += !edge_dominated(&edges[i], bounds);
  }
  if (config->kind == SEARCH_GUMBEL) {
    for (int i = 0; i < n; i++)
      search->root_gumbel[i] = config->gumbel_noise > 0 && !search->quiet
                                   ? (float)(config->gumbel_noise * rng_gumbel(&search->rng))
                                   : 0;
    for (int i = 0; i < n; i++)
      if (edge_dominated(&edges[i], bounds)) search->root_gumbel[i] = -INFINITY;
  } else if (has_dirichlet_noise(search)) {
    /* In inverse proportion to the number of moves (Silver et al., "AlphaZero", 2018). */
    double alpha = config->dirichlet_alpha > 0 ? config->dirichlet_alpha : 10.0 / n;
    float share = (float)config->dirichlet_share;
    rng_dirichlet(&search->rng, alpha, n, search->scratch[0]);
    for (int i = 0; i < n; i++)
      search->root_priors[i] = (1 - share) * search->root_priors[i] + share * search->scratch[0][i];
  }
}

void search_start(Search *search, const void *state, int visits, Rng rng) {
  assert(visits >= 0 && !search->pending);
  bool goes_on = search->advanced && memcmp(search->root_state, state, search->game->state_size) == 0;
  bool kept = search->kept && search->tree.node_count > 0 &&
              memcmp(search->root_state, state, search->game->state_size) == 0;
  /* Visits that were not forced must not be pruned as if they had been. */
  kept = kept && !search_forces_playouts(search);
  search->kept = search->advanced = false;
  memcpy(search->root_state, state, search->game->state_size);
  search->rng = rng;
  search->budget = visits;
  search->simulations = 0;
  /* Most leaves of one search of a game are leaves of the next. */
  if (search->probe && !goes_on) probe_clear(search->probe);
  if (!kept) {
    tree_clear(&search->tree);
    return;
  }
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = search_edges(search, root);
  for (int i = 0; i < root->edge_count; i++) search->root_logits[i] = logf(edge_prior(&edges[i]));
  search->budget -= (int)root->visits - 1; /* the visits its children already have */
  prepare_root(search);
}

void search_complete(Search *search, const Node *node, const float *priors) {
  const Edge *edges = search_edges(search, node);
  for (int i = 0; i < node->edge_count; i++) {
    search->scratch[1][i] = edge_q(&edges[i]);
    search->visits[i] = edges[i].visits;
  }
  gumbel_sigma_completed(&search->config, node->edge_count, priors, search->scratch[1], search->visits,
                         node->value, search->scratch[2]);
}

int search_best_gumbel(Search *search, uint32_t visits) {
  const Node *root = &search->tree.nodes[0];
  float best_score = 0;
  int best = -1;
  search_complete(search, root, search->root_priors);
  for (int i = 0; i < root->edge_count; i++) {
    float score = search->root_gumbel[i] + search->root_logits[i] + search->scratch[2][i];
    if (search->visits[i] == visits && (best < 0 || score > best_score)) best_score = score, best = i;
  }
  return best;
}

static int select_gumbel_root(Search *search) {
  int considered = search->config.gumbel_considered;
  if (considered > search->root_open) considered = search->root_open;
  int chosen = search_best_gumbel(
      search, (uint32_t)gumbel_considered_visits(considered, search->budget, search->simulations));
  assert(chosen >= 0);
  return chosen;
}

static int select_edge(Search *search, const Node *node, bool at_root) {
  const SearchConfig *config = &search->config;
  Siblings siblings = {search_edges(search, node), node->edge_count, NULL, config->solve};
  if (config->kind == SEARCH_GUMBEL)
    return at_root ? select_gumbel_root(search) : select_gumbel(&siblings, config, node->value, node->visits);
  bool noisy = at_root && has_dirichlet_noise(search);
  if (at_root) siblings.priors = search->root_priors;
  if (at_root && search_forces_playouts(search)) {
    int forced = forced_edge(siblings.edges, siblings.count, search->root_priors, search_bounds(search, node),
                             config->forced_playouts);
    if (forced >= 0) return forced;
  }
  return select_puct(&siblings, puct_factor(config, (float)node->visits),
                     node->value_sum / (float)node->visits, noisy ? 0 : (float)config->fpu_reduction);
}

/* Adds a value, seen from the player to move at the end of the path, to every edge and node on it but the
 * last node. `news` says that the last edge's bounds have just moved: they are carried up as far as they
 * change anything, and a proven edge hands up its exact value instead of an estimate. */
static void backup(Search *search, float value, float draw, bool news) {
  news = news && search->config.solve;
  for (int i = search->path_length - 1; i >= 0; i--) {
    Edge *edge = &search->tree.edges[search->path[i]];
    value = -value;
    if (search->config.solve && edge_proven(edge)) {
      value = (float)edge_lower(edge);
      draw = value == 0;
    }
    edge->value_sum += value;
    edge->visits++;
    Edge *above = i > 0 ? &search->tree.edges[search->path[i - 1]] : NULL;
    Node *node = &search->tree.nodes[above ? above->child : 0];
    node->value_sum += value;
    node->draw_sum += draw;
    node->visits++;
    if (!news || !above) continue;
    Bounds bounds = edges_bounds(search_edges(search, node), node->edge_count);
    news = bounds.lower != -edge_upper(above) || bounds.upper != -edge_lower(above);
    if (news) edge_prove(above, -bounds.upper, -bounds.lower);
  }
  search->simulations++;
}

/* One descent. True where it ends at a leaf that wants an evaluation; known ends are backed up here. */
static bool descend(Search *search) {
  const Game *game = search->game;
  uint32_t index = 0;
  memcpy(search->leaf_state, search->root_state, game->state_size);
  search->path_length = 0;
  for (;;) {
    const Node *node = &search->tree.nodes[index];
    uint32_t e = node->first_edge + (uint32_t)select_edge(search, node, index == 0);
    Edge *edge = &search->tree.edges[e];
    int value;
    search->path[search->path_length++] = e;
    if (edge_proven(edge)) {
      backup(search, (float)-edge_lower(edge), edge_lower(edge) == 0, false);
      return false;
    }
    game->play(search->leaf_state, edge->move);
    if (edge->child != NO_NODE) {
      index = edge->child;
      continue;
    }
    if (!know_leaf(game, search->leaf_state, search->config.solve, search->probe, &search->leaf, &value))
      return true;
    edge_prove(edge, -value, -value);
    backup(search, (float)value, value == 0, true);
    return false;
  }
}

const void *search_select(Search *search) {
  assert(!search->pending);
  if (search->tree.node_count == 0) {
    memcpy(search->leaf_state, search->root_state, search->game->state_size);
    search->path_length = 0;
    search->pending = true;
    int value;
    look_ahead(search->game, search->leaf_state, search->config.solve, &search->leaf,
               &value); /* even a proven root is evaluated, for its priors */
    return search->leaf_state;
  }
  while (search->simulations < search->budget && !search_proven(search, NULL)) {
    if (!descend(search)) continue;
    search->pending = true;
    return search->leaf_state;
  }
  return NULL;
}

/* Writes what look_ahead() knew of the leaf's moves into its new edges; true where that moved any bound. */
static bool prove_moves(Search *search, const Node *node) {
  Edge *edges = search_edges(search, node);
  bool news = false;
  for (int i = 0; i < search->leaf.count; i++) {
    int value = search->leaf.known[i];
    if (value == MOVE_OPEN) continue;
    edge_prove(&edges[i], value, value);
    news = true;
  }
  return news;
}

void search_update(Search *search, const float *logits, const float *wdl) {
  const int *moves = search->leaf.moves;
  int count = search->leaf.count;
  assert(search->pending && count > 0);
  search->pending = false;
  uint32_t node = tree_add_node(&search->tree, moves, count, logits, wdl);
  bool news = prove_moves(search, &search->tree.nodes[node]);
  if (search->path_length > 0) {
    Edge *edge = &search->tree.edges[search->path[search->path_length - 1]];
    edge->child = node;
    if (news && search->config.solve) {
      Bounds bounds = edges_bounds(search_edges(search, &search->tree.nodes[node]), count);
      edge_prove(edge, -bounds.upper, -bounds.lower);
    }
    backup(search, wdl[0] - wdl[2], wdl[1], news);
    return;
  }
  float highest = -INFINITY, sum = 0;
  for (int i = 0; i < count; i++) highest = fmaxf(highest, logits[moves[i]]);
  for (int i = 0; i < count; i++) sum += expf(logits[moves[i]] - highest);
  const float least = logf(TREE_PRIOR_MIN);
  for (int i = 0; i < count; i++)
    search->root_logits[i] = fmaxf(logits[moves[i]] - highest - logf(sum), least);
  prepare_root(search);
}

void search_advance(Search *search, const void *state, int move) {
  uint32_t child = NO_NODE;
  bool known = memcmp(search->root_state, state, search->game->state_size) == 0;
  memcpy(search->root_state, state, search->game->state_size);
  if (known && search->tree.node_count > 0) {
    const Node *root = &search->tree.nodes[0];
    const Edge *edges = search_edges(search, root);
    for (int i = 0; i < root->edge_count; i++)
      if (edges[i].move == move) child = edges[i].child;
  }
  search->game->play(search->root_state, move);
  /* What was probed in another game is not to tell on this one. */
  if (!known && search->probe) probe_clear(search->probe);
  bool keep =
      search->config.kind == SEARCH_PUCT && child != NO_NODE && search->tree.nodes[child].edge_count > 0;
  tree_clear(&search->spare);
  if (keep) tree_copy(&search->spare, &search->tree, child);
  Tree swap = search->tree;
  search->tree = search->spare;
  search->spare = swap;
  search->kept = keep;
  search->advanced = true;
}

size_t search_nodes(const Search *search) {
  return search->tree.node_count;
}

size_t search_bytes(const Search *search) {
  return search->tree.node_count * sizeof(Node) + search->tree.edge_count * sizeof(Edge);
}

int search_simulations(const Search *search) {
  return search->simulations;
}

void search_run(Search *search, const void *state, int visits, Rng rng, Evaluator *evaluator) {
  float *logits = memory_new((size_t)search->game->moves, sizeof *logits), wdl[3];
  const void *leaf;
  search_start(search, state, visits, rng);
  while ((leaf = search_select(search))) {
    evaluator->evaluate(evaluator->self, leaf, 1, logits, wdl);
    search_update(search, logits, wdl);
  }
  free(logits);
}
