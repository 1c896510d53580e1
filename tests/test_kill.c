/* kill -9 at any moment: the run continues and ends in the bytes of one that nobody disturbed. */
#include "base/file.h"
#include "base/rng.h"
#include "hang.h"
#include "selfplay/run.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(kill, .timeout = HANG_SECONDS);

enum { ITERATIONS = 4 };

static char *const arguments[] = {"selfplay",
                                  "--bootstrap-imitation",
                                  "--game",
                                  "tictactoe",
                                  "--seed",
                                  "11",
                                  "--threads",
                                  "2",
                                  "--iterations",
                                  "4",
                                  "--set",
                                  "net.blocks=1",
                                  "--set",
                                  "net.channels=8",
                                  "--set",
                                  "search.visits=16",
                                  "--set",
                                  "selfplay.games=64",
                                  "--set",
                                  "selfplay.shards=4",
                                  "--set",
                                  "learner.batch=64",
                                  "--set",
                                  "learner.slice=32",
                                  "--set",
                                  "imitation.games=250",
                                  "--set",
                                  "imitation.depth=4",
                                  "--set",
                                  "imitation.epochs=3",
                                  "--set",
                                  "imitation.keep=0.25",
                                  "--run",
                                  "run",
                                  NULL};

/* A training in a process of its own. Between fork and exec nothing is called that could hold a lock. */
static pid_t start(const char *folder) {
  char program[FILE_PATH_MAX];
  const char *named = getenv("SELFPLAY_BIN");
  cr_assert(realpath(named ? named : "build/selfplay", program), "SELFPLAY_BIN names no program");
  pid_t child = fork();
  if (child == 0) {
    int nowhere = open("/dev/null", O_RDWR), messages = -1;
    if (chdir(folder) == 0) messages = open("err", O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (messages < 0 || dup2(nowhere, 0) < 0 || dup2(nowhere, 1) < 0 || dup2(messages, 2) < 0) _exit(127);
    execv(program, arguments);
    _exit(127);
  }
  cr_assert(child > 0);
  return child;
}

static void run_to_the_end(const char *folder) {
  int status;
  pid_t child = start(folder);
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", folder, (unsigned)status);
}

/* Kills it `delay` microseconds after the file has appeared (NULL: after the start). True where it still
 * lived. */
static bool run_and_kill(const char *folder, const char *file, useconds_t delay) {
  char path[FILE_PATH_MAX];
  int status;
  snprintf(path, sizeof path, "%s/run/%s", folder, file ? file : "");
  pid_t child = start(folder);
  while (file && !file_exists(path)) {
    if (waitpid(child, &status, WNOHANG) == child) return false;
    usleep(300);
  }
  usleep(delay);
  kill(child, SIGKILL);
  cr_assert_eq(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status);
}

/* Every file that bears a final name is whole: gzip's own checksum covers it. At the end nothing half-written
 * is left either. */
static void expect_whole_files(const char *folder, const char *part, bool end) {
  char path[FILE_PATH_MAX];
  snprintf(path, sizeof path, "%s/run/%s", folder, part);
  DIR *dir = opendir(path);
  const struct dirent *entry;
  while (dir && (entry = readdir(dir))) {
    const char *dot = strrchr(entry->d_name, '.');
    cr_assert(!dot || strcmp(dot, ".damaged") != 0, "%s", entry->d_name);
    cr_assert(!end || !strstr(entry->d_name, ".tmp"), "%s", entry->d_name);
    if (!dot || (strcmp(dot, ".net") != 0 && strcmp(dot, ".spr") != 0 && strcmp(dot, ".ckpt") != 0)) continue;
    Buffer bytes = {0};
    Error err;
    snprintf(path, sizeof path, "%s/run/%s/%s", folder, part, entry->d_name);
    cr_assert(file_read(path, &bytes, &err), "%s", err.message);
    buffer_free(&bytes);
  }
  if (dir) closedir(dir);
}

static void expect_whole_run(const char *folder, bool end) {
  static const char *const parts[] = {".", "networks", "replay", "imitation"};
  for (int i = 0; i < 4; i++) expect_whole_files(folder, parts[i], end);
}

static void expect_same_bytes(const char *a, const char *b, int iteration) {
  Buffer bytes[2] = {{0}, {0}};
  const char *folders[] = {a, b};
  for (int i = 0; i < 2; i++) {
    char path[FILE_PATH_MAX];
    Error err;
    snprintf(path, sizeof path, "%s/run/networks/%05d.net", folders[i], iteration);
    cr_assert(file_read(path, &bytes[i], &err), "%s", err.message);
  }
  cr_assert(bytes[0].size == bytes[1].size && memcmp(bytes[0].data, bytes[1].data, bytes[0].size) == 0,
            "network %d differs", iteration);
  buffer_free(&bytes[0]), buffer_free(&bytes[1]);
}

static json_t *read_log(const char *folder) {
  char path[FILE_PATH_MAX];
  RunInfo run;
  Error err;
  snprintf(path, sizeof path, "%s/run", folder);
  cr_assert(run_open(path, &run, &err), "%s", err.message);
  json_t *log = run_log(&run, &err);
  cr_assert(log, "%s", err.message);
  return log;
}

/* One line an iteration, equal but for times. */
static void expect_same_logs(const char *a, const char *b) {
  static const char *const keys[] = {"iteration",   "games_total", "positions_total", "evaluations_total",
                                     "loss_policy", "loss_value",  "flops_total",     "network_hash"};
  json_t *one = read_log(a), *two = read_log(b);
  cr_assert_eq(json_array_size(one), ITERATIONS);
  cr_assert_eq(json_array_size(two), ITERATIONS);
  for (size_t i = 0; i < ITERATIONS; i++)
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
      cr_assert(json_equal(json_object_get(json_array_get(one, i), keys[k]),
                           json_object_get(json_array_get(two, i), keys[k])),
                "line %zu: %s", i + 1, keys[k]);
  json_decref(one), json_decref(two);
}

Test(kill, at_any_moment_changes_nothing) {
  /* One behind the other in the course of a run: teacher, fitting, first checkpoint, self-play, learning, and
   * between network, checkpoint and log line. */
  static const struct {
    const char *file;
    useconds_t window;
  } moments[] = {{"run.conf", 1000},           {"imitation/00001.spr", 10000}, {"imitation.jsonl", 10000},
                 {"learner-00000.ckpt", 5000}, {"replay/00001-01.spr", 5000},  {"replay/00001-03.spr", 10000},
                 {"networks/00001.net", 1},    {"replay/00002-02.spr", 10000}, {"learner-00002.ckpt", 1}};
  char calm[FOLDER_MAX], killed[FOLDER_MAX];
  folder_make(calm), folder_make(killed);
  run_to_the_end(calm);
  Rng rng = rng_make(1, RNG_TEST, 0, 0);
  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
    cr_assert(run_and_kill(killed, moments[i].file, rng_below(&rng, (uint32_t)moments[i].window)),
              "the run was over before %s", moments[i].file);
    expect_whole_run(killed, false);
  }
  for (int i = 0; i < 4; i++) {
    run_and_kill(killed, NULL, rng_below(&rng, 150000));
    expect_whole_run(killed, false);
  }
  run_to_the_end(killed);
  expect_whole_run(killed, true);
  for (int i = 0; i <= ITERATIONS; i++) expect_same_bytes(calm, killed, i);
  expect_same_logs(calm, killed);
  folder_remove(calm), folder_remove(killed);
}
