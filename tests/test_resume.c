/* What a run that goes on finds, besides what it left: other source files, files it cannot read. */
#include "hang.h"
#include "selfplay/run_folder.h"
#include "folder.h"
#include "networks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(resume, .timeout = HANG_SECONDS);

static volatile sig_atomic_t never;

static void ignore_notice(void *context, const char *message) {
  (void)context, (void)message;
}

static void (*notice)(void *context, const char *message) = ignore_notice;

static bool train(const char *folder, const char *source, int iterations, Error *err) {
  static const char *const sets[] = {"net.blocks=1",      "net.channels=8",         "search.visits=8",
                                     "selfplay.games=16", "selfplay.shards=4",      "learner.batch=32",
                                     "learner.slice=16",  "imitation.keep=0.5",     "imitation.epochs=2",
                                     "run.minutes=0",     "selfplay.random_plies=3"};
  RunRequest request = {.folder = folder,
                        .game = game_find("tictactoe"),
                        .arm = source[0] ? ARM_BOOTSTRAP_IMITATION : ARM_FROM_SCRATCH,
                        .source = source,
                        .seed = 3,
                        .threads = 1,
                        .bootstrap_only = iterations == 0};
  cr_assert(run_config_shipped(request.game, &request.config, err), "%s", err->message);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    cr_assert(config_set(&run_config_table, &request.config, sets[i], "test", err), "%s", err->message);
  request.config.iterations = iterations;
  const RunEvents events = {.notice = notice};
  return run_train(&request, &events, &never, err);
}

static void write_games(const char *path, const char *game) {
  char text[400] = "";
  Error err;
  for (int i = 0; i < 20; i++) strcat(text, game);
  cr_assert(file_write(path, text, strlen(text), &err), "%s", err.message);
}

Test(resume, games_of_a_source_are_those_it_began_with) {
  char parts[FOLDER_MAX], whole[FOLDER_MAX], source[FOLDER_MAX + 16];
  Error err;
  folder_make(parts), folder_make(whole);
  snprintf(source, sizeof source, "%s/games.txt", whole);
  write_games(source, "a1b1a2b2a3\n");
  cr_assert(train(whole, source, 2, &err), "%s", err.message);
  cr_assert(train(parts, source, 1, &err), "%s", err.message);
  write_games(source, "b2a1b1a2b3\n");
  cr_assert(train(parts, source, 2, &err), "%s", err.message);
  cr_assert_eq(network_hash(parts, 2), network_hash(whole, 2));
  folder_remove(parts), folder_remove(whole);
}

/* A file that another version wrote is no damaged one. */
Test(resume, what_cannot_be_read_is_left_where_it_is) {
  static const char *const files[] = {"learner-00002.ckpt", "replay/00002-01.spr"};
  static const char *const magics[] = {"SPLEARNR", "SPREPLAY"};
  static const struct {
    uint32_t version;
    const char *name;
  } writers[] = {{99, "newer version"}, {1, "older version"}};
  for (int k = 0; k < 4; k++) {
    int f = k % 2, w = k / 2;
    char folder[FOLDER_MAX], path[FILE_PATH_MAX], aside[FILE_PATH_MAX + 16];
    Error err;
    folder_make(folder);
    cr_assert(train(folder, "", 2, &err), "%s", err.message);
    snprintf(path, sizeof path, "%s/%s", folder, files[f]);
    snprintf(aside, sizeof aside, "%s.damaged", path);
    Buffer payload = {0};
    buffer_put(&payload, "of another time", 15);
    cr_assert(file_write_block(path, magics[f], writers[w].version, BLOCK_STORED, &payload, &err), "%s",
              err.message);
    buffer_free(&payload);
    cr_assert_not(train(folder, "", 3, &err));
    cr_assert(strstr(err.message, files[f]) && strstr(err.message, writers[w].name), "%s", err.message);
    cr_assert(file_exists(path) && !file_exists(aside), "%s", path);
    folder_remove(folder);
  }
}

/* With another network in its place every shard of the window would be called damaged and played again. */
Test(resume, another_runs_network_is_refused) {
  char folder[FOLDER_MAX], from[FILE_PATH_MAX], to[FILE_PATH_MAX];
  Error err;
  folder_make(folder);
  cr_assert(train(folder, "", 3, &err), "%s", err.message);
  snprintf(from, sizeof from, "%s/networks/00003.net", folder);
  snprintf(to, sizeof to, "%s/networks/00001.net", folder);
  Buffer bytes = {0};
  cr_assert(file_read(from, &bytes, &err) && file_write(to, bytes.data, bytes.size, &err), "%s", err.message);
  buffer_free(&bytes);
  cr_assert_not(train(folder, "", 4, &err));
  cr_assert(strstr(err.message, "networks/00001.net: is not the network of iteration 1"), "%s", err.message);
  folder_remove(folder);
}

/* People delete old networks to save room; a run that has lost all of them has its checkpoint still, and does
 * not begin again. */
