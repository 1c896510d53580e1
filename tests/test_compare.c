/* Small experiments of tic-tac-toe, from end to end. */
#include "arena/compare_result.h"
#include "arena/compare_sets.h"
#include "arena/compare_train.h"
#include "base/memory.h"
#include "cli/compare_export.h"
#include "cli/compare_page.h"
#include "browser.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void design_of(const char *game, const char *arms, const char *budget, CompareDesign *design) {
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

static void small_design(const char *arms, const char *budget, CompareDesign *design) {
  design_of("tictactoe", arms, budget, design);
}

static volatile sig_atomic_t stop;

/* Asks to stop after some slices. */
typedef struct Interruption {
  int slices, stop_after;
  int order[64];
} Interruption;

static void on_progress(void *context, const CompareProgress *progress) {
  Interruption *interruption = context;
  if (progress->stage) return;
  if (interruption->slices < 64) interruption->order[interruption->slices] = progress->run;
  if (++interruption->slices == interruption->stop_after) stop = 1;
}

static void open_small(const char *folder, const char *arms, const char *budget, Experiment *experiment) {
  CompareDesign design;
  Error err;
  small_design(arms, budget, &design);
  cr_assert(experiment_open(folder, &design, experiment, &err), "%s", err.message);
}

static void train(Experiment *experiment, int jobs, Interruption *interruption) {
  const CompareEvents events = {.context = interruption, .progress = on_progress};
  Error err;
  stop = 0;
  bool done = experiment_train(experiment, jobs, 1, &events, &stop, &err);
  cr_assert(done || (stop && !err.message[0]), "%s", err.message);
  stop = 0;
}

