#include "net/layers.h"

#include <math.h>

/* The softmax of one position over its legal moves. */
typedef struct Softmax {
  double log_total; /* log of the sum of exp(logit) */
  int best;         /* the legal move of largest logit, -1 where none is legal */
} Softmax;

static Softmax softmax_over(const real *logits, const uint8_t *legal, int moves) {
  Softmax result = {.best = -1};
  for (int m = 0; m < moves; m++) {
    if (legal[m] && (result.best < 0 || logits[m] > logits[result.best])) result.best = m;
  }
  if (result.best < 0) return result;
  double top = (double)logits[result.best], total = 1; /* the best move's own term */
  for (int m = 0; m < moves; m++) {
    if (legal[m] && m != result.best) total += exp((double)logits[m] - top);
  }
  result.log_total = top + log(total);
  return result;
}

/* d(cross-entropy)/d(logit) = mass p - target, where mass is the target's sum over the legal moves: 1, 0
 * where nothing is taught, or an advantage of either sign. */
static void policy_position(const real *logits, const float *target, const uint8_t *legal, double scale,
                            int moves, real *dlogits, NetLoss *loss) {
  Softmax softmax = softmax_over(logits, legal, moves);
  if (softmax.best < 0) return;
  double mass = 0;
  for (int m = 0; m < moves; m++) mass += legal[m] ? (double)target[m] : 0;
  for (int m = 0; m < moves; m++) {
    if (!legal[m]) continue;
    double log_p = (double)logits[m] - softmax.log_total;
    loss->policy -= (double)target[m] * log_p;
    if (dlogits) dlogits[m] = (real)(scale * (mass * exp(log_p) - (double)target[m]));
  }
}

void policy_loss(const real *logits, const float *target, const uint8_t *legal, const float *weight,
                 real scale, int batch, int moves, real *dlogits, NetLoss *loss) {
  for (int i = 0; i < batch; i++) {
    int start = i * moves;
    for (int m = 0; dlogits && m < moves; m++) dlogits[start + m] = 0;
    policy_position(logits + start, target + start, legal + start,
                    (double)scale * (weight ? (double)weight[i] : 1), moves, dlogits ? dlogits + start : NULL,
                    loss);
  }
}

static void softmax3(const real *logits, double p[3], double log_p[3]) {
  double top = fmax(fmax((double)logits[0], (double)logits[1]), (double)logits[2]), total = 0;
  for (int k = 0; k < 3; k++) total += exp((double)logits[k] - top);
  for (int k = 0; k < 3; k++) {
    log_p[k] = (double)logits[k] - top - log(total);
    p[k] = exp(log_p[k]);
  }
}

void value_loss(const real *logits, const float *target, const float *weight, real scale, int batch,
                real *dlogits, NetLoss *loss) {
  for (int i = 0; i < batch; i++) {
    const float *goal = target + 3 * i;
    double p[3], log_p[3], mass = (double)goal[0] + (double)goal[1] + (double)goal[2];
    softmax3(logits + 3 * i, p, log_p);
    double factor = (double)scale * (weight ? (double)weight[i] : 1);
    for (int k = 0; k < 3; k++) {
      loss->value -= (double)goal[k] * log_p[k];
      if (dlogits) dlogits[3 * i + k] = (real)(factor * (mass * p[k] - (double)goal[k]));
    }
  }
}

void value_softmax(const real *logits, int batch, float *wdl) {
  for (int i = 0; i < batch; i++) {
    double p[3], log_p[3];
    softmax3(logits + 3 * i, p, log_p);
    for (int k = 0; k < 3; k++) wdl[3 * i + k] = (float)p[k];
  }
}
