#include "selfplay/training.h"

#include "selfplay/calibrate.h"

#include <math.h>
#include <stdio.h>

void training_notice(const Training *training, const char *message) {
  if (training->events->notice) training->events->notice(training->events->context, message);
}

bool training_is_sound(const Training *training, Error *err) {
  return learner_is_finite(training->learner) ||
         error_set(
             err,
             "%s: training has diverged (weights are no finite numbers); its last network is whole, but go "
             "on in a new run with a lower learner.rate or a learner.clip_norm",
             training->run.folder);
}

double training_seconds_left(const Training *training) {
  double limit = run_clock_left(&training->clock);
  if (training->config->iterations > 0 && training->last_iteration_seconds > 0) {
    double rest = (double)(training->config->iterations - training->totals.iteration) *
                  training->last_iteration_seconds;
    limit = limit < 0 ? rest : fmin(limit, rest);
  }
  return limit;
}

void training_report(Training *training, RunStage stage, int64_t done, int64_t total) {
  RunProgress progress = {.stage = stage,
                          .iteration = stage < STAGE_SELFPLAY ? 0 : (int)training->totals.iteration + 1,
                          .done = done,
                          .total = total,
                          .seconds_left = training_seconds_left(training)};
  Error full; /* a disk that is full or gone stops the run at its next shard or checkpoint, with a message */
  run_clock_write(&training->clock, false, &full);
  if (training->events->progress) training->events->progress(training->events->context, &progress);
}

bool training_load_block(const Training *training, const ReplayOrigin *origin, const char *path,
                         ReplayBlock **block, Error *err) {
  *block = NULL;
  if (!file_exists(path)) return true;
  *block = replay_block_load(training->run.game, origin, path, err);
  if (*block) return true;
  if (err->unread) return false;
  char message[sizeof err->message + 64];
  snprintf(message, sizeof message, "%s; set aside and made again", err->message);
#pragma omp critical(run_events)
  training_notice(training, message);
  return file_set_aside(path, err);
}

void training_account_time(Training *training) {
  run_clock_advance(&training->clock);
  training->totals.seconds = training->clock.spent.seconds;
  training->totals.cpu_seconds = training->clock.spent.cpu_seconds;
  training->totals.teacher_seconds = training->clock.teacher.seconds;
}

double training_flops(const NetShape *player, int64_t evaluations, const NetShape *learner, int64_t samples) {
  return 2 *
         (net_multiply_adds(player) * (double)evaluations + 3 * net_multiply_adds(learner) * (double)samples);
}

Net *training_player(const Training *training) {
  Net *net = net_copy(learner_averaged(training->learner));
  calibrate(net, training->run.game, training->replay);
  return net;
}
