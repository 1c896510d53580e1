#include "mcts/search.h"

#include "base/memory.h"
#include "mcts/gumbel.h"
#include "mcts/puct.h"
#include "mcts/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct Search {
  const Game *game;
  SearchConfig config;
  Tree tree, spare; /* node 0 is the root; `spare` receives the subtree kept by search_advance() */
  Rng rng;
  int budget, simulations;
  bool pending; /* a leaf was handed out and wants search_update() */
  bool kept;    /* the tree is what search_advance() kept */

  uint64_t root_state[GAME_STATE_MAX / sizeof(uint64_t)];
  uint64_t leaf_state[GAME_STATE_MAX / sizeof(uint64_t)];
  uint32_t *path; /* edges from the root to the leaf, [max_plies + 1] */
  int path_length;

  /* One entry per legal move at the root, or scratch of that length. */
  float *root_logits; /* log priors, in full precision */
  float *root_priors; /* with Dirichlet noise, for PUCT */
  float *root_gumbel; /* noise times its factor */
  float *scratch[4];
  uint32_t *visits;
};

SearchConfig search_config_defaults(void) {
  return (SearchConfig){.kind = SEARCH_PUCT,
                        .c_init = 1.25,
                        .c_base = 19652,
                        .fpu_reduction = 0.2,
                        .dirichlet_alpha = 0,
                        .dirichlet_share = 0,
                        .gumbel_considered = 16,
                        .gumbel_visit = 50,
                        .gumbel_scale = 1,
                        .gumbel_noise = 0};
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
  free(search);
}

static inline Edge *node_edges(const Search *search, const Node *node) {
  return search->tree.edges + node->first_edge;
}

/* Noise and priors of the root, once its node is there. */
static void prepare_root(Search *search) {
  const Node *root = &search->tree.nodes[0];
  const SearchConfig *config = &search->config;
  int n = root->edge_count;
  for (int i = 0; i < n; i++) search->root_priors[i] = expf(search->root_logits[i]);
  if (config->kind == SEARCH_GUMBEL) {
    for (int i = 0; i < n; i++)
      search->root_gumbel[i] =
          config->gumbel_noise > 0 ? (float)(config->gumbel_noise * rng_gumbel(&search->rng)) : 0;
  } else if (config->dirichlet_share > 0) {
    double alpha = config->dirichlet_alpha > 0 ? config->dirichlet_alpha : 10.0 / n;
    float share = (float)config->dirichlet_share;
    rng_dirichlet(&search->rng, alpha, n, search->scratch[0]);
    for (int i = 0; i < n; i++)
      search->root_priors[i] = (1 - share) * search->root_priors[i] + share * search->scratch[0][i];
  }
}

void search_start(Search *search, const void *state, int visits, Rng rng) {
  assert(visits > 0 && !search->pending);
  bool kept = search->kept && search->tree.node_count > 0 &&
              memcmp(search->root_state, state, search->game->state_size) == 0;
  search->kept = false;
  memcpy(search->root_state, state, search->game->state_size);
  search->rng = rng;
  search->budget = visits;
  search->simulations = 0;
  if (!kept) {
    tree_clear(&search->tree);
    return;
  }
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = node_edges(search, root);
  for (int i = 0; i < root->edge_count; i++) search->root_logits[i] = edge_logit(&edges[i]);
  search->budget -= (int)root->visits - 1; /* the visits its children already have */
  prepare_root(search);
}

static int select_puct(const Search *search, const Node *node, const float *priors, bool first_play_even) {
  const Edge *edges = node_edges(search, node);
  float factor = puct_factor(&search->config, (float)node->visits), mass = 0;
  for (int i = 0; i < node->edge_count; i++)
    if (edges[i].visits) mass += priors[i];
  float value = node->value_sum / (float)node->visits;
  float first_play = first_play_even ? value : puct_first_play(&search->config, value, mass),
        best_score = -INFINITY;
  int best = 0;
  for (int i = 0; i < node->edge_count; i++) {
    float n = (float)edges[i].visits;
    float score = puct_score(n > 0 ? edges[i].value_sum / n : first_play, priors[i], factor, n);
    if (score > best_score) best_score = score, best = i;
  }
  return best;
}

/* Copies the edges' statistics into arrays and computes sigma(completed Q) into scratch[2]. */
static void complete_node(Search *search, const Node *node, const float *logits) {
  const Edge *edges = node_edges(search, node);
  for (int i = 0; i < node->edge_count; i++) {
    search->scratch[1][i] = edges[i].value_sum;
    search->visits[i] = edges[i].visits;
  }
  gumbel_sigma_completed(&search->config, node->edge_count, logits, search->scratch[1], search->visits,
                         node->value, search->scratch[2]);
}

