#include "arena/score.h"

#include <assert.h>
#include <math.h>

void score_add(Score *score, int first, int second) {
  assert(first >= SCORE_LOSS && first <= SCORE_WIN && second >= SCORE_LOSS && second <= SCORE_WIN);
  score->pairs[first + second]++;
  score->wins += (first == SCORE_WIN) + (second == SCORE_WIN);
  score->draws += (first == SCORE_DRAW) + (second == SCORE_DRAW);
  score->losses += (first == SCORE_LOSS) + (second == SCORE_LOSS);
}

double score_from_elo(double elo) {
  return 1 / (1 + pow(10, -elo / 400));
}

double score_to_elo(double share) {
  if (share <= 0) return -INFINITY;
  if (share >= 1) return INFINITY;
  return 400 * log10(share / (1 - share));
}

double score_normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2));
}

/* E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927. */
void score_wilson(double hits, double trials, double *low, double *high) {
  *low = 0, *high = 1;
  if (trials <= 0) return;
  double z2 = SCORE_Z95 * SCORE_Z95, p = hits / trials;
  double centre = p + z2 / (2 * trials);
  double half = SCORE_Z95 * sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials));
  double scale = 1 + z2 / trials;
  if (hits > 0) *low = (centre - half) / scale;
  if (hits < trials) *high = (centre + half) / scale;
}

ScoreSummary score_summary(const Score *score) {
  ScoreSummary out = {0};
  double square = 0;
  for (int k = 0; k < SCORE_OUTCOMES; k++) {
    double share = k / (double)(SCORE_OUTCOMES - 1);
    out.pairs += score->pairs[k];
    out.mean += score->pairs[k] * share;
    square += score->pairs[k] * share * share;
  }
  assert(out.pairs > 0);
  double n = out.pairs;
  out.mean /= n;
  double variance = n > 1 ? fmax(0, (square / n - out.mean * out.mean) * n / (n - 1)) : 0;
  out.error = sqrt(variance / n);
  double low, high;
  if (variance < 1e-12) {
    score_wilson(out.mean * n, n, &low, &high);
    out.superiority = score_normal_cdf((out.mean - 0.5) * 2 * sqrt(n));
  } else {
    low = out.mean - SCORE_Z95 * out.error, high = out.mean + SCORE_Z95 * out.error;
    out.superiority = score_normal_cdf((out.mean - 0.5) / out.error);
  }
  out.elo = score_to_elo(out.mean);
  out.low = score_to_elo(low);
  out.high = score_to_elo(high);
  return out;
}
