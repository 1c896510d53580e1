#include "games/connect4.h"

#include "games/connect4_bits.h"

#include <assert.h>
#include <string.h>

static uint64_t square_bit(int row, int col) {
  return UINT64_C(1) << (col * C4_STRIDE + row);
}

bool connect4_has_four(uint64_t stones) {
  return c4_has_four(stones);
}

/* Only the player who moved last can have made four. */
static bool lost(const Connect4 *c) {
  return c4_has_four(c->mover ^ c->all);
}

static void c4_init(void *state) {
  memset(state, 0, sizeof(Connect4));
}

static int c4_legal(const void *state, int *moves) {
  const Connect4 *c = state;
  int count = 0;
  if (lost(c)) return 0;
  for (int col = 0; col < C4_COLS; col++)
    if (!(c->all & square_bit(C4_ROWS - 1, col))) moves[count++] = col;
  return count;
}

static void c4_play(void *state, int move) {
  Connect4 *c = state;
  assert(move >= 0 && move < C4_COLS && !(c->all & square_bit(C4_ROWS - 1, move)));
  c->mover ^= c->all;
  c->all |= c->all + square_bit(0, move);
}

static bool c4_over(const void *state, float *value) {
  const Connect4 *c = state;
  *value = lost(c) ? -1 : 0;
  return *value < 0 || c->all == C4_BOARD;
}

static bool c4_wins_at_once(const void *state) {
  const Connect4 *c = state;
  return (c4_wins(c->mover, c->all) & c4_playable(c->all)) != 0;
}

static int c4_safe_moves(const void *state, int *moves) {
  const Connect4 *c = state;
  int count = 0;
  for (uint64_t safe = c4_safe(c->mover, c->all); safe; safe &= safe - 1)
    moves[count++] = bits_lowest(safe) / C4_STRIDE;
  return count;
}

static int c4_ply(const void *state) {
  return bits_count(((const Connect4 *)state)->all);
}

static int c4_to_move(const void *state) {
  return c4_ply(state) & 1;
}

/* Planes: the mover's stones, the opponent's, and ones where the first player is to move. That is the parity
 * of the stones, a function which networks hardly learn by themselves, and all depends on it: odd rows fall
 * to the first player, even rows to the second. */
static void c4_encode(const void *state, float *planes) {
  const Connect4 *c = state;
  uint64_t opponent = c->mover ^ c->all;
  float *own = planes, *other = planes + C4_SQUARES, *colour = planes + 2 * C4_SQUARES;
  float first = (float)(c4_to_move(c) == 0);
  for (int row = 0; row < C4_ROWS; row++) {
    for (int col = 0; col < C4_COLS; col++) {
      int shift = col * C4_STRIDE + row;
      *own++ = (float)(c->mover >> shift & 1);
      *other++ = (float)(opponent >> shift & 1);
      *colour++ = first;
    }
  }
}

static const int directions[4] = {1, C4_STRIDE, C4_STRIDE - 1, C4_STRIDE + 1};

/* Empty squares on open lines that hold so many stones: squares[held]. */
static void line_squares(uint64_t own, uint64_t other, uint64_t squares[4]) {
  memset(squares, 0, 4 * sizeof *squares);
  for (int i = 0; i < 4; i++) {
    int step = directions[i];
    uint64_t held[4];
    c4_lines(own, other, step, held);
    for (int k = 0; k < 4; k++)
      squares[k] |= (held[k] | held[k] << step | held[k] << 2 * step | held[k] << 3 * step) & ~own;
  }
}

/* Planes: the empty squares on lines of four that are still open to the mover and hold three of his stones,
 * the same of the opponent; those that hold two; those that hold one; and the rows that fall to the mover
 * when columns fill up in turn, which decide who gets a threat (V. Allis, as at lines_score()). What the
 * rules speak of is lines, of which a convolution of three squares sees none whole, and which row a square is
 * in it sees only from the edge. */
