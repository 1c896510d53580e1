#include "selfplay/training.h"

#include "base/clock.h"

#include <math.h>

void training_notice(const Training *training, const char *message) {
  if (training->events->notice) training->events->notice(training->events->context, message);
}

double training_seconds_left(const Training *training) {
  double limit = -1, elapsed = training->totals.seconds + clock_wall() - training->session_start;
  if (training->config->minutes > 0) limit = fmax(0, training->config->minutes * 60 - elapsed);
  if (training->config->iterations > 0 && training->last_iteration_seconds > 0) {
    double rest = (double)(training->config->iterations - training->totals.iteration) *
                  training->last_iteration_seconds;
    limit = limit < 0 ? rest : fmin(limit, rest);
  }
  return limit;
}

void training_report(const Training *training, RunStage stage, int64_t done, int64_t total) {
  RunProgress progress = {.stage = stage,
                          .iteration = (int)training->totals.iteration + 1,
                          .done = done,
                          .total = total,
                          .seconds_left = training_seconds_left(training)};
  if (training->events->progress) training->events->progress(training->events->context, &progress);
}

void training_account_time(Training *training) {
  double now = clock_wall(), cpu = clock_cpu();
  training->totals.seconds += now - training->session_start;
  training->totals.cpu_seconds += cpu - training->session_cpu;
  training->session_start = now;
  training->session_cpu = cpu;
}

double training_flops(const Training *training, int64_t evaluations, int64_t samples) {
  NetShape shape = run_config_shape(training->config, training->run.game);
  return 2 * net_multiply_adds(&shape) * ((double)evaluations + 3 * (double)samples);
}
