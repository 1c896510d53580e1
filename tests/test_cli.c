/* The program as its users meet it: a child process, its exit code, and what it writes. */
#include "cli/libraries.h"
#include "base/file.h"
#include "hang.h"
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(cli, .init = program_enter, .fini = program_leave, .timeout = HANG_SECONDS);

Test(cli, help_of_every_command) {
  static const char *const words[] = {"",      "train",   "play",     "analyze", "match",
                                      "elo",   "games",   "accuracy", "report",  "make-data",
                                      "bench", "targets", "compare"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char arguments[40];
    snprintf(arguments, sizeof arguments, "%s --help", words[i]);
    ProgramResult result = program_run("", arguments);
    cr_assert_eq(result.code, 0, "%s: %s", arguments, result.err);
    cr_assert_str_empty(result.err);
    cr_assert(strstr(result.out, "Usage: selfplay"), "%s", result.out);
    cr_assert(strstr(result.out, words[i]), "%s", result.out);
    program_free(result);
  }
}

Test(cli, version) {
  ProgramResult result = program_run("", "--version");
  cr_assert_eq(result.code, 0);
  cr_assert_eq(strncmp(result.out, "selfplay ", 9), 0);
  program_free(result);
}

/* By the names that OpenBLAS gives where it knows a CPU, and where it falls back. */
Test(cli, wide_blas_kernels_where_openblas_does_not_know_the_cpu) {
  cr_assert_null(libraries_better_core("SkylakeX", true, true));
  cr_assert_null(libraries_better_core("Cooperlake", true, true));
  cr_assert_null(libraries_better_core("a core to come", true, true));
  cr_assert_str_eq(libraries_better_core("Zen", true, true), "SkylakeX");
  cr_assert_str_eq(libraries_better_core("Prescott", true, true), "SkylakeX");
  cr_assert_str_eq(libraries_better_core("Prescott", true, false), "Haswell");
  cr_assert_null(libraries_better_core("Haswell", true, false));
  cr_assert_null(libraries_better_core("Zen", true, false));
  cr_assert_null(libraries_better_core("Nehalem", false, false));
}

/* As libgomp itself says what it has read; the program may have been restarted to that end. */
Test(cli, waiting_threads_do_not_spin_for_long) {
  static const struct {
    const char *policy;
    bool limited;
  } cases[] = {{NULL, true}, {"active", false}};
  unsetenv("GOMP_SPINCOUNT");
  setenv("OMP_DISPLAY_ENV", "verbose", 1);
  for (int i = 0; i < 2; i++) {
    if (cases[i].policy)
      setenv("OMP_WAIT_POLICY", cases[i].policy, 1);
    else
      unsetenv("OMP_WAIT_POLICY");
    ProgramResult result = program_run("", "--version");
    cr_assert_eq(result.code, 0);
    if (!strstr(result.err, "GOMP_SPINCOUNT")) cr_skip_test("another OpenMP library than libgomp");
    cr_assert_eq(strstr(result.err, "GOMP_SPINCOUNT = '1000'") != NULL, cases[i].limited, "%s", result.err);
    program_free(result);
  }
}

Test(cli, wrong_usage_is_2) {
  program_refuses("", "ply", 2, "nearest is 'play'");
  program_refuses("", "xyzzy", 2, "unknown command 'xyzzy'; selfplay --help lists all");
  program_refuses("", "match human random", 2, "a person can be asked in `selfplay play' only");
  program_refuses("", "reprot x", 2, "nearest is 'report'");
  program_refuses("", "report", 2, "at least one run");
  program_refuses("", "match random", 2, "two players");
  program_refuses("", "play random --game chess960", 2, "tictactoe");
  program_refuses("", "analyze --threads 0", 2, "--threads");
  program_refuses("", "play random --side left", 2, "first or second");
  program_refuses("", "--from-scratch --iterations many", 2, "--iterations");
  program_refuses("", "match random random --alpha 0.1", 2, "--alpha needs --sprt");
  program_refuses("", "match random random --sprt 0,250 --normalized", 2, "within 200 Elo");
  program_refuses("", "play random --level 3", 2, "--level is for networks");
  program_refuses("", "make-data openings --plies 2,9 -o o.txt", 2, "one length");
  program_refuses("", "make-data book --seed 2 -o b.txt", 2, "nothing random");
  program_refuses("", "elo --games 100", 2, "--games is for players");
  static const char *const unknown[] = {"--bogus", "play --bogus", "games --bogus", "play random random"};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    ProgramResult result = program_run("", unknown[i]);
    cr_assert_eq(result.code, 2, "%s: %d", unknown[i], result.code);
    cr_assert_str_empty(result.out);
    program_free(result);
  }
  ProgramResult bare = program_run("", "");
  cr_assert_eq(bare.code, 2);
  cr_assert(strstr(bare.err, "Usage: selfplay"));
  program_free(bare);
}

