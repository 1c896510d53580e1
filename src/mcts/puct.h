/* The PUCT formula (AlphaZero, Science 2018, supplement), shared by the one-thread and the shared tree. */
#ifndef MCTS_PUCT_H
#define MCTS_PUCT_H

#include "mcts/search.h"

#include <math.h>

/* c(s) sqrt(N(s)), the factor that all siblings share. N counts the node's visits, its own evaluation
 * included. */
static inline float puct_factor(const SearchConfig *config, float visits) {
  float base = (float)config->c_base, c = (float)config->c_init + logf((1 + visits + base) / base);
  return c * sqrtf(visits);
}

/* What an unvisited child is worth: its parent's value less a reduction that grows with the prior mass
 * visited. */
static inline float puct_first_play(float parent_value, float fpu_reduction, float visited_mass) {
  return parent_value - fpu_reduction * sqrtf(visited_mass);
}

static inline float puct_score(float q, float prior, float factor, float visits) {
  return q + factor * prior / (1 + visits);
}

#endif
