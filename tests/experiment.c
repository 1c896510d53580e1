#include "experiment.h"

#include "arena/compare_result.h"
#include "arena/compare_train.h"

#include <criterion/criterion.h>
#include <stdio.h>

void small_design_of(const char *game, const char *arms, const char *budget, CompareDesign *design) {
  static const char *const keys[] = {"net.blocks=1",       "net.channels=4",         "search.visits=4",
                                     "selfplay.games=16",  "selfplay.shards=2",      "learner.batch=32",
                                     "learner.slice=16",   "imitation.games=40",     "imitation.depth=2",
                                     "imitation.epochs=2", "selfplay.random_plies=3"};
  static const char *const settings[] = {"seeds=2", "checkpoints=2", "visits=2", "rating_games=2",
                                         "search_visits=1,4"};
  Error err;
  char line[64];
  cr_assert(compare_design_new(game, design, &err), "%s", err.message);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    cr_assert(config_set(&run_config_table, &design->common, keys[i], "test", &err), "%s", err.message);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    cr_assert(config_set(&compare_table, &design->settings, settings[i], "test", &err), "%s", err.message);
  snprintf(line, sizeof line, "budget=%s", budget);
  cr_assert(config_set(&compare_table, &design->settings, line, "test", &err), "%s", err.message);
  cr_assert(compare_design_add(design, arms, &err) && compare_design_finish(design, &err), "%s", err.message);
}

void small_design(const char *arms, const char *budget, CompareDesign *design) {
  small_design_of("tictactoe", arms, budget, design);
}

static volatile sig_atomic_t stop;

static void on_progress(void *context, const CompareProgress *progress) {
  Interruption *interruption = context;
  if (progress->stage) return;
  if (interruption->slices < 64) interruption->order[interruption->slices] = progress->run;
  if (++interruption->slices == interruption->stop_after) stop = 1;
}

void small_open(const char *folder, const char *arms, const char *budget, Experiment *experiment) {
  CompareDesign design;
  Error err;
  small_design(arms, budget, &design);
  cr_assert(experiment_open(folder, &design, experiment, &err), "%s", err.message);
}

void small_train(Experiment *experiment, int jobs, Interruption *interruption) {
  const CompareEvents events = {.context = interruption, .progress = on_progress};
  Error err;
  stop = 0;
  bool done = experiment_train(experiment, jobs, 1, &events, &stop, &err);
  cr_assert(done || (stop && !err.message[0]), "%s", err.message);
  stop = 0;
}

const CompareWatch small_unwatched = {.stop = &stop};

json_t *small_result(const Experiment *experiment) {
  CompareData data;
  Error err;
  cr_assert(compare_data_collect(experiment, 1, &small_unwatched, &data, &err), "%s", err.message);
  json_t *result = compare_result(&data);
  compare_data_free(&data);
  return result;
}