Test(compare, arms_take_turns_and_neither_interruptions_nor_jobs_change_anything) {
  char whole[FOLDER_MAX], broken[FOLDER_MAX];
  Experiment first, second;
  Interruption free_run = {0};
  folder_make(whole), folder_make(broken);
  open_small(whole, "from-scratch,bootstrap-imitation,imitation-only,policy-gradient", "100games", &first);
  train(&first, 1, &free_run);
  /* Every run begins before any gets its second slice. */
  for (int i = 0; i < first.run_count; i++) cr_assert_eq(free_run.order[i], i);
  for (int pass = 0; pass < 100; pass++) {
    Interruption interrupted = {.stop_after = 3};
    open_small(broken, "from-scratch,bootstrap-imitation,imitation-only,policy-gradient", "100games",
               &second);
    train(&second, 1 + pass % 3, &interrupted);
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
  open_small(folder, "from-scratch,bootstrap-imitation", "60games", &experiment);
  train(&experiment, 2, &none);
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
  open_small(folder, "from-scratch,bootstrap-imitation", "60games", &experiment);
  experiment_free(&experiment);
  small_design("from-scratch,dose-30", "60games", &design);
  cr_assert_not(experiment_open(folder, &design, &experiment, &err));
  cr_assert(strstr(err.message, "other arms or keys"), "%s", err.message);
  /* A larger budget is the same experiment, continued. */
  open_small(folder, "from-scratch,bootstrap-imitation", "80games", &experiment);
  cr_assert_eq(experiment.design.budget, 80);
  experiment_free(&experiment);
  folder_remove(folder);
}

static void no_doing(void *context, const char *what, int done, int total) {
  (void)context, (void)what, (void)done, (void)total;
}

static json_t *result_of(const Experiment *experiment) {
  CompareData data;
  Error err;
  cr_assert(compare_data_collect(experiment, 1, no_doing, NULL, &stop, &data, &err), "%s", err.message);
  json_t *result = compare_result(&data);
  compare_data_free(&data);
  return result;
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
  train(&experiment, 2, &none);
  json_t *result = result_of(&experiment);
  const json_t *arm = json_array_get(json_object_get(result, "arms"), 1);
  double kl[3] = {0}, reached = json_real_value(json_object_get(
                          json_object_get(json_object_get(arm, "final"), "teacher_kl"), "mean"));
  size_t seed;
  const json_t *run;
  json_array_foreach(json_object_get(arm, "runs"), seed, run) {
    const json_t *points = json_object_get(run, "points");
    cr_assert_eq(json_array_size(points), 2);
    double spent = experiment.runs[2 * seed + 1].costs[0].amount[COMPARE_FLOPS];
    cr_assert(spent >= 2e8 && spent < 4e8, "%g", spent);
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
  train(&experiment, 2, &none);
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
  open_small(folder, "from-scratch,simulations-2", "1000games", &experiment);
  train(&experiment, 2, &some);
  json_t *result = result_of(&experiment);
  const char *said = json_string_value(json_array_get(json_object_get(result, "verdict"), 0));
  int games = 0;
  cr_assert(sscanf(said, "So far, at %d games of the budget of 1000 games", &games) == 1 && games > 0 &&
                games < 1000,
            "%s", said);
  json_decref(result);
  experiment_free(&experiment);
  folder_remove(folder);
}

/* The page says what the result says, draws every curve there is, and loads nothing. */
static void check_page(const char *folder, const json_t *result) {
  static const char *const parts[] = {"id=\"verdict\"",
                                      "id=\"limits\"",
                                      "id=\"plots\"",
                                      "id=\"search\"",
                                      "id=\"settings\"",
                                      "Head start",
                                      "Agreement with the teacher",
                                      "from-scratch-1",
                                      "<svg"};
  static const char *const loads[] = {"<script", "src=\"http", "href=\"http", "url(http", "@import"};
  char path[FILE_PATH_MAX], plots[FILE_PATH_MAX - 32];
  Buffer page = {0};
  Error err;
  snprintf(path, sizeof path, "%s/page.html", folder);
  snprintf(plots, sizeof plots, "%s/plots", folder);
  cr_assert(compare_page_write(result, "selfplay compare", path, plots, &err), "%s", err.message);
  cr_assert(file_read(path, &page, &err), "%s", err.message);
  buffer_put(&page, "", 1);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    cr_assert(strstr((const char *)page.data, parts[i]), "%s", parts[i]);
  for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
    cr_assert_not(strstr((const char *)page.data, loads[i]), "%s", loads[i]);
  const char *limit = json_string_value(json_array_get(json_object_get(result, "limits"), 0));
  cr_assert(strstr((const char *)page.data, limit) || strchr(limit, '\''), "%s", limit);
  buffer_free(&page);
  snprintf(path, sizeof path, "%s/head-start.svg", plots);
  cr_assert(file_exists(path), "%s", path);
}

static json_t *measure(Experiment *experiment, int set, int positions, Error *unknown) {
  ComparePool pool;
  Error err;
  experiment->design.settings.position_count = positions; /* another key, so measured anew */
  cr_assert(compare_pool_new(experiment, &pool, &err), "%s", err.message);
  CompareMeter *meter = compare_meter_new(experiment, 1, &err);
  cr_assert(meter, "%s", err.message);
  int last = pool.point_count - 1;
  json_t *value = json_deep_copy(compare_measure_set(meter, &pool, last, set < 0 ? set : last, &err));
  cr_assert(value || !err.message[0], "%s", err.message);
  error_set(unknown, "%s", compare_meter_unknown(meter));
  compare_meter_free(meter);
  compare_pool_free(&pool);
  return value;
}

/* Generalisation of a run of Connect Four, then with all random positions among what it has learnt from, then
 * without a file of that. */
Test(compare, what_runs_have_learnt_from_is_left_out_of_generalisation) {
  char folder[FOLDER_MAX], path[FILE_PATH_MAX + 40];
  CompareDesign design;
  Experiment experiment;
  Interruption none = {0};
  Error err, unknown;
  folder_make(folder);
  design_of("connect4", "from-scratch,bootstrap-imitation", "100games", &design);
  cr_assert(experiment_open(folder, &design, &experiment, &err), "%s", err.message);
  uint32_t before = compare_trained_stamp(&experiment);
  train(&experiment, 1, &none);
  cr_assert_neq(compare_trained_stamp(&experiment), before);
  const int sets[] = {0, COMPARE_SET_RANDOM};
  for (int k = 0; k < 2; k++) {
    json_t *found = measure(&experiment, sets[k], 4, &unknown);
    cr_assert_eq(json_integer_value(json_object_get(found, "positions")), 4);
    cr_assert_str_empty(unknown.message);
    json_decref(found);
  }
  snprintf(path, sizeof path, "%s/replay/00001-00.spr", experiment.runs[0].folder);
  ReplayBlock *all =
      compare_sets_random(experiment.design.game, experiment.design.settings.first_seed, 20000);
  cr_assert(replay_block_save(all, &(ReplayOrigin){0}, path, &err), "%s", err.message);
  replay_block_free(all);
  cr_assert_null(measure(&experiment, COMPARE_SET_RANDOM, 3, &unknown));
  cr_assert_str_empty(unknown.message);
  cr_assert_eq(remove(path), 0);
  cr_assert_null(measure(&experiment, COMPARE_SET_RANDOM, 2, &unknown));
  cr_assert(strstr(unknown.message, "replay/00001-00.spr: missing"), "%s", unknown.message);
  experiment_free(&experiment);
  folder_remove(folder);
}

static int lines_of(const char *path, Buffer *text) {
  Error err;
  int lines = 0;
  cr_assert(file_read(path, text, &err), "%s", err.message);
  buffer_put(text, "", 1);
  for (const char *at = (const char *)text->data; (at = strchr(at, '\n')); at++) lines++;
  return lines;
}

/* Every measured network, band and searched network is a row; the numbers are the result's. */
static void check_export(const char *folder, const json_t *result) {
  char csv[FILE_PATH_MAX - 100], path[FILE_PATH_MAX], expected[64];
  const json_t *arms = json_object_get(result, "arms"), *arm, *run;
  size_t a, r, points = 0, searched = 0, runs = 0;
  Buffer text = {0};
  snprintf(csv, sizeof csv, "%s/csv", folder);
  compare_write_csv(result, csv);
  json_array_foreach(arms, a, arm) {
    searched += 2 * json_array_size(json_object_get(json_object_get(arm, "search"), "checkpoints"));
    json_array_foreach(json_object_get(arm, "runs"), r, run) points +=
        json_array_size(json_object_get(run, "points")),
        runs++;
  }
  cr_assert(points > 4 && runs == 4);
  snprintf(path, sizeof path, "%s/points.csv", csv);
  cr_assert_eq(lines_of(path, &text), (int)points + 1);
  const json_t *point = json_array_get(
      json_object_get(json_array_get(json_object_get(json_array_get(arms, 0), "runs"), 0), "points"), 1);
  snprintf(expected, sizeof expected, ",%.9g,",
           json_number_value(json_object_get(json_object_get(point, "cost"), "flops")));
  cr_assert(strstr((const char *)text.data, expected), "%s in %s", expected, (const char *)text.data);
  buffer_free(&text);
  snprintf(path, sizeof path, "%s/curves.csv", csv);
  cr_assert_eq(lines_of(path, &text), 1 + 2 * COMPARE_UNITS * COMPARE_GRID * COMPARE_FIELDS);
  buffer_free(&text);
  snprintf(path, sizeof path, "%s/search.csv", csv);
  cr_assert_eq(lines_of(path, &text), (int)searched + 1);
  buffer_free(&text);
  snprintf(csv, sizeof csv, "%s/events", folder);
  compare_write_tensorboard(result, csv);
  snprintf(path, sizeof path, "%s/bootstrap-imitation-2/events.out.tfevents.0000000000.selfplay", csv);
  Error err;
  cr_assert(file_read(path, &text, &err), "%s", err.message);
  cr_assert(text.size > 500, "%zu bytes", text.size);
  buffer_free(&text);
}

/* The same numbers must come out when all is measured already. */
Test(compare, result_is_whole_and_is_not_measured_twice) {
  char folder[FOLDER_MAX], *texts[2];
  Experiment experiment;
  Interruption none = {0};
  folder_make(folder);
  open_small(folder, "from-scratch,bootstrap-imitation", "72games", &experiment);
  train(&experiment, 2, &none);
  for (int k = 0; k < 2; k++) {
    CompareData data;
    Error err;
    cr_assert(compare_data_collect(&experiment, 1, no_doing, NULL, &stop, &data, &err), "%s", err.message);
    json_t *result = compare_result(&data);
    cr_assert(result);
    texts[k] = json_dumps(result, JSON_SORT_KEYS);
    check_page(folder, result);
    check_export(folder, result);
    const json_t *arm = json_array_get(json_object_get(result, "arms"), 1);
    cr_assert_eq(
        json_integer_value(json_object_get(json_object_get(json_object_get(arm, "final"), "elo"), "seeds")),
        2);
    cr_assert(json_is_number(
        json_object_get(json_object_get(json_object_get(arm, "final"), "teacher_top1"), "mean")));
    cr_assert(json_array_size(json_object_get(result, "verdict")) > 0);
    cr_assert(json_array_size(json_object_get(result, "limits")) > 1, "two seeds have limits");
    json_decref(result);
    compare_data_free(&data);
  }
  cr_assert_str_eq(texts[0], texts[1]);
  free(texts[0]), free(texts[1]);
  experiment_free(&experiment);
  folder_remove(folder);
}

/* The page of the shipped study. */
Test(compare, its_page_renders_in_a_browser, .timeout = 600) {
  const char *browser = browser_find();
  if (!browser) cr_skip_test(BROWSER_MISSING);
  char folder[FOLDER_MAX], path[96];
  Buffer text = {0}, dom = {0}, log = {0};
  Error err;
  folder_make(folder);
  cr_assert(file_read("docs/study-connect4.json.gz", &text, &err), "%s", err.message);
  json_t *result = json_loadb((const char *)text.data, text.size, 0, NULL);
  cr_assert(result);
  snprintf(path, sizeof path, "%s/page.html", folder);
  cr_assert(compare_page_write(result, "selfplay compare", path, NULL, &err), "%s", err.message);
  browser_check_log(browser, folder);
  browser_open(browser, folder, "page.html", &dom, &log);
  const char *page = (const char *)dom.data;
  int plots = 0;
  for (const char *at = strstr(page, "<svg "); at; at = strstr(at + 5, "<svg ")) plots++;
  cr_assert_geq(plots, 30, "%d plots", plots);
  cr_assert(strstr(page, "</footer>"));
  cr_assert_null(strstr((char *)log.data, "CONSOLE"), "%s", (char *)log.data);
  json_decref(result);
  buffer_free(&text), buffer_free(&dom), buffer_free(&log);
  folder_remove(folder);
}
