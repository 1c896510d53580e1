#include "base/rng.h"

#include <math.h>

static void philox_block(Rng *rng) {
  uint32_t c0 = rng->counter[0], c1 = rng->counter[1], c2 = rng->counter[2], c3 = rng->counter[3];
  uint32_t k0 = rng->key[0], k1 = rng->key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c0 = n0, c1 = (uint32_t)p1, c2 = n2, c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  rng->words[0] = c0, rng->words[1] = c1, rng->words[2] = c2, rng->words[3] = c3;
  rng->counter[0]++;
  rng->used = 0;
}

Rng rng_make(uint64_t seed, RngPurpose purpose, uint32_t iteration, uint32_t game) {
  return (Rng){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
               .counter = {0, (uint32_t)purpose, iteration, game},
               .used = 4};
}

uint32_t rng_u32(Rng *rng) {
  if (rng->used == 4) philox_block(rng);
  return rng->words[rng->used++];
}

uint64_t rng_u64(Rng *rng) {
  uint64_t high = rng_u32(rng);
  return high << 32 | rng_u32(rng);
}

uint32_t rng_below(Rng *rng, uint32_t n) {
  uint64_t product = (uint64_t)rng_u32(rng) * n;
  if ((uint32_t)product < n) {
    uint32_t threshold = -n % n;
    while ((uint32_t)product < threshold) product = (uint64_t)rng_u32(rng) * n;
  }
  return (uint32_t)(product >> 32);
}

double rng_uniform(Rng *rng) {
  return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

/* In (0, 1], for logarithms. */
static double uniform_positive(Rng *rng) {
  return (double)((rng_u64(rng) >> 11) + 1) * 0x1p-53;
}

double rng_normal(Rng *rng) {
  double radius = sqrt(-2 * log(uniform_positive(rng)));
  return radius * cos(2 * M_PI * rng_uniform(rng));
}

double rng_gumbel(Rng *rng) {
  double u = (double)((rng_u64(rng) >> 12) + 1) / (0x1p52 + 2); /* open on both sides */
  return -log(-log(u));
}

double rng_gamma(Rng *rng, double shape) {
  if (shape < 1) return rng_gamma(rng, shape + 1) * pow(uniform_positive(rng), 1 / shape);
  double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = rng_normal(rng), v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    if (log(uniform_positive(rng)) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
  }
}

void rng_dirichlet(Rng *rng, double alpha, int n, float *out) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    double g = rng_gamma(rng, alpha);
    out[i] = (float)g;
    sum += g;
  }
  /* With a tiny alpha every draw can underflow; a uniform point is then as good as any. */
  for (int i = 0; i < n; i++) out[i] = sum > 1e-30 ? (float)(out[i] / sum) : 1.0f / (float)n;
}

int rng_choose(Rng *rng, const float *weights, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += weights[i];
  double left = rng_uniform(rng) * sum;
  int last = 0;
  for (int i = 0; i < n; i++) {
    if (weights[i] <= 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) return i;
  }
  return last;
}

void rng_shuffle(Rng *rng, uint32_t *items, uint32_t n) {
  for (uint32_t i = n; i > 1; i--) {
    uint32_t j = rng_below(rng, i), swap = items[i - 1];
    items[i - 1] = items[j];
    items[j] = swap;
  }
}
