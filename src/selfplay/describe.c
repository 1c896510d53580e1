#include "selfplay/describe.h"

#include "base/clock.h"
#include "base/fields.h"
#include "base/simd.h"
#include "base/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set_real(json_t *line, const char *key, double value) {
  json_object_set_new(line, key, field_real(value));
}

static void set_int(json_t *line, const char *key, int64_t value) {
  json_object_set_new(line, key, json_integer(value));
}

static json_t *describe_calibration(const Calibration *calibration) {
  json_t *bins = json_array();
  for (int b = 0; b < CALIBRATION_BINS; b++)
    json_array_append_new(
        bins, json_pack("{s:o, s:o, s:i}", "predicted", field_real(calibration->predicted[b]), "observed",
                        field_real(calibration->observed[b]), "count", calibration->count[b]));
  return bins;
}

static void describe_games(json_t *line, const IterationResult *result) {
  const ShardStats *stats = &result->stats;
  double n = stats->positions > 0 ? (double)stats->positions : 1;
  set_int(line, "games", stats->games);
  set_int(line, "positions", stats->positions);
  set_int(line, "unique_positions", result->unique);
  set_int(line, "repeated_games", result->repeated_games);
  set_real(line, "game_length", (double)stats->plies / (double)stats->games);
  set_int(line, "proven_positions", stats->proven);
  set_int(line, "first_wins", stats->first_wins);
  set_int(line, "draws", stats->draws);
  set_int(line, "second_wins", stats->second_wins);
  set_real(line, "policy_entropy", stats->policy_entropy / n);
  set_real(line, "target_entropy", stats->target_entropy / n);
  set_int(line, "simulations", stats->simulations);
  set_int(line, "evaluations", stats->evaluations);
  int64_t played = result->played.evaluations;
  set_real(line, "evaluations_per_second", played ? (double)played / result->selfplay_seconds : NAN);
  set_real(line, "cache_hit_rate",
           stats->cache_lookups ? (double)stats->cache_hits / (double)stats->cache_lookups : 0);
}

json_t *describe_iteration(const Training *training, const IterationResult *result) {
  const FitStats *fit = &result->fit;
  const HeldOutStats *held = &result->held;
  const Calibration *calibration = &result->calibration;
  const Totals *totals = &training->totals;
  json_t *line = json_object();
  set_int(line, "iteration", result->number);
  json_object_set_new(line, "version", json_string(version_text()));
  json_object_set_new(line, "features", json_string(simd_features()));
  describe_games(line, result);
  set_real(line, "loss_policy", held->policy);
  set_real(line, "loss_policy_baseline", held->policy_baseline);
  set_real(line, "loss_value", held->value);
  set_real(line, "loss_value_baseline", held->value_baseline);
  set_real(line, "policy_top1", held->top1);
  set_real(line, "value_mse", held->value_square);
  set_real(line, "value_calibration_error", calibration->error);
  json_object_set_new(line, "value_calibration", describe_calibration(calibration));
  set_real(line, "train_loss_policy", fit->policy);
  set_real(line, "train_loss_value", fit->value);
  if (training->config->plies_weight > 0) set_real(line, "train_plies_mse", fit->plies);
  if (training->config->reply_weight > 0) set_real(line, "train_loss_reply", fit->reply);
  set_int(line, "train_steps", fit->steps);
  set_int(line, "train_samples", fit->samples);
  set_real(line, "sample_reuse",
           (double)fit->samples / (double)(result->stats.positions + !result->stats.positions));
  set_real(line, "learning_rate", fit->rate);
  set_real(line, "gradient_norm", fit->gradient_norm);
  set_real(line, "imitation_share", fit->expert_share);
  set_int(line, "window", replay_count(training->replay));
  set_real(line, "flops", result->flops);
  set_real(line, "flops_total", totals->flops);
  set_int(line, "evaluations_total", totals->evaluations);
  set_int(line, "games_total", totals->games);
  set_int(line, "positions_total", totals->positions);
  set_real(line, "selfplay_seconds", result->selfplay_seconds);
  set_real(line, "learn_seconds", result->learn_seconds);
  set_real(line, "seconds", result->selfplay_seconds + result->learn_seconds);
  set_real(line, "seconds_total", totals->seconds);
  set_real(line, "cpu_seconds_total", totals->cpu_seconds);
  set_real(line, "teacher_seconds", totals->teacher_seconds);
  set_int(line, "peak_memory", (int64_t)clock_peak_memory());
  set_int(line, "network_hash", net_hash(learner_averaged(training->learner)));
  set_real(line, "seconds_left", training_seconds_left(training));
  return line;
}

bool describe_bootstrap(const Training *training, int games, double fit_cpu, bool ended_early, Error *err) {
  char path[FILE_PATH_MAX];
  RunClock clock = training->clock;
  run_clock_advance(&clock);
  const NetShape *shape = &learner_net(training->learner)->shape;
  double flops = training_flops(shape, 0, shape, learner_samples(training->learner));
  json_t *cost = json_object();
  set_int(cost, "teacher_games", games);
  set_real(cost, "teacher_seconds", clock.teacher.seconds);
  set_real(cost, "teacher_cpu_seconds", clock.teacher.cpu_seconds);
  set_real(cost, "teacher_flops", flops / fmax(fit_cpu, 1e-3) * clock.teacher.cpu_seconds);
  set_int(cost, "imitation_samples", learner_samples(training->learner));
  set_real(cost, "imitation_flops", flops);
  set_real(cost, "cpu_seconds", clock.spent.cpu_seconds);
  set_real(cost, "seconds", clock.spent.seconds);
  json_object_set_new(cost, "ended_early", json_boolean(ended_early));
  char *text = json_dumps(cost, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  json_decref(cost);
  run_path(&training->run, "bootstrap.json", path);
  bool done = file_write(path, text, strlen(text), err);
  free(text);
  return done;
}
