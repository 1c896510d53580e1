#include "arena/compare_stats.h"
#include "base/memory.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static bool near(double a, double b, double tolerance) {
  return fabs(a - b) <= tolerance;
}

/* Tables of Student's distribution in any textbook. */
Test(compare_stats, student_quantiles_are_the_tables) {
  cr_assert(near(stats_student_quantile(0.975, 1), 12.7062, 1e-4));
  cr_assert(near(stats_student_quantile(0.975, 2), 4.30265, 1e-5));
  cr_assert(near(stats_student_quantile(0.975, 4), 2.77645, 1e-5));
  cr_assert(near(stats_student_quantile(0.95, 10), 1.81246, 1e-5));
  cr_assert(near(stats_student_quantile(0.025, 30), -2.04227, 1e-5));
  /* Closed forms: Cauchy's for 1 degree of freedom, and for 2. */
  for (double t = -5; t <= 5; t += 0.25) {
    cr_assert(near(stats_student_cdf(t, 1), 0.5 + atan(t) / M_PI, 1e-12));
    cr_assert(near(stats_student_cdf(t, 2), 0.5 + t / (2 * sqrt(2 + t * t)), 1e-12));
  }
}

Test(compare_stats, bands_of_three_seeds_cover_the_truth_in_95_percent) {
  enum { REPEATS = 4000, SEEDS = 3 };
  int covered = 0, ahead = 0;
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(21, RNG_TEST, 0, (uint32_t)r);
    double values[SEEDS];
    for (int s = 0; s < SEEDS; s++) values[s] = 30 + 80 * rng_normal(&rng);
    StatsBand band = stats_band(values, SEEDS);
    covered += band.low <= 30 && 30 <= band.high;
    for (int s = 0; s < SEEDS; s++) values[s] -= 30;
    ahead += stats_positive(values, SEEDS) > 0.975;
  }
  /* Three standard errors of a share of 4000 are 0.0103 and 0.0074. */
  cr_assert(near(covered / (double)REPEATS, 0.95, 0.0103), "%g", covered / (double)REPEATS);
  cr_assert(near(ahead / (double)REPEATS, 0.025, 0.0074), "%g", ahead / (double)REPEATS);
}

Test(compare_stats, few_or_missing_values_give_no_interval) {
  const double values[] = {5, NAN, 7};
  cr_assert(isnan(stats_band(values, 1).low) && stats_band(values, 1).mean == 5);
  cr_assert_eq(stats_band(values, 3).n, 2);
  cr_assert_eq(stats_band(values, 3).mean, 6);
  cr_assert(isnan(stats_band(values, 0).mean));
  cr_assert(isnan(stats_positive(values, 1)));
}

Test(compare_stats, curve_is_linear_but_a_bootstrap_yields_nothing_before_it_is_over) {
  const double x[] = {0, 10, 30}, y[] = {-100, 50, 90};
  StatsCurve curve = {3, x, y, false};
  cr_assert_eq(stats_curve_at(&curve, 5), -25);
  curve.held = true;
  cr_assert_eq(stats_curve_at(&curve, 5), -100);
  cr_assert_eq(stats_curve_at(&curve, 9.999), -100);
  cr_assert_eq(stats_curve_at(&curve, 10), 50);
  cr_assert_eq(stats_curve_at(&curve, 20), 70);
  cr_assert_eq(stats_curve_at(&curve, 1000), 90);
  curve.count = 0;
  cr_assert(isnan(stats_curve_at(&curve, 5)));
}

Test(compare_stats, crossing_is_where_the_lead_is_lost_for_good) {
  const double grid[] = {0, 1, 2, 3, 4};
  const double lost[] = {0, -5, 8, -2, -3}, kept[] = {0, -5, 8, -2, 3}, none[] = {0, -5, -8, -2, 0};
  double at;
  cr_assert_eq(stats_crossing(lost, grid, 5, &at), STATS_CROSSED);
  cr_assert(near(at, 2.8, 1e-12));
  cr_assert_eq(stats_crossing(kept, grid, 5, &at), STATS_NOT_WITHIN);
  cr_assert(isinf(at));
  cr_assert_eq(stats_crossing(none, grid, 5, &at), STATS_NEVER_AHEAD);
  cr_assert_eq(at, 0);
}

