/* The course of a training: begin or continue, iterate until the budget is spent. */
#include "selfplay/checkpoint.h"
#include "selfplay/imitation.h"
#include "selfplay/run_iteration.h"
#include "selfplay/run_shards.h"

#include <unistd.h>

/* The first averaged network of the run, and the bootstrap stage where the arm has one. *whole is false where
 * run.minutes ended in that stage: there is then a network, but no checkpoint, so that the stage is done
 * again with more time. */
static bool begin_run(Training *training, bool *whole, Error *err) {
  *whole = true;
  char path[FILE_PATH_MAX];
  run_network_path(&training->run, 0, path);
  bool bootstrap = training->run.arm == ARM_BOOTSTRAP_IMITATION;
  if (bootstrap && run_clock_is_spent(&training->clock) && file_exists(path)) {
    training_notice(training, "run.minutes were spent in the bootstrap stage; more --minutes complete it");
    *whole = false;
    return true;
  }
  if (bootstrap && !imitation_run(training, whole, err)) return false;
  const NetShape *shape = &learner_net(training->learner)->shape;
  training->totals = (Totals){.samples = learner_samples(training->learner)};
  training->totals.flops = training_flops(shape, 0, shape, training->totals.samples);
  training_account_time(training);
  return *whole ? checkpoint_save(training, NULL, err) : checkpoint_save_network(training, err);
}

/* Stops rather than overshoot the time by more than half an iteration. */
static bool finished(const Training *training) {
  const RunConfig *config = training->config;
  if (config->iterations > 0 && training->totals.iteration >= config->iterations) return true;
  double left = run_clock_left(&training->clock);
  return left >= 0 && left <= training->last_iteration_seconds / 2;
}

/* Reads back what a finished iteration left for the next; that is no training, and its time does not count.
 */
static bool continue_run(Training *training, Error *err) {
  training->clock.paused = true;
  if (!run_shards_load_window(training, err)) return false;
  if (training->run.arm == ARM_BOOTSTRAP_IMITATION && training->config->imitation_keep > 0 &&
      !imitation_load(training, err))
    return false;
  run_clock_skip(&training->clock);
  return true;
}

static bool train(Training *training, bool bootstrap_only, Error *err) {
  bool found, whole = true;
  if (!checkpoint_resume(training, &found, err)) return false;
  if (!(found ? continue_run(training, err) : begin_run(training, &whole, err))) return false;
  while (whole && !bootstrap_only && !finished(training) && !*training->stop)
    if (!run_iteration(training, err)) return false;
  return true;
}

bool run_train(const RunRequest *request, const RunEvents *events, const volatile sig_atomic_t *stop,
               Error *err) {
  Training training = {.threads = request->threads, .events = events, .stop = stop};
  if (!run_config_valid(&request->config, err)) return false;
  int lock = run_folder_open(request, &training.run, err);
  if (lock < 0) return false;
  run_clock_start(&training.clock, &training.run, request->config.minutes);
  training.merged = training.run.config;
  training.merged.iterations = request->config.iterations;
  training.merged.minutes = request->config.minutes;
  training.config = &training.merged;
  training.learner = learner_new(training.run.game, training.config, training.run.seed, training.threads);
  training.replay = replay_new(training.run.game);
  bool done = train(&training, request->bootstrap_only, err);
  if (!done && *stop && !err->message[0]) done = true; /* asked to stop: no failure */
  if (done) done = run_clock_write(&training.clock, true, err);
  learner_free(training.learner);
  replay_free(training.replay);
  replay_free(training.expert);
  close(lock);
  return done;
}
