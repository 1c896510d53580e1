/* Ratings: one Bradley-Terry model with draws, Davidson's (arena/draw_model.h), over all recorded games:
 *
 *   elo_i = 400 / ln 10 * ln(a_i / a_reference),
 *
 * fitted by maximum likelihood (Newton's method; the logarithm of the likelihood is concave). Intervals are
 * those of the inverse Fisher information, so they are relative to the reference, which has rating 0 and no
 * interval.
 *
 * Where the record does not decide a finite maximum, half a game (a quarter won by either side) is added as a
 * prior, and the ratings that rest on it are flagged `separated`: estimates by that prior, bounds rather than
 * measurements.
 *
 * Players must reach each other by "took points from" (L. Ford 1957). Where somebody lost all games, say, the
 * pairings between players so separated get the prior, and those not in the reference's group are flagged.
 *
 * Where games were drawn, there must be a cycle of players, each of whom beat the next or drew with them,
 * with more wins than draws (two who have beaten each other, say): else there are ranks by which each
 * win spans at least one and each draw at most one, and ever larger multiples of them with an ever larger nu
 * explain the record ever better. Then all pairings get the prior. In all other cases there is no prior.
 * Where no game was drawn nu is 0.
 *
 * Public tools have other models, which part where draws are many and differences large: Ordo makes half a
 * win and half a loss of each draw (`elo_logistic`), BayesElo's is Rao and Kupper's (`elo_rao_kupper`, on the
 * scale on which small differences mean the same expected score as without draws; its own Elo, where it is
 * not scaled, is that without the factor). One-sided records get the same prior there. */
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
  double elo, low, high;                /* with its 95 % interval; NaN where not connected */
  double elo_logistic, elo_rao_kupper;  /* by other models; NaN before ratings_by_other_models() and where
                                           not connected */
  double bootstrap_low, bootstrap_high; /* percentiles over resampled pairs; NaN before ratings_bootstrap() */
  int wins, draws, losses;
  bool connected; /* a chain of games leads to the reference */
  bool separated; /* finite only by the prior */
} Rating;

typedef struct RatingTable {
  int players, reference;
  Rating *ratings; /* [players] */
  double nu;       /* Davidson's draw parameter */
  double draw_elo; /* Rao and Kupper's, as Elo: BayesElo's "drawelo"; 0 before ratings_by_other_models() */
  double
      *covariance; /* [players][players], squared Elo; zero for the reference and whoever is not connected */
} RatingTable;

RatingTable *ratings_new(int players, int reference, const RatingGame *games, int count);
void ratings_free(RatingTable *table); /* NULL is fine */
/* Fills in `elo_logistic`, `elo_rao_kupper` and `draw_elo`, from the same games. */
void ratings_by_other_models(RatingTable *table, const RatingGame *games, int count);
/* Fills in the bootstrap intervals from `resamples` refits with whole pairs drawn with replacement: a check
 * on the intervals above, which take all games as independent. */
void ratings_bootstrap(RatingTable *table, const RatingGame *games, int count, int resamples, uint64_t seed);
/* Standard error of elo_i - elo_j; NaN where either is not connected. */
double ratings_difference_error(const RatingTable *table, int i, int j);

#endif
