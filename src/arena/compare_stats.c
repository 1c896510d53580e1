#include "arena/compare_stats.h"

#include "base/memory.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

/* The continued fraction of the incomplete beta function, by Lentz's method (W. Press et al., "Numerical
 * Recipes in C", 1992, 6.4.5). */
static double beta_fraction(double a, double b, double x) {
  const double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < tiny ? tiny : d);
  double h = d;
  for (int m = 1; m <= 500; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (int k = 0; k < 2; k++) {
      double term = k ? odd : even;
      d = 1 + term * d, c = 1 + term / c;
      d = 1 / (fabs(d) < tiny ? tiny : d);
      if (fabs(c) < tiny) c = tiny;
      h *= d * c;
    }
    if (fabs(d * c - 1) < 1e-15) break;
  }
  return h;
}

/* I_x(a, b), the regularised incomplete beta function. */
static double beta_share(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                   : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stats_student_cdf(double t, double df) {
  if (isnan(t)) return NAN;
  if (isinf(t)) return t > 0;
  double tail = beta_share(df / 2, 0.5, df / (df + t * t)) / 2;
  return t > 0 ? 1 - tail : tail;
}

double stats_student_quantile(double p, double df) {
  double low = -1, high = 1;
  while (stats_student_cdf(low, df) > p) low *= 2;
  while (stats_student_cdf(high, df) < p) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-12 * (1 + fabs(low)); i++) {
    double middle = (low + high) / 2;
    if (stats_student_cdf(middle, df) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

typedef struct Moments {
  int n;
  double mean, error; /* of the mean */
} Moments;

static Moments moments_of(const double *values, int n) {
  Moments m = {.mean = NAN, .error = NAN};
  double sum = 0, square = 0;
  for (int i = 0; i < n; i++)
    if (isfinite(values[i])) sum += values[i], m.n++;
  if (m.n) m.mean = sum / m.n;
  for (int i = 0; i < n; i++)
    if (isfinite(values[i])) square += (values[i] - m.mean) * (values[i] - m.mean);
  if (m.n > 1) m.error = sqrt(square / (m.n - 1) / m.n);
  return m;
}

StatsBand stats_band(const double *values, int n) {
  Moments m = moments_of(values, n);
  double reach = m.n > 1 ? stats_student_quantile(0.975, m.n - 1) * m.error : NAN;
  return (StatsBand){m.n, m.mean, m.mean - reach, m.mean + reach};
}

StatsBand stats_ratio(const double *a, const double *b, int n) {
  double ma = 0, mb = 0, aa = 0, ab = 0, bb = 0;
  int pairs = 0;
  for (int i = 0; i < n; i++)
    if (isfinite(a[i]) && isfinite(b[i])) ma += a[i], mb += b[i], pairs++;
  if (!pairs) return (StatsBand){0, NAN, NAN, NAN};
  ma /= pairs, mb /= pairs;
  StatsBand out = {pairs, mb != 0 ? ma / mb : NAN, NAN, NAN};
  if (pairs < 2) return out;
  for (int i = 0; i < n; i++) {
    if (!isfinite(a[i]) || !isfinite(b[i])) continue;
    aa += (a[i] - ma) * (a[i] - ma), ab += (a[i] - ma) * (b[i] - mb), bb += (b[i] - mb) * (b[i] - mb);
  }
  /* (ma - r mb)^2 = t^2 (aa - 2 r ab + r^2 bb) / (pairs (pairs - 1)), a quadratic in r */
  double scale = pow(stats_student_quantile(0.975, pairs - 1), 2) / pairs / (pairs - 1);
  double square = mb * mb - scale * bb, half = ma * mb - scale * ab, constant = ma * ma - scale * aa;
  if (!(square > 0)) return out;
  double under = fmax(half * half - square * constant, 0); /* negative by rounding alone */
  out.low = (half - sqrt(under)) / square, out.high = (half + sqrt(under)) / square;
  return out;
}

double stats_positive(const double *values, int n) {
  Moments m = moments_of(values, n);
  if (m.n < 2) return NAN;
  if (m.error == 0) return m.mean > 0 ? 1 : m.mean < 0 ? 0 : 0.5;
  return stats_student_cdf(m.mean / m.error, m.n - 1);
}

double stats_curve_at(const StatsCurve *curve, double x) {
  int k = 0;
  if (!curve->count) return NAN;
  while (k < curve->count && curve->x[k] <= x) k++; /* the first point beyond x */
  if (k == 0) return curve->y[0];
  if (k == curve->count) return curve->y[k - 1];
  if (k == 1 && curve->held) return curve->y[0];
  double span = curve->x[k] - curve->x[k - 1];
  return curve->y[k - 1] + (x - curve->x[k - 1]) / span * (curve->y[k] - curve->y[k - 1]);
}

StatsCrossing stats_crossing(const double *d, const double *grid, int count, double *at) {
  int last = count - 1;
  while (last >= 0 && !(d[last] > 0)) last--;
  *at = last < 0 ? 0 : INFINITY;
  if (last < 0) return STATS_NEVER_AHEAD;
  if (last == count - 1) return STATS_NOT_WITHIN;
  *at = grid[last] + d[last] / (d[last] - d[last + 1]) * (grid[last + 1] - grid[last]);
  return STATS_CROSSED;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* One draw of the multivariate t distribution of the mean of values[n][width], as in the header. */
static void draw_mean(Rng *rng, const double *values, const double *mean, int n, int width, double *out) {
  double chi = 2 * rng_gamma(rng, (n - 1) / 2.0), scale = 1 / sqrt(n * chi);
  for (int k = 0; k < width; k++) out[k] = mean[k];
  for (int s = 0; s < n; s++) {
    double z = rng_normal(rng) * scale;
    for (int k = 0; k < width; k++) out[k] += z * (values[s * width + k] - mean[k]);
  }
}

static void column_means(const double *values, int n, int width, double *mean) {
  for (int k = 0; k < width; k++) {
    mean[k] = 0;
    for (int s = 0; s < n; s++) mean[k] += values[s * width + k] / n;
  }
}

/* The quantile without interpolation, since neighbours may be infinite. */
static double order_statistic(const double *sorted, int n, double p) {
  int place = (int)(p * (n - 1) + 0.5);
  return sorted[place];
}

/* Widens an interval of the crossover to all budgets, once the arm is ahead by the means, at which Student's
 * band of the difference holds zero. */
static void widen_to_bands(const double *differences, const double *mean, int seeds, const double *grid,
                           int count, StatsCrossover *out) {
  double *column = memory_new((size_t)seeds, sizeof *column);
  int from = 0;
  while (from < count && !(mean[from] > 0)) from++;
  for (int k = from; k < count; k++) {
    for (int s = 0; s < seeds; s++) column[s] = differences[s * count + k];
    StatsBand band = stats_band(column, seeds);
    if (band.low > 0 || band.high < 0) continue;
    out->low = fmin(out->low, grid[k > from ? k - 1 : k]);
    out->high = fmax(out->high, k + 1 < count ? grid[k + 1] : INFINITY);
  }
  free(column);
}

StatsCrossover stats_crossover(const double *differences, int seeds, const double *grid, int count,
                               int resamples, uint64_t seed) {
  double *mean = memory_new((size_t)count, sizeof *mean), *drawn = memory_new((size_t)count, sizeof *drawn);
  double *crossings = memory_new((size_t)resamples + 1, sizeof *crossings);
  StatsCrossover out = {.low = NAN, .high = NAN, .not_within = NAN, .never_ahead = NAN};
  column_means(differences, seeds, count, mean);
  out.mean = stats_crossing(mean, grid, count, &out.at);
  int not_within = 0, never = 0;
  for (int r = 0; seeds > 1 && r < resamples; r++) {
    Rng rng = rng_make(seed, RNG_BOOTSTRAP, 1, (uint32_t)r);
    draw_mean(&rng, differences, mean, seeds, count, drawn);
    StatsCrossing crossing = stats_crossing(drawn, grid, count, &crossings[r]);
    not_within += crossing == STATS_NOT_WITHIN, never += crossing == STATS_NEVER_AHEAD;
  }
  if (seeds > 1 && resamples > 0) {
    qsort(crossings, (size_t)resamples, sizeof *crossings, compare_doubles);
    out.low = order_statistic(crossings, resamples, 0.025),
    out.high = order_statistic(crossings, resamples, 0.975);
    widen_to_bands(differences, mean, seeds, grid, count, &out);
    out.not_within = not_within / (double)resamples, out.never_ahead = never / (double)resamples;
  }
  free(mean), free(drawn), free(crossings);
  return out;
}

void stats_best(const double *values, int seeds, int arms, int resamples, uint64_t seed, double *share) {
  double *mean = memory_new((size_t)arms, sizeof *mean), *drawn = memory_new((size_t)arms, sizeof *drawn);
  column_means(values, seeds, arms, mean);
  for (int a = 0; a < arms; a++) share[a] = seeds > 1 ? 0 : NAN;
  for (int r = 0; seeds > 1 && r < resamples; r++) {
    Rng rng = rng_make(seed, RNG_BOOTSTRAP, 2, (uint32_t)r);
    int best = 0;
    draw_mean(&rng, values, mean, seeds, arms, drawn);
    for (int a = 1; a < arms; a++)
      if (drawn[a] > drawn[best]) best = a;
    share[best] += 1.0 / resamples;
  }
  free(mean), free(drawn);
}

StatsLine stats_line(const double *x, const double *y, int n) {
  StatsLine line = {.slope = NAN, .low = NAN, .high = NAN, .intercept = NAN};
  double mx = 0, my = 0, xx = 0, xy = 0, rest = 0;
  for (int i = 0; i < n; i++)
    if (isfinite(x[i]) && isfinite(y[i])) mx += x[i], my += y[i], line.n++;
  if (!line.n) return line;
  mx /= line.n, my /= line.n;
  for (int i = 0; i < n; i++)
    if (isfinite(x[i]) && isfinite(y[i])) xx += (x[i] - mx) * (x[i] - mx), xy += (x[i] - mx) * (y[i] - my);
  if (!(xx > 0)) return line;
  line.slope = xy / xx;
  line.intercept = my - line.slope * mx;
  if (line.n < 3) return line;
  for (int i = 0; i < n; i++)
    if (isfinite(x[i]) && isfinite(y[i])) rest += pow(y[i] - line.intercept - line.slope * x[i], 2);
  double reach = stats_student_quantile(0.975, line.n - 2) * sqrt(rest / (line.n - 2) / xx);
  line.low = line.slope - reach, line.high = line.slope + reach;
  return line;
}

double stats_common_slope(const double *x, const double *y, int n, int lines) {
  double covariance = 0, variance = 0;
  for (int k = 0; k < lines; k++) {
    double mean = 0;
    int finite = 0;
    for (int i = 0; i < n; i++)
      if (isfinite(x[i]) && isfinite(y[i * lines + k])) mean += x[i], finite++;
    for (int i = 0; i < n; i++) {
      if (!isfinite(x[i]) || !isfinite(y[i * lines + k])) continue;
      double off = x[i] - mean / finite;
      covariance += off * y[i * lines + k];
      variance += off * off;
    }
  }
  return variance > 0 ? covariance / variance : NAN;
}

double stats_entropy(const int *counts, int n) {
  double total = 0, sum = 0;
  int seen = 0;
  for (int i = 0; i < n; i++) total += counts[i], seen += counts[i] > 0;
  if (total <= 0) return 0;
  for (int i = 0; i < n; i++)
    if (counts[i] > 0) sum -= counts[i] / total * log(counts[i] / total);
  return sum + (seen - 1) / (2 * total);
}
