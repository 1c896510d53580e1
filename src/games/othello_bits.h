/* Bit arithmetic on Othello boards (layout in othello.h), for the rules and the solver: both sizes alike,
 * since nothing is flipped at the border of either board. */
#ifndef GAMES_OTHELLO_BITS_H
#define GAMES_OTHELLO_BITS_H

#include "games/bits.h"

#define OTHELLO_BOARD_8 UINT64_MAX
#define OTHELLO_BOARD_6 UINT64_C(0x007e7e7e7e7e7e00)

/* Steps to the neighbours of higher bit number; those of lower number are the same, backwards. */
enum { OTHELLO_DIRECTIONS = 4 };
static const int othello_steps[OTHELLO_DIRECTIONS] = {1, 7, 8, 9};

/* Discs that can be flipped along a direction: a disc of the first or last file only stands between two
 * others up and down its file, and steps along the rank would wrap there. */
static inline uint64_t othello_flippable(uint64_t other, int direction) {
  return othello_steps[direction] == 8 ? other : other & UINT64_C(0x7e7e7e7e7e7e7e7e);
}

/* The unbroken lines of `through` that begin next to `from`, up to six discs, by parallel prefix. */
static inline uint64_t othello_line_up(uint64_t from, uint64_t through, int step) {
  uint64_t line = from << step & through, pairs = through & through << step;
  line |= line << step & through;
  line |= line << 2 * step & pairs;
  return line | (line << 2 * step & pairs);
}

static inline uint64_t othello_line_down(uint64_t from, uint64_t through, int step) {
  uint64_t line = from >> step & through, pairs = through & through >> step;
  line |= line >> step & through;
  line |= line >> 2 * step & pairs;
  return line | (line >> 2 * step & pairs);
}

/* Squares of `board` where the mover may play. */
static inline uint64_t othello_moves(uint64_t mover, uint64_t other, uint64_t board) {
  uint64_t reached = 0;
  for (int d = 0; d < OTHELLO_DIRECTIONS; d++) {
    int step = othello_steps[d];
    uint64_t through = othello_flippable(other, d);
    reached |= othello_line_up(mover, through, step) << step;
    reached |= othello_line_down(mover, through, step) >> step;
  }
  return reached & board & ~(mover | other);
}

/* The discs that a move on the empty square of this bit flips; 0 where it is illegal. */
static inline uint64_t othello_flips(uint64_t mover, uint64_t other, uint64_t square) {
  uint64_t flips = 0;
  for (int d = 0; d < OTHELLO_DIRECTIONS; d++) {
    int step = othello_steps[d];
    uint64_t through = othello_flippable(other, d);
    uint64_t up = othello_line_up(square, through, step), down = othello_line_down(square, through, step);
    flips |= (up | square) << step & mover ? up : 0;
    flips |= (down | square) >> step & mover ? down : 0;
  }
  return flips;
}

/* Reflections of the 8 x 8 bitboard, hence of the small board in its middle too: left and right exchanged,
 * and rows and columns exchanged (by blocks of 1, 2 and 4 squares, as in H. Warren, "Hacker's Delight", 7-3).
 */
static inline uint64_t othello_mirror(uint64_t x) {
  x = (x >> 1 & UINT64_C(0x5555555555555555)) | (x & UINT64_C(0x5555555555555555)) << 1;
  x = (x >> 2 & UINT64_C(0x3333333333333333)) | (x & UINT64_C(0x3333333333333333)) << 2;
  return (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
}

static inline uint64_t othello_transpose(uint64_t x) {
  uint64_t swap = (x ^ x >> 7) & UINT64_C(0x00aa00aa00aa00aa);
  x ^= swap ^ swap << 7;
  swap = (x ^ x >> 14) & UINT64_C(0x0000cccc0000cccc);
  x ^= swap ^ swap << 14;
  swap = (x ^ x >> 28) & UINT64_C(0x00000000f0f0f0f0);
  return x ^ swap ^ swap << 28;
}

#endif
