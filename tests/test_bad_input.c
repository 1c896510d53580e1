/* Bad input: one clear line that names the place and the mend, an exit code, and nothing lost. */
#include "base/file.h"
#include "hang.h"
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(bad_input, .init = program_enter, .fini = program_leave, .timeout = HANG_SECONDS);

#define SCRATCH "--from-scratch --game tictactoe "

static void write_text(const char *path, const char *text) {
  Error err;
  cr_assert(file_write(path, text, strlen(text), &err), "%s", err.message);
}

static void damage(const char *path) {
  FILE *file = fopen(path, "r+b");
  cr_assert(file, "%s", path);
  fseek(file, 300, SEEK_SET);
  fputs("damage", file);
  fclose(file);
}

static void expect_same_file(const char *path, const char *other) {
  Buffer a = {0}, b = {0};
  Error err;
  cr_assert(file_read(path, &a, &err) && file_read(other, &b, &err), "%s", err.message);
  cr_assert(a.size == b.size && memcmp(a.data, b.data, a.size) == 0, "%s and %s differ", path, other);
  buffer_free(&a), buffer_free(&b);
}

/* The log is as it was, and the run goes on. */
static void expect_unharmed(const char *log_before) {
  char *log = program_slurp("one/log.jsonl");
  cr_assert_str_eq(log, log_before);
  free(log);
  program_train(SCRATCH "--iterations 2 --run one");
  log = program_slurp("one/log.jsonl");
  cr_assert(strstr(log, "\"iteration\":2"), "%s", log);
  free(log);
}

Test(bad_input, a_configuration_names_file_line_and_nearest_key) {
  write_text("a.conf", "# games\ngame = tictactoe\n\nlearner.bach = 3\n");
  program_refuses("", "--from-scratch --config a.conf --run one", 1, "a.conf:4: unknown key 'learner.bach'");
  program_refuses("", "--from-scratch --config a.conf --run one", 1, "nearest is 'learner.batch'");
  write_text("a.conf", "game = tictactoe\nlearner.batch = 0\n");
  program_refuses("", "--from-scratch --config a.conf --run one", 1, "a.conf:2: learner.batch needs");
  program_refuses("", "--from-scratch --config a.conf --run one", 1, "from 1 to");
  program_refuses("", SCRATCH "--set learner.rate=fast --run one", 2, "learner.rate");
  program_refuses("", SCRATCH "--set selfplay.games=30 --set selfplay.shards=4 --run one", 2,
                  "multiple of selfplay.shards");
  write_text("a.conf", "game = tictactoe\n");
  program_refuses("", "--from-scratch --config a.conf --game connect4 --run one", 2,
                  "is a configuration of tictactoe, not of connect4");
  program_refuses("", "--from-scratch --config absent.conf --run one", 1, "absent.conf");
  program_refuses("", SCRATCH "--set net.feature_planes=on --run one", 2, "tictactoe has none; leave it off");
  cr_assert(!file_exists("one"), "nothing was begun");
}

/* Neither the arm's own value nor the one for all is silently lost. */
Test(bad_input, a_key_for_all_arms_is_refused_where_one_has_its_own) {
  write_text("a.ini",
             "game = tictactoe\n[a]\nbase = from-scratch\n[b]\nbase = from-scratch\nlearner.reuse = 2\n");
  program_refuses("", "compare --design a.ini --set learner.reuse=4 --print-design", 2,
                  "learner.reuse: arm 'b' has its own, 2");
  program_refuses(
      "", "compare -g tictactoe --arms from-scratch,simulations-9 --set search.visits=5 --print-design", 2,
      "search.visits: arm 'simulations-9' has its own, 9");
  program_refuses("", SCRATCH "--set search.kind=none --set selfplay.random_share=0.1 --run one", 2,
                  "selfplay.random_share (0.1) needs a search");
}

