/* Optimisers over a flat parameter array, with decoupled weight decay and clipping by global norm.
 *   OPTIMIZER_ADAM  D. Kingma and J. Ba 2015, with decoupled decay (AdamW, I. Loshchilov and F. Hutter 2019)
 *   OPTIMIZER_SGD   momentum m = mu m + g; w -= lr m (Nesterov off)
 * and an exponential moving average of the weights for play (B. Polyak and A. Juditsky 1992). Its decay at
 * step t is at most (1 + t) / (20 + t): it reaches back over a twentieth of the steps until the configured
 * decay is the shorter (0.9999: after 190,000 steps), so that it does not hang on to the beginning. */
#ifndef NET_OPTIMIZER_H
#define NET_OPTIMIZER_H

#include "base/file.h"
#include "net/net.h"

typedef enum OptimizerKind { OPTIMIZER_ADAM, OPTIMIZER_SGD } OptimizerKind;

typedef struct OptimizerConfig {
  int kind;            /* OptimizerKind */
  double momentum;     /* Adam's beta1, SGD's mu */
  double beta2;        /* Adam's */
  double epsilon;      /* Adam's */
  double weight_decay; /* per step, times the learning rate */
  double clip_norm;    /* gradients are scaled down to this L2 norm; 0 switches it off */
  double average;      /* decay of the weights' moving average per step, 0 = the last weights */
} OptimizerConfig;

typedef struct Optimizer Optimizer;

/* The averaged weights start as the net's own. */
Optimizer *optimizer_new(const OptimizerConfig *config, const Net *net);
/* The same for parameters that are no net's, none of which decays. */
Optimizer *optimizer_new_plain(const OptimizerConfig *config, const float *params, size_t count);
void optimizer_free(Optimizer *optimizer);
/* One step with gradient[param_count] (already averaged over the minibatch). Uses `threads` OpenMP
 * threads over the parameters; the result does not depend on how many. Returns the gradient's norm before
 * clipping; a gradient that is not finite changes nothing and returns NaN. */
double optimizer_step(Optimizer *optimizer, Net *net, const float *gradient, double learning_rate,
                      int threads);
/* The same for the parameters of optimizer_new_plain(). */
double optimizer_step_plain(Optimizer *optimizer, float *params, const float *gradient, double learning_rate,
                            int threads);
/* Writes averaged parameters into `out` (same shape; its stats are copied from net). */
void optimizer_averaged(const Optimizer *optimizer, const Net *net, Net *out);
int64_t optimizer_steps(const Optimizer *optimizer);
/* Appends the whole state (moments, average, step count) and reads it back, for checkpoints. */
void optimizer_save(const Optimizer *optimizer, Buffer *out);
bool optimizer_load(Optimizer *optimizer, Buffer *in, Error *err);

#endif
