#include "arena/openings.h"
#include "arena/positions.h"
#include "base/file.h"
#include "games/alphabeta.h"
#include "games/connect4_book.h"
#include "games/connect4_solver.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(openings, .timeout = HANG_SECONDS);

static void expect_distinct_and_balanced(const Game *game, const Openings *openings) {
  KeySet seen = {0};
  for (int k = 0; k < openings->count; k++) {
    const Opening *opening = &openings->items[k];
    _Alignas(64) char state[GAME_STATE_MAX];
    float value;
    cr_assert_eq(opening->plies, openings->items[0].plies);
    cr_assert(key_set_add(&seen, position_canonical_key(game, opening->moves, opening->plies)), "%d repeated",
              k);
    opening_play(game, opening, state);
    cr_assert_not(game->over(state, &value));
    cr_assert_not(position_wins_at_once(game, state));
  }
  key_set_free(&seen);
}

Test(openings, of_every_game_are_distinct_and_follow_from_the_seed) {
  for (int g = 0; g < game_count(); g++) {
    const Game *game = game_at(g);
    int count = game == game_find("tictactoe") ? 8 : 60;
    Error err;
    Openings *openings = openings_new(game, NULL, count, 5, &err),
             *again = openings_new(game, NULL, count, 5, &err);
    cr_assert(openings && again, "%s", err.message);
    expect_distinct_and_balanced(game, openings);
    for (int k = 0; k < count; k++)
      cr_assert_eq(memcmp(&openings->items[k], &again->items[k], sizeof(Opening)), 0);
    Openings *other = openings_new(game, NULL, count, 6, &err);
    cr_assert(other);
    int same = 0;
    for (int k = 0; k < count; k++)
      same += memcmp(&openings->items[k], &other->items[k], sizeof(Opening)) == 0;
    cr_assert(same < count);
    openings_free(openings);
    openings_free(again);
    openings_free(other);
  }
}

Test(openings, more_than_there_are_is_an_error_that_says_how_many) {
  Error err;
  const Game *game = game_find("tictactoe");
  cr_assert_null(openings_new(game, NULL, 1000, 1, &err));
  cr_assert(strstr(err.message, "distinct balanced openings, not 1000"), "%s", err.message);
  Openings *most = openings_up_to(game, NULL, 1000, 1, &err);
  cr_assert(most && most->count > 8 && most->count < 200);
  char expected[64];
  snprintf(expected, sizeof expected, "only %d distinct", most->count);
  cr_assert(strstr(err.message, expected), "%s", err.message);
  expect_distinct_and_balanced(game, most);
  openings_free(most);
}

/* All by the book of solved openings, which the census of test_book.c vouches for; some by the solver itself.
 */
Test(openings, the_shipped_ones_of_connect4_are_draws) {
  enum { SHIPPED = 500, SOLVED = 2 };
  Error err;
  char path[FILE_PATH_MAX];
  const Game *game = game_find("connect4");
  cr_assert(file_find_shipped("openings/connect4.book", path, &err), "%s", err.message);
  Connect4Book *book = connect4_book_read(path, &err);
  Openings *openings = openings_new(game, NULL, SHIPPED, 1, &err);
  cr_assert(book && openings, "%s", err.message);
  expect_distinct_and_balanced(game, openings);
  Connect4Solver *solver = connect4_solver_new(22);
  for (int i = 0; i < SHIPPED; i++) {
    Connect4 position;
    opening_play(game, &openings->items[i], &position);
    cr_assert_eq(connect4_book_value(book, &position), 0, "opening %d", i);
    if (i < SOLVED) cr_assert_eq(connect4_solver_value(solver, &position), 0);
  }
  connect4_solver_free(solver);
  connect4_book_free(book);
  openings_free(openings);
  cr_assert_null(openings_new(game, "/nonexistent/openings.txt", 1, 1, &err));
  cr_assert(strstr(err.message, "/nonexistent/openings.txt"), "%s", err.message);
}

/* Exact value for the player to move, by trying everything. */
static float exact_value(const Game *game, const void *state) {
  float value, best = -1;
  if (game->over(state, &value)) return value;
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves);
  for (int i = 0; i < count; i++) {
    _Alignas(64) char next[GAME_STATE_MAX];
    memcpy(next, state, game->state_size);
    game->play(next, moves[i]);
    value = -exact_value(game, next);
    if (value > best) best = value;
  }
  return best;
}

Test(openings, of_tictactoe_are_draws_by_perfect_play) {
  Error err;
  const Game *game = game_find("tictactoe");
  Openings *openings = openings_up_to(game, NULL, 1000, 2, &err);
  cr_assert(openings, "%s", err.message);
  for (int k = 0; k < openings->count; k++) {
    _Alignas(64) char state[GAME_STATE_MAX];
    opening_play(game, &openings->items[k], state);
    cr_assert_eq(exact_value(game, state), 0);
  }
  openings_free(openings);
}

