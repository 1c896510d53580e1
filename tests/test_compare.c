/* Small experiments of tic-tac-toe, from end to end. */
#include "arena/compare_result.h"
#include "arena/compare_train.h"
#include "base/memory.h"
#include "experiment.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(compare, arms_take_turns_and_neither_interruptions_nor_jobs_change_anything) {
  char whole[FOLDER_MAX], broken[FOLDER_MAX];
  Experiment first, second;
  Interruption free_run = {0};
  folder_make(whole), folder_make(broken);
  small_open(whole, "from-scratch,bootstrap-imitation,imitation-only,policy-gradient", "100games", &first);
  small_train(&first, 1, &free_run);
  /* Every run begins before any gets its second slice. */
  for (int i = 0; i < first.run_count; i++) cr_assert_eq(free_run.order[i], i);
  for (int pass = 0; pass < 100; pass++) {
    Interruption interrupted = {.stop_after = 3};
    small_open(broken, "from-scratch,bootstrap-imitation,imitation-only,policy-gradient", "100games",
               &second);
    small_train(&second, 1 + pass % 3, &interrupted);
    if (experiment_next(&second) < 0) break;
    experiment_free(&second);
  }
  cr_assert(experiment_next(&first) < 0 && experiment_next(&second) < 0);
  for (int i = 0; i < first.run_count; i++) {
    const CompareRun *a = &first.runs[i], *b = &second.runs[i];
    char path[2][FILE_PATH_MAX + 40];
    uint32_t hash[2];
    Error err;
    cr_assert_eq(a->networks, b->networks);
    for (int k = 0; k < 2; k++) {
      snprintf(path[k], sizeof path[k], "%s/networks/%05d.net", k ? b->folder : a->folder, a->networks - 1);
      Net *net = net_load(path[k], "tictactoe", NULL, NULL, &err);
      cr_assert(net, "%s", err.message);
      hash[k] = net_hash(net);
      net_free(net);
    }
    cr_assert_eq(hash[0], hash[1], "%s", a->name);
    /* Games count from the teacher's on; each run keeps within half an iteration of its budget. */
    double games = a->costs[a->networks - 1].amount[COMPARE_GAMES];
    if (first.design.arms[a->arm].selfplay) cr_assert(fabs(games - 100) <= 8, "%s: %g", a->name, games);
    if (first.design.arms[a->arm].kind == ARM_BOOTSTRAP_IMITATION)
      cr_assert_eq(a->costs[0].amount[COMPARE_GAMES], 40);
    for (int n = 1; n < a->networks; n++)
      for (int u = 0; u < COMPARE_UNITS; u++) cr_assert(a->costs[n].amount[u] > a->costs[n - 1].amount[u]);
  }
  experiment_free(&first), experiment_free(&second);
  folder_remove(whole), folder_remove(broken);
}

Test(compare, arms_of_a_seed_begin_from_the_same_weights) {
  char folder[FOLDER_MAX];
  Experiment experiment;
  ComparePool pool;
  Error err;
  Interruption none = {0};
  folder_make(folder);
  small_open(folder, "from-scratch,bootstrap-imitation", "60games", &experiment);
  small_train(&experiment, 2, &none);
  cr_assert(compare_pool_new(&experiment, &pool, &err), "%s", err.message);
  uint32_t hashes[2][2] = {{0}};
  for (int p = 0; p < pool.point_count; p++) {
    const ComparePoint *point = &pool.points[p];
    const CompareRun *run = &experiment.runs[point->run];
    bool scratch = experiment.design.arms[run->arm].kind == ARM_FROM_SCRATCH;
    if (point->network == (scratch ? 0 : -1)) hashes[run->seed_index][scratch] = point->hash;
  }
  for (int s = 0; s < 2; s++) cr_assert_eq(hashes[s][0], hashes[s][1]);
  cr_assert_neq(hashes[0][0], hashes[1][0]);
  compare_pool_free(&pool);
  experiment_free(&experiment);
  folder_remove(folder);
}

Test(compare, another_design_in_the_same_folder_is_refused) {
  char folder[FOLDER_MAX];
  Experiment experiment;
  CompareDesign design;
  Error err;
  folder_make(folder);
  small_open(folder, "from-scratch,bootstrap-imitation", "60games", &experiment);
  experiment_free(&experiment);
  small_design("from-scratch,dose-30", "60games", &design);
  cr_assert_not(experiment_open(folder, &design, &experiment, &err));
  cr_assert(strstr(err.message, "other arms or keys"), "%s", err.message);
  /* A larger budget is the same experiment, continued. */
  small_open(folder, "from-scratch,bootstrap-imitation", "80games", &experiment);
  cr_assert_eq(experiment.design.budget, 80);
  experiment_free(&experiment);
  folder_remove(folder);
}

static void long_fit(const char *budget, CompareDesign *design) {
  small_design("from-scratch,imitation-only", budget, design);
  design->arms[1].config.imitation_epochs = design->arms[1].config.imitation_patience = 200;
}

