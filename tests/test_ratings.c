#include "arena/ratings.h"
#include "arena/score.h"
#include "arena/sprt.h"
#include "base/memory.h"
#include "base/rng.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

TestSuite(ratings, .timeout = HANG_SECONDS);
TestSuite(score, .timeout = HANG_SECONDS);
TestSuite(sprt, .timeout = HANG_SECONDS);

static const double elo_scale = 400 / M_LN10;

/* One game by Davidson's model. */
static int simulate(Rng *rng, double elo_difference, double nu) {
  double win = exp(elo_difference / elo_scale / 2), loss = 1 / win, sum = win + loss + nu;
  double u = rng_uniform(rng) * sum;
  return u < win ? SCORE_WIN : u < win + nu ? SCORE_DRAW : SCORE_LOSS;
}

static int round_robin(Rng *rng, const double *elo, int players, double nu, int each, RatingGame *games) {
  int count = 0;
  for (int i = 0; i < players; i++)
    for (int j = 0; j < i; j++)
      for (int k = 0; k < each; k++, count++)
        games[count] = (RatingGame){i, j, simulate(rng, elo[i] - elo[j], nu), count / 2};
  return count;
}

Test(ratings, intervals_cover_the_truth_in_93_to_97_percent) {
  enum { PLAYERS = 6, EACH = 40, REPEATS = 800 };
  static const double truth[PLAYERS] = {0, -150, 80, 210, 330, 160};
  static const double nus[] = {0, 0.3, 1.2};
  for (int setting = 0; setting < 3; setting++) {
    int covered = 0, trials = 0, difference_covered = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
      Rng rng = rng_make(11, RNG_TEST, (uint32_t)setting, (uint32_t)repeat);
      RatingGame games[PLAYERS * PLAYERS * EACH];
      int count = round_robin(&rng, truth, PLAYERS, nus[setting], EACH, games);
      RatingTable *table = ratings_new(PLAYERS, 0, games, count);
      for (int i = 1; i < PLAYERS; i++, trials++) {
        covered += table->ratings[i].low <= truth[i] && truth[i] <= table->ratings[i].high;
        int j = i % (PLAYERS - 1) + 1;
        double difference = table->ratings[i].elo - table->ratings[j].elo;
        difference_covered +=
            fabs(difference - truth[i] + truth[j]) <= SCORE_Z95 * ratings_difference_error(table, i, j);
      }
      ratings_free(table);
    }
    double share = covered / (double)trials, difference_share = difference_covered / (double)trials;
    cr_assert(share >= 0.93 && share <= 0.97, "nu %g: %g", nus[setting], share);
    cr_assert(difference_share >= 0.93 && difference_share <= 0.97, "nu %g: %g", nus[setting],
              difference_share);
  }
}

Test(ratings, bootstrap_agrees_with_the_covariance_for_independent_games) {
  enum { PLAYERS = 4, EACH = 200 };
  static const double truth[PLAYERS] = {0, 100, -60, 180};
  RatingGame games[PLAYERS * PLAYERS * EACH];
  Rng rng = rng_make(12, RNG_TEST, 0, 0);
  int count = round_robin(&rng, truth, PLAYERS, 0.5, EACH, games);
  RatingTable *table = ratings_new(PLAYERS, 0, games, count);
  cr_assert(isnan(table->ratings[1].bootstrap_low));
  ratings_bootstrap(table, games, count, 400, 3);
  for (int i = 1; i < PLAYERS; i++) {
    double width = table->ratings[i].high - table->ratings[i].low;
    double bootstrap = table->ratings[i].bootstrap_high - table->ratings[i].bootstrap_low;
    cr_assert(bootstrap > 0.8 * width && bootstrap < 1.25 * width, "%g and %g", bootstrap, width);
  }
  ratings_free(table);
}

Test(ratings, pairs_that_cancel_make_the_bootstrap_narrower) {
  /* Both sides always win with the first move: 100 pairs of 1-1 carry no doubt, 200 free games do. */
  RatingGame games[200];
  for (int k = 0; k < 200; k++) games[k] = (RatingGame){0, 1, k % 2 ? SCORE_WIN : SCORE_LOSS, k / 2};
  RatingTable *table = ratings_new(2, 0, games, 200);
  ratings_bootstrap(table, games, 200, 100, 1);
  cr_assert_float_eq(table->ratings[1].elo, 0, 1e-9);
  cr_assert_float_eq(table->ratings[1].bootstrap_low, 0, 1e-6);
  cr_assert(table->ratings[1].high > 40);
  ratings_free(table);
}

