/* Bit arithmetic on Connect Four boards (layout in connect4.h), for the rules and the solver. */
#ifndef GAMES_CONNECT4_BITS_H
#define GAMES_CONNECT4_BITS_H

#include "games/bits.h"
#include "games/connect4.h"

enum { C4_STRIDE = C4_ROWS + 1 };

#define C4_BOTTOM UINT64_C(0x40810204081)           /* the lowest square of every column */
#define C4_BOARD (C4_BOTTOM * ((1 << C4_ROWS) - 1)) /* all 42 squares */
#define C4_ODD_ROWS (C4_BOTTOM * 21)                /* first, third and fifth row from the bottom */
#define C4_EVEN_ROWS (C4_BOTTOM * 42)               /* second, fourth and sixth */

static inline uint64_t c4_column(int col) {
  return (uint64_t)((1 << C4_ROWS) - 1) << C4_STRIDE * col;
}

/* The square on which the next stone of each column that is not full would land. */
static inline uint64_t c4_playable(uint64_t all) {
  return (all + C4_BOTTOM) & C4_BOARD;
}

/* Squares i that would complete a line of four in direction `step`, on the board or off it. */
static inline uint64_t c4_complete(uint64_t stones, int step) {
  uint64_t pair = stones & stones >> step; /* bit i: stones on i and i + step */
  uint64_t triple = pair & stones >> 2 * step;
  return triple >> step | triple << 3 * step       /* either end of three in a row */
         | (pair & stones >> 3 * step) << 2 * step /* x x . x */
         | (stones & pair >> 2 * step) << step;    /* x . x x */
}

/* Empty squares that would complete four of these stones, reachable now or not. */
static inline uint64_t c4_wins(uint64_t stones, uint64_t all) {
  uint64_t vertical = stones << 1 & stones << 2 & stones << 3;
  uint64_t lines = c4_complete(stones, C4_STRIDE) | c4_complete(stones, C4_STRIDE - 1) |
                   c4_complete(stones, C4_STRIDE + 1);
  return (vertical | lines) & ~all & C4_BOARD;
}

/* Bit i of held[k]: the four squares from i on in direction `step` are a line that is open to these stones
 * and holds k of them. No line is full. */
static inline void c4_lines(uint64_t own, uint64_t other, int step, uint64_t held[4]) {
  uint64_t open = C4_BOARD & ~other;
  uint64_t a = own, b = own >> step, c = own >> 2 * step, d = own >> 3 * step;
  uint64_t odd = a ^ b ^ c ^ d, two = (a & b) ^ (c & d) ^ ((a ^ b) & (c ^ d)); /* the count's two bits */
  uint64_t lines = open & open >> step & open >> 2 * step & open >> 3 * step;
  held[0] = lines & ~odd & ~two;
  held[1] = lines & odd & ~two;
  held[2] = lines & ~odd & two;
  held[3] = lines & odd & two;
}

/* Where stones may be played after which the opponent cannot win at once; 0 where every move loses. The mover
 * cannot win at once. */
static inline uint64_t c4_safe(uint64_t mover, uint64_t all) {
  uint64_t possible = c4_playable(all);
  uint64_t threats = c4_wins(mover ^ all, all);
  uint64_t forced = possible & threats;
  if (forced) {
    if (forced & (forced - 1)) return 0;
    possible = forced;
  }
  return possible & ~(threats >> 1); /* nor below a square where the opponent would win */
}

static inline bool c4_has_four(uint64_t stones) {
  static const int steps[4] = {1, C4_STRIDE, C4_STRIDE - 1, C4_STRIDE + 1};
  uint64_t fours = 0;
  for (int i = 0; i < 4; i++) {
    uint64_t pair = stones & stones >> steps[i];
    fours |= pair & pair >> 2 * steps[i];
  }
  return fours != 0;
}

/* The board reflected left to right; also right for keys, which use the empty bit of each column. */
static inline uint64_t c4_mirror(uint64_t board) {
  enum { A = C4_STRIDE };
  const uint64_t column = (1 << A) - 1;
  return (board & column) << 6 * A | (board & column << A) << 4 * A | (board & column << 2 * A) << 2 * A |
         (board & column << 3 * A) | (board >> 2 * A & column << 2 * A) | (board >> 4 * A & column << A) |
         (board >> 6 * A & column);
}

/* A number below 2^49 that no other position has. In every column the lowest zero above the stones becomes
 * the marker of its height: all + bottom sets that bit alone, and the mover's stones are added below it. */
static inline uint64_t c4_key(uint64_t mover, uint64_t all) {
  return mover | (all + C4_BOTTOM);
}

/* One key for a position and its mirror image, which are worth the same. */
static inline uint64_t c4_canonical(uint64_t key) {
  uint64_t mirrored = c4_mirror(key);
  return key < mirrored ? key : mirrored;
}

#endif