Test(resume, a_run_without_networks_or_checkpoints_does_not_begin_again) {
  char folder[FOLDER_MAX], path[FILE_PATH_MAX];
  Error err;
  folder_make(folder);
  cr_assert(train(folder, "", 2, &err), "%s", err.message);
  for (int i = 0; i <= 2; i++) {
    snprintf(path, sizeof path, "%s/networks/%05d.net", folder, i);
    cr_assert_eq(unlink(path), 0);
  }
  cr_assert_not(train(folder, "", 3, &err));
  cr_assert(strstr(err.message, ".net: cannot read"), "%s", err.message);
  for (int i = 1; i <= 2; i++) {
    snprintf(path, sizeof path, "%s/learner-%05d.ckpt", folder, i);
    cr_assert_eq(unlink(path), 0);
  }
  cr_assert_not(train(folder, "", 3, &err));
  cr_assert(strstr(err.message, "no whole checkpoint"), "%s", err.message);
  RunInfo run;
  cr_assert(run_open(folder, &run, &err), "%s", err.message);
  json_t *log = run_log(&run, &err);
  cr_assert_eq(json_array_size(log), 2);
  json_decref(log);
  folder_remove(folder);
}

Test(resume, a_shortened_log_is_refused) {
  char folder[FOLDER_MAX], path[FILE_PATH_MAX];
  Error err;
  folder_make(folder);
  cr_assert(train(folder, "", 3, &err), "%s", err.message);
  snprintf(path, sizeof path, "%s/log.jsonl", folder);
  Buffer log = {0};
  cr_assert(file_read(path, &log, &err), "%s", err.message);
  cr_assert_eq(unlink(path), 0);
  for (int i = 0; i < 2; i++) {
    cr_assert_not(train(folder, "", 4, &err));
    cr_assert(strstr(err.message, "log.jsonl: its last 2 lines are missing"), "%s", err.message);
    cr_assert_not(file_exists(path));
  }
  cr_assert(file_write(path, log.data, log.size, &err) && train(folder, "", 4, &err), "%s", err.message);
  buffer_free(&log);
  folder_remove(folder);
}

static int notices;

static void count_notices(void *context, const char *message) {
  (void)context;
  notices += strstr(message, "may train other networks") != NULL;
}

/* Once, and then no more; also where it goes on before the first checkpoint, as killed while it imitated. */
Test(resume, another_version_says_so) {
  for (int imitates = 0; imitates < 2; imitates++) {
    char folder[FOLDER_MAX], path[FILE_PATH_MAX], source[FOLDER_MAX + 16] = "";
    Error err;
    folder_make(folder);
    if (imitates) {
      snprintf(source, sizeof source, "%s/games.txt", folder);
      write_games(source, "a1b1a2b2a3\n");
    }
    notice = count_notices, notices = 0;
    cr_assert(train(folder, source, 0, &err), "%s", err.message);
    cr_assert_eq(notices, 0);
    snprintf(path, sizeof path, "%s/learner-00000.ckpt", folder);
    if (imitates) cr_assert_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/run.json", folder);
    Buffer text = {0};
    cr_assert(file_read_text(path, &text, &err), "%s", err.message);
    char *version = strstr((char *)text.data, "\"version\": \"");
    cr_assert(version);
    version[strlen("\"version\": \"")] = '#';
    cr_assert(file_write(path, text.data, strlen((char *)text.data), &err), "%s", err.message);
    buffer_free(&text);
    cr_assert(train(folder, source, 1, &err), "%s", err.message);
    cr_assert_eq(notices, 1);
    cr_assert(train(folder, source, 2, &err), "%s", err.message);
    cr_assert_eq(notices, 1);
    folder_remove(folder);
  }
}

Test(resume, all_versions_of_a_log_are_named) {
  char texts[40];
  json_t *log = json_pack("[{s:s}, {}, {s:s}, {s:s}, {s:s}]", "version", "a", "version", "b", "version", "a",
                          "version", "c"),
         *old = json_pack("[{}, {}]");
  run_log_texts(log, "version", "x", texts, sizeof texts);
  cr_assert_str_eq(texts, "a, b, c");
  run_log_texts(log, "version", "x", texts, 6);
  cr_assert_str_eq(texts, "a, b,");
  run_log_texts(old, "version", "x", texts, sizeof texts);
  cr_assert_str_eq(texts, "x");
  json_decref(log), json_decref(old);
}

/* The mended file is read again, and not what was kept of the first. */
Test(resume, a_source_of_too_few_games_can_be_mended) {
  char folder[FOLDER_MAX], source[FOLDER_MAX + 16];
  Error err;
  folder_make(folder);
  snprintf(source, sizeof source, "%s/games.txt", folder);
  cr_assert(file_write(source, "a1b1a2b2a3\n", 11, &err), "%s", err.message);
  cr_assert_not(train(folder, source, 1, &err));
  cr_assert(strstr(err.message, source) && strstr(err.message, "give at least 10"), "%s", err.message);
  write_games(source, "a1b1a2b2a3\n");
  cr_assert(train(folder, source, 1, &err), "%s", err.message);
  folder_remove(folder);
}