/* A player with four games between two who are far apart: resamples that hold only half of them begin far
 * from where they end, on the flat of the likelihood. */
Test(ratings, bootstrap_survives_players_with_few_games) {
  enum { CROWD = 30, GAMES = 60 };
  static RatingGame games[CROWD * GAMES + 1000];
  int count = 0, random = CROWD + 1, sparse = CROWD + 2;
  Rng rng = rng_make(13, RNG_TEST, 0, 0);
  for (int i = 1; i <= CROWD; i++)
    for (int k = 0; k < GAMES; k++, count++)
      games[count] = (RatingGame){i, (int)rng_below(&rng, (uint32_t)i), simulate(&rng, 0, 0.5), count / 2};
  for (int k = 0; k < 900; k++, count++)
    games[count] = (RatingGame){k % CROWD, random, k ? SCORE_WIN : SCORE_LOSS, count / 2};
  for (int k = 0; k < 4; k++, count++)
    games[count] = (RatingGame){sparse, k < 2 ? 0 : random, k < 2 ? SCORE_LOSS : SCORE_WIN, count / 2};
  RatingTable *table = ratings_new(CROWD + 3, 0, games, count);
  ratings_bootstrap(table, games, count, 300, 1);
  const Rating *rating = &table->ratings[sparse];
  cr_assert(rating->elo < 0 && rating->elo > table->ratings[random].elo);
  cr_assert(isfinite(rating->bootstrap_low) && rating->bootstrap_high > rating->bootstrap_low);
  cr_assert(rating->bootstrap_low > -3000 && rating->bootstrap_high < 1000, "[%g, %g]", rating->bootstrap_low,
            rating->bootstrap_high);
  ratings_free(table);
}

Test(ratings, two_players_by_hand) {
  /* 75 of 100 without draws: 400 log10(3) = 190.849, error 173.718 / sqrt(100 x 0.75 x 0.25) = 40.119. */
  RatingGame games[100];
  for (int k = 0; k < 100; k++) games[k] = (RatingGame){1, 0, k < 75 ? SCORE_WIN : SCORE_LOSS, k};
  RatingTable *table = ratings_new(2, 0, games, 100);
  cr_assert_float_eq(table->ratings[1].elo, 190.849, 1e-3);
  cr_assert_float_eq(ratings_difference_error(table, 0, 1), 40.119, 1e-3);
  cr_assert_float_eq(table->ratings[1].high - table->ratings[1].elo, 1.959964 * 40.119, 2e-3);
  cr_assert_eq(table->ratings[0].low, 0);
  cr_assert_eq(table->nu, 0);
  ratings_free(table);
  /* 50 won, 30 drawn, 20 lost: win / loss = a, so elo = 400 log10(50 / 20) and nu = 30 / sqrt(50 x 20). */
  for (int k = 0; k < 100; k++) games[k].points = k < 50 ? SCORE_WIN : k < 80 ? SCORE_DRAW : SCORE_LOSS;
  table = ratings_new(2, 0, games, 100);
  cr_assert_float_eq(table->ratings[1].elo, 400 * log10(2.5), 1e-6);
  cr_assert_float_eq(table->nu, 30 / sqrt(1000), 1e-8);
  cr_assert_eq(table->ratings[1].wins, 50);
  cr_assert_eq(table->ratings[0].draws, 30);
  ratings_free(table);
}

