/* Four floats at a time, in the compiler's own vectors.
 *
 * Four lanes are what every CPU of a family has, and each operation here is one correctly rounded operation a
 * lane, in the order in which it is written: so results have the same bits on all of them. Conditions are
 * masks, all ones or all zeros a lane, and choosing by mask takes the place of branches that siblings would
 * mispredict.
 */
#ifndef MCTS_VEC_H
#define MCTS_VEC_H

#include <stdint.h>
#include <string.h>

#ifdef __clang__ /* gcc has it so by -std=c17: no fused multiply-add, which not every CPU has */
#pragma STDC FP_CONTRACT OFF
#endif

enum { VEC_LANES = 4 };

typedef float Vec __attribute__((vector_size(16)));
typedef int32_t VecInt __attribute__((vector_size(16)));
typedef uint32_t VecBits __attribute__((vector_size(16)));

static inline Vec vec_set(float x) {
  return (Vec){x, x, x, x};
}

static inline VecInt vec_set_int(int32_t x) {
  return (VecInt){x, x, x, x};
}

/* `from` needs no alignment. */
static inline Vec vec_load(const float *from) {
  Vec a;
  memcpy(&a, from, sizeof a);
  return a;
}

static inline void vec_store(float *to, Vec a) {
  memcpy(to, &a, sizeof a);
}

static inline VecInt vec_choose_int(VecInt mask, VecInt yes, VecInt no) {
  return (yes & mask) | (no & ~mask);
}

static inline Vec vec_choose(VecInt mask, Vec yes, Vec no) {
  return (Vec)vec_choose_int(mask, (VecInt)yes, (VecInt)no);
}

/* `a` where the mask is set, else 0. */
static inline Vec vec_keep(VecInt mask, Vec a) {
  return (Vec)((VecInt)a & mask);
}

/* Where either is NAN, `b`. */
static inline Vec vec_max(Vec a, Vec b) {
  return vec_choose(a > b, a, b);
}

static inline Vec vec_min(Vec a, Vec b) {
  return vec_choose(a < b, a, b);
}

static inline float vec_sum(Vec a) {
  return (a[0] + a[1]) + (a[2] + a[3]);
}

static inline float vec_highest(Vec a) {
  float low = a[0] > a[1] ? a[0] : a[1], high = a[2] > a[3] ? a[2] : a[3];
  return low > high ? low : high;
}

/* exp(x) for x <= 0, within 2 units in the last place; everything below -87, near where floats end, counts as
 * -87. With n the whole number nearest to x / log 2 and r = x - n log 2, |r| <= (log 2) / 2,
 *
 *   exp(x) = 2^n exp(r),   exp(r) = 1 + r + r^2 p(r)
 *
 * where p and the split of log 2 into an exact upper part and a rest are those of expf() in S. Moshier's
 * Cephes library; 2^n is added to the exponent's bits. */
static inline Vec vec_exp(Vec x) {
  x = vec_max(x, vec_set(-87));
  /* Conversion cuts towards zero, which rounds to nearest what is not positive once a half is taken off. */
  VecInt n = __builtin_convertvector(x * vec_set(1.44269504f) - vec_set(0.5f), VecInt);
  Vec whole = __builtin_convertvector(n, Vec);
  Vec r = (x - whole * vec_set(0.693359375f)) + whole * vec_set(2.12194440e-4f);
  Vec p = vec_set(1.9875691500e-4f);
  p = p * r + vec_set(1.3981999507e-3f);
  p = p * r + vec_set(8.3334519073e-3f);
  p = p * r + vec_set(4.1665795894e-2f);
  p = p * r + vec_set(1.6666665459e-1f);
  p = p * r + vec_set(5.0000001201e-1f);
  p = (p * r) * r + r + vec_set(1);
  return (Vec)((VecBits)p + ((VecBits)n << 23));
}

#endif
