/* Ratings: one Bradley-Terry model with draws over all recorded games (R. R. Davidson, "On extending the Bradley-Terry
 * model to accommodate ties in paired comparison experiments", JASA 1970, eq. 2.4):
 *
 *   P(i beats j) = a_i / (a_i + a_j + nu sqrt(a_i a_j)),    P(draw) = nu sqrt(a_i a_j) / (same),
 *   elo_i = 400 / ln 10 * ln(a_i / a_reference),
 *
 * fitted by maximum likelihood (Newton's method; the logarithm of the likelihood is concave). Intervals are those of
 * the inverse Fisher information, so they are relative to the reference, which has rating 0 and no interval.
 *
 * The maximum is finite exactly where every player can be reached from every other by "took points from" (L. Ford
 * 1957). Then no prior is used. Where it is not (somebody lost all games, say), half a drawn game is added to each
 * pairing that was played between players so separated, and those on the far side from the reference are flagged
 * `separated`: their rating is an estimate by that prior, a bound rather than a measurement. Where no game was drawn
 * nu is 0; where every game was drawn, a quarter of a game won by either side is added to each pairing. */
#ifndef ARENA_RATINGS_H
#define ARENA_RATINGS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RatingGame {
  int first, second; /* players, 0 .. players-1 */
  int points;        /* half points of `first`: 0, 1 or 2 (score.h) */
  int64_t pair;      /* games of one opening pair share it; for the bootstrap */
} RatingGame;

typedef struct Rating {
  double elo, low, high;                  /* with its 95 % interval; NaN where not connected */
  double bootstrap_low, bootstrap_high;   /* percentiles over resampled pairs; NaN before ratings_bootstrap() */
  int wins, draws, losses;
  bool connected; /* a chain of games leads to the reference */
  bool separated; /* finite only by the prior */
} Rating;

typedef struct RatingTable {
  int players, reference;
  Rating *ratings;    /* [players] */
  double nu;          /* Davidson's draw parameter */
  double *covariance; /* [players][players], squared Elo; zero for the reference and whoever is not connected */
} RatingTable;

RatingTable *ratings_new(int players, int reference, const RatingGame *games, int count);
void ratings_free(RatingTable *table); /* NULL is fine */
/* Fills in the bootstrap intervals from `resamples` refits with whole pairs drawn with replacement: a check on the
 * intervals above, which take all games as independent. */
void ratings_bootstrap(RatingTable *table, const RatingGame *games, int count, int resamples, uint64_t seed);
/* Standard error of elo_i - elo_j; NaN where either is not connected. */
double ratings_difference_error(const RatingTable *table, int i, int j);

#endif
