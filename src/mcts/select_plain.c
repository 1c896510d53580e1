/* Selection edge by edge, as the papers write it: what select.c is held to. */
#include "mcts/gumbel.h"
#include "mcts/proof.h"
#include "mcts/puct.h"
#include "mcts/select.h"

/* The best by score of the edges that proofs leave open. */
static int best_open(const Siblings *siblings, const float *scores) {
  Bounds bounds = siblings->solve ? edges_bounds(siblings->edges, siblings->count) : (Bounds){-1, 1};
  float best_score = -INFINITY;
  int best = 0;
  for (int i = 0; i < siblings->count; i++) {
    if (siblings->solve && edge_dominated(&siblings->edges[i], bounds)) continue;
    if (scores[i] > best_score) best_score = scores[i], best = i;
  }
  return best;
}

static float prior_of(const Siblings *siblings, int i) {
  return siblings->priors ? siblings->priors[i] : edge_prior(&siblings->edges[i]);
}

int select_plain_puct(const Siblings *siblings, float factor, float value, float fpu_reduction) {
  const Edge *edges = siblings->edges;
  float scores[GAME_MOVES_MAX], mass = 0;
  for (int i = 0; i < siblings->count; i++)
    if (edges[i].visits) mass += prior_of(siblings, i);
  float first_play = puct_first_play(value, fpu_reduction, mass);
  for (int i = 0; i < siblings->count; i++) {
    float q = edge_q(&edges[i]);
    scores[i] = puct_score(isnan(q) ? first_play : q, prior_of(siblings, i), factor, (float)edges[i].visits);
  }
  return best_open(siblings, scores);
}

int select_plain_gumbel(const Siblings *siblings, const SearchConfig *config, float value, uint32_t visits) {
  const Edge *edges = siblings->edges;
  int n = siblings->count;
  float priors[GAME_MOVES_MAX] = {0}, logits[GAME_MOVES_MAX], q[GAME_MOVES_MAX] = {0};
  float sigma[GAME_MOVES_MAX], scores[GAME_MOVES_MAX];
  uint32_t edge_visits[GAME_MOVES_MAX] = {0};
  for (int i = 0; i < n; i++) {
    priors[i] = prior_of(siblings, i);
    logits[i] = logf(priors[i]);
    q[i] = edge_q(&edges[i]);
    edge_visits[i] = edges[i].visits;
  }
  gumbel_sigma_completed(config, n, priors, q, edge_visits, value, sigma);
  gumbel_improved_policy(n, logits, sigma, scores);
  for (int i = 0; i < n; i++) scores[i] -= (float)edges[i].visits / (float)visits;
  return best_open(siblings, scores);
}
