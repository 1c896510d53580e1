#include "selfplay/sampler.h"

#include <math.h>

Sampler sampler_make(const Replay *replay, double share) {
  Sampler sampler = {.replay = replay, .share = share};
  double mean = replay_mean_surprise(replay);
  if (mean > 0) sampler.per_surprise = share / mean;
  return sampler;
}

double sampler_weight(const Sampler *sampler, const ExampleFacts *facts) {
  if (sampler->per_surprise == 0) return 1;
  return fmin(SAMPLER_MOST, 1 - sampler->share + sampler->per_surprise * facts->surprise);
}

const ReplayBlock *sampler_draw(const Sampler *sampler, Rng *rng, int *place) {
  for (;;) {
    uint32_t index = rng_below(rng, (uint32_t)replay_count(sampler->replay));
    const ReplayBlock *block = replay_at(sampler->replay, (int)index, place);
    if (sampler->per_surprise == 0) return block;
    if (rng_uniform(rng) * SAMPLER_MOST < sampler_weight(sampler, &block->facts[*place])) return block;
  }
}
