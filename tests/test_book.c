/* The book of solved openings: the census's positions and values, the solver's word, and what a bad file
 * does. To make the real book takes half an hour; where it is not asked for itself, these tests bring books
 * in which most positions are called draws. */
#include "arena/positions.h"
#include "base/file.h"
#include "games/connect4_book.h"
#include "games/connect4_solver.h"
#include "games/exact.h"
#include "hang.h"
#include "program.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POSITIONS = 91295, BYTES = (POSITIONS + 3) / 4, ALL_DRAWN = 0x55, ALL_UNKNOWN = 0xff };

TestSuite(book, .init = program_enter, .fini = program_leave, .timeout = HANG_SECONDS);

/* All positions drawn, but for four of each byte in `unknown`. */
static void write_book(const char *path, const int *unknown, int count) {
  uint8_t bytes[BYTES];
  Buffer payload = {0};
  Error err;
  memset(bytes, ALL_DRAWN, sizeof bytes);
  for (int i = 0; i < count; i++) bytes[unknown[i]] = ALL_UNKNOWN;
  buffer_put(&payload, bytes, sizeof bytes);
  cr_assert(file_write_block(path, "SPC4BOOK", 1, BLOCK_SMALL, &payload, &err), "%s", err.message);
  buffer_free(&payload);
}

/* As many positions as J. Tromp's set (UCI "Connect-4", 1995) has. */
Test(book, holds_the_positions_of_the_published_census) {
  Error err;
  write_book("drawn.book", NULL, 0);
  Connect4Book *book = connect4_book_read("drawn.book", &err);
  cr_assert(book, "%s", err.message);
  Connect4Census census = connect4_book_census(book);
  cr_assert_eq(census.drawn, 67557);
  cr_assert_eq(census.won + census.lost, 0);
  cr_assert_eq(connect4_book_value(book, &(Connect4){0, 0}), 0);
  connect4_book_free(book);
}

/* The shipped book's counts are those of J. Tromp's set; the first moves' values are long known (V. Allis
 * 1988: the middle wins, its neighbours draw, the others lose); and our solver says the same today. */
Test(book, the_shipped_one_is_the_published_census) {
  static const int first_moves[C4_COLS] = {-1, -1, 0, 1, 0, -1, -1};
  char path[FILE_PATH_MAX];
  Error err;
  cr_assert(file_find_shipped("openings/connect4.book", path, &err), "%s", err.message);
  Connect4Book *book = connect4_book_read(path, &err);
  cr_assert(book, "%s", err.message);
  Connect4Census census = connect4_book_census(book);
  cr_assert_eq(census.won, 44473);
  cr_assert_eq(census.lost, 16635);
  cr_assert_eq(census.drawn, 6449);
  cr_assert_eq(connect4_book_value(book, &(Connect4){0, 0}), 1);
  for (int col = 0; col < C4_COLS; col++) {
    Connect4 after = {0, 0};
    game_connect4.play(&after, col);
    cr_assert_eq(-connect4_book_value(book, &after), first_moves[col], "column %d", col + 1);
  }
  Connect4Solver *solver = connect4_solver_new(22);
  for (uint32_t i = 0, checked = 0; checked < 12; i++) {
    Rng rng = rng_make(8, RNG_TEST, 2, i);
    Connect4 c;
    int moves[CONNECT4_BOOK_PLIES];
    if (!position_random_line(&game_connect4, &rng, CONNECT4_BOOK_PLIES, moves, &c)) continue;
    cr_assert_eq(connect4_book_value(book, &c), connect4_solver_value(solver, &c), "position %u", i);
    checked++;
  }
  connect4_solver_free(solver);
  connect4_book_free(book);
}

/* As after a kill: what is unknown is solved, what is known is believed. */
Test(book, is_completed_from_where_it_stopped) {
  static const int unknown[] = {4000, 9000, 15000, 20000};
  enum { BYTES_UNKNOWN = sizeof unknown / sizeof *unknown };
  Error err;
  write_book("part.book", unknown, BYTES_UNKNOWN);
  cr_assert_not(connect4_book_read("part.book", &err));
  cr_expect(strstr(err.message, "part.book: 16 of its 91295 positions"), "%s", err.message);
  cr_assert(connect4_book_make("part.book", 24, 2, NULL, NULL, &err), "%s", err.message);
  Connect4Book *book = connect4_book_read("part.book", &err);
  cr_assert(book, "%s", err.message);
  Connect4Solver *solver = connect4_solver_new(20);
  int decided = 0;
  for (uint32_t i = 0; i < 2000000 && decided < 8; i++) {
    Rng rng = rng_make(8, RNG_TEST, 1, i);
    Connect4 c;
    int moves[CONNECT4_BOOK_PLIES];
    if (!position_random_line(&game_connect4, &rng, CONNECT4_BOOK_PLIES, moves, &c)) continue;
    int value = connect4_book_value(book, &c);
    if (!value) continue;
    cr_assert_eq(value, connect4_solver_value(solver, &c), "position %u", i);
    decided++;
  }
  cr_expect_eq(decided, 8);
  connect4_solver_free(solver);
  connect4_book_free(book);
}

