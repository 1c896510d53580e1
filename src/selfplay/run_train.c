/* The course of a training: begin or continue, iterate until the budget is spent. */
#include "base/clock.h"
#include "selfplay/checkpoint.h"
#include "selfplay/describe.h"
#include "selfplay/imitation.h"
#include "selfplay/run_iteration.h"
#include "selfplay/run_shards.h"

#include <unistd.h>

/* The first averaged network of the run, and the bootstrap stage where the arm has one. */
static bool begin_run(Training *training, Error *err) {
  const RunInfo *run = &training->run;
  double seconds = 0;
  if (run->arm == ARM_BOOTSTRAP_IMITATION) {
    training->expert =
        imitation_games(run, training->threads, training->events, training->stop, &seconds, err);
    if (!training->expert) return false;
    double teacher_cpu = clock_cpu() - training->session_cpu;
    if (!imitation_fit(run, training->learner, training->expert, training->events, training->stop, err) ||
        !describe_bootstrap(training, seconds, teacher_cpu, err))
      return false;
  }
  training->totals = (Totals){.teacher_seconds = seconds, .samples = learner_samples(training->learner)};
  training_account_time(training);
  return checkpoint_save(training, NULL, err);
}

/* Stops rather than overshoot the time by more than half an iteration. */
static bool finished(const Training *training) {
  const RunConfig *config = training->config;
  if (config->iterations > 0 && training->totals.iteration >= config->iterations) return true;
  if (config->minutes <= 0) return false;
  double elapsed = training->totals.seconds + clock_wall() - training->session_start;
  return elapsed + training->last_iteration_seconds / 2 >= config->minutes * 60;
}

static bool train(Training *training, Error *err) {
  bool found;
  if (!checkpoint_resume(training, &found, err)) return false;
  if (!found && !begin_run(training, err)) return false;
  if (found && !run_shards_load_window(training, err)) return false;
  if (found)
    training->session_start = clock_wall(),
    training->session_cpu = clock_cpu(); /* reading back is no training */
  if (found && training->run.arm == ARM_BOOTSTRAP_IMITATION && training->config->imitation_keep > 0) {
    double seconds; /* counted when they were first made */
    training->expert =
        imitation_games(&training->run, training->threads, training->events, training->stop, &seconds, err);
    if (!training->expert) return false;
  }
  while (!finished(training) && !*training->stop)
    if (!run_iteration(training, err)) return false;
  return true;
}

bool run_train(const RunRequest *request, const RunEvents *events, const volatile sig_atomic_t *stop,
               Error *err) {
  Training training = {.threads = request->threads,
                       .events = events,
                       .stop = stop,
                       .session_start = clock_wall(),
                       .session_cpu = clock_cpu()};
  if (!run_config_valid(&request->config, err)) return false;
  int lock = run_folder_open(request, &training.run, err);
  if (lock < 0) return false;
  training.merged = training.run.config;
  training.merged.iterations = request->config.iterations;
  training.merged.minutes = request->config.minutes;
  training.config = &training.merged;
  training.learner = learner_new(training.run.game, training.config, training.run.seed, training.threads);
  training.replay = replay_new(training.run.game);
  bool done = train(&training, err);
  if (!done && *stop && !err->message[0]) done = true; /* asked to stop: no failure */
  learner_free(training.learner);
  replay_free(training.replay);
  replay_free(training.expert);
  close(lock);
  return done;
}