Test(ratings, separated_and_disconnected_players_are_flagged) {
  RatingGame games[60];
  int count = 0;
  for (int k = 0; k < 20; k++) games[count++] = (RatingGame){1, 0, SCORE_WIN, k};
  for (int k = 0; k < 20; k++) games[count++] = (RatingGame){2, 0, k % 3, 100 + k};
  for (int k = 0; k < 20; k++) games[count++] = (RatingGame){3, 4, k % 3, 200 + k};
  RatingTable *table = ratings_new(5, 0, games, count);
  cr_assert(table->ratings[1].connected && table->ratings[1].separated);
  cr_assert(isfinite(table->ratings[1].elo) && table->ratings[1].elo > 400 &&
            isfinite(table->ratings[1].high));
  cr_assert(table->ratings[2].connected && !table->ratings[2].separated);
  cr_assert(!table->ratings[3].connected && isnan(table->ratings[3].elo));
  cr_assert(isnan(ratings_difference_error(table, 0, 3)));
  ratings_bootstrap(table, games, count, 50, 1);
  cr_assert(isfinite(table->ratings[1].bootstrap_low) && isnan(table->ratings[3].bootstrap_low));
  ratings_free(table);
  /* Nothing but draws, and nothing at all, have an answer too. */
  for (int k = 0; k < 20; k++) games[k] = (RatingGame){0, 1, SCORE_DRAW, k};
  table = ratings_new(2, 0, games, 20);
  cr_assert_float_eq(table->ratings[1].elo, 0, 1e-9);
  cr_assert(isfinite(table->ratings[1].high) && table->ratings[1].separated && !table->ratings[0].separated);
  ratings_free(table);
  /* Won or drawn but never lost: finite only by the prior, too. */
  for (int k = 0; k < 20; k++) games[k] = (RatingGame){0, 1, k < 15 ? SCORE_WIN : SCORE_DRAW, k};
  table = ratings_new(2, 0, games, 20);
  cr_assert(table->ratings[1].separated && table->ratings[1].elo < -200 && isfinite(table->ratings[1].low));
  ratings_free(table);
  /* A third player whose games with the second went both ways settles nu: no prior then. */
  for (int k = 20; k < 40; k++) games[k] = (RatingGame){1, 2, k % 2 ? SCORE_WIN : SCORE_LOSS, k};
  table = ratings_new(3, 0, games, 40);
  cr_assert(!table->ratings[1].separated && !table->ratings[2].separated && table->ratings[1].elo < 0);
  ratings_free(table);
  /* So do two wins in a row whose ends drew, without a cycle of wins; one win and two draws do not. */
  const RatingGame row[3] = {{0, 1, SCORE_WIN, 0}, {1, 2, SCORE_WIN, 1}, {0, 2, SCORE_DRAW, 2}},
                   level[3] = {{0, 1, SCORE_WIN, 0}, {1, 2, SCORE_DRAW, 1}, {0, 2, SCORE_DRAW, 2}};
  table = ratings_new(3, 0, row, 3);
  cr_assert(!table->ratings[1].separated && !table->ratings[2].separated);
  cr_assert(table->ratings[1].elo < 0 && table->ratings[2].elo < table->ratings[1].elo);
  cr_assert_float_eq(table->ratings[2].elo, 2 * table->ratings[1].elo, 1e-6); /* by symmetry */
  ratings_free(table);
  table = ratings_new(3, 0, level, 3);
  cr_assert(table->ratings[1].separated && isfinite(table->ratings[1].elo));
  ratings_free(table);
  table = ratings_new(2, 1, NULL, 0);
  cr_assert(!table->ratings[0].connected && table->ratings[1].connected);
  ratings_free(table);
}

Test(score, elo_and_intervals_by_hand) {
  cr_assert_float_eq(score_to_elo(0.75), 190.8485, 1e-4);
  cr_assert_float_eq(score_from_elo(190.8485), 0.75, 1e-6);
  cr_assert(isinf(score_to_elo(1)));
  double low, high;
  score_wilson(95, 100, &low, &high); /* published example values of the Wilson interval */
  cr_assert_float_eq(low, 0.8882, 1e-4);
  cr_assert_float_eq(high, 0.9785, 1e-4);
  score_wilson(0, 10, &low, &high);
  cr_assert_eq(low, 0);
  cr_assert_float_eq(high, 0.2775, 1e-4);
  /* 60 pairs 2-0, 40 pairs 1-1: share 0.8, deviation sqrt(0.06 x 100 / 99), error 0.024618. */
  Score score = {0};
  for (int k = 0; k < 60; k++) score_add(&score, SCORE_WIN, SCORE_WIN);
  for (int k = 0; k < 40; k++) score_add(&score, SCORE_WIN, SCORE_LOSS);
  ScoreSummary summary = score_summary(&score);
  cr_assert_eq(score.wins, 160);
  cr_assert_eq(score.losses, 40);
  cr_assert_float_eq(summary.mean, 0.8, 1e-12);
  cr_assert_float_eq(summary.error, 0.0246183, 1e-6);
  cr_assert_float_eq(summary.elo, 240.824, 1e-3);
  cr_assert_float_eq(summary.low, score_to_elo(0.8 - 1.959964 * 0.0246183), 1e-3);
  cr_assert(summary.superiority > 0.999999);
  /* All pairs won: an infinite difference whose lower bound is finite. */
  Score all = {0};
  for (int k = 0; k < 50; k++) score_add(&all, SCORE_WIN, SCORE_WIN);
  summary = score_summary(&all);
  cr_assert(isinf(summary.elo) && isfinite(summary.low) && summary.low > 400);
}

