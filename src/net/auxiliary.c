#include "net/layers.h"

#include <math.h>

static real answer(const NetOutput *output, const real *x, int inputs, int outputs, int number) {
  const float *weight = output->params + (size_t)number * (size_t)inputs;
  real sum = (real)output->params[(size_t)outputs * (size_t)inputs + (size_t)number];
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < inputs; i++) sum += (real)weight[i] * x[i];
  return sum;
}

/* Adds what the slope d of one answer means for its parameters. */
static void learn(const NetOutput *output, const real *x, double d, int inputs, int outputs, int number) {
  float *gradient = output->gradient + (size_t)number * (size_t)inputs, slope = (float)d;
  for (int i = 0; i < inputs; i++) gradient[i] += slope * (float)x[i];
  output->gradient[(size_t)outputs * (size_t)inputs + (size_t)number] += slope;
}

void plies_loss(const real *hidden, const NetOutput *plies, const float *weight, int batch, int inputs,
                real *dplies, NetLoss *loss) {
  for (int i = 0; i < batch; i++, hidden += inputs) {
    double error = (double)answer(plies, hidden, inputs, 1, 0) - (double)plies->target[i];
    double d = 2 * (double)plies->weight * (weight ? (double)weight[i] : 1) * error;
    loss->plies_square += error * error;
    learn(plies, hidden, d, inputs, 1, 0);
    dplies[i] = (real)d;
  }
}

void reply_loss(const real *board, const NetOutput *reply, const float *weight, int batch, int inputs,
                int moves, real *dreply, NetLoss *loss) {
  for (int i = 0; i < batch; i++, board += inputs, dreply += moves) {
    const float *target = reply->target + (size_t)i * (size_t)moves;
    double scale = (double)reply->weight * (weight ? (double)weight[i] : 1), mass = 0, total = 0;
    for (int m = 0; m < moves; m++) mass += (double)target[m], dreply[m] = 0;
    if (mass <= 0) continue;
    for (int m = 0; m < moves; m++) dreply[m] = answer(reply, board, inputs, moves, m);
    double top = (double)dreply[0];
    for (int m = 1; m < moves; m++) top = fmax(top, (double)dreply[m]);
    for (int m = 0; m < moves; m++) total += exp((double)dreply[m] - top);
    for (int m = 0; m < moves; m++) {
      double log_p = (double)dreply[m] - top - log(total),
             d = scale * (mass * exp(log_p) - (double)target[m]);
      loss->reply -= (double)target[m] * log_p;
      learn(reply, board, d, inputs, moves, m);
      dreply[m] = (real)d;
    }
    loss->replies++;
  }
}

void output_backward(const NetOutput *output, const real *d, int batch, int inputs, int outputs, real *dx) {
  for (int i = 0; i < batch; i++, d += outputs, dx += inputs)
    for (int o = 0; o < outputs; o++) {
      const float *weight = output->params + (size_t)o * (size_t)inputs;
      for (int h = 0; h < inputs; h++) dx[h] += d[o] * (real)weight[h];
    }
}
