#include "arena/sprt.h"

#include <assert.h>
#include <math.h>

enum { BISECTIONS = 60, ROUNDS = 30 };

/* Stands in for an outcome that was never seen, which would otherwise have no likelihood under any
 * hypothesis. */
#define UNSEEN 1e-3

/* The maximum-likelihood distribution with mean `target` of the five `values`: p_k = f_k / (1 + x (v_k -
 * target)), where x is the root of sum f_k (v_k - target) / (1 + x (v_k - target)), a falling function. */
static void constrained_fit(const double *frequency, const double *values, double target, double *p) {
  double least = values[0], most = values[0];
  for (int k = 1; k < SCORE_OUTCOMES; k++) least = fmin(least, values[k]), most = fmax(most, values[k]);
  assert(least < target && target < most);
  double low = -1 / (most - target), high = 1 / (target - least);
  for (int i = 0; i < BISECTIONS; i++) {
    double x = (low + high) / 2, slope = 0;
    for (int k = 0; k < SCORE_OUTCOMES; k++)
      slope += frequency[k] * (values[k] - target) / (1 + x * (values[k] - target));
    if (slope > 0)
      low = x;
    else
      high = x;
  }
  double x = (low + high) / 2;
  for (int k = 0; k < SCORE_OUTCOMES; k++) p[k] = frequency[k] / (1 + x * (values[k] - target));
}

static double share_of(int outcome) {
  return outcome / (double)(SCORE_OUTCOMES - 1);
}

/* The same under (mean - 1/2) / deviation = t. With mean and deviation held at their last values the
 * constraint is linear in p and has the true one's gradient; the fixed point is the constrained maximum. */
static void normalized_fit(const double *frequency, double t, double *p) {
  for (int k = 0; k < SCORE_OUTCOMES; k++) p[k] = 1.0 / SCORE_OUTCOMES;
  double last = 0;
  for (int round = 0; round < ROUNDS; round++) {
    double mean = 0, variance = 0, values[SCORE_OUTCOMES];
    for (int k = 0; k < SCORE_OUTCOMES; k++) mean += p[k] * share_of(k);
    for (int k = 0; k < SCORE_OUTCOMES; k++) variance += p[k] * (share_of(k) - mean) * (share_of(k) - mean);
    double deviation = sqrt(variance);
    if (fabs(deviation - last) < 1e-10) break;
    last = deviation;
    for (int k = 0; k < SCORE_OUTCOMES; k++) {
      double z = (share_of(k) - mean) / deviation;
      values[k] = share_of(k) - 0.5 - 0.5 * t * deviation * (1 + z * z);
    }
    constrained_fit(frequency, values, 0, p);
  }
}

static void fit(const Sprt *sprt, double elo, const double *frequency, double *p) {
  if (sprt->scale == SPRT_LOGISTIC) {
    double values[SCORE_OUTCOMES];
    for (int k = 0; k < SCORE_OUTCOMES; k++) values[k] = share_of(k);
    constrained_fit(frequency, values, score_from_elo(elo), p);
  } else {
    /* The unit is a game's deviation; a pair's mean has sqrt(2) less. */
    normalized_fit(frequency, sqrt(2) * elo * log(10) / 800, p);
  }
}

double sprt_llr(const Sprt *sprt, const Score *score) {
  double count[SCORE_OUTCOMES], total = 0, p0[SCORE_OUTCOMES], p1[SCORE_OUTCOMES], llr = 0;
  int pairs = 0;
  for (int k = 0; k < SCORE_OUTCOMES; k++) {
    pairs += score->pairs[k];
    count[k] = score->pairs[k] ? score->pairs[k] : UNSEEN;
    total += count[k];
  }
  if (!pairs) return 0;
  double frequency[SCORE_OUTCOMES];
  for (int k = 0; k < SCORE_OUTCOMES; k++) frequency[k] = count[k] / total;
  fit(sprt, sprt->elo0, frequency, p0);
  fit(sprt, sprt->elo1, frequency, p1);
  for (int k = 0; k < SCORE_OUTCOMES; k++) llr += count[k] * log(p1[k] / p0[k]);
  return llr;
}

void sprt_bounds(const Sprt *sprt, double *lower, double *upper) {
  *lower = log(sprt->beta / (1 - sprt->alpha));
  *upper = log((1 - sprt->beta) / sprt->alpha);
}

SprtVerdict sprt_verdict(const Sprt *sprt, const Score *score) {
  double lower, upper, llr = sprt_llr(sprt, score);
  sprt_bounds(sprt, &lower, &upper);
  return llr >= upper ? SPRT_H1 : llr <= lower ? SPRT_H0 : SPRT_CONTINUE;
}
