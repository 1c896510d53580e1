/* The exact Connect Four solver. Scores as Pons': positive where the side to move wins, counted in its stones
 * left at the end, 0 a draw. */
#include "base/rng.h"
#include "games/connect4.h"
#include "games/connect4_bits.h"
#include "games/connect4_parity.h"
#include "games/connect4_solver.h"
#include "games/exact.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(solver, .timeout = HANG_SECONDS);

enum { LOG2_ENTRIES = 18, SQUARES = C4_ROWS * C4_COLS };

static Connect4 after(const char *line) {
  Connect4 state;
  Error err = {.message = ""};
  game_connect4.init(&state);
  cr_assert(game_play_line(&game_connect4, &state, line, &err), "%s: %s", line, err.message);
  return state;
}

/* A position of `plies` random moves in which the game goes on. */
static Connect4 random_position(int plies, uint32_t *attempt) {
  for (;; ++*attempt) {
    Rng rng = rng_make(31, RNG_TEST, (uint32_t)plies, *attempt);
    Connect4 state;
    int moves[GAME_MOVES_MAX], count, ply = 0;
    game_connect4.init(&state);
    while (ply < plies && (count = game_connect4.legal(&state, moves)) > 0) {
      game_connect4.play(&state, moves[rng_below(&rng, (uint32_t)count)]);
      ply++;
    }
    float value;
    if (ply == plies && !game_connect4.over(&state, &value)) return ++*attempt, state;
  }
}

/* The definition, searched to the end: no bounds, no table. */
static int plain_score(const Connect4 *state) {
  float value;
  int ply = game_connect4.ply(state), moves[GAME_MOVES_MAX], best = -SQUARES;
  if (game_connect4.over(state, &value)) return value == 0 ? 0 : -((SQUARES + 2 - ply) / 2);
  int count = game_connect4.legal(state, moves);
  for (int i = 0; i < count; i++) {
    Connect4 child = *state;
    game_connect4.play(&child, moves[i]);
    int score = -plain_score(&child);
    if (score > best) best = score;
  }
  return best;
}

Test(solver, agrees_with_plain_negamax) {
  Connect4Solver *solver = connect4_solver_new(LOG2_ENTRIES);
  uint32_t attempt = 0;
  int outcomes[3] = {0};
  for (int i = 0; i < 120; i++) {
    Connect4 state = random_position(31 + i % 8, &attempt);
    int score = plain_score(&state), moves[GAME_MOVES_MAX], count = game_connect4.legal(&state, moves);
    int scores[C4_COLS], values[C4_COLS];
    cr_assert_eq(connect4_solver_score(solver, &state), score);
    cr_assert_eq(connect4_solver_value(solver, &state), (score > 0) - (score < 0));
    connect4_solver_moves(solver, &state, scores);
    connect4_solver_move_values(solver, &state, values);
    for (int col = 0, next = 0; col < C4_COLS; col++) {
      if (next == count || moves[next] != col) {
        cr_assert_eq(scores[col], CONNECT4_NO_SCORE);
        continue;
      }
      Connect4 child = state;
      game_connect4.play(&child, col);
      int expected = -plain_score(&child);
      cr_assert_eq(scores[col], expected);
      cr_assert_eq(values[col], (expected > 0) - (expected < 0));
      next++;
    }
    outcomes[(score > 0) - (score < 0) + 1]++;
  }
  cr_assert(outcomes[0] > 5 && outcomes[1] > 5 && outcomes[2] > 5, "wins, draws and losses were seen");
  connect4_solver_free(solver);
}

Test(solver, counts_stones_left) {
  Connect4Solver *solver = connect4_solver_new(LOG2_ENTRIES);
  /* A win with the winner's n-th stone of 21 scores 22 - n. */
  static const struct {
    const char *line;
    int score;
  } cases[] = {{"121212", 18},  /* at once, with the fourth stone */
               {"112233", 18},  /* at once, along the bottom */
               {"3344", 18},    /* three in a row, open at both ends, then four */
               {"33445", -18}}; /* the same, seen from the other side */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Connect4 state = after(cases[i].line);
    cr_assert_eq(connect4_solver_score(solver, &state), cases[i].score, "%s: %d", cases[i].line,
                 connect4_solver_score(solver, &state));
  }
  connect4_solver_free(solver);
}

Test(solver, a_mirrored_position_has_the_mirrored_scores) {
  Connect4Solver *solver = connect4_solver_new(LOG2_ENTRIES), *other = connect4_solver_new(LOG2_ENTRIES);
  uint32_t attempt = 0;
  for (int i = 0; i < 30; i++) {
    Connect4 state = random_position(22 + i % 6, &attempt), image = state;
    image.mover = c4_mirror(state.mover);
    image.all = c4_mirror(state.all);
    int scores[C4_COLS], of_image[C4_COLS];
    connect4_solver_moves(solver, &state, scores);
    connect4_solver_moves(other, &image, of_image);
    for (int col = 0; col < C4_COLS; col++) cr_assert_eq(scores[col], of_image[C4_COLS - 1 - col]);
  }
  connect4_solver_free(solver);
  connect4_solver_free(other);
}

