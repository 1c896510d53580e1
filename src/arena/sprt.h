/* Sequential probability ratio test of a match: plays on only until the answer is clear.
 *
 * H0: the first player is elo0 stronger; H1: elo1 stronger (elo0 < elo1). The generalised likelihood ratio
 * over the pentanomial counts of pairs (A. Wald 1945; M. Van den Bergh, "The generalized SPRT", 2019; X. Li
 * et al., "Generalized sequential probability ratio test for separate families of hypotheses", 2014): both
 * likelihoods are maximised over all distributions of the five outcomes that obey the hypothesis.
 *
 * SPRT_LOGISTIC states Elo as the expected share of points; SPRT_NORMALIZED divides by the spread of a game's
 * score, so that the length of the test depends little on how drawish the pairing is (Van den Bergh,
 * "Normalized Elo", 2020). */
#ifndef ARENA_SPRT_H
#define ARENA_SPRT_H

#include "arena/score.h"

typedef enum SprtScale { SPRT_LOGISTIC, SPRT_NORMALIZED } SprtScale;
/* The largest bound, in normalized Elo, for which five outcomes always have a distribution. */
enum { SPRT_NORMALIZED_MOST = 200 };
typedef enum SprtVerdict { SPRT_CONTINUE, SPRT_H0, SPRT_H1 } SprtVerdict;

typedef struct Sprt {
  SprtScale scale;
  double elo0, elo1;
  double alpha; /* chance to accept H1 where H0 holds */
  double beta;  /* chance to accept H0 where H1 holds */
} Sprt;

/* Natural logarithm of the likelihood ratio H1 : H0; 0 where nothing was played. */
double sprt_llr(const Sprt *sprt, const Score *score);
/* Accept H0 at or below *lower, H1 at or above *upper. */
void sprt_bounds(const Sprt *sprt, double *lower, double *upper);
SprtVerdict sprt_verdict(const Sprt *sprt, const Score *score);

#endif