Test(cli, games_as_json) {
  json_t *root = program_json("games --json"), *games = json_object_get(root, "games"), *game;
  size_t i, found = 0;
  json_array_foreach(games, i, game) {
    if (strcmp(json_string_value(json_object_get(game, "name")), "connect4") != 0) continue;
    cr_assert_eq(json_integer_value(json_object_get(game, "rows")), 6);
    cr_assert_eq(json_integer_value(json_object_get(game, "moves")), 7);
    cr_assert_eq(json_integer_value(json_object_get(game, "max_plies")), 42);
    cr_assert(json_is_true(json_object_get(game, "config")));
    found++;
  }
  cr_assert_eq(found, 1);
  json_decref(root);
}

Test(cli, two_people_play_to_the_end) {
  ProgramResult result = program_run("1 2 1 2\n1 2 1\n", "play human");
  cr_assert_eq(result.code, 0, "%s", result.err);
  cr_assert(strstr(result.out, "yellow wins"), "%s", result.out);
  cr_assert(!strchr(result.out, '\033'), "no escape codes in a pipe");
  program_free(result);
  result = program_run("1212121", "play human"); /* run together, as everywhere else */
  cr_assert(strstr(result.out, "yellow wins"), "%s", result.out);
  program_free(result);
  result = program_run("a1 b2 a3 a2 c2 b1 b3 c3 c1", "play human --game tictactoe");
  cr_assert(strstr(result.out, "Draw"), "%s", result.out);
  program_free(result);
}

Test(cli, a_person_beats_random) {
  /* Four of one's own in a column: at the latest the third column is free for it. */
  ProgramResult result = program_run("1 1 1 1 2 2 2 2 3 3 3 3", "play random --seed 3");
  cr_assert(strstr(result.out, "yellow wins: you"), "%s", result.out);
  cr_assert(strstr(result.out, "random plays"), "%s", result.out);
  program_free(result);
}

Test(cli, words_in_a_pipe) {
  ProgramResult result = program_run("4 undo\n3 info visits 50 5 new\n1 swap quit 9", "play mcts:20");
  cr_assert_eq(result.code, 0, "%s", result.err);
  cr_assert(strstr(result.out, "taken back"));
  cr_assert(strstr(result.out, "50 visits"));
  cr_assert(strstr(result.out, "principal variation"));
  program_free(result);
  result = program_run("hint", "play solver --moves 4444443265");
  cr_assert(strstr(result.out, "hint: "), "%s", result.out);
  program_free(result);
}

