/* Small helpers that several games share. */
#ifndef GAMES_BITS_H
#define GAMES_BITS_H

#include <stdint.h>

/* A bijection of 64-bit words in which every input bit moves every output bit: the finaliser of SplitMix64
 * (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
static inline uint64_t bits_mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* Set bits. */
static inline int bits_count(uint64_t x) {
  return __builtin_popcountll(x);
}

/* The number of the lowest set bit; x is not 0. */
static inline int bits_lowest(uint64_t x) {
  return __builtin_ctzll(x);
}

/* Maps any score into (-1, 1): half way at |score| = scale. */
static inline float bits_squash(int score, int scale) {
  int size = score < 0 ? -score : score;
  return (float)score / (float)(size + scale);
}

/* Where symmetry s of a board of side x side squares takes square row * side + col: bit 0 mirrors left and
 * right, bit 1 mirrors bottom and top, bit 2 then exchanges rows and columns. */
static inline int square_symmetry(int side, int s, int square) {
  int row = square / side, col = square % side;
  if (s & 1) col = side - 1 - col;
  if (s & 2) row = side - 1 - row;
  return s & 4 ? col * side + row : row * side + col;
}

#endif