/* A stage that the budget ended, somewhat beyond it, has its own network to show at the end, not its first
 * weights; and is not taken for whole where there is more budget, which spoils nothing. */
Test(compare, imitation_alone_is_rated_by_the_network_it_ended_with) {
  char folder[FOLDER_MAX];
  CompareDesign design;
  Experiment experiment;
  Interruption none = {0};
  Error err;
  folder_make(folder);
  long_fit("2e8flop", &design);
  cr_assert(experiment_open(folder, &design, &experiment, &err), "%s", err.message);
  small_train(&experiment, 2, &none);
  json_t *result = small_result(&experiment);
  const json_t *arm = json_array_get(json_object_get(result, "arms"), 1);
  double kl[3] = {0}, reached = json_real_value(json_object_get(
                          json_object_get(json_object_get(arm, "final"), "teacher_kl"), "mean"));
  size_t seed;
  const json_t *run;
  json_array_foreach(json_object_get(arm, "runs"), seed, run) {
    const json_t *points = json_object_get(run, "points");
    cr_assert_eq(json_array_size(points), 2);
    double spent = experiment.runs[2 * seed + 1].costs[0].amount[COMPARE_FLOPS];
    /* The teacher's part is its time at the fitting's rate, which goes on being measured after the stop. */
    cr_assert(spent >= 1.98e8 && spent < 4e8, "%g", spent);
    for (size_t p = 0; p < 2; p++)
      kl[p] += json_real_value(json_object_get(json_array_get(points, p), "teacher_kl")) / 2;
  }
  cr_assert_float_eq(reached, kl[1], 1e-9, "%g; first %g, last %g", reached, kl[0], kl[1]);
  cr_assert(fabs(kl[0] - kl[1]) > 1e-6);
  json_decref(result);
  experiment_free(&experiment);
  long_fit("1e10flop", &design);
  cr_assert_not(experiment_open(folder, &design, &experiment, &err));
  cr_assert(strstr(err.message, "ended by an earlier, smaller budget"), "%s", err.message);
  long_fit("2e8flop", &design);
  cr_assert(experiment_open(folder, &design, &experiment, &err), "%s", err.message);
  experiment_free(&experiment);
  char path[FILE_PATH_MAX];
  snprintf(path, sizeof path, "%s/design.ini", folder);
  cr_assert(compare_design_read(path, &design, &err) && compare_design_finish(&design, &err), "%s",
            err.message);
  cr_assert_eq(design.budget, 2e8, "the refused budget stays out of the folder");
  compare_design_free(&design);
  folder_remove(folder);
}

/* Networks are measured where the design asks for them: early ones, the checkpoints, and those that are
 * searched. */
Test(compare, networks_are_measured_at_every_share_asked_for) {
  static const double shares[] = {0.125, 0.25, 0.5, 0.7, 1};
  char folder[FOLDER_MAX];
  CompareDesign design;
  Experiment experiment;
  ComparePool pool;
  Interruption none = {0};
  Error err;
  folder_make(folder);
  small_design("from-scratch,simulations-2", "640games", &design);
  cr_assert(config_set(&compare_table, &design.settings, "search_checkpoints=0.7,1", "test", &err));
  design.search_checkpoint_count = 0;
  cr_assert(compare_design_finish(&design, &err), "%s", err.message);
  cr_assert(experiment_open(folder, &design, &experiment, &err), "%s", err.message);
  small_train(&experiment, 2, &none);
  cr_assert(compare_pool_new(&experiment, &pool, &err), "%s", err.message);
  for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
    double nearest = INFINITY;
    for (int p = 0; p < pool.point_count; p++)
      if (pool.points[p].run == 0)
        nearest = fmin(nearest, fabs(pool.points[p].cost.amount[COMPARE_GAMES] - 640 * shares[k]));
    cr_assert_leq(nearest, 8, "%g games off at %g of the budget", nearest, shares[k]);
  }
  for (int s = 0; s < pool.searcher_count; s++) {
    const CompareSearcher *searcher = &pool.searchers[s];
    double games = pool.points[searcher->point].cost.amount[COMPARE_GAMES];
    cr_assert_float_eq(games, searcher->checkpoint ? 640 : 448, 8);
  }
  compare_pool_free(&pool);
  experiment_free(&experiment);
  folder_remove(folder);
}

/* What is not trained yet is not claimed. */
Test(compare, an_unfinished_experiment_says_how_far_it_has_come) {
  char folder[FOLDER_MAX];
  Experiment experiment;
  Interruption some = {.stop_after = 12};
  folder_make(folder);
  small_open(folder, "from-scratch,simulations-2", "1000games", &experiment);
  small_train(&experiment, 2, &some);
  json_t *result = small_result(&experiment);
  const char *said = json_string_value(json_array_get(json_object_get(result, "verdict"), 0));
  int games = 0;
  cr_assert(sscanf(said, "So far, at %d games of the budget of 1000 games", &games) == 1 && games > 0 &&
                games < 1000,
            "%s", said);
  json_decref(result);
  experiment_free(&experiment);
  folder_remove(folder);
}