Test(cli, illegal_moves) {
  static const struct {
    const char *input, *arguments, *words;
  } cases[] = {{"9", "play random", "'9'"},
               {"1 1 1 1 1 1 1", "play human", "illegal"},
               {"1 visits many", "play human", "visits"},
               {"1212121 3", "play human", "over"},
               {"castle", "play random", "castle"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ProgramResult result = program_run(cases[i].input, cases[i].arguments);
    cr_assert_eq(result.code, 1, "%s: exit %d", cases[i].input, result.code);
    cr_assert(strstr(result.err, cases[i].words), "%s: %s", cases[i].input, result.err);
    cr_assert_eq(strchr(result.err, '\n'), result.err + strlen(result.err) - 1, "one line: %s", result.err);
    program_free(result);
  }
  program_refuses("", "play random --moves 48", 2, "move 2, '8'");
}

Test(cli, analysis_as_json) {
  json_t *root = program_json("analyze mcts:200 --moves 112233 --json"), *child;
  static const char *const keys[] = {"game",    "player", "moves", "to_move", "value",   "wdl",
                                     "network", "visits", "best",  "pv",      "children"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    cr_assert(json_object_get(root, keys[i]), "%s", keys[i]);
  cr_assert_str_eq(json_string_value(json_object_get(root, "to_move")), "yellow");
  cr_assert_str_eq(json_string_value(json_object_get(root, "best")), "4", "it wins at once");
  const json_t *wdl = json_object_get(root, "wdl");
  double win = json_number_value(json_object_get(wdl, "win")),
         draw = json_number_value(json_object_get(wdl, "draw")),
         loss = json_number_value(json_object_get(wdl, "loss"));
  cr_assert_float_eq(win + draw + loss, 1, 1e-4);
  cr_assert_float_eq(win - loss, json_number_value(json_object_get(root, "value")), 1e-4);
  const json_t *list = json_object_get(root, "children");
  double priors = 0;
  size_t i;
  cr_assert_eq(json_array_size(list), 7);
  json_array_foreach(list, i, child) {
    priors += json_number_value(json_object_get(child, "prior"));
    cr_assert(json_is_integer(json_object_get(child, "visits")));
    cr_assert(json_is_string(json_object_get(child, "move")));
  }
  cr_assert_float_eq(priors, 1, 1e-4);
  json_decref(root);
}

Test(cli, analysis_refused) {
  program_refuses("", "analyze mcts:10 --moves 1212121", 2, "over");
  program_refuses("", "analyze mcts:10 --moves 1111111", 2, "move 7, '1'");
  program_refuses("", "analyze random", 2, "nothing to show");
  program_refuses("", "analyze net:absent.net", 1, "absent.net");
  program_refuses("", "analyze mtcs:10", 2, "mtcs");
}

Test(cli, report_of_two_runs) {
  program_train("--from-scratch --game tictactoe --iterations 3 --run one");
  program_train(
      "--bootstrap-imitation --game tictactoe --iterations 3 --run 'a&<b>' --set imitation.games=100");
  ProgramResult result = program_run("", "report one 'a&<b>' --output page.html");
  cr_assert_eq(result.code, 0, "%s", result.err);
  char *page = program_slurp("page.html");
  cr_assert(strstr(page, "<svg") && strstr(page, "</html>"));
  cr_assert(strstr(page, "a&amp;&lt;b&gt;") && !strstr(page, "<b>"), "names are escaped");
  /* Self-contained: the only addresses are those that name SVG's own language. */
  for (const char *at = page; (at = strstr(at, "://")); at += 3)
    cr_assert(at - page > 16 && strncmp(at + 3, "www.w3.org/", 11) == 0, "%.80s", at - 8);
  cr_assert(!strstr(page, "<script") && !strstr(page, "<img") && !strstr(page, "@import"));
  free(page);
  program_free(result);
  json_t *root = program_json("report one 'a&<b>' --output page.html --json"),
         *runs = json_object_get(root, "runs");
  cr_assert_eq(json_array_size(runs), 2);
  cr_assert_str_eq(json_string_value(json_object_get(json_array_get(runs, 1), "arm")), "bootstrap-imitation");
  cr_assert_eq(json_array_size(json_object_get(json_array_get(runs, 0), "log")), 3);
  json_decref(root);
}

Test(cli, report_refused) {
  program_refuses("", "report absent", 1, "absent");
  program_train("--from-scratch --game tictactoe --iterations 1 --run one");
  program_train("--from-scratch --game connect4 --iterations 1 --run two");
  program_refuses("", "report one two", 2, "one game");
  program_refuses("", "report one --output /proc/page.html", 1, "/proc/page.html");
}

/* Bad input in training: one clear line, and the run that was there is still whole. */
Test(cli, training_refused) {
  ProgramResult result = program_run("", "--from-scratch --game tictactoe --iterations 1 --run /proc/here");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "/proc/here"));
  program_free(result);
  program_refuses("", "--from-scratch --run one --set learner.bach=3", 2, "nearest is 'learner.batch'");
  program_refuses("", "--from-scratch --run one --config absent.conf", 1, "absent.conf");
  program_refuses("", "--from-scratch --run one --set game=tictactoe", 2, "chosen by --game tictactoe");
  program_train("--from-scratch --game tictactoe --iterations 1 --run one");
  char *before = program_slurp("one/log.jsonl");
  result = program_run("", "--from-scratch --game connect4 --iterations 2 --run one");
  cr_assert_eq(result.code, 1);
  cr_assert(strstr(result.err, "is a run of tictactoe"), "%s", result.err);
  program_free(result);
  char *after = program_slurp("one/log.jsonl");
  cr_assert_str_eq(before, after);
  free(before);
  free(after);
  program_train("--from-scratch --game tictactoe --iterations 2 --run one"); /* the same command continues */
  after = program_slurp("one/log.jsonl");
  cr_assert(strstr(after, "\"iteration\":2"));
  free(after);
}

Test(cli, damaged_network) {
  program_train("--from-scratch --game tictactoe --iterations 1 --run one");
  FILE *file = fopen("one/networks/00001.net", "r+b");
  cr_assert(file);
  fseek(file, 300, SEEK_SET);
  fputs("damage", file);
  fclose(file);
  program_refuses("", "analyze run:one --game tictactoe", 1, "damaged");
  program_refuses("", "analyze net:one/networks/00001.net --game tictactoe", 1, "00001.net");
}

