/* Bit helpers that several games share. */
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

#endif
