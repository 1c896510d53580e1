/* Models of a game between two players of known strengths, with draws. d is the difference of the logarithms
 * of their strengths.
 *
 *   Davidson (JASA 1970, eq. 2.4):  win : draw : loss = exp(d/2) : nu : exp(-d/2), the parameter being log nu
 *   Rao and Kupper (JASA 1967), which BayesElo fits:  win = 1 / (1 + theta exp(-d)), loss the same of -d,
 * draw what is left; the parameter is log theta > 0
 *
 * Both are the logistic model where nothing is drawn. Their log-likelihoods are concave in d and, with it, in
 * the parameter. */
#ifndef ARENA_DRAW_MODEL_H
#define ARENA_DRAW_MODEL_H

typedef enum DrawModel { DRAW_DAVIDSON, DRAW_RAO_KUPPER } DrawModel;

enum { CHANCE_WIN, CHANCE_DRAW, CHANCE_LOSS, CHANCES };

typedef struct Chances {
  double p[CHANCES];
  double by_difference[CHANCES], by_parameter[CHANCES]; /* derivatives of log p */
} Chances;

/* With the parameter of draw_model_none() draw is 0, and its derivatives mean nothing. */
Chances draw_model_chances(DrawModel model, double d, double parameter);
/* The parameter with which nothing is drawn. */
double draw_model_none(DrawModel model);
/* The parameter with which equal players draw this share of their games, in (0, 1). */
double draw_model_parameter(DrawModel model, double share);
/* What to multiply Elo with, so that a small difference means the expected score that it means without draws:
 * four times the slope of the expected score at d = 0. */
double draw_model_scale(DrawModel model, double parameter);

#endif
