/* Scores of paired games, and what they say about strength.
 *
 * A pair is one opening played twice with colours swapped, so its two games are not independent: the pair is
 * the unit of every variance here. Its outcome is one of five (points 0, 1/2, 1, 3/2, 2 of 2): the
 * pentanomial. */
#ifndef ARENA_SCORE_H
#define ARENA_SCORE_H

enum { SCORE_LOSS = 0, SCORE_DRAW = 1, SCORE_WIN = 2 }; /* half points of one game */
enum { SCORE_OUTCOMES = 5 };

/* Two-sided 95 % of the normal distribution. */
#define SCORE_Z95 1.959963984540054

/* All from the first player's point of view. */
typedef struct Score {
  int pairs[SCORE_OUTCOMES]; /* pairs by half points won, 0..4 */
  int wins, draws, losses;   /* games */
} Score;

typedef struct ScoreSummary {
  int pairs;
  double mean, error; /* share of points in [0, 1], and its standard error */
  double elo, low,
      high;           /* difference with its 95 % interval; infinite where a bound of the share is 0 or 1 */
  double superiority; /* likelihood that the first player is the stronger one */
} ScoreSummary;

/* Adds one pair; `first` and `second` are the half points of its two games. */
void score_add(Score *score, int first, int second);
/* At least one pair. Where all pairs ended alike the sample variance says nothing; the share's interval is
 * then Wilson's for as many trials as there were pairs. */
ScoreSummary score_summary(const Score *score);

/* Share of points <-> Elo difference: 1 / (1 + 10^(-elo / 400)). */
double score_from_elo(double elo);
double score_to_elo(double share);
/* Wilson's 95 % interval for `hits` of `trials`; [0, 1] where there were none. */
void score_wilson(double hits, double trials, double *low, double *high);
/* The standard normal distribution function. */
double score_normal_cdf(double x);

#endif
