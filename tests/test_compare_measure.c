/* What is measured in small experiments, and what is written of it. */
#include "arena/compare_result.h"
#include "arena/compare_sets.h"
#include "base/memory.h"
#include "cli/compare_export.h"
#include "cli/compare_page.h"
#include "browser.h"
#include "experiment.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
  char plain[80]; /* without what the page would escape */
  snprintf(plain, sizeof plain, "%.*s", (int)strcspn(limit, "'\"&<>"), limit);
  cr_assert(strlen(plain) > 20 && strstr((const char *)page.data, plain), "%s", limit);
  buffer_free(&page);
  snprintf(path, sizeof path, "%s/head-start.svg", plots);
  cr_assert(file_exists(path), "%s", path);
}

static json_t *measure(Experiment *experiment, int set, int positions, Error *unknown) {
  ComparePool pool;
  Error err;
  experiment->design.settings.position_count = positions; /* another key, so measured anew */
  cr_assert(compare_pool_new(experiment, &pool, &err), "%s", err.message);
  CompareMeter *meter = compare_meter_new(experiment, 1, NULL, &err);
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
  small_design_of("connect4", "from-scratch,bootstrap-imitation", "100games", &design);
  cr_assert(experiment_open(folder, &design, &experiment, &err), "%s", err.message);
  uint32_t before = compare_trained_stamp(&experiment);
  small_train(&experiment, 1, &none);
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

typedef struct Ending {
  const char *at;
  volatile sig_atomic_t stop;
  int times;
} Ending;

static void end_at(void *context, const char *what, int done, int total) {
  Ending *ending = context;
  cr_assert(done >= 0 && done <= total, "%s: %d of %d", what, done, total);
  if (strcmp(what, ending->at) != 0) return;
  ending->stop = 1;
  ending->times++;
}

Test(compare, measuring_ends_where_it_is_asked_to) {
  static const char *const places[] = {
      "accuracy and policies", "test-time search", "generalisation", "what was learnt from",
      "the teacher's games",   "exact scores",     "rating pool"};
  char folder[FOLDER_MAX];
  CompareDesign design;
  Experiment experiment;
  Interruption none = {0};
  Error err;
  folder_make(folder);
  small_design_of("connect4", "from-scratch,bootstrap-imitation", "72games", &design);
  design.settings.position_count = 10;
  cr_assert(experiment_open(folder, &design, &experiment, &err), "%s", err.message);
  small_train(&experiment, 2, &none);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    Ending ending = {.at = places[i]};
    const CompareWatch watch = {.doing = end_at, .context = &ending, .stop = &ending.stop};
    CompareData data;
    cr_assert_not(compare_data_collect(&experiment, 1, &watch, &data, &err), "%s", places[i]);
    cr_assert_str_empty(err.message);
    bool batch = strcmp(places[i], "rating pool") == 0; /* of games that are played to their end */
    cr_assert(ending.times == 1 || (batch && ending.times > 0), "%s: told %d times", places[i], ending.times);
    compare_data_free(&data);
  }
  json_decref(small_result(&experiment));
  experiment_free(&experiment);
  folder_remove(folder);
}

Test(compare, result_is_whole_and_is_not_measured_twice) {
  char folder[FOLDER_MAX], *texts[2];
  Experiment experiment;
  Interruption none = {0};
  folder_make(folder);
  small_open(folder, "from-scratch,bootstrap-imitation", "72games", &experiment);
  small_train(&experiment, 2, &none);
  for (int k = 0; k < 2; k++) {
    CompareData data;
    Error err;
    cr_assert(compare_data_collect(&experiment, 1, &small_unwatched, &data, &err), "%s", err.message);
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
