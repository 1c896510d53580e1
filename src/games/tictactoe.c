/* Tic-tac-toe: the smallest game, for tests and first steps. Squares are named a1 (bottom left) to c3. */
#include "games/game.h"

#include "games/bits.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 3, SQUARES = 9, FULL = 0777, LINES = 8, SYMMETRIES = 8 };

typedef struct TicTacToe {
  uint16_t mover; /* stones of the player to move; bit row * 3 + col */
  uint16_t all;   /* stones of both */
} TicTacToe;

/* One octal digit is one row. */
static const uint16_t lines[LINES] = {0007, 0070, 0700, 0111, 0222, 0444, 0421, 0124};

static bool has_line(unsigned stones) {
  for (int i = 0; i < LINES; i++)
    if ((stones & lines[i]) == lines[i]) return true;
  return false;
}

/* Only the player who moved last can have completed a line. */
static bool lost(const TicTacToe *t) {
  return has_line(t->mover ^ t->all);
}

static void ttt_init(void *state) {
  memset(state, 0, sizeof(TicTacToe));
}

static int ttt_legal(const void *state, int *moves) {
  const TicTacToe *t = state;
  int count = 0;
  if (lost(t)) return 0;
  for (int square = 0; square < SQUARES; square++)
    if (!(t->all >> square & 1)) moves[count++] = square;
  return count;
}

static void ttt_play(void *state, int move) {
  TicTacToe *t = state;
  assert(move >= 0 && move < SQUARES && !(t->all >> move & 1));
  t->mover ^= t->all;
  t->all |= (uint16_t)(1 << move);
}

static bool ttt_over(const void *state, float *value) {
  const TicTacToe *t = state;
  *value = lost(t) ? -1 : 0;
  return *value < 0 || t->all == FULL;
}

static int ttt_ply(const void *state) {
  return bits_count(((const TicTacToe *)state)->all);
}

static int ttt_to_move(const void *state) {
  return ttt_ply(state) & 1;
}

/* Planes: the mover's stones, the opponent's. */
static void ttt_encode(const void *state, float *planes) {
  const TicTacToe *t = state;
  for (int square = 0; square < SQUARES; square++) {
    planes[square] = (float)(t->mover >> square & 1);
    planes[SQUARES + square] = (float)((t->mover ^ t->all) >> square & 1);
  }
}

static uint64_t ttt_key(const void *state) {
  const TicTacToe *t = state;
  return bits_mix((uint64_t)t->mover << 16 | t->all);
}

static int ttt_symmetry(int s, int square) {
  return square_symmetry(SIDE, s, square);
}

static void ttt_symmetry_state(int s, const void *in, void *out) {
  const TicTacToe *from = in;
  TicTacToe to = {0, 0};
  for (int square = 0; square < SQUARES; square++) {
    int image = ttt_symmetry(s, square);
    to.mover |= (uint16_t)((from->mover >> square & 1) << image);
    to.all |= (uint16_t)((from->all >> square & 1) << image);
  }
  *(TicTacToe *)out = to;
}

static void ttt_print_move(int move, char *text) {
  snprintf(text, GAME_MOVE_TEXT, "%c%c", 'a' + move % SIDE, '1' + move / SIDE);
}

static int ttt_parse_move(const char *text) {
  int col = tolower((unsigned char)text[0]) - 'a';
  if (col < 0 || col >= SIDE) return -1;
  int row = text[1] - '1';
  return row < 0 || row >= SIDE || text[2] ? -1 : row * SIDE + col;
}

/* Lines still open to one player alone, those with two stones counting threefold. */
static float ttt_heuristic(const void *state) {
  const TicTacToe *t = state;
  unsigned mine = t->mover, theirs = t->mover ^ t->all;
  int score = 0;
  for (int i = 0; i < LINES; i++) {
    int own = bits_count(mine & lines[i]), other = bits_count(theirs & lines[i]);
    if (!other) score += own == 2 ? 3 : own;
    if (!own) score -= other == 2 ? 3 : other;
  }
  return bits_squash(score, 8);
}

static int ttt_piece(const void *state, int row, int col) {
  const TicTacToe *t = state;
  int square = row * SIDE + col;
  if (!(t->all >> square & 1)) return 0;
  bool movers = t->mover >> square & 1;
  return 1 + (movers ? ttt_to_move(t) : 1 - ttt_to_move(t));
}

const Game game_tictactoe = {
    .name = "tictactoe",
    .title = "Tic-tac-toe",
    .state_size = sizeof(TicTacToe),
    .planes = 2,
    .rows = SIDE,
    .cols = SIDE,
    .moves = SQUARES,
    .max_plies = SQUARES,
    .symmetries = SYMMETRIES,
    .player = {"crosses", "noughts"},
    .init = ttt_init,
    .legal = ttt_legal,
    .play = ttt_play,
    .over = ttt_over,
    .to_move = ttt_to_move,
    .ply = ttt_ply,
    .encode = ttt_encode,
    .key = ttt_key,
    .symmetry_square = ttt_symmetry,
    .symmetry_move = ttt_symmetry,
    .symmetry_state = ttt_symmetry_state,
    .print_move = ttt_print_move,
    .parse_move = ttt_parse_move,
    .heuristic = ttt_heuristic,
    .piece = ttt_piece,
};
