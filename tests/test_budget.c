/* run.minutes and the cost of the bootstrap stage, over stops and resumes. */
#include "hang.h"
#include "selfplay/run.h"
#include "folder.h"
#include "networks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(budget, .timeout = HANG_SECONDS);

/* What a session does when it is told of progress. */
typedef struct Session {
  RunStage stage;                   /* at the first report of this stage */
  bool acted;                       /* it was made */
  bool stops;                       /* the session is stopped, as by a signal, */
  double sleeps;                    /* or this many seconds pass */
  char notice[FILE_PATH_MAX + 600]; /* the last one */
} Session;

static volatile sig_atomic_t stop;

static void on_progress(void *context, const RunProgress *progress) {
  Session *session = context;
  if (progress->stage != session->stage || session->acted) return;
  session->acted = true;
  if (session->stops) stop = 1;
  usleep((useconds_t)(1e6 * session->sleeps));
}

static void on_notice(void *context, const char *message) {
  Session *session = context;
  snprintf(session->notice, sizeof session->notice, "%s", message);
}

/* A run of tic-tac-toe, so small that a stage takes a moment. */
static RunRequest small_run(const char *folder) {
  static const char *const sets[] = {"net.blocks=1",           "net.channels=8",      "search.visits=8",
                                     "selfplay.games=16",      "selfplay.shards=4",   "learner.batch=32",
                                     "learner.slice=16",       "imitation.games=120", "imitation.depth=2",
                                     "imitation.epochs=2",     "run.minutes=0",       "run.iterations=1",
                                     "selfplay.random_plies=3"};
  RunRequest request = {.folder = folder,
                        .game = game_find("tictactoe"),
                        .arm = ARM_BOOTSTRAP_IMITATION,
                        .source = "",
                        .seed = 3,
                        .threads = 2};
  Error err;
  cr_assert(run_config_shipped(request.game, &request.config, &err), "%s", err.message);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    cr_assert(config_set(&run_config_table, &request.config, sets[i], "test", &err), "%s", err.message);
  return request;
}

static void train(const char *folder, double minutes, Session *session) {
  RunRequest request = small_run(folder);
  RunEvents events = {.context = session, .progress = on_progress, .notice = on_notice};
  Error err;
  request.config.minutes = minutes;
  stop = 0;
  session->notice[0] = 0;
  cr_assert(run_train(&request, &events, &stop, &err), "%s", err.message);
}