static void c4_encode_features(const void *state, float *planes) {
  const Connect4 *c = state;
  uint64_t own[4], other[4];
  line_squares(c->mover, c->mover ^ c->all, own);
  line_squares(c->mover ^ c->all, c->mover, other);
  for (int held = 3; held > 0; held--, planes += 2 * C4_SQUARES) {
    for (int square = 0; square < C4_SQUARES; square++) {
      int shift = square % C4_COLS * C4_STRIDE + square / C4_COLS;
      planes[square] = (float)(own[held] >> shift & 1);
      planes[C4_SQUARES + square] = (float)(other[held] >> shift & 1);
    }
  }
  for (int square = 0; square < C4_SQUARES; square++)
    planes[square] = (float)((square / C4_COLS + c4_to_move(c)) % 2 == 0);
}

static uint64_t c4_state_key(const void *state) {
  const Connect4 *c = state;
  return bits_mix(c4_key(c->mover, c->all));
}

static int c4_symmetry_move(int s, int move) {
  return s ? C4_COLS - 1 - move : move;
}

static int c4_symmetry_square(int s, int square) {
  int row = square / C4_COLS, col = square % C4_COLS;
  return row * C4_COLS + c4_symmetry_move(s, col);
}

static void c4_symmetry_state(int s, const void *in, void *out) {
  const Connect4 *from = in;
  *(Connect4 *)out = s ? (Connect4){c4_mirror(from->mover), c4_mirror(from->all)} : *from;
}

static void c4_print_move(int move, char *text) {
  text[0] = (char)('1' + move);
  text[1] = 0;
}

static int c4_parse_move(const char *text) {
  return text[0] >= '1' && text[0] < '1' + C4_COLS && !text[1] ? text[0] - '1' : -1;
}

/* Weight of a player's lines: open lines of four, more with two stones, and squares that would complete one,
 * more on the rows that fall to this player when columns fill up alternately (V. Allis, "A knowledge-based
 * approach of Connect-Four", 1988: odd rows to the first player, even rows to the second). */
static int lines_score(uint64_t own, uint64_t other, uint64_t own_rows) {
  int score = 0;
  for (int i = 0; i < 4; i++) {
    uint64_t held[4];
    c4_lines(own, other, directions[i], held);
    score += bits_count(held[1]) + 3 * bits_count(held[2] | held[3]);
  }
  uint64_t wins = c4_wins(own, own | other);
  return score + 6 * bits_count(wins) + 6 * bits_count(wins & own_rows);
}

static float c4_heuristic(const void *state) {
  const Connect4 *c = state;
  uint64_t opponent = c->mover ^ c->all;
  bool first = c4_to_move(c) == 0;
  int score = lines_score(c->mover, opponent, first ? C4_ODD_ROWS : C4_EVEN_ROWS) -
              lines_score(opponent, c->mover, first ? C4_EVEN_ROWS : C4_ODD_ROWS);
  /* Who can complete four on this very move has all but won. */
  if (c4_wins(c->mover, c->all) & c4_playable(c->all)) score += 500;
  return bits_squash(score, 40);
}

static int c4_piece(const void *state, int row, int col) {
  const Connect4 *c = state;
  uint64_t bit = square_bit(row, col);
  if (!(c->all & bit)) return 0;
  return 1 + (c->mover & bit ? c4_to_move(c) : 1 - c4_to_move(c));
}

const Game game_connect4 = {
    .name = "connect4",
    .title = "Connect Four (7 x 6)",
    .state_size = sizeof(Connect4),
    .planes = 3,
    .rows = C4_ROWS,
    .cols = C4_COLS,
    .feature_planes = 2 * 3 + 1,
    .moves = C4_COLS,
    .max_plies = C4_SQUARES,
    .symmetries = 2,
    .player = {"yellow", "red"},
    .init = c4_init,
    .legal = c4_legal,
    .play = c4_play,
    .over = c4_over,
    .wins_at_once = c4_wins_at_once,
    .safe_moves = c4_safe_moves,
    .to_move = c4_to_move,
    .ply = c4_ply,
    .encode = c4_encode,
    .encode_features = c4_encode_features,
    .key = c4_state_key,
    .symmetry_square = c4_symmetry_square,
    .symmetry_move = c4_symmetry_move,
    .symmetry_state = c4_symmetry_state,
    .print_move = c4_print_move,
    .parse_move = c4_parse_move,
    .heuristic = c4_heuristic,
    .piece = c4_piece,
};