Test(bad_input, a_run_is_continued_only_as_what_it_is) {
  program_train(SCRATCH "--iterations 1 --run one");
  char *before = program_slurp("one/log.jsonl");
  static const struct {
    const char *arguments, *words;
  } cases[] = {{"--from-scratch --game connect4 --run one", "is a run of tictactoe, not of connect4"},
               {"--bootstrap-imitation --game tictactoe --run one", "--from-scratch run"},
               {SCRATCH "--seed 9 --run one", "has seed 1, not 9"},
               {SCRATCH "--run one", "was started with"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ProgramResult result = program_run("", cases[i].arguments);
    cr_assert_eq(result.code, 1);
    cr_assert(strstr(result.err, cases[i].words), "%s: %s", cases[i].arguments, result.err);
    program_free(result);
  }
  expect_unharmed(before);
  free(before);
}

Test(bad_input, a_damaged_replay_shard_is_named_set_aside_and_played_again) {
  program_train(SCRATCH "--iterations 1 --run one");
  program_train(SCRATCH "--iterations 2 --run two");
  char *before = program_slurp("one/log.jsonl");
  damage("one/replay/00001-01.spr");
  ProgramResult result = program_run("", "analyze run:one --game tictactoe --visits 5");
  cr_assert_eq(result.code, 0, "a network plays without its replay: %s", result.err);
  program_free(result);
  expect_unharmed(before);
  cr_assert(file_exists("one/replay/00001-01.spr.damaged"));
  expect_same_file("one/replay/00001-01.spr", "two/replay/00001-01.spr");
  free(before);
}

Test(bad_input, a_damaged_network_is_named) {
  program_train(SCRATCH "--iterations 1 --run one");
  damage("one/networks/00001.net");
  program_refuses("", "analyze run:one --game tictactoe", 1, "one/networks/00001.net: damaged");
  program_refuses("", "match net:one/networks/00001.net random --game tictactoe --games 2", 1, "damaged");
  program_refuses("", "analyze net:one/run.json --game tictactoe", 1, "one/run.json");
  write_text("empty.net", "");
  program_refuses("", "analyze net:empty.net --game tictactoe", 1, "empty.net");
  program_refuses("", "analyze net:one/networks/00000.net --game connect4", 1, "tictactoe");
}

Test(bad_input, a_missing_file_is_named_and_nothing_begun) {
  program_refuses("", "accuracy random --positions absent.txt", 1, "absent.txt");
  program_refuses("", "analyze net:absent.net", 1, "absent.net");
  program_refuses("", "analyze run:absent", 1, "absent");
  program_refuses("", "report absent", 1, "absent");
  ProgramResult result = program_run("", "--bootstrap-imitation=absent.txt --run one");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "absent.txt: cannot read"), "%s", result.err);
  cr_assert(!file_exists("one"));
  program_free(result);
}

Test(bad_input, game_records_are_named_by_line) {
  write_text("games.txt", "4141414\n44\n4148\n");
  ProgramResult result = program_run("", "--bootstrap-imitation=games.txt --run one --iterations 1");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "games.txt:2: left out"), "%s", result.err);
  cr_assert(strstr(result.err, "games.txt:3: left out: move 4, '8'"), "%s", result.err);
  cr_assert(strstr(result.err, "too few"), "%s", result.err);
  program_free(result);
}

Test(bad_input, an_unwritable_place_is_named) {
  ProgramResult result = program_run("", SCRATCH "--iterations 1 --run /proc/here");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "/proc/here: cannot create the folder"), "%s", result.err);
  program_free(result);
  program_refuses("", "match random mcts:2 --games 2 --db /proc/x.sqlite", 1, "/proc/x.sqlite");
  write_text("file", "in the way");
  result = program_run("", SCRATCH "--iterations 1 --run file");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "file"), "%s", result.err);
  program_free(result);
  char *kept = program_slurp("file");
  cr_assert_str_eq(kept, "in the way");
  free(kept);
}

/* Files that may not grow stand in for a full disk: the write fails half-way, as it does there. */
Test(bad_input, a_full_disk_stops_a_run_that_then_goes_on) {
  program_train(SCRATCH "--iterations 1 --run one");
  char *before = program_slurp("one/log.jsonl");
  int status =
      system("ulimit -f 2; exec \"$PROGRAM\" " SCRATCH PROGRAM_TINY " --iterations 2 --run one 2>err");
  cr_assert_eq(status, 1 << 8, "%d", status);
  char *err = program_slurp("err");
  cr_assert(strstr(err, "cannot write: File too large; nothing was changed"), "%s", err);
  free(err);
  expect_unharmed(before);
  free(before);
  cr_assert_eq(system("\"$PROGRAM\" games --json >/dev/full 2>err"), 1 << 8);
  err = program_slurp("err");
  cr_assert(strstr(err, "cannot write to standard output: No space left on device"), "%s", err);
  free(err);
  ProgramResult result = program_run("", "match random mcts:2 --games 2 --game tictactoe --db /dev/full");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "/dev/full: "), "%s", result.err);
  program_free(result);
  program_refuses("", "report one --output /dev/full", 1, "/dev/full: cannot write: No space left on device");
  struct stat info;
  cr_assert(stat("/dev/full", &info) == 0 && S_ISCHR(info.st_mode), "the device is still one");
}

Test(bad_input, illegal_moves_are_named_by_place) {
  program_refuses("", "analyze mcts:10 --moves 4448", 2, "move 4, '8'");
  program_refuses("", "analyze mcts:10 --moves 1111111", 2, "move 7, '1': illegal");
  program_refuses("", "play random --moves x", 2, "move 1, 'x'");
}

Test(bad_input, a_text_with_zero_bytes_is_no_text) {
  Error err;
  cr_assert(file_write("games.txt", "4455\n\0\0\n12\n", 11, &err));
  program_refuses("", "accuracy --positions games.txt", 1, "games.txt: damaged, or no text");
  program_refuses("", "match random random --no-record --openings games.txt", 1,
                  "games.txt: damaged, or no text");
}
