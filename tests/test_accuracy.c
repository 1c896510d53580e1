#include "arena/accuracy.h"
#include "arena/positions.h"
#include "arena/positions_exact.h"
#include "base/file.h"
#include "base/memory.h"
#include "games/connect4_book.h"
#include "games/exact.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(accuracy, .timeout = HANG_SECONDS);

static const Game *c4(void) {
  return game_find("connect4");
}

static Positions *read_text(const char *text, Error *err) {
  char path[] = "/tmp/selfplay-positions-XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  Error ignored;
  cr_assert(file_write(path, text, strlen(text), &ignored));
  Positions *positions = positions_read(c4(), path, err);
  unlink(path);
  return positions;
}

Test(accuracy, reads_positions_and_names_what_is_wrong) {
  Error err;
  Positions *positions = read_text("# head\n4444441 -2,1,-1,.,0,3,-18\n\n12 1,2,3,4,5,6,7 # tail\n", &err);
  cr_assert(positions, "%s", err.message);
  cr_assert_eq(positions->count, 2);
  cr_assert_eq(positions->plies[0], 7);
  cr_assert_eq(positions->scores[0], -2);
  cr_assert_eq(positions->scores[3], POSITION_ILLEGAL);
  cr_assert_eq(positions->scores[7 + 6], 7);
  cr_assert_eq(positions->moves[42 + 1], 1);
  positions_free(positions);
  static const char *const wrong[][2] = {
      {"44\n", ":1: not of the form"},
      {"# x\n12 1,2,3\n", ":2: 3 scores; 7 are needed"},
      {"12 1,2,3,4,5,6,7,8\n", ":1: more than 7 scores"},
      {"12 1,2,3,x,5,6,7\n", ":1: 'x' is no score"},
      {"12 1,2,3,.,5,6,7\n", ":1: '.' as the score of move 4"},
      {"444444 1,2,3,4,5,6,7\n", ":1: score 4 for move 4, which is illegal"},
      {"18 1,2,3,4,5,6,7\n", ":1: move 2, '8'"},
      {"1212121 1,2,3,4,5,6,7\n", ":1: the game is over"},
      {"# nothing\n", "holds no position"},
  };
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    cr_assert_null(read_text(wrong[k][0], &err));
    cr_assert(strstr(err.message, wrong[k][1]), "%s", err.message);
  }
}

/* A player that always takes the lowest legal column and whose analysis calls everything 50 % won, 30 %
 * drawn. */
static bool lowest(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  for (int i = 0; i < count; i++) {
    int legal[GAME_MOVES_MAX];
    player->game->legal(queries[i].state, legal);
    moves[i] = legal[0];
  }
  return true;
}

static bool hesitant(Player *player, const PlayerQuery *query, int visits, PlayerAnalysis *out, Error *err) {
  (void)player, (void)query, (void)err;
  cr_assert_eq(visits, 0);
  *out = (PlayerAnalysis){.network_wdl = {0.5f, 0.3f, 0.2f}};
  return true;
}

Test(accuracy, fewer_positions_are_evenly_spaced) {
  Error err;
  Positions *all = read_text(
      "1 1,2,3,4,5,6,7\n2 2,2,3,4,5,6,7\n3 3,2,3,4,5,6,7\n4 4,2,3,4,5,6,7\n5 5,2,3,4,5,6,7\n", &err);
  cr_assert(all, "%s", err.message);
  Positions *some = positions_thin(all, 2), *same = positions_thin(all, 9);
  cr_assert(some->count == 2 && same->count == 5);
  for (int i = 0; i < 2; i++) {
    int from = i ? 2 : 0;
    cr_assert_eq(some->scores[i * 7], 1 + from);
    cr_assert_eq(some->moves[i * c4()->max_plies], from);
    cr_assert_eq(some->plies[i], 1);
    size_t size = c4()->state_size;
    cr_assert_eq(memcmp(some->states + (size_t)i * size, all->states + (size_t)from * size, size), 0);
  }
  positions_free(some), positions_free(same), positions_free(all);
}

