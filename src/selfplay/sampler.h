/* Sampler: which positions of a replay window are drawn, and how often.
 *
 * With a surprise share s, a position is drawn in proportion to
 *
 *   (1 - s) + s KL(target || prior) / mean KL,     at most SAMPLER_MOST
 *
 * (KL from the prior without root noise) so that about a share s of all draws goes to where the search
 * changed the network's mind: policy-surprise weighting (D. Wu, "Other Methods Implemented in KataGo", 2020),
 * here over the window instead of within each game. */
#ifndef SELFPLAY_SAMPLER_H
#define SELFPLAY_SAMPLER_H

#include "selfplay/replay.h"

enum { SAMPLER_MOST = 8 };

typedef struct Sampler {
  const Replay *replay;
  double share;
  double per_surprise; /* s / mean KL, in the unit of ExampleFacts; 0 where nothing surprises */
} Sampler;

/* The replay outlives it and stays as it is. */
Sampler sampler_make(const Replay *replay, double share);
/* A position of a window that is not empty: its block, and its place in that block. May be called by several
 * threads, each with its own Rng; with share 0 one draw takes one number. */
const ReplayBlock *sampler_draw(const Sampler *sampler, Rng *rng, int *place);
/* How often a position is drawn, relative to a mean one. */
double sampler_weight(const Sampler *sampler, const ExampleFacts *facts);

#endif