/* A solver that has seen much answers as one that has seen nothing: its table never lies. */
Test(solver, what_it_remembers_does_not_matter) {
  Connect4Solver *seasoned = connect4_solver_new(8);
  uint32_t attempt = 0;
  for (int i = 0; i < 40; i++) {
    Connect4 state = random_position(26, &attempt);
    Connect4Solver *fresh = connect4_solver_new(LOG2_ENTRIES);
    cr_assert_eq(connect4_solver_score(seasoned, &state), connect4_solver_score(fresh, &state));
    connect4_solver_free(fresh);
  }
  connect4_solver_free(seasoned);
}

/* Both play for the score; the game lasts as long as the first score said. */
Test(solver, a_score_tells_how_many_moves_are_left) {
  Error err;
  Exact *exact = exact_new(&game_connect4, 22, &err);
  uint32_t attempt = 0;
  int outcomes[3] = {0};
  for (int i = 0; i < 200; i++) {
    Connect4 state = random_position(20 + i % 14, &attempt);
    int score = exact_score(exact, &state), left = exact_plies_left(&game_connect4, &state, score),
        scores[C4_COLS];
    Rng rng = rng_make(1, RNG_TEST, 3, (uint32_t)i);
    float value;
    outcomes[(score > 0) - (score < 0) + 1]++;
    for (; !game_connect4.over(&state, &value); left--) {
      exact_moves(exact, &state, scores);
      game_connect4.play(&state, exact_best_move(&game_connect4, scores, &rng));
    }
    cr_assert_eq(left, 0, "%d moves more than said", -left);
  }
  cr_assert(outcomes[0] > 5 && outcomes[1] > 5 && outcomes[2] > 5, "wins, draws and losses were seen");
  cr_assert_eq(exact_plies_left(game_find("tictactoe"), &attempt, 0), -1);
  exact_free(exact);
}

/* The score by alpha-beta over the rules alone. */
static int ruled_score(const Connect4 *state, int alpha, int beta) {
  float value;
  int ply = game_connect4.ply(state), moves[GAME_MOVES_MAX];
  if (game_connect4.over(state, &value)) return value == 0 ? 0 : -((SQUARES + 2 - ply) / 2);
  int count = game_connect4.legal(state, moves);
  for (int i = 0; i < count && alpha < beta; i++) {
    Connect4 child = *state;
    game_connect4.play(&child, moves[i]);
    int score = -ruled_score(&child, -beta, -alpha);
    if (score > alpha) alpha = score;
  }
  return alpha;
}

/* Claims that the player to move does not win, or loses, hold; and each kind of claim is made. */
Test(solver, what_parity_claims_is_so) {
  uint32_t attempt = 0;
  int claims[2][3] = {{0}};
  for (int i = 0; i < 20000; i++) {
    Connect4 state = random_position(25 + i % 12, &attempt);
    uint64_t playable = c4_playable(state.all);
    if (playable & c4_wins(state.mover, state.all)) continue;
    int bound = c4_parity_bound(state.mover, state.all, c4_wins(state.mover ^ state.all, state.all));
    if (bound == C4_NO_BOUND) continue;
    cr_assert(bound >= -2 && bound <= 0);
    cr_assert_leq(ruled_score(&state, bound, SQUARES), bound, "%d plies: more than %d",
                  game_connect4.ply(&state), bound);
    claims[i % 2][-bound]++;
  }
  cr_assert(claims[1][0] > 50 && claims[1][1] > 50, "of the first player: no win %d, a loss %d", claims[1][0],
            claims[1][1]);
  cr_assert(claims[0][1] > 50 && claims[0][2] > 50, "of the second: a loss by the last stone %d, by two %d",
            claims[0][1], claims[0][2]);
}

/* P. Pons' positions with their scores, where they are at hand. */
static void expect_published_scores(const char *name) {
  const char *shared = getenv("SELFPLAY_SHARED");
  char path[FILE_PATH_MAX];
  snprintf(path, sizeof path, "%s/data/connect4/%s", shared ? shared : "../shared", name);
  if (!file_exists(path)) {
    fprintf(stderr, "solver: no %s, so these are not checked; SELFPLAY_SHARED names the folder of data/\n",
            path);
    cr_skip_test("no %s", path);
  }
  Buffer text = {0};
  Error err;
  cr_assert(file_read(path, &text, &err), "%s", err.message);
  buffer_put(&text, "", 1);
  Connect4Solver *solver = connect4_solver_new(20);
  int count = 0, score;
  char line[SQUARES + 1];
  for (const char *at = (const char *)text.data; sscanf(at, "%42s %d", line, &score) == 2; count++) {
    Connect4 state = after(line);
    cr_assert_eq(connect4_solver_score(solver, &state), score, "%s", line);
    at += strcspn(at, "\n");
    at += *at == '\n';
  }
  cr_assert_gt(count, 0);
  connect4_solver_free(solver);
  buffer_free(&text);
}

Test(solver, published_endgames) {
  expect_published_scores("Test_L3_R1");
}

Test(solver, published_middle_games) {
  expect_published_scores("Test_L2_R1");
}
