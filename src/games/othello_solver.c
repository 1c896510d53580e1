#include "games/othello_solver.h"

#include "base/memory.h"
#include "games/othello_bits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
  HIGHEST = 64,
  SHALLOW = 5, /* empty squares up to which neither table nor move ordering pays */
  NO_SQUARE = 64,
};

/* Bounds of one position's score. Both boards are kept whole, so that no two positions are ever confused. */
typedef struct Entry {
  uint64_t mover, other;
  int8_t low, high;
  uint8_t best; /* the square of the move that was best, for ordering; NO_SQUARE: none */
} Entry;

struct OthelloSolver {
  const Game *game;
  uint64_t board; /* its squares */
  int squares;
  Entry *table;
  size_t mask;
};

/* From the player to move. */
typedef struct Board {
  uint64_t mover, other;
} Board;

OthelloSolver *othello_solver_new(const Game *game, int log2_entries) {
  assert(game == &game_othello6 || game == &game_othello);
  OthelloSolver *solver = memory_new(1, sizeof *solver);
  solver->game = game;
  solver->board = game == &game_othello6 ? OTHELLO_BOARD_6 : OTHELLO_BOARD_8;
  solver->squares = bits_count(solver->board);
  solver->table = memory_new((size_t)1 << log2_entries, sizeof *solver->table);
  solver->mask = ((size_t)1 << log2_entries) - 1;
  return solver;
}

void othello_solver_free(OthelloSolver *solver) {
  if (!solver) return;
  free(solver->table);
  free(solver);
}

static uint64_t empty_squares(const OthelloSolver *solver, Board board) {
  return solver->board & ~(board.mover | board.other);
}

int othello_solver_empties(const OthelloSolver *solver, const Othello *position) {
  return bits_count(empty_squares(solver, (Board){position->mover, position->other}));
}

static Board play(Board board, uint64_t square, uint64_t flips) {
  return (Board){.mover = board.other ^ flips, .other = board.mover | square | flips};
}

static Board pass(Board board) {
  return (Board){.mover = board.other, .other = board.mover};
}

/* Of a finished game. */
static int final_score(const OthelloSolver *solver, Board board) {
  int mover = bits_count(board.mover), other = bits_count(board.other);
  if (mover > other) return solver->squares - 2 * other;
  return mover < other ? 2 * mover - solver->squares : 0;
}

static int last_square(const OthelloSolver *solver, Board board, uint64_t square) {
  int lead = 2 * bits_count(board.mover) + 1 - solver->squares; /* as it stands */
  uint64_t flips = othello_flips(board.mover, board.other, square);
  if (flips) return lead + 1 + 2 * bits_count(flips);
  flips = othello_flips(board.other, board.mover, square);
  if (flips) return lead - 1 - 2 * bits_count(flips);
  return final_score(solver, board);
}

/* The quarters of either board that hold an odd number of these squares. */
static uint64_t odd_quarters(uint64_t squares) {
  static const uint64_t quarters[4] = {UINT64_C(0x0f0f0f0f), UINT64_C(0xf0f0f0f0),
                                       UINT64_C(0x0f0f0f0f00000000), UINT64_C(0xf0f0f0f000000000)};
  uint64_t odd = 0;
  for (int i = 0; i < 4; i++)
    if (bits_count(squares & quarters[i]) & 1) odd |= quarters[i];
  return odd;
}

/* Fail-soft, for few empty squares. `passed`: the opponent has just passed. */
static int search_shallow(OthelloSolver *solver, Board board, int alpha, int beta, bool passed) {
  uint64_t empty = empty_squares(solver, board);
  if (!empty) return final_score(solver, board);
  if (!(empty & (empty - 1))) return last_square(solver, board, empty);
  uint64_t odd = empty & odd_quarters(empty);
  const uint64_t groups[2] = {odd, empty & ~odd};
  int best = -HIGHEST - 1;
  for (int g = 0; g < 2; g++)
    for (uint64_t left = groups[g]; left; left &= left - 1) {
      uint64_t square = left & -left, flips = othello_flips(board.mover, board.other, square);
      if (!flips) continue;
      int score = -search_shallow(solver, play(board, square, flips), -beta, -alpha, false);
      if (score > best) best = score;
      if (best >= beta) return best;
      if (best > alpha) alpha = best;
    }
  if (best >= -HIGHEST) return best;
  if (passed) return final_score(solver, board);
  return -search_shallow(solver, pass(board), -beta, -alpha, true);
}

typedef struct Candidate {
  Board after;
  uint8_t square;
  int rank; /* smaller is tried sooner */
} Candidate;