static bool read_text(const char *text, Openings **out, Error *err) {
  char path[] = "/tmp/selfplay-openings-XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  cr_assert(file_write(path, text, strlen(text), err));
  *out = openings_read(game_find("connect4"), path, err);
  unlink(path);
  return *out != NULL;
}

Test(openings, files_name_the_line_that_is_wrong) {
  Error err;
  Openings *openings;
  cr_assert(read_text("# head\n44\n\n1 2 3 # tail\n", &openings, &err), "%s", err.message);
  cr_assert_eq(openings->count, 2);
  cr_assert_eq(openings->items[1].plies, 3);
  cr_assert_eq(openings->items[1].moves[2], 2);
  openings_free(openings);
  cr_assert(read_text("4\n - # the empty board\n", &openings, &err), "%s", err.message);
  cr_assert_eq(openings->count, 2);
  cr_assert_eq(openings->items[1].plies, 0);
  openings_free(openings);
  cr_assert_not(read_text("44\n49\n", &openings, &err));
  cr_assert(strstr(err.message, ":2: move 2, '9'"), "%s", err.message);
  cr_assert_not(read_text("4444444\n", &openings, &err));
  cr_assert(strstr(err.message, ":1: ") && strstr(err.message, "illegal"), "%s", err.message);
  cr_assert_not(read_text("1\n7\n", &openings, &err));
  cr_assert(strstr(err.message, ":2: ") && strstr(err.message, "mirror image"), "%s", err.message);
  cr_assert_not(read_text("1212121\n", &openings, &err));
  cr_assert(strstr(err.message, "over"), "%s", err.message);
}

/* Made, written and read back. */
static Openings *make_and_read(const Game *game, int count, int plies, int limit) {
  char path[] = "/tmp/selfplay-openings-XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  Error err;
  cr_assert(openings_make(game, count, plies, limit, 4, 2, path, NULL, NULL, &err), "%s", err.message);
  Openings *openings = openings_read(game, path, &err);
  cr_assert(openings, "%s", err.message);
  unlink(path);
  return openings;
}

Test(openings, exact_maker_keeps_the_limit_and_reads_back) {
  const Game *game = game_find("connect4");
  Openings *openings = make_and_read(game, 12, 18, 2);
  cr_assert_eq(openings->count, 12);
  expect_distinct_and_balanced(game, openings);
  Connect4Solver *solver = connect4_solver_new(18);
  for (int k = 0; k < 12; k++) {
    Connect4 state;
    opening_play(game, &openings->items[k], &state);
    cr_assert(abs(connect4_solver_score(solver, &state)) <= 2);
  }
  connect4_solver_free(solver);
  openings_free(openings);
}

Test(openings, the_empty_board_is_one_too) {
  Openings *openings = make_and_read(game_find("tictactoe"), 1, 0, 100);
  cr_assert_eq(openings->count, 1);
  cr_assert_eq(openings->items[0].plies, 0);
  openings_free(openings);
}

Test(openings, threads_do_not_change_what_is_made) {
  Error err;
  Buffer made[2] = {{0}, {0}};
  for (int k = 0; k < 2; k++) {
    char path[] = "/tmp/selfplay-openings-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    cr_assert(openings_make(game_find("connect4"), 15, 20, 2, 9, 1 + 2 * k, path, NULL, NULL, &err), "%s",
              err.message);
    cr_assert(file_read(path, &made[k], &err), "%s", err.message);
    unlink(path);
  }
  cr_assert_eq(made[0].size, made[1].size);
  cr_assert_arr_eq(made[0].data, made[1].data, made[0].size);
  buffer_free(&made[0]);
  buffer_free(&made[1]);
}

/* No solver reaches an Othello opening: search judges. */
Test(openings, maker_without_a_whole_solver_asks_alpha_beta) {
  char path[] = "/tmp/selfplay-openings-XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  Error err;
  const Game *game = game_find("othello6");
  cr_assert(openings_make(game, 6, 6, 10, 4, 2, path, NULL, NULL, &err), "%s", err.message);
  Openings *openings = openings_read(game, path, &err);
  cr_assert(openings, "%s", err.message);
  cr_assert_eq(openings->count, 6);
  expect_distinct_and_balanced(game, openings);
  AlphaBeta *judge = alphabeta_new(game, 8);
  Rng rng = rng_make(1, RNG_TEST, 0, 0);
  for (int k = 0; k < 6; k++) {
    _Alignas(64) char state[GAME_STATE_MAX];
    float value = 1;
    opening_play(game, &openings->items[k], state);
    alphabeta_move(judge, state, &rng, &value);
    cr_assert(value >= -0.1f && value <= 0.1f);
  }
  alphabeta_free(judge);
  openings_free(openings);
  cr_assert_not(openings_make(game_find("tictactoe"), 300, 2, 2, 1, 1, path, NULL, NULL, &err));
  cr_assert(strstr(err.message, "found only"), "%s", err.message);
  unlink(path);
}
