/* The inner loops of a NetTrainer beside those of a plan (net/plan_kernels.h), once for each instruction set.
 * Internal to the net layer and its tests.
 *
 * Activations are [row][channel], a row being one cell of one position; channels are padded to a multiple of
 * PLAN_PAD. Sums over rows are one chain for each channel, in the order of the rows. */
#ifndef NET_TRAIN_KERNELS_H
#define NET_TRAIN_KERNELS_H

#include "net/plan_kernels.h"

#include <stdbool.h>

typedef struct TrainKernels {
  const PlanKernels *plan; /* products and transforms shared with inference */
  /* c[m][n] = a[rows][m]^T b[rows][n], with `add` added to c; m and n multiples of PLAN_PAD. */
  void (*outer)(int rows, int m, int n, const float *a, size_t lda, const float *b, size_t ldb, bool add,
                float *c);
  /* As PlanKernels.winograd_input, but by A in place of B^T: the adjoint of the output's transform. */
  void (*winograd_adjoint)(const WinogradTiling *tiling, int channels, const float *x, float *scratch,
                           float *v, size_t stride);
  /* Each channel's mean, and sum of squared deviations from it. */
  void (*moments)(int rows, int channels, const float *x, float *mean, float *square);
  /* y = max(0, (x - mean) factor + bias [+ residual]) */
  void (*normalise)(int rows, int channels, const float *x, const float *mean, const float *factor,
                    const float *bias, const float *residual, float *y);
  /* d = 0 where y is not positive; then sum += d, product += d (x - mean). */
  void (*mask)(int rows, int channels, const float *y, const float *x, const float *mean, float *d,
               float *sum, float *product);
  /* dx = factor (dy - offset - (x - mean) slope) */
  void (*denormalise)(int rows, int channels, const float *x, const float *mean, const float *slope,
                      const float *offset, const float *factor, const float *dy, float *dx);
} TrainKernels;

extern const TrainKernels train_kernels_base;
#ifdef __x86_64__
extern const TrainKernels train_kernels_avx2;
extern const TrainKernels train_kernels_avx512;
#endif

#endif