/* How much a move leaves the opponent: each answer counts, those on corners double. */
static int answers(const OthelloSolver *solver, Board board) {
  const uint64_t corners =
      solver->squares == 36 ? UINT64_C(0x0042000000004200) : UINT64_C(0x8100000000000081);
  uint64_t moves = othello_moves(board.mover, board.other, solver->board);
  return bits_count(moves) + bits_count(moves & corners);
}

static int order_moves(const OthelloSolver *solver, Board board, uint64_t moves, int first,
                       Candidate *ordered) {
  uint64_t odd = odd_quarters(empty_squares(solver, board));
  int count = 0;
  for (uint64_t left = moves; left; left &= left - 1) {
    uint64_t square = left & -left;
    Candidate move = {.after = play(board, square, othello_flips(board.mover, board.other, square)),
                      .square = (uint8_t)__builtin_ctzll(square)};
    move.rank = move.square == first ? -1 : 2 * answers(solver, move.after) + !(odd & square);
    int at = count++;
    for (; at > 0 && ordered[at - 1].rank > move.rank; at--) ordered[at] = ordered[at - 1];
    ordered[at] = move;
  }
  return count;
}

static Entry *find_entry(const OthelloSolver *solver, Board board) {
  return &solver->table[bits_mix(board.mover ^ bits_mix(board.other)) & solver->mask];
}

static int search(OthelloSolver *solver, Board board, int alpha, int beta);

/* Principal variation search over the ordered moves: all but the first need only be shown to be no better. */
static int search_moves(OthelloSolver *solver, const Candidate *moves, int count, int alpha, int beta,
                        uint8_t *best_square) {
  int best = -HIGHEST - 1;
  for (int i = 0; i < count && best < beta; i++) {
    int score;
    if (i == 0) {
      score = -search(solver, moves[i].after, -beta, -alpha);
    } else {
      score = -search(solver, moves[i].after, -alpha - 1, -alpha);
      if (score > alpha && score < beta) score = -search(solver, moves[i].after, -beta, -score);
    }
    if (score > best) best = score, *best_square = moves[i].square;
    if (best > alpha) alpha = best;
  }
  return best;
}

/* Fail-soft. */
static int search(OthelloSolver *solver, Board board, int alpha, int beta) {
  if (bits_count(empty_squares(solver, board)) <= SHALLOW)
    return search_shallow(solver, board, alpha, beta, false);
  uint64_t moves = othello_moves(board.mover, board.other, solver->board);
  if (!moves) {
    if (!othello_moves(board.other, board.mover, solver->board)) return final_score(solver, board);
    return -search(solver, pass(board), -beta, -alpha);
  }
  Entry *entry = find_entry(solver, board);
  bool known = entry->mover == board.mover && entry->other == board.other;
  int low = known ? entry->low : -HIGHEST, high = known ? entry->high : HIGHEST;
  if (low >= beta || low == high) return low;
  if (high <= alpha) return high;
  if (alpha < low) alpha = low;
  if (beta > high) beta = high;

  Candidate ordered[HIGHEST];
  uint8_t best_square = NO_SQUARE;
  int count = order_moves(solver, board, moves, known ? entry->best : NO_SQUARE, ordered);
  int score = search_moves(solver, ordered, count, alpha, beta, &best_square);
  if (score > alpha && low < score) low = score;
  if (score < beta && high > score) high = score;
  *entry = (Entry){board.mover, board.other, (int8_t)low, (int8_t)high, best_square};
  return score;
}

static int sign(int score) {
  return (score > 0) - (score < 0);
}

static int solve(OthelloSolver *solver, Board board, bool sign_only) {
  return sign_only ? sign(search(solver, board, -1, 1)) : search(solver, board, -HIGHEST, HIGHEST);
}

int othello_solver_score(OthelloSolver *solver, const Othello *position) {
  return solve(solver, (Board){position->mover, position->other}, false);
}

int othello_solver_value(OthelloSolver *solver, const Othello *position) {
  return solve(solver, (Board){position->mover, position->other}, true);
}

static void solve_moves(OthelloSolver *solver, const Othello *position, bool sign_only, int *scores) {
  const Game *game = solver->game;
  int legal[GAME_MOVES_MAX], count = game->legal(position, legal);
  for (int move = 0; move < game->moves; move++) scores[move] = OTHELLO_NO_SCORE;
  for (int i = 0; i < count; i++) {
    Othello next = *position;
    game->play(&next, legal[i]);
    scores[legal[i]] = -solve(solver, (Board){next.mover, next.other}, sign_only);
  }
}

void othello_solver_moves(OthelloSolver *solver, const Othello *position, int *scores) {
  solve_moves(solver, position, false, scores);
}

void othello_solver_move_values(OthelloSolver *solver, const Othello *position, int *values) {
  solve_moves(solver, position, true, values);
}