/* A run or network file says of which game it is, and may have a comma in its name. */
Test(cli, networks_bring_their_game) {
  program_train("--from-scratch --game tictactoe --iterations 1 --run a,b");
  static const char *const commands[] = {"analyze run:a,b --json", "analyze a,b@0,visits=3 --json",
                                         "analyze net:a,b/networks/00001.net,visits=3 --json",
                                         "match random run:a,b,visits=2 --games 2 --no-record --json"};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    json_t *root = program_json(commands[i]);
    cr_expect_str_eq(json_string_value(json_object_get(root, "game")), "tictactoe", "%s", commands[i]);
    json_decref(root);
  }
  program_refuses("", "analyze run:a,b --game connect4", 1, "a,b is a run of Tic-tac-toe");
  program_refuses("", "analyze run:a,b,vists=3", 2, "unknown option 'vists=3'");
}

/* What has nothing to say is said not to, instead of something invented. */
Test(cli, moves_not_looked_at_have_no_value) {
  program_train("--from-scratch --game tictactoe --iterations 1 --run one");
  json_t *root = program_json("analyze run:one --visits 2 --json"), *child;
  size_t i;
  json_array_foreach(json_object_get(root, "children"), i, child)
      cr_expect_eq(json_is_null(json_object_get(child, "value")),
                   json_integer_value(json_object_get(child, "visits")) == 0);
  cr_assert(json_is_object(json_object_get(root, "network")));
  cr_assert_str_eq(json_string_value(json_object_get(root, "player")), "run:one@1,visits=2");
  json_decref(root);
  root = program_json("analyze mcts:50 --game tictactoe --json");
  cr_assert(json_is_null(json_object_get(root, "network")));
  json_decref(root);
}

/* A run that is at its limit already says so, and what its last iteration was. */
Test(cli, a_finished_run_is_said_to_be) {
  program_train("--from-scratch --game tictactoe --iterations 1 --run one");
  ProgramResult result =
      program_run("", "--from-scratch --game tictactoe --iterations 1 --run one --json" PROGRAM_TINY);
  cr_assert_eq(result.code, 0, "%s", result.err);
  cr_assert(strstr(result.err, "one has reached its limit, --iterations 1; a larger one goes on"), "%s",
            result.err);
  cr_assert(strstr(result.out, "\"iteration\": 1"), "%s", result.out);
  program_free(result);
}

/* Reading never makes a ratings file. */
Test(cli, a_missing_file_is_named) {
  program_refuses("", "accuracy random --game othello", 1, "no positions of Othello (8 x 8) are shipped");
  program_refuses("", "accuracy random --game tictactoe", 1, "no positions of Tic-tac-toe are shipped");
  program_refuses("", "elo --db absent.sqlite", 1, "absent.sqlite: no such ratings file");
  cr_assert_not(file_exists("absent.sqlite"));
  program_train("--from-scratch --game tictactoe --iterations 1 --run one");
  program_refuses("", "report one --db absent.sqlite", 1, "absent.sqlite: no such ratings file");
}

/* The form that chess testers know; and games can be exported where the player rated 0 has played none. */
Test(cli, a_match_is_printed_and_exported) {
  ProgramResult result =
      program_run("", "match alphabeta:3 random --game tictactoe --games 8 --sprt 0,100 --db x.sqlite");
  cr_assert_eq(result.code, 0, "%s", result.err);
  cr_assert(strstr(result.out, "\nPtnml(0-2): "), "%s", result.out);
  cr_assert(strstr(result.out, "; LOS ("), "%s", result.out);
  cr_assert(strstr(result.out, "\nSPRT: LLR ") && strstr(result.out, " (-2.94, 2.94) [0, 100] Elo: "), "%s",
            result.out);
  program_free(result);
  result = program_run("", "elo --game tictactoe --db x.sqlite --export x.pgn");
  cr_assert_eq(result.code, 0, "%s", result.err);
  cr_assert(strstr(result.err, "no ratings: x.sqlite: no game of Tic-tac-toe"), "%s", result.err);
  program_free(result);
  program_refuses("", "elo --game tictactoe --db x.sqlite --export absent/x.pgn mcts:5", 1,
                  "absent/x.pgn: cannot write");
  program_refuses("", "elo --game tictactoe --db x.sqlite", 1, "no game of Tic-tac-toe");
  char *games = program_slurp("x.pgn");
  cr_assert(strstr(games, "[White \""), "%s", games);
  /* A file that is stdout's too is written on, not replaced: the table is in it as well. */
  result = program_run("", "elo --game tictactoe --db x.sqlite --games 4 --export /dev/stdout random");
  cr_assert_eq(result.code, 0, "%s", result.err);
  cr_assert(strstr(result.out, "[White \"") && strstr(result.out, "\nrandom "), "%s", result.out);
  program_free(result);
  free(games);
}
