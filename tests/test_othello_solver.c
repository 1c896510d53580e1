#include "arena/positions.h"
#include "games/othello_solver.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(othello_solver, .timeout = HANG_SECONDS);

/* Final difference in discs, the empty squares being the winner's. */
static int difference(const Game *game, const Othello *state) {
  int own = __builtin_popcountll(state->mover), theirs = __builtin_popcountll(state->other);
  int empty = game->rows * game->cols - own - theirs;
  return own > theirs ? own - theirs + empty : own < theirs ? own - theirs - empty : 0;
}

static int plain_negamax(const Game *game, const Othello *state) {
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves), best = -1000;
  if (count == 0) return difference(game, state);
  for (int i = 0; i < count; i++) {
    Othello next = *state;
    game->play(&next, moves[i]);
    int score = -plain_negamax(game, &next);
    if (score > best) best = score;
  }
  return best;
}

static int empties(const Game *game, const Othello *state) {
  return game->rows * game->cols - __builtin_popcountll(state->mover | state->other);
}

/* The position with so many empty squares in a random game; false where the game ends before. */
static bool random_position(const Game *game, uint32_t number, int empty, Othello *state) {
  Rng rng = rng_make(41, RNG_TEST, (uint32_t)empty, number);
  int moves[GAME_MOVES_MAX], count;
  game->init(state);
  while (empties(game, state) > empty) {
    if ((count = game->legal(state, moves)) == 0) return false;
    game->play(state, moves[rng_below(&rng, (uint32_t)count)]);
  }
  return true;
}

static const Game *const sizes[] = {&game_othello6, &game_othello};

Test(othello_solver, agrees_with_plain_negamax) {
  for (int k = 0; k < 2; k++) {
    const Game *game = sizes[k];
    OthelloSolver *solver = othello_solver_new(game, 14); /* small, so that entries are replaced */
    for (int empty = 0; empty <= 9; empty++)
      for (uint32_t i = 0; i < (empty < 9 ? 60 : 12); i++) {
        Othello state;
        if (!random_position(game, i, empty, &state)) continue;
        int exact = plain_negamax(game, &state), scores[65], values[65];
        cr_assert_eq(othello_solver_empties(solver, &state), empty);
        cr_assert_eq(othello_solver_score(solver, &state), exact, "%d empty, game %u", empty, i);
        cr_assert_eq(othello_solver_value(solver, &state), (exact > 0) - (exact < 0));
        othello_solver_moves(solver, &state, scores);
        othello_solver_move_values(solver, &state, values);
        int best = OTHELLO_NO_SCORE;
        for (int move = 0; move < game->moves; move++) {
          cr_assert_eq(scores[move] != OTHELLO_NO_SCORE, game_is_legal(game, &state, move));
          cr_assert_eq(values[move] != OTHELLO_NO_SCORE, game_is_legal(game, &state, move));
          if (scores[move] == OTHELLO_NO_SCORE) continue;
          cr_assert_eq(values[move], (scores[move] > 0) - (scores[move] < 0));
          Othello next = state;
          game->play(&next, move);
          if (empty < 9) cr_assert_eq(scores[move], -plain_negamax(game, &next));
          if (scores[move] > best) best = scores[move];
        }
        if (best != OTHELLO_NO_SCORE) cr_assert_eq(best, exact);
      }
    othello_solver_free(solver);
  }
}

/* At the full depth: a position's score is its best move's, signs agree, and symmetry changes nothing. */
Test(othello_solver, is_consistent_at_fourteen_empty_squares) {
  OthelloSolver *solver = othello_solver_new(&game_othello6, 20),
                *fresh = othello_solver_new(&game_othello6, 10);
  const Game *game = &game_othello6;
  for (uint32_t i = 0; i < 20; i++) {
    Othello state, mirrored = {0};
    if (!random_position(game, i, OTHELLO_SOLVER_EMPTIES, &state)) continue;
    int scores[37], values[37], score = othello_solver_score(solver, &state), best = OTHELLO_NO_SCORE;
    othello_solver_moves(solver, &state, scores);
    othello_solver_move_values(fresh, &state, values);
    for (int move = 0; move < game->moves; move++) {
      if (scores[move] > best) best = scores[move];
      if (scores[move] != OTHELLO_NO_SCORE)
        cr_assert_eq(values[move], (scores[move] > 0) - (scores[move] < 0));
    }
    cr_assert_eq(best, score);
    mirrored.mover = __builtin_bswap64(state.mover), mirrored.other = __builtin_bswap64(state.other);
    cr_assert_eq(othello_solver_score(fresh, &mirrored), score);
  }
  othello_solver_free(solver);
  othello_solver_free(fresh);
}