/* Below the root: the move whose visits lag furthest behind the improved policy (Eq. 14). */
static int select_gumbel_inside(Search *search, const Node *node) {
  const Edge *edges = node_edges(search, node);
  float *logits = search->scratch[0], *policy = search->scratch[3], best_score = -INFINITY;
  for (int i = 0; i < node->edge_count; i++) logits[i] = edge_logit(&edges[i]);
  complete_node(search, node, logits);
  gumbel_improved_policy(node->edge_count, logits, search->scratch[2], policy);
  int best = 0;
  for (int i = 0; i < node->edge_count; i++) {
    float score =
        policy[i] - (float)edges[i].visits / (float)node->visits; /* visits = 1 + sum of the edges' */
    if (score > best_score) best_score = score, best = i;
  }
  return best;
}

/* Best by gumbel + logit + sigma(Q) among the root moves with exactly `visits` visits; -1 where there is
 * none. */
static int best_gumbel_root(Search *search, uint32_t visits) {
  const Node *root = &search->tree.nodes[0];
  float best_score = -INFINITY;
  int best = -1;
  complete_node(search, root, search->root_logits);
  for (int i = 0; i < root->edge_count; i++) {
    float score = search->root_gumbel[i] + search->root_logits[i] + search->scratch[2][i];
    if (search->visits[i] == visits && score > best_score) best_score = score, best = i;
  }
  return best;
}

static int select_gumbel_root(Search *search) {
  int n = search->tree.nodes[0].edge_count, considered = search->config.gumbel_considered;
  if (considered > n) considered = n;
  int chosen = best_gumbel_root(
      search, (uint32_t)gumbel_considered_visits(considered, search->budget, search->simulations));
  assert(chosen >= 0);
  return chosen;
}

static int select_edge(Search *search, const Node *node, bool at_root) {
  if (search->config.kind == SEARCH_GUMBEL)
    return at_root ? select_gumbel_root(search) : select_gumbel_inside(search, node);
  if (at_root) return select_puct(search, node, search->root_priors, search->config.dirichlet_share > 0);
  const Edge *edges = node_edges(search, node);
  float *priors = search->scratch[0];
  for (int i = 0; i < node->edge_count; i++) priors[i] = expf(edge_logit(&edges[i]));
  return select_puct(search, node, priors, false);
}

/* Adds a value, seen from the player to move at the end of the path, to every edge and node on it but the
 * last node. */
static void backup(Search *search, float value, float draw) {
  for (int i = search->path_length - 1; i >= 0; i--) {
    Edge *edge = &search->tree.edges[search->path[i]];
    value = -value;
    edge->value_sum += value;
    edge->visits++;
    uint32_t parent = i > 0 ? search->tree.edges[search->path[i - 1]].child : 0;
    Node *node = &search->tree.nodes[parent];
    node->value_sum += value;
    node->draw_sum += draw;
    node->visits++;
  }
  search->simulations++;
}

/* One descent. True where it ends at a leaf that wants an evaluation; finished games are backed up here. */
static bool descend(Search *search) {
  const Game *game = search->game;
  uint32_t index = 0;
  float value;
  memcpy(search->leaf_state, search->root_state, game->state_size);
  search->path_length = 0;
  for (;;) {
    const Node *node = &search->tree.nodes[index];
    uint32_t e = node->first_edge + (uint32_t)select_edge(search, node, index == 0);
    Edge *edge = &search->tree.edges[e];
    search->path[search->path_length++] = e;
    game->play(search->leaf_state, edge->move);
    if (edge->child == NO_NODE) {
      if (!game->over(search->leaf_state, &value)) return true;
      uint32_t terminal = tree_add_terminal(&search->tree, value);
      search->tree.edges[e].child = terminal;
      backup(search, value, value == 0);
      return false;
    }
    index = edge->child;
    if (search->tree.nodes[index].edge_count == 0) {
      value = search->tree.nodes[index].value;
      backup(search, value, value == 0);
      return false;
    }
  }
}

const void *search_select(Search *search) {
  assert(!search->pending);
  if (search->tree.node_count == 0) {
    memcpy(search->leaf_state, search->root_state, search->game->state_size);
    search->path_length = 0;
    search->pending = true;
    return search->leaf_state;
  }
  while (search->simulations < search->budget) {
    if (!descend(search)) continue;
    search->pending = true;
    return search->leaf_state;
  }
  return NULL;
}

void search_update(Search *search, const float *logits, const float *wdl) {
  int moves[GAME_MOVES_MAX];
  assert(search->pending);
  search->pending = false;
  int count = search->game->legal(search->leaf_state, moves);
  assert(count > 0);
  uint32_t node = tree_add_node(&search->tree, moves, count, logits, wdl);
  if (search->path_length > 0) {
    search->tree.edges[search->path[search->path_length - 1]].child = node;
    backup(search, wdl[0] - wdl[2], wdl[1]);
    return;
  }
  float highest = -INFINITY, sum = 0;
  for (int i = 0; i < count; i++) highest = fmaxf(highest, logits[moves[i]]);
  for (int i = 0; i < count; i++) sum += expf(logits[moves[i]] - highest);
  for (int i = 0; i < count; i++) search->root_logits[i] = logits[moves[i]] - highest - logf(sum);
  prepare_root(search);
}