/* Who asks for signs of the first plies is answered out of the shipped book; wins at once stay wins. */
Test(book, answers_for_the_exact_solver) {
  static const int draws[C4_COLS] = {0, 0, 0, 0, 0, 0, 0};
  Error err;
  Connect4 state = {0, 0};
  int values[C4_COLS];
  cr_assert(file_make_folder("data/openings", &err) && setenv("SELFPLAY_DATA", "data", 1) == 0);
  write_book("data/openings/connect4.book", NULL, 0);
  Exact *exact = exact_new(&game_connect4, 20, &err);
  cr_assert(exact, "%s", err.message);
  cr_assert_eq(exact_value(exact, &state), 0);
  exact_moves_to_play(exact, &state, values);
  cr_assert_arr_eq(values, draws, sizeof draws);
  for (const char *move = "121212"; *move; move++) game_connect4.play(&state, *move - '1');
  exact_move_values(exact, &state, values);
  cr_assert_eq(values[0], 1);
  cr_assert_eq(values[1], 0);
  cr_assert_eq(values[3], -1, "the opponent has three too");
  exact_free(exact);
}

/* A solver does without the book; whoever wants one is told of a damaged one before. */
Test(book, a_damaged_one_is_told_of) {
  static const char damaged[] = "no book";
  Error err;
  Connect4 state = {0, 0};
  cr_assert(file_make_folder("damaged/openings", &err) && setenv("SELFPLAY_DATA", "damaged", 1) == 0);
  cr_assert(file_write("damaged/openings/connect4.book", damaged, sizeof damaged, &err), "%s", err.message);
  cr_assert_not(exact_ready(&game_connect4, &err));
  cr_assert(strstr(err.message, "openings/connect4.book") && strstr(err.message, "restore it, or remove it"),
            "%s", err.message);
  cr_assert_not(connect4_book_make("damaged/openings/connect4.book", 20, 1, NULL, NULL, &err));
  cr_assert(strstr(err.message, "remove it to begin anew"), "%s", err.message);

  Exact *exact = exact_new(&game_connect4, 20, &err);
  for (const char *move = "1212127"; *move; move++) game_connect4.play(&state, *move - '1');
  cr_assert_eq(exact_value(exact, &state), 1, "three in the second column, and one more now");
  exact_free(exact);
  cr_assert_eq(unlink("damaged/openings/connect4.book"), 0);
  cr_assert(exact_ready(&game_connect4, &err), "%s", err.message);
}

/* Who loses by the book chooses the move after which fewest replies win, none of them at once if that can be
 * helped. */
Test(book, a_lost_position_is_defended) {
  Error err;
  Connect4 state = {0, 0};
  Rng rng = rng_make(3, RNG_TEST, 0, 0);
  int scores[C4_COLS], values[C4_COLS], checked = 0;
  Exact *exact = exact_new(&game_connect4, 24, &err);
  cr_assert(exact, "%s", err.message);
  for (int game = 0; game < 40; game++) {
    memset(&state, 0, sizeof state);
    game_connect4.play(&state, 3);
    while (game_connect4.ply(&state) < 7) {
      exact_moves_to_play(exact, &state, scores);
      int move = exact_best_move(&game_connect4, scores, &rng);
      if (game_connect4.ply(&state) % 2 && exact_value(exact, &state) < 0) {
        int least = 1000, chosen = 1000;
        for (int col = 0; col < C4_COLS; col++) {
          Connect4 after = state;
          if (scores[col] == EXACT_NO_SCORE) continue;
          cr_assert_lt(scores[col], 0);
          game_connect4.play(&after, col);
          exact_move_values(exact, &after, values);
          int replies = 0;
          for (int reply = 0; reply < C4_COLS; reply++) {
            Connect4 end = after;
            float result;
            if (values[reply] != 1) continue;
            game_connect4.play(&end, reply);
            replies += game_connect4.over(&end, &result) ? 100 : 1;
          }
          if (replies < least) least = replies;
          if (col == move) chosen = replies;
        }
        cr_assert_eq(chosen, least);
        checked++;
      } else {
        /* The winner errs now and then, so that many positions are seen; never out of its win. */
        int legal[C4_COLS], count = game_connect4.legal(&state, legal);
        for (int tries = 0; tries < 20; tries++) {
          int other = legal[rng_below(&rng, (uint32_t)count)];
          if ((scores[other] > 0) == (scores[move] > 0)) move = other;
        }
      }
      game_connect4.play(&state, move);
    }
  }
  cr_assert_geq(checked, 80);
  exact_free(exact);
}

Test(book, a_damaged_file_is_named) {
  Error err;
  Buffer little = {0};
  buffer_put(&little, "abc", 3);
  cr_assert_not(connect4_book_read("missing.book", &err));
  cr_expect(strstr(err.message, "missing.book"), "%s", err.message);
  cr_assert(file_write_block("short.book", "SPC4BOOK", 1, BLOCK_SMALL, &little, &err), "%s", err.message);
  cr_assert_not(connect4_book_read("short.book", &err));
  cr_expect(strstr(err.message, "short.book: damaged: holds 3 bytes"), "%s", err.message);
  cr_assert_not(connect4_book_make("short.book", 20, 1, NULL, NULL, &err), "and it is not overwritten");
  buffer_free(&little);
}
