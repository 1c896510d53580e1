#include "selfplay/run_iteration.h"

#include "base/clock.h"
#include "selfplay/checkpoint.h"
#include "selfplay/describe.h"
#include "selfplay/run_shards.h"

#include <math.h>
#include <stdlib.h>

enum { MEASURED_POSITIONS = 2048 };

static double expert_share(const Training *training, int iteration) {
  const RunConfig *config = training->config;
  if (!training->expert || config->imitation_keep <= 0) return 0;
  double left = config->imitation_anneal > 0 ? 1 - (double)(iteration - 1) / config->imitation_anneal : 1;
  return left > 0 ? config->imitation_keep * left : 0;
}

static bool learn(Training *training, int iteration, int64_t new_positions, FitStats *total, Error *err) {
  const RunConfig *config = training->config;
  int64_t steps = (int64_t)llrint(config->reuse * (double)new_positions / config->batch);
  double share = expert_share(training, iteration);
  NetShape shape = run_config_shape_after(config, training->run.game, iteration);
  learner_grow(training->learner, &shape);
  *total = (FitStats){0};
  for (int64_t done = 0; done < steps;) {
    int64_t piece = steps - done < 4 ? steps - done : 4;
    FitStats part;
    if (*training->stop) return error_set(err, "%s", "");
    learner_fit(training->learner, training->replay, share > 0 ? training->expert : NULL, share, piece,
                iteration - 1, &part);
    done += piece;
    total->steps += part.steps;
    total->samples += part.samples;
    total->policy += part.policy * (double)piece / (double)steps;
    total->plies += part.plies * (double)piece / (double)steps;
    total->reply += part.reply * (double)piece / (double)steps;
    total->value += part.value * (double)piece / (double)steps;
    total->gradient_norm += part.gradient_norm * (double)piece / (double)steps;
    total->rate = part.rate;
    total->expert_share = part.expert_share;
    training_report(training, STAGE_LEARNING, done, steps);
  }
  return training_is_sound(training, err);
}

/* Positions of this iteration, before the learner has seen them: the honest measure of the network that
 * played. */
static void measure_fresh(Training *training, int fresh, const Net *net, HeldOutStats *held,
                          Calibration *calibration, int iteration) {
  int total = replay_count(training->replay), count = fresh < MEASURED_POSITIONS ? fresh : MEASURED_POSITIONS;
  uint32_t indices[MEASURED_POSITIONS];
  Rng rng = rng_make(training->run.seed, RNG_HOLDOUT, (uint32_t)iteration, 0);
  for (int i = 0; i < count; i++) indices[i] = (uint32_t)(total - fresh) + rng_below(&rng, (uint32_t)fresh);
  learner_measure(training->learner, net, training->replay, indices, count, held, calibration);
}

/* Self-play, and the measure of who played. */
static bool play(Training *training, IterationResult *result, Error *err) {
  double start = clock_wall();
  const RunConfig *config = training->config;
  Net *player = training_player(training);
  ReplayBlock **blocks =
      run_shards_get(training, result->number, player, &result->stats, &result->played, err);
  if (!blocks) {
    net_free(player);
    return false;
  }
  result->selfplay_seconds = clock_wall() - start;
  result->unique = replay_unique(blocks, config->shards);
  result->repeated_games = replay_repeated_games(blocks, config->shards);
  for (int i = 0; i < config->shards; i++) replay_add(training->replay, blocks[i]);
  free(blocks);
  int64_t fresh = result->stats.positions;
  int window = run_shards_window(config, training->totals.positions + fresh);
  replay_trim(training->replay, window > fresh ? window : (int)fresh);
  measure_fresh(training, (int)fresh, player, &result->held, &result->calibration, result->number);
  net_free(player);
  return true;
}

bool run_iteration(Training *training, Error *err) {
  IterationResult result = {.number = (int)training->totals.iteration + 1};
  double start = clock_wall();
  NetShape player = learner_net(training->learner)->shape;
  if (!play(training, &result, err)) return false;
  if (!learn(training, result.number, result.stats.positions, &result.fit, err)) return false;
  result.learn_seconds = clock_wall() - start - result.selfplay_seconds;
  result.flops = training_flops(&player, result.stats.evaluations, &learner_net(training->learner)->shape,
                                result.fit.samples);
  Totals *totals = &training->totals;
  totals->iteration = result.number;
  totals->flops += result.flops;
  totals->games += result.stats.games;
  totals->positions += result.stats.positions;
  totals->evaluations += result.stats.evaluations;
  totals->samples = learner_samples(training->learner);
  training_account_time(training);
  training->last_iteration_seconds = result.selfplay_seconds + result.learn_seconds;
  json_t *line = describe_iteration(training, &result);
  bool done = checkpoint_save(training, line, err);
  if (done && training->events->iteration) training->events->iteration(training->events->context, line);
  json_decref(line);
  return done;
}
