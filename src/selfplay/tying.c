#include "selfplay/tying.h"

#include "base/memory.h"

#include <stdlib.h>

static void board_init(BoardSymmetries *board, const Game *game, int order) {
  int cells = game->rows * game->cols;
  int *squares = memory_new((size_t)(order * cells), sizeof *squares);
  int *moves = memory_new((size_t)(order * game->moves), sizeof *moves);
  for (int s = 0; s < order; s++) {
    for (int q = 0; q < cells; q++) squares[s * cells + q] = game->symmetry_square(s, q);
    for (int m = 0; m < game->moves; m++) moves[s * game->moves + m] = game->symmetry_move(s, m);
  }
  *board = (BoardSymmetries){.order = order, .squares = squares, .moves = moves};
}

static void board_release(const BoardSymmetries *board) {
  free((void *)board->squares);
  free((void *)board->moves);
}

bool tying_valid(const Game *game, int symmetries, const NetShape *shape, Error *err) {
  if (symmetries > game->symmetries)
    return error_set(err, "the board of %s has %d symmetries", game->name, game->symmetries);
  BoardSymmetries board;
  board_init(&board, game, symmetries);
  bool valid = ties_valid(shape, &board, err);
  board_release(&board);
  return valid;
}

NetTies *tying_new(const Game *game, int symmetries, const NetShape *shape) {
  BoardSymmetries board;
  board_init(&board, game, symmetries);
  NetTies *ties = ties_new(shape, &board);
  board_release(&board);
  return ties;
}
