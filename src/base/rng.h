/* Counter-based random streams: Philox4x32-10.
 *
 * J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 *
 * A stream is named by (run seed, purpose, iteration, game) and by nothing else: not by thread, not by clock.
 * The key is the seed; the counter holds (block, purpose, iteration, game), so that two different names can
 * never overlap, and whoever knows the name can make the same numbers again, on any machine and at any thread
 * count. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* What a stream is for. Values are part of the files' reproducibility: append only. */
typedef enum RngPurpose {
  RNG_TEST = 0,
  RNG_INIT_WEIGHTS = 1,
  RNG_SELFPLAY = 2,
  RNG_SEARCH_NOISE = 3,
  RNG_SAMPLING = 4,
  RNG_AUGMENT = 5,
  RNG_TEACHER = 6,
  RNG_OPENINGS = 7,
  RNG_MATCH = 8,
  RNG_PLAYER = 9,
  RNG_ROLLOUT = 10,
  RNG_BOOTSTRAP = 11,
  RNG_POSITIONS = 12,
  RNG_HOLDOUT = 13,
  RNG_BENCH = 14,
  RNG_CALIBRATION = 15,
  RNG_RULES = 16,
} RngPurpose;

typedef struct Rng {
  uint32_t key[2];
  uint32_t counter[4]; /* block, purpose, iteration, game */
  uint32_t words[4];
  uint32_t used; /* words already given out of `words` */
} Rng;

Rng rng_make(uint64_t seed, RngPurpose purpose, uint32_t iteration, uint32_t game);

uint32_t rng_u32(Rng *rng);
uint64_t rng_u64(Rng *rng);
/* Uniform integer in [0, n), n > 0, without bias (Lemire 2019). */
uint32_t rng_below(Rng *rng, uint32_t n);
/* Uniform in [0, 1). */
double rng_uniform(Rng *rng);
/* Standard normal (Box and Muller). */
double rng_normal(Rng *rng);
/* Standard Gumbel, -log(-log(u)). */
double rng_gumbel(Rng *rng);
/* Gamma with the given shape > 0 and scale 1 (Marsaglia and Tsang 2000). */
double rng_gamma(Rng *rng, double shape);
/* A point of the symmetric Dirichlet distribution: n values that sum to 1. */
void rng_dirichlet(Rng *rng, double alpha, int n, float *out);
/* Index drawn in proportion to weights[0..n), whose sum is positive. */
int rng_choose(Rng *rng, const float *weights, int n);
/* Fisher-Yates shuffle. */
void rng_shuffle(Rng *rng, uint32_t *items, uint32_t n);

#endif