/* Differences that fall from a lead to its loss at budget 6 of 10, with seeds that differ in level. */
static void falling_differences(Rng *rng, int seeds, double spread, double *out) {
  for (int s = 0; s < seeds; s++) {
    double level = spread * rng_normal(rng);
    for (int k = 0; k < 11; k++) out[s * 11 + k] = 20 * (6 - k) + level;
  }
}

Test(compare_stats, crossover_intervals_cover_the_true_crossover) {
  enum { REPEATS = 600, SEEDS = 4 };
  double grid[11], differences[SEEDS * 11];
  int covered = 0;
  for (int k = 0; k < 11; k++) grid[k] = k;
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(22, RNG_TEST, 1, (uint32_t)r);
    falling_differences(&rng, SEEDS, 15, differences);
    StatsCrossover crossover = stats_crossover(differences, SEEDS, grid, 11, 500, (uint64_t)r);
    covered += crossover.low <= 6 && 6 <= crossover.high;
  }
  /* Three standard errors of a share of 600 are 0.027; the interval reaches to the budgets around it. */
  cr_assert(covered > (0.95 - 0.027) * REPEATS, "%g", covered / (double)REPEATS);
}

/* Networks are measured here and there, each with an error of its own, and the curves drawn through them;
 * after the crossover the difference goes on falling, slowly or hardly at all. */
static double coverage_with_noise(double slope_after) {
  enum { REPEATS = 400, SEEDS = 3, COUNT = 25, EVERY = 4 };
  double grid[COUNT], differences[SEEDS * COUNT];
  int covered = 0;
  for (int k = 0; k < COUNT; k++) grid[k] = k;
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(25, RNG_TEST, 4, (uint32_t)r);
    for (int s = 0; s < SEEDS; s++) {
      double level = 15 * rng_normal(&rng), noise[COUNT / EVERY + 2];
      for (int i = 0; i < COUNT / EVERY + 2; i++) noise[i] = 50 * rng_normal(&rng);
      for (int k = 0; k < COUNT; k++) {
        double part = k % EVERY / (double)EVERY, true_one = (12 - k) * (k < 12 ? 20 : slope_after);
        differences[s * COUNT + k] =
            true_one + level + noise[k / EVERY] + part * (noise[k / EVERY + 1] - noise[k / EVERY]);
      }
    }
    StatsCrossover crossover = stats_crossover(differences, SEEDS, grid, COUNT, 300, (uint64_t)r);
    covered += crossover.low <= 12 && 12 <= crossover.high;
  }
  return covered / (double)REPEATS;
}

Test(compare_stats, crossover_intervals_cover_it_with_noise_in_every_network) {
  const double slopes[] = {20, 5, 1};
  for (int i = 0; i < 3; i++) {
    double share = coverage_with_noise(slopes[i]);
    cr_assert(share > 0.95 - 0.033, "slope %g: %g", slopes[i], share);
  }
}

Test(compare_stats, crossover_says_not_within_this_budget) {
  double grid[11], differences[3 * 11];
  Rng rng = rng_make(23, RNG_TEST, 2, 0);
  falling_differences(&rng, 3, 2, differences);
  for (int k = 0; k < 11; k++) grid[k] = k;
  for (int i = 0; i < 33; i++) differences[i] += 200;
  StatsCrossover crossover = stats_crossover(differences, 3, grid, 11, 500, 1);
  cr_assert_eq(crossover.mean, STATS_NOT_WITHIN);
  cr_assert(isinf(crossover.low) && isinf(crossover.high));
  cr_assert_eq(crossover.not_within, 1);
  cr_assert(isnan(stats_crossover(differences, 1, grid, 11, 500, 1).low));
}