/* Pairs whose two games share an opening's bias of `bias` Elo for the side to move first. */
static int sprt_length(const Sprt *sprt, double elo, uint32_t repeat, SprtVerdict *verdict) {
  Rng rng = rng_make(21, RNG_TEST, (uint32_t)sprt->scale, repeat);
  Score score = {0};
  int pairs = 0;
  for (*verdict = SPRT_CONTINUE; *verdict == SPRT_CONTINUE && pairs < 20000;) {
    for (int k = 0; k < 16; k++, pairs++) {
      double bias = 100 * rng_normal(&rng);
      score_add(&score, simulate(&rng, elo + bias, 0.6), simulate(&rng, elo - bias, 0.6));
    }
    *verdict = sprt_verdict(sprt, &score);
  }
  return pairs;
}

Test(sprt, error_rates_are_as_asked) {
  enum { REPEATS = 400 };
  Sprt sprt = {.scale = SPRT_LOGISTIC, .elo0 = 0, .elo1 = 40, .alpha = 0.05, .beta = 0.05};
  int false_h1 = 0, false_h0 = 0;
  long length = 0;
  for (uint32_t r = 0; r < REPEATS; r++) {
    SprtVerdict verdict;
    length += sprt_length(&sprt, 0, r, &verdict);
    cr_assert_neq(verdict, SPRT_CONTINUE);
    false_h1 += verdict == SPRT_H1;
    /* 53 in the simulated model, since draws and biases shrink its share of points: take the true share's
     * Elo. */
    sprt_length(&sprt, 53, r + REPEATS, &verdict);
    false_h0 += verdict == SPRT_H0;
  }
  /* At most alpha plus three binomial standard errors. */
  double bound = 0.05 + 3 * sqrt(0.05 * 0.95 / REPEATS);
  cr_assert(false_h1 <= bound * REPEATS, "%d", false_h1);
  cr_assert(false_h0 <= bound * REPEATS, "%d", false_h0);
  cr_assert(length / REPEATS < 1500, "%ld pairs on average", length / REPEATS);
}

Test(sprt, likelihood_ratio_by_hand) {
  Sprt sprt = {.scale = SPRT_LOGISTIC, .elo0 = 0, .elo1 = 20, .alpha = 0.05, .beta = 0.05};
  Score empty = {0};
  cr_assert_eq(sprt_llr(&sprt, &empty), 0);
  double lower, upper;
  sprt_bounds(&sprt, &lower, &upper);
  cr_assert_float_eq(lower, -2.94444, 1e-4);
  cr_assert_float_eq(upper, 2.94444, 1e-4);
  /* Only 2-0 and 0-2 pairs: a coin, whose ratio is known in closed form (the unseen outcomes weigh next to
   * nothing). */
  Score coin = {.pairs = {400, 0, 0, 0, 600}};
  double s1 = score_from_elo(20), expected = 600 * log(s1 / 0.5) + 400 * log((1 - s1) / 0.5);
  cr_assert_float_eq(sprt_llr(&sprt, &coin), expected, 0.01);
  /* Small differences: close to the normal approximation, on either scale. */
  Score many = {.pairs = {1000, 3000, 5000, 3200, 1100}};
  ScoreSummary summary = score_summary(&many);
  double n = summary.pairs, variance = summary.error * summary.error * n;
  double approximate = n * (s1 - 0.5) * (2 * summary.mean - 0.5 - s1) / (2 * variance);
  cr_assert_float_eq(sprt_llr(&sprt, &many), approximate, 0.02 * fabs(approximate) + 0.05);
  sprt.scale = SPRT_NORMALIZED;
  double t = (summary.mean - 0.5) / sqrt(variance), t1 = sqrt(2) * 20 * log(10) / 800;
  approximate = n / 2 * log((1 + t * t) / (1 + (t - t1) * (t - t1)));
  cr_assert_float_eq(sprt_llr(&sprt, &many), approximate, 0.02 * fabs(approximate) + 0.05);
}
