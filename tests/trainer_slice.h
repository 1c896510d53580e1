/* A random slice for the learner's two paths, and how far apart rounding may bring them. */
#ifndef TESTS_TRAINER_SLICE_H
#define TESTS_TRAINER_SLICE_H

#include "net/trainer_internal.h"

/* A slice of random positions and the whole network. */
typedef struct Slice {
  NetShape shape;
  Net *net;
  int batch;
  float *planes, *policy, *wdl, *weight;
  uint8_t *legal;
} Slice;

/* What a pass returns. */
typedef struct Found {
  float *gradient, *stats;
  NetLoss loss;
} Found;

Slice slice_new(NetShape shape, int batch);
void slice_free(Slice *slice);
Found found_new(const Net *net);
void found_free(Found *found);
void run_fast(const Slice *slice, const NetTrainer *trainer, TrainerWorkspace *workspace, Found *found);
/* A ReLU on opposite sides of zero in both passes makes gradients that differ by more than rounding: how many
 * of the tower's, at n positions x cells, do. */
int count_flips(const NetTrainer *trainer, const TrainerWorkspace *fast, const NetWorkspace *reference,
                int n);
/* Relative error that rounding explains: sqrt(n) u for n roundings in a row (N. Higham and T. Mary 2019),
 * grown by the transforms, in each convolution of the way forward and back, one upon the other. */
double tolerance(const NetTrainer *trainer, int batch);

#endif
