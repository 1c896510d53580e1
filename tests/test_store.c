#include "arena/store.h"
#include "base/file.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void) {
  strcpy(folder, "/tmp/selfplay-store-XXXXXX");
  cr_assert(mkdtemp(folder));
}

static void remove_folder(void) {
  static const char *const names[] = {"r.sqlite", "r.sqlite-wal", "r.sqlite-shm", "x"};
  for (int i = 0; i < 4; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}

TestSuite(store, .init = make_folder, .fini = remove_folder, .timeout = HANG_SECONDS);

static Store *open_store(void) {
  char path[128];
  Error err;
  snprintf(path, sizeof path, "%s/r.sqlite", folder);
  Store *store = store_open(path, &err);
  cr_assert(store, "%s", err.message);
  return store;
}

static const StorePlayer a = {"a", 0}, b = {"net:b", 7}, other_b = {"net:b", 8};

Test(store, keeps_games_across_openings_of_the_file) {
  Store *store = open_store();
  Error err;
  const StoreGame games[] = {{"44", "4455", 0, 0, 2}, {"44", "4456", 0, 1, 1}, {"45", "4567", 1, 0, 0}};
  int added = -1;
  cr_assert(store_add(store, "connect4", &a, &b, games, 3, &added, &err), "%s", err.message);
  cr_assert_eq(added, 3);
  store_close(store);
  store = open_store();
  StoreResults results;
  cr_assert(store_results(store, "connect4", &results, &err), "%s", err.message);
  cr_assert_eq(results.player_count, 2);
  cr_assert_eq(results.count, 3);
  int ia = store_results_find(&results, "a", 0), ib = store_results_find(&results, "net:b", 7);
  cr_assert(ia >= 0 && ib >= 0 && ia != ib);
  cr_assert_eq(results.games[0].first, ia);
  cr_assert_eq(results.games[0].points, 2);
  cr_assert_eq(results.games[1].first, ib);
  cr_assert_eq(results.games[1].second, ia);
  cr_assert_eq(results.games[1].points, 1);
  cr_assert_eq(results.games[0].pair, results.games[1].pair);
  cr_assert_neq(results.games[0].pair, results.games[2].pair);
  store_results_free(&results);
  cr_assert(store_results(store, "tictactoe", &results, &err));
  cr_assert_eq(results.count, 0);
  cr_assert_eq(results.player_count, 0);
  const char *openings[] = {"44", "46", "45"};
  bool used[3];
  cr_assert(store_openings_used(store, "connect4", &b, &a, openings, 3, used, &err), "%s", err.message);
  cr_assert(used[0] && !used[1] && used[2]);
  cr_assert(store_openings_used(store, "connect4", &other_b, &a, openings, 3, used, &err));
  cr_assert(!used[0] && !used[2]);
  store_close(store);
}

Test(store, the_same_game_counts_once_and_another_network_is_another_player) {
  Store *store = open_store();
  Error err;
  const StoreGame game = {"44", "4455", 0, 0, 2}, swapped = {"44", "4455", 0, 1, 2};
  int added = -1;
  cr_assert(store_add(store, "connect4", &a, &b, &game, 1, &added, &err));
  cr_assert(store_add(store, "connect4", &a, &b, &game, 1, &added, &err));
  cr_assert_eq(added, 0);
  cr_assert(store_add(store, "connect4", &b, &a, &swapped, 1, &added, &err));
  cr_assert_eq(added, 0, "the same game, told from the other side");
  cr_assert(store_add(store, "connect4", &a, &b, &swapped, 1, &added, &err));
  cr_assert_eq(added, 1);
  cr_assert(store_add(store, "connect4", &a, &other_b, &game, 1, &added, &err));
  cr_assert_eq(added, 1);
  StoreResults results;
  cr_assert(store_results(store, "connect4", &results, &err));
  cr_assert_eq(results.count, 3);
  cr_assert_eq(results.player_count, 3);
  store_results_free(&results);
  store_close(store);
}

static _Noreturn void write_failure(const Error *err) {
  fprintf(stderr, "%s\n", err->message);
  _exit(1);
}

/* Runs in a forked child, where a failed assertion would report through a socket whose thread was not forked,
 * and wait for ever: the exit code speaks instead. */
static _Noreturn void write_many(int process, int gate) {
  char path[128], byte;
  Error err;
  snprintf(path, sizeof path, "%s/r.sqlite", folder);
  while (read(gate, &byte, 1) > 0) continue;
  Store *store = store_open(path, &err);
  if (!store) write_failure(&err);
  for (int match = 0; match < 20; match++) {
    StoreGame games[10];
    char lines[10][64];
    for (int k = 0; k < 10; k++) {
      snprintf(lines[k], sizeof lines[k], "44-%d-%d-%d", process, match, k);
      games[k] = (StoreGame){"44", lines[k], k / 2, k % 2, k % 3};
    }
    int added = 0;
    if (!store_add(store, "connect4", &a, &b, games, 10, &added, &err)) write_failure(&err);
    if (added != 10) _exit(2);
  }
  store_close(store);
  _exit(0);
}

Test(store, processes_write_at_once) {
  enum { PROCESSES = 4 };
  pid_t children[PROCESSES];
  int gate[2]; /* its closing lets all go at one moment, so that they also race for making the file */
  cr_assert_eq(pipe(gate), 0);
  for (int p = 0; p < PROCESSES; p++) {
    children[p] = fork();
    if (children[p] == 0) {
      close(gate[1]);
      write_many(p, gate[0]);
    }
  }
  close(gate[0]);
  close(gate[1]);
  for (int p = 0; p < PROCESSES; p++) {
    int status = -1;
    cr_assert_eq(waitpid(children[p], &status, 0), children[p]);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  Store *store = open_store();
  StoreResults results;
  Error err;
  cr_assert(store_results(store, "connect4", &results, &err));
  cr_assert_eq(results.count, PROCESSES * 200);
  cr_assert_eq(results.player_count, 2);
  store_results_free(&results);
  store_close(store);
}

static void expect_refusal(const char *path, const char *part) {
  Error err;
  Store *store = store_open(path, &err);
  cr_assert_null(store);
  cr_assert(strstr(err.message, path) && strstr(err.message, part), "%s", err.message);
  cr_assert_null(strchr(err.message, '\n'));
}

Test(store, damaged_and_foreign_files_are_one_clear_line) {
  char path[128];
  Error err;
  snprintf(path, sizeof path, "%s/x", folder);
  char garbage[5000];
  memset(garbage, 'g', sizeof garbage);
  cr_assert(file_write(path, garbage, sizeof garbage, &err));
  expect_refusal(path, "damaged");
  unlink(path);
  sqlite3 *db;
  cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
  sqlite3_exec(db, "CREATE TABLE notes (x)", NULL, NULL, NULL);
  sqlite3_close(db);
  expect_refusal(path, "another program");
  unlink(path);
  snprintf(path, sizeof path, "%s/r.sqlite", folder);
  store_close(open_store());
  cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
  sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL);
  sqlite3_close(db);
  expect_refusal(path, "newer version");
  cr_assert_null(store_open("/proc/nothing/here.sqlite", &err));
  cr_assert(strstr(err.message, "/proc/nothing"));
}

/* A file with one game of Connect Four, then changed behind the store's back. */
static Store *store_tampered(const char *sql) {
  static const StoreGame game = {"44", "4455", 0, 0, 2};
  Store *store = open_store();
  Error err;
  sqlite3 *db;
  char path[128];
  cr_assert(store_add(store, "connect4", &a, &b, &game, 1, NULL, &err), "%s", err.message);
  store_close(store);
  snprintf(path, sizeof path, "%s/r.sqlite", folder);
  cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
  cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  return open_store();
}

/* A file whose games were played by other rules: neither read nor added to. */
Test(store, games_by_other_rules_are_not_mixed_in) {
  Store *store = store_tampered("UPDATE rules SET hash = hash + 1");
  const StoreGame game = {"44", "4455", 0, 0, 2};
  StoreResults results;
  Error err;
  cr_assert_not(store_results(store, "connect4", &results, &err));
  cr_assert(strstr(err.message, "follow other rules"), "%s", err.message);
  cr_assert_not(store_add(store, "connect4", &a, &b, &game, 1, NULL, &err));
  cr_assert(strstr(err.message, "follow other rules"), "%s", err.message);
  cr_assert(store_add(store, "othello6", &a, &b, &game, 1, NULL, &err), "%s", err.message);
  store_close(store);
}

/* Who played by a default of then keeps it in the name. */
Test(store, names_of_an_older_default_are_completed) {
  static const char *const names[][2] = {
      {"run:x@12,visits=200", "run:x@12,visits=200,scale=1"},
      {"net:f,visits=200,temperature=0.5,probe=9", "net:f,visits=200,scale=1,temperature=0.5,probe=9"},
      {"net:f,visits=0", "net:f,visits=0"},
      {"net:f,visits=50,search=puct", "net:f,visits=50,search=puct"},
      {"net:f,visits=50,scale=0.25", "net:f,visits=50,scale=0.25"},
      {"mcts:1000", "mcts:1000"},
  };
  Store *store = open_store();
  Error err;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    StorePlayer player = {.hash = 7};
    snprintf(player.name, sizeof player.name, "%s", names[i][0]);
    const StoreGame game = {"44", "4455", 0, 0, 2};
    cr_assert(store_add(store, "connect4", &a, &player, &game, 1, NULL, &err), "%s", err.message);
  }
  store_close(store);
  store_close(store_tampered("PRAGMA user_version = 2"));
  store = open_store();
  StoreResults results;
  cr_assert(store_results(store, "connect4", &results, &err), "%s", err.message);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    cr_expect_geq(store_results_find(&results, names[i][1], 7), 0, "%s", names[i][1]);
  store_results_free(&results);
  store_close(store);
}

/* A file of the first format says nothing of rules yet, and is taken as it is. */
Test(store, files_without_rules_are_still_read) {
  Store *store = store_tampered("DROP TABLE rules; PRAGMA user_version = 1");
  StoreResults results;
  Error err;
  cr_assert(store_results(store, "connect4", &results, &err), "%s", err.message);
  cr_assert_eq(results.count, 1);
  store_results_free(&results);
  store_close(store);
}
