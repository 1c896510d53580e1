#include "mcts/forced.h"

#include "mcts/puct.h"

static double children_visits(const Edge *edges, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += edges[i].visits;
  return sum;
}

int forced_edge(const Edge *edges, int count, const float *priors, Bounds bounds, double k) {
  double total = children_visits(edges, count);
  for (int i = 0; i < count; i++) {
    double visits = edges[i].visits;
    if (visits > 0 && visits * visits < k * (double)priors[i] * total && !edge_proven(&edges[i]) &&
        !edge_dominated(&edges[i], bounds))
      return i;
  }
  return -1;
}

/* The fewest visits, at least `least`, with which the score stays below `limit`. */
static float fewest_visits(float q, float prior, float factor, float visits, float least, float limit) {
  while (visits >= least + 1 && puct_score(q, prior, factor, visits - 1) < limit) visits--;
  return visits;
}

void forced_prune(const Edge *edges, int count, const float *priors, Bounds bounds, float factor, double k,
                  float *shares) {
  double total = children_visits(edges, count);
  int best = -1;
  for (int i = 0; i < count; i++)
    if (!edge_dominated(&edges[i], bounds) && (best < 0 || edges[i].visits > edges[best].visits)) best = i;
  float limit = puct_score(edge_q(&edges[best]), priors[best], factor, (float)edges[best].visits);
  for (int i = 0; i < count; i++) {
    float visits = edge_dominated(&edges[i], bounds) ? 0 : (float)edges[i].visits;
    shares[i] = visits;
    if (i == best || visits == 0 || edge_proven(&edges[i])) continue;
    float forced = sqrtf((float)(k * (double)priors[i] * total));
    shares[i] = fewest_visits(edge_q(&edges[i]), priors[i], factor, visits, fmaxf(0, visits - forced), limit);
    if (shares[i] <= 1) shares[i] = 0;
  }
}
