#include "mcts/gumbel.h"

#include <math.h>

void gumbel_sigma_completed(const SearchConfig *config, int n, const float *priors, const float *q,
                            const uint32_t *visits, float value, float *out) {
  float visited_mass = 0, weighted = 0;
  uint32_t total = 0, most = 0;
  for (int i = 0; i < n; i++) {
    if (!visits[i]) continue;
    visited_mass += priors[i];
    weighted += priors[i] * q[i];
    total += visits[i];
    if (visits[i] > most) most = visits[i];
  }
  float mixed = gumbel_mixed_value(value, (float)total, visited_mass, weighted);
  float scale = gumbel_sigma_scale(config, (float)most);
  for (int i = 0; i < n; i++) {
    float completed = isnan(q[i]) ? mixed : q[i];
    out[i] = scale * (completed + 1) / 2;
  }
}

void gumbel_improved_policy(int n, const float *logits, const float *sigma, float *policy) {
  float highest = -INFINITY, sum = 0;
  for (int i = 0; i < n; i++) highest = fmaxf(highest, logits[i] + sigma[i]);
  for (int i = 0; i < n; i++) sum += policy[i] = expf(logits[i] + sigma[i] - highest);
  for (int i = 0; i < n; i++) policy[i] /= sum;
}

int gumbel_considered_visits(int considered, int total, int index) {
  if (considered <= 1) return index;
  int phases = 0, visits = 0;
  while (1 << phases < considered) phases++;
  for (int start = 0;;) {
    int extra = total / (phases * considered);
    if (extra < 1) extra = 1;
    if (index < start + extra * considered) return visits + (index - start) / considered;
    start += extra * considered;
    visits += extra;
    considered = considered / 2 > 2 ? considered / 2 : 2;
  }
}