Test(accuracy, shares_and_log_loss_by_hand) {
  Error err;
  Positions *positions = read_text("1 2,1,0,0,0,0,0\n"  /* won; the lowest is the best */
                                   "2 1,3,0,0,0,0,0\n"  /* won; kept, not the best */
                                   "3 -1,0,0,0,0,0,0\n" /* drawn; given away */
                                   "4 -3,-2,-2,-2,-2,-2,-2\n" /* lost; kept */,
                                   &err);
  cr_assert(positions, "%s", err.message);
  Player player = {.name = "lowest", .game = c4(), .choose = lowest, .analyze = hesitant, .network = true};
  Accuracy accuracy;
  cr_assert(accuracy_measure(&player, positions, 1, NULL, NULL, &accuracy, &err));
  cr_assert_eq(accuracy.positions, 4);
  cr_assert_float_eq(accuracy.moves.value_kept.share, 0.75, 1e-12);
  cr_assert_float_eq(accuracy.moves.best_score.share, 0.25, 1e-12);
  cr_assert(accuracy.moves.value_kept.low < 0.75 && accuracy.moves.value_kept.high > 0.75);
  cr_assert(accuracy.has_log_loss);
  cr_assert_float_eq(accuracy.log_loss, -(2 * log(0.5) + log(0.3) + log(0.2)) / 4, 1e-6);
  player.network = false;
  cr_assert(accuracy_measure(&player, positions, 1, NULL, NULL, &accuracy, &err));
  cr_assert_not(accuracy.has_log_loss);
  positions_free(positions);
}

/* What the maker writes by this plan, read back. */
static Positions *made_by(const PositionsPlan *plan) {
  char path[] = "/tmp/selfplay-positions-XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  Error err;
  cr_assert(positions_make_exact(c4(), plan, path, NULL, NULL, &err), "%s", err.message);
  Positions *positions = positions_read(c4(), path, &err);
  cr_assert(positions, "%s", err.message);
  unlink(path);
  return positions;
}

Test(accuracy, the_maker_keeps_only_positions_that_test_something) {
  const PositionsPlan plan = {
      .count = 40, .first_ply = 18, .last_ply = 27, .depth = 3, .random_share = 0.3, .seed = 5, .threads = 2};
  Positions *positions = made_by(&plan);
  cr_assert_eq(positions->count, 40);
  KeySet seen = {0};
  int of_ply[42] = {0};
  for (int i = 0; i < 40; i++) {
    const int *scores = positions->scores + 7 * i;
    bool good = false, worse = false;
    int best = -100;
    for (int c = 0; c < 7; c++)
      if (scores[c] != POSITION_ILLEGAL && scores[c] > best) best = scores[c];
    for (int c = 0; c < 7; c++) {
      if (scores[c] == POSITION_ILLEGAL) continue;
      int sign = (scores[c] > 0) - (scores[c] < 0), top = (best > 0) - (best < 0);
      good = good || sign == top;
      worse = worse || sign < top;
    }
    cr_assert(good && worse);
    cr_assert(
        key_set_add(&seen, position_canonical_key(c4(), positions->moves + 42 * i, positions->plies[i])));
    cr_assert_not(position_wins_at_once(c4(), positions->states + (size_t)i * c4()->state_size));
    of_ply[positions->plies[i]]++;
  }
  for (int ply = 18; ply <= 27; ply++) cr_assert_eq(of_ply[ply], 4);
  key_set_free(&seen);
  positions_free(positions);
}

Test(accuracy, the_maker_keeps_all_positions_where_asked) {
  const PositionsPlan plan = {.count = 200,
                              .first_ply = 22,
                              .last_ply = 26,
                              .all = true,
                              .depth = 3,
                              .random_share = 0.3,
                              .seed = 5,
                              .threads = 2};
  Positions *positions = made_by(&plan);
  int at_once = 0, alike = 0;
  for (int i = 0; i < 200; i++) {
    const int *scores = positions->scores + 7 * i;
    int lowest = 100, highest = -100;
    for (int c = 0; c < 7; c++) {
      if (scores[c] == POSITION_ILLEGAL) continue;
      lowest = scores[c] < lowest ? scores[c] : lowest, highest = scores[c] > highest ? scores[c] : highest;
    }
    at_once += position_wins_at_once(c4(), positions->states + (size_t)i * c4()->state_size);
    alike += (lowest > 0) - (lowest < 0) == (highest > 0) - (highest < 0);
  }
  cr_assert(at_once > 10 && at_once < 150, "%d", at_once);
  cr_assert(alike > 20 && alike < 150, "%d", alike);
  positions_free(positions);
}

Test(accuracy, threads_do_not_change_what_the_maker_makes) {
  PositionsPlan plan = {
      .count = 30, .first_ply = 18, .last_ply = 22, .depth = 3, .random_share = 0.3, .seed = 6, .threads = 1};
  Positions *one = made_by(&plan);
  plan.threads = 3;
  Positions *three = made_by(&plan);
  cr_assert_eq(one->count, 30);
  cr_assert_eq(three->count, 30);
  for (int i = 0; i < 30; i++) {
    cr_assert_eq(one->plies[i], three->plies[i]);
    cr_assert_arr_eq(one->moves + 42 * i, three->moves + 42 * i, (size_t)one->plies[i] * sizeof(int));
    cr_assert_arr_eq(one->scores + 7 * i, three->scores + 7 * i, 7 * sizeof(int));
  }
  positions_free(one);
  positions_free(three);
}

