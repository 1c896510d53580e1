#include "arena/draw_model.h"

#include <math.h>

static Chances davidson(double d, double parameter) {
  double top = fmax(fabs(d) / 2, parameter); /* keeps the exponentials finite */
  double win = exp(d / 2 - top), loss = exp(-d / 2 - top), draw = exp(parameter - top);
  double sum = win + draw + loss, mean = (win - loss) / sum / 2;
  win /= sum, draw /= sum, loss /= sum;
  return (Chances){.p = {win, draw, loss},
                   .by_difference = {0.5 - mean, -mean, -0.5 - mean},
                   .by_parameter = {-draw, 1 - draw, -draw}};
}

static Chances rao_kupper(double d, double parameter) {
  double win = 1 / (1 + exp(parameter - d)), loss = 1 / (1 + exp(parameter + d));
  double more = expm1(2 * parameter); /* theta^2 - 1 */
  return (Chances){.p = {win, more * win * loss, loss},
                   .by_difference = {1 - win, loss - win, loss - 1},
                   .by_parameter = {win - 1, 2 / more + win + loss, loss - 1}};
}

Chances draw_model_chances(DrawModel model, double d, double parameter) {
  return model == DRAW_DAVIDSON ? davidson(d, parameter) : rao_kupper(d, parameter);
}

double draw_model_none(DrawModel model) {
  return model == DRAW_DAVIDSON ? -INFINITY : 0;
}

double draw_model_parameter(DrawModel model, double share) {
  return model == DRAW_DAVIDSON ? log(2 * share / (1 - share)) : log((1 + share) / (1 - share));
}

double draw_model_scale(DrawModel model, double parameter) {
  Chances even = draw_model_chances(model, 0, parameter);
  double slope = even.p[CHANCE_WIN] * even.by_difference[CHANCE_WIN];
  if (even.p[CHANCE_DRAW] > 0) slope += even.p[CHANCE_DRAW] * even.by_difference[CHANCE_DRAW] / 2;
  return 4 * slope;
}
