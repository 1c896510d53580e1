/* Statistics of an experiment: pure functions of numbers, tested on simulated data.
 *
 * The unit of all of them is the seed: whatever a few runs of each arm say about the next run. Runs of the
 * same seed begin from the same weights, so differences are taken within seeds. Intervals are Student's (W.
 * Gosset 1908) with seeds - 1 degrees of freedom: wide where there are few seeds, as they must be. With one
 * seed there is none. */
#ifndef ARENA_COMPARE_STATS_H
#define ARENA_COMPARE_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* A mean over n seeds with its 95 % interval; low and high are NaN where n < 2, all where n = 0. */
typedef struct StatsBand {
  int n;
  double mean, low, high;
} StatsBand;

/* Values that are not finite are left out. */
StatsBand stats_band(const double *values, int n);
/* Probability that the mean behind the values is positive, by Student's t (the posterior under a flat prior);
 * NaN where n < 2. */
double stats_positive(const double *values, int n);
/* Distribution function of Student's t with df > 0 degrees of freedom, and its inverse for 0 < p < 1. */
double stats_student_cdf(double t, double df);
double stats_student_quantile(double p, double df);

/* A quantity measured along a run: y[k] once x[k] of the budget is spent, x ascending; between the points it
 * is linear. Where `held`, y[0] lasts until x[1]: a bootstrap stage yields nothing before it is over. */
typedef struct StatsCurve {
  int count;
  const double *x, *y;
  bool held;
} StatsCurve;

/* The curve's value at x; its ends where x lies beyond them; NaN where it has no point. */
double stats_curve_at(const StatsCurve *curve, double x);

/* The budget from which on a difference is never positive again within the budget: where the arm that was
 * ahead no longer is. */
typedef enum StatsCrossing {
  STATS_NEVER_AHEAD, /* it was never positive */
  STATS_CROSSED,
  STATS_NOT_WITHIN /* it is still positive at the end */
} StatsCrossing;

/* Of one curve of differences d[count] on an ascending grid of budgets; *at receives the crossing, linear
 * between grid points, +infinity where not within, 0 where never ahead. */
StatsCrossing stats_crossing(const double *d, const double *grid, int count, double *at);

typedef struct StatsCrossover {
  StatsCrossing mean; /* of the mean curve */
  double at;          /* its crossing, as above */
  double low, high;   /* 95 % interval, infinite where not within; NaN with one seed */
  double not_within;  /* share of the resamples in which it is still ahead at the end */
  double never_ahead; /* share in which it never was */
} StatsCrossover;

/* Of differences[seeds][count]. Each resample is a curve drawn from the multivariate t distribution of the
 * mean:
 *
 *   m(b) + sum_s z_s (d_s(b) - m(b)) / sqrt(n (n - 1)) / sqrt(c / (n - 1)),
 *
 * with z_s normal and c chi-squared of n - 1 degrees of freedom,
 * which at every budget has exactly Student's interval, and between budgets the seeds' own covariance.
 * (Resampling whole seeds with replacement would be far too narrow for the few seeds there are.) The interval
 * reaches from the 2.5 to the 97.5 % point of the resamples' crossings, and to the grid point on either side
 * of every budget, once the mean is ahead, whose own Student's interval holds zero: a curve whose networks
 * each have an error of their own crosses zero late and often, and the first alone would then cover far less
 * than it says. */
StatsCrossover stats_crossover(const double *differences, int seeds, const double *grid, int count,
                               int resamples, uint64_t seed);

/* The ratio of the means of a[n] and b[n], which are pairs, with Fieller's 95 % interval (E. Fieller 1954):
 * all ratios r for which Student's interval of a - r b holds zero. Pairs with a value that is not finite are
 * left out. NaN bounds below two pairs, or where b is not shown to differ from zero, so that no ratio is
 * excluded on one side. */
StatsBand stats_ratio(const double *a, const double *b, int n);

/* Probability of each arm to have the largest mean: the same resamples of values[seeds][arms] jointly.
 * share[arms] sums to 1; NaN with one seed. */
void stats_best(const double *values, int seeds, int arms, int resamples, uint64_t seed, double *share);

/* A straight line y = intercept + slope x by least squares, with Student's 95 % interval of the slope (NaN
 * below 3 points, or where all x are equal). */
typedef struct StatsLine {
  int n;
  double slope, low, high, intercept;
} StatsLine;

StatsLine stats_line(const double *x, const double *y, int n);

/* The slope that lines through y[n][lines] over x[n] have in common, each line with its own intercept, by
 * least squares; values that are not finite are left out. NaN where no line has two different x. */
double stats_common_slope(const double *x, const double *y, int n, int lines);

/* Entropy in nats of counts[n], with the bias of small samples taken off to first order (G. Miller 1955). */
double stats_entropy(const int *counts, int n);

#endif