/* Also where the divisor is uncertain; where it may be zero nothing is claimed. */
Test(compare_stats, ratios_have_fiellers_interval) {
  enum { REPEATS = 2000, N = 4 };
  int covered = 0, bounded = 0;
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(26, RNG_TEST, 5, (uint32_t)r);
    double a[N], b[N];
    for (int i = 0; i < N; i++) {
      double shared = rng_normal(&rng);
      a[i] = 60 + 10 * shared + 10 * rng_normal(&rng), b[i] = 30 + 6 * shared + 6 * rng_normal(&rng);
    }
    StatsBand band = stats_ratio(a, b, N);
    bounded += isfinite(band.low);
    covered += !isfinite(band.low) || (band.low <= 2 && 2 <= band.high);
  }
  cr_assert(near(covered / (double)REPEATS, 0.95, 0.015), "%g", covered / (double)REPEATS);
  cr_assert(bounded > 0.9 * REPEATS, "%d", bounded);
  const double x[] = {10, 11, 12, NAN}, zero[] = {-1, 0.5, 1, 7}, twice[] = {20, 22, 24, 1};
  cr_assert(isnan(stats_ratio(x, zero, 4).low));
  StatsBand half = stats_ratio(x, twice, 4);
  cr_assert(half.n == 3 && near(half.mean, 0.5, 1e-12) && near(half.low, 0.5, 1e-6) &&
            near(half.high, 0.5, 1e-6));
}

Test(compare_stats, probability_of_the_best_is_that_of_student_for_two_arms) {
  const double values[] = {0, 20, 0, 45, 0, -10, 0, 30}, differences[] = {20, 45, -10, 30};
  double share[2];
  stats_best(values, 4, 2, 20000, 5, share);
  cr_assert(near(share[1], stats_positive(differences, 4), 0.01), "%g", share[1]);
  cr_assert(near(share[0] + share[1], 1, 1e-9));
}

Test(compare_stats, slopes_are_least_squares_with_students_interval) {
  enum { REPEATS = 3000, N = 6 };
  const double x[N] = {0, 2, 4, 6, 8, 10};
  int covered = 0;
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(24, RNG_TEST, 3, (uint32_t)r);
    double y[N];
    for (int i = 0; i < N; i++) y[i] = 7 + 35 * x[i] + 20 * rng_normal(&rng);
    StatsLine line = stats_line(x, y, N);
    covered += line.low <= 35 && 35 <= line.high;
  }
  cr_assert(near(covered / (double)REPEATS, 0.95, 0.012), "%g", covered / (double)REPEATS);
  const double straight[N] = {1, 5, 9, 13, 17, 21};
  StatsLine line = stats_line(x, straight, N);
  cr_assert(near(line.slope, 2, 1e-12) && near(line.intercept, 1, 1e-12));
  cr_assert(isnan(stats_line(x, straight, 2).low) && isnan(stats_line(x, straight, 0).slope));
}

/* Three lines of slope 40 with their own heights; the same with noise, and with holes. */
Test(compare_stats, common_slope_of_lines) {
  enum { N = 4, LINES = 3, REPEATS = 400 };
  const double x[N] = {1, 2, 4, -INFINITY}, heights[LINES] = {-300, 0, 500};
  double y[N * LINES], mean = 0;
  for (int i = 0; i < N; i++)
    for (int k = 0; k < LINES; k++) y[i * LINES + k] = heights[k] + 40 * x[i];
  cr_assert(near(stats_common_slope(x, y, N, LINES), 40, 1e-9));
  y[0] = NAN; /* without its own intercept, the lowest line would now make the slope steeper */
  cr_assert(near(stats_common_slope(x, y, N, LINES), 40, 1e-9));
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(29, RNG_TEST, 5, (uint32_t)r);
    double noisy[N * LINES];
    for (int i = 0; i < N * LINES; i++) noisy[i] = y[i] + 20 * rng_normal(&rng);
    mean += stats_common_slope(x, noisy, N, LINES) / REPEATS;
  }
  cr_assert(near(mean, 40, 2), "%g",
            mean); /* four standard errors: 20 / sqrt(12.7) / sqrt(400) = 0.28, and some */
  cr_assert(isnan(stats_common_slope(x, y, 1, LINES)));
}

Test(compare_stats, entropy_of_small_samples_is_nearly_unbiased) {
  enum { REPEATS = 2000, SIDES = 8, DRAWS = 64 };
  double sum = 0;
  for (int r = 0; r < REPEATS; r++) {
    Rng rng = rng_make(25, RNG_TEST, 4, (uint32_t)r);
    int counts[SIDES] = {0};
    for (int i = 0; i < DRAWS; i++) counts[rng_below(&rng, SIDES)]++;
    sum += stats_entropy(counts, SIDES) / REPEATS;
  }
  /* Without the correction the mean is short by 7 / 128 = 0.055. */
  cr_assert(near(sum, log(SIDES), 0.003), "%g", sum);
}