int search_children(const Search *search, SearchChild *children) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = node_edges(search, root);
  float value = root->value_sum / (float)root->visits;
  for (int i = 0; i < root->edge_count; i++)
    children[i] =
        (SearchChild){.move = edges[i].move,
                      .visits = (int)edges[i].visits,
                      .prior = expf(search->root_logits[i]),
                      .value = edges[i].visits ? edges[i].value_sum / (float)edges[i].visits : value};
  return root->edge_count;
}

/* The improved policy over the root's edges. The scratch it writes is no part of the search's result. */
static void improved_policy(const Search *search, float *policy) {
  Search *scratch = (Search *)search;
  const Node *root = &search->tree.nodes[0];
  complete_node(scratch, root, search->root_logits);
  gumbel_improved_policy(root->edge_count, search->root_logits, search->scratch[2], policy);
}

/* Sequential halving visits bad moves by design, so the mean over visits is no estimate of the root: each
 * visited move counts by its share of the improved policy instead. */
static void gumbel_root_wdl(const Search *search, double *value, double *draw) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = node_edges(search, root);
  double mass = 0;
  improved_policy(search, search->scratch[3]);
  *value = *draw = 0;
  for (int i = 0; i < root->edge_count; i++) {
    if (!edges[i].visits) continue;
    const Node *child = &search->tree.nodes[edges[i].child];
    double share = search->scratch[3][i];
    mass += share;
    *value += share * edges[i].value_sum / edges[i].visits;
    *draw += share * (child->edge_count ? child->draw_sum / (double)child->visits : child->value == 0);
  }
  *value /= mass;
  *draw /= mass;
}

void search_root_wdl(const Search *search, float wdl[3]) {
  const Node *root = &search->tree.nodes[0];
  double value = root->value_sum / (double)root->visits, draw = root->draw_sum / (double)root->visits;
  if (search->config.kind == SEARCH_GUMBEL && root->visits > 1) gumbel_root_wdl(search, &value, &draw);
  wdl[1] = (float)draw;
  wdl[0] = (float)fmax(0, (1 - draw + value) / 2);
  wdl[2] = fmaxf(0, 1 - wdl[0] - wdl[1]);
}

void search_policy(const Search *search, float *policy) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = node_edges(search, root);
  float *shares = search->scratch[3], total = 0;
  if (search->config.kind == SEARCH_GUMBEL) {
    improved_policy(search, shares);
  } else {
    for (int i = 0; i < root->edge_count; i++) total += (float)edges[i].visits;
    for (int i = 0; i < root->edge_count; i++)
      shares[i] = total > 0 ? (float)edges[i].visits / total : expf(search->root_logits[i]);
  }
  memset(policy, 0, (size_t)search->game->moves * sizeof *policy);
  for (int i = 0; i < root->edge_count; i++) policy[edges[i].move] = shares[i];
}

int search_move(Search *search, double temperature) {
  const Node *root = &search->tree.nodes[0];
  const Edge *edges = node_edges(search, root);
  uint32_t most = 0;
  int best = 0;
  for (int i = 0; i < root->edge_count; i++)
    if (edges[i].visits > most) most = edges[i].visits, best = i;
  bool gumbel = search->config.kind == SEARCH_GUMBEL;
  if (temperature <= 0 || (!gumbel && !most)) {
    if (gumbel) best = best_gumbel_root(search, most);
    return edges[best].move;
  }
  float *weights = search->scratch[3];
  if (gumbel)
    improved_policy(search, weights);
  else
    for (int i = 0; i < root->edge_count; i++) weights[i] = (float)edges[i].visits / (float)most;
  for (int i = 0; i < root->edge_count; i++) weights[i] = powf(weights[i], (float)(1 / temperature));
  return edges[rng_choose(&search->rng, weights, root->edge_count)].move;
}

int search_pv(const Search *search, int *moves, int max) {
  int length = 0;
  for (uint32_t index = 0; length < max && search->tree.node_count > 0;) {
    const Node *node = &search->tree.nodes[index];
    const Edge *edges = node_edges(search, node), *best = NULL;
    for (int i = 0; i < node->edge_count; i++)
      if (edges[i].visits && (!best || edges[i].visits > best->visits)) best = &edges[i];
    if (!best) break;
    moves[length++] = best->move;
    if (best->child == NO_NODE) break;
    index = best->child;
  }
  return length;
}

void search_advance(Search *search, int move) {
  uint32_t child = NO_NODE;
  if (search->tree.node_count > 0) {
    const Node *root = &search->tree.nodes[0];
    const Edge *edges = node_edges(search, root);
    for (int i = 0; i < root->edge_count; i++)
      if (edges[i].move == move) child = edges[i].child;
  }
  search->game->play(search->root_state, move);
  bool keep =
      search->config.kind == SEARCH_PUCT && child != NO_NODE && search->tree.nodes[child].edge_count > 0;
  tree_clear(&search->spare);
  if (keep) tree_copy(&search->spare, &search->tree, child);
  Tree swap = search->tree;
  search->tree = search->spare;
  search->spare = swap;
  search->kept = keep;
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