static bool has(const char *folder, const char *name) {
  char path[FILE_PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return file_exists(path);
}

static double read_real(const char *folder, const char *name, const char *key) {
  char path[FILE_PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  json_t *root = json_load_file(path, 0, NULL);
  cr_assert(json_is_real(json_object_get(root, key)), "%s: no %s", path, key);
  double value = json_real_value(json_object_get(root, key));
  json_decref(root);
  return value;
}

Test(budget, the_bootstrap_stage_ends_with_it_and_is_completed_by_more) {
  char cut[FOLDER_MAX], whole[FOLDER_MAX];
  folder_make(cut), folder_make(whole);
  Session session = {.stage = STAGE_LEARNING};
  train(whole, 0, &session);
  cr_assert(session.acted);

  /* No time at all: no game is made, the network is the first one, and nothing pretends that the stage is
   * over. */
  train(cut, 1e-6, &session);
  cr_assert(strstr(session.notice, "after 0 of 120 expert games"), "%s", session.notice);
  cr_assert(has(cut, "networks/00000.net") && !has(cut, "learner-00000.ckpt"));
  train(cut, 1e-6, &session);
  cr_assert(strstr(session.notice, "more --minutes"), "%s", session.notice);

  /* Stopped as the fitting begins; all games are there. */
  session = (Session){.stage = STAGE_IMITATION, .stops = true};
  train(cut, 0, &session);
  cr_assert(session.acted && has(cut, "imitation/00002.spr") && !has(cut, "learner-00000.ckpt"));
  double spent = read_real(cut, "clock.json", "seconds");

  /* Time runs out in the first pass over the games. */
  session = (Session){.stage = STAGE_IMITATION, .sleeps = 2.1};
  train(cut, (spent + 2) / 60, &session);
  cr_assert(strstr(session.notice, "being fitted;"), "%s", session.notice);
  cr_assert(has(cut, "networks/00000.net") && !has(cut, "learner-00000.ckpt"));
  RunInfo run;
  Error err;
  cr_assert(run_open(cut, &run, &err), "%s", err.message);
  json_t *epochs = run_imitation_log(&run, &err);
  cr_assert_eq(json_array_size(epochs), 1);
  cr_assert(json_is_true(json_object_get(json_array_get(epochs, 0), "cut")));
  json_decref(epochs);

  /* Enough time: the same bytes as in one go, and all that was spent is counted. */
  session = (Session){.stage = STAGE_LEARNING};
  train(cut, 0, &session);
  cr_assert_str_empty(session.notice);
  cr_assert_eq(network_hash(cut, 0), network_hash(whole, 0));
  cr_assert_eq(network_hash(cut, 1), network_hash(whole, 1));
  cr_assert_geq(read_real(cut, "bootstrap.json", "seconds"), spent + 2);
  cr_assert_gt(read_real(cut, "bootstrap.json", "teacher_seconds"), 0);
  json_t *log = run_log(&run, &err);
  cr_assert_geq(json_real_value(json_object_get(json_array_get(log, 0), "seconds_total")), spent + 2);
  json_decref(log);
  folder_remove(cut), folder_remove(whole);
}

/* A fitting that was stopped is begun anew: it took wall-clock time, but is no part of what the stage takes.
 */
Test(budget, processor_time_of_an_undone_fitting_is_not_the_stages) {
  static const char earlier[] = "{\"seconds\": 1000.0, \"cpu_seconds\": 1000.0, \"teacher_seconds\": 5.0, "
                                "\"teacher_cpu_seconds\": 5.0}";
  char folder[FOLDER_MAX], path[FILE_PATH_MAX];
  folder_make(folder);
  Session session = {.stage = STAGE_IMITATION, .stops = true};
  train(folder, 0, &session);
  Error err;
  snprintf(path, sizeof path, "%s/clock.json", folder);
  cr_assert(file_write(path, earlier, sizeof earlier - 1, &err), "%s", err.message);
  session = (Session){.stage = STAGE_LEARNING};
  train(folder, 0, &session);
  cr_assert(session.acted);
  double cpu = read_real(folder, "bootstrap.json", "cpu_seconds"),
         teacher = read_real(folder, "bootstrap.json", "teacher_cpu_seconds");
  cr_assert(teacher >= 5 && cpu > teacher && cpu < 500, "%f of %f", teacher, cpu);
  cr_assert_geq(read_real(folder, "bootstrap.json", "seconds"), 1000);
  folder_remove(folder);
}

static bool already_enough(void *context, const RunSpent *spent) {
  (void)context, (void)spent;
  return true;
}

/* A teacher that has spent all that `compare` allows costs floating-point work all the same. */
Test(budget, a_teacher_is_priced_however_dear) {
  char folder[FOLDER_MAX];
  folder_make(folder);
  RunRequest request = small_run(folder);
  Session session = {.stage = STAGE_LEARNING};
  RunEvents events = {
      .context = &session, .progress = on_progress, .notice = on_notice, .enough = already_enough};
  Error err;
  stop = 0;
  cr_assert(run_train(&request, &events, &stop, &err), "%s", err.message);
  cr_assert_gt(read_real(folder, "bootstrap.json", "teacher_flops"), 0);
  folder_remove(folder);
}

Test(budget, from_scratch_stops_before_an_iteration_that_it_cannot_pay) {
  char folder[FOLDER_MAX];
  folder_make(folder);
  RunRequest request = small_run(folder);
  Session session = {.stage = STAGE_LEARNING, .sleeps = 2.1};
  RunEvents events = {.context = &session, .progress = on_progress, .notice = on_notice};
  Error err;
  request.arm = ARM_FROM_SCRATCH;
  request.config.iterations = 0;
  request.config.minutes = 3.0 / 60;
  stop = 0;
  for (int times = 0; times < 2; times++) { /* the second has as little time left */
    cr_assert(run_train(&request, &events, &stop, &err), "%s", err.message);
    cr_assert(has(folder, "networks/00001.net") && !has(folder, "networks/00002.net"));
  }
  folder_remove(folder);
}