Test(accuracy, the_maker_keeps_only_long_games_where_asked) {
  Error err;
  const PositionsPlan plan = {.count = 12,
                              .first_ply = 16,
                              .last_ply = 18,
                              .longer_than = 20,
                              .depth = 3,
                              .random_share = 0.3,
                              .seed = 5,
                              .threads = 2};
  Positions *positions = made_by(&plan);
  for (int i = 0; i < 12; i++) {
    int best = POSITION_ILLEGAL;
    for (int c = 0; c < 7; c++)
      if (positions->scores[7 * i + c] > best) best = positions->scores[7 * i + c];
    int left = exact_plies_left(c4(), positions->states + (size_t)i * c4()->state_size, best);
    cr_assert(left > 20, "%d moves left", left);
  }
  positions_free(positions);
  cr_assert_not(positions_make_exact(game_find("othello6"), &plan, "never-written", NULL, NULL, &err));
  cr_expect(strstr(err.message, "--longer-than"), "%s", err.message);
  const PositionsPlan small = {.count = 4, .last_ply = 3, .depth = 2, .seed = 1, .threads = 2};
  cr_assert_not(positions_make_exact(game_find("tictactoe"), &small, "never-written", NULL, NULL, &err));
  cr_expect(strstr(err.message, "no exact solver"), "%s", err.message);
}

/* Every move that leads to a position of the book (eight plies and fewer), which the census of test_book.c
 * vouches for, has its sign there; the scores say how long best play is. */
Test(accuracy, the_shipped_hard_openings_are_long_distinct_and_agree_with_the_book) {
  Error err;
  char path[FILE_PATH_MAX], book_path[FILE_PATH_MAX];
  const Game *game = c4();
  cr_assert(file_find_shipped("positions/connect4-hard.txt", path, &err), "%s", err.message);
  cr_assert(file_find_shipped("openings/connect4.book", book_path, &err), "%s", err.message);
  Positions *positions = positions_read(game, path, &err);
  Connect4Book *book = connect4_book_read(book_path, &err);
  cr_assert(positions && book, "%s", err.message);
  KeySet seen = {0};
  int by_book = 0;
  for (int i = 0; i < positions->count; i++) {
    const int *scores = positions->scores + 7 * i;
    const char *state = positions->states + (size_t)i * game->state_size;
    int plies = positions->plies[i], best = POSITION_ILLEGAL;
    cr_assert(plies >= 6 && plies <= 13, "position %d", i);
    cr_assert(key_set_add(&seen, position_canonical_key(game, positions->moves + 42 * i, plies)),
              "position %d stands there twice", i);
    for (int c = 0; c < 7; c++) {
      Connect4 after;
      float value;
      if (scores[c] > best) best = scores[c];
      if (scores[c] == POSITION_ILLEGAL || plies >= CONNECT4_BOOK_PLIES) continue;
      memcpy(&after, state, sizeof after);
      game->play(&after, c);
      if (game->over(&after, &value)) continue;
      by_book++;
      cr_assert_eq((scores[c] > 0) - (scores[c] < 0), -connect4_book_value(book, &after),
                   "position %d, column %d", i, c + 1);
    }
    cr_assert(exact_plies_left(game, state, best) > 28, "position %d", i);
  }
  cr_assert(positions->count > 1700 && by_book > 2500, "%d positions, %d moves by the book", positions->count,
            by_book);
  key_set_free(&seen);
  connect4_book_free(book);
  positions_free(positions);
}

Test(accuracy, the_solver_never_errs_on_the_built_in_set) {
  Error err;
  Positions *positions = positions_shipped(c4(), &err);
  cr_assert(positions, "%s", err.message);
  cr_assert_eq(positions->count, 1000);
  /* The later half: early positions take the solver long. */
  int begin = 0;
  while (positions->plies[begin] < 20) begin++;
  Positions late = *positions;
  late.count -= begin;
  late.states += (size_t)begin * c4()->state_size;
  late.moves += 42 * begin, late.plies += begin, late.scores += 7 * begin;
  cr_assert(late.count > 300);
  Player *solver = player_new("solver", c4(), 2, &err), *random = player_new("random", c4(), 1, &err);
  cr_assert(solver && random, "%s", err.message);
  Accuracy accuracy;
  cr_assert(accuracy_measure(solver, &late, 1, NULL, NULL, &accuracy, &err), "%s", err.message);
  cr_assert_eq(accuracy.moves.value_kept.hits, late.count);
  cr_assert_eq(accuracy.moves.best_score.hits, late.count);
  cr_assert(accuracy_measure(random, positions, 1, NULL, NULL, &accuracy, &err));
  cr_assert(accuracy.moves.value_kept.share < 0.7, "%g", accuracy.moves.value_kept.share);
  player_free(solver);
  player_free(random);
  positions_free(positions);
}
