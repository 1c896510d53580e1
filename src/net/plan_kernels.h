/* The inner loops of a NetPlan, once for each instruction set. Internal to the net layer and its tests.
 *
 * Activations are [position][cell][channel] with channels padded to a multiple of PLAN_PAD, so that a vector
 * holds neighbouring channels. Every result is one chain of operations whose order depends on nothing but the
 * layer: that makes a position's result independent of its row, its batch and its thread. */
#ifndef NET_PLAN_KERNELS_H
#define NET_PLAN_KERNELS_H

#include "net/winograd.h"

enum { PLAN_PAD = 16 };

static inline int plan_padded(int channels) {
  return (channels + PLAN_PAD - 1) / PLAN_PAD * PLAN_PAD;
}

typedef struct PlanKernels {
  const char *name;
  int panel; /* columns of a full panel */
  /* c[rows][n] = a[rows][k] b[k][n], rows lda and ldc floats apart; n a multiple of PLAN_PAD. b lies in
   * panels of `panel` columns (the last one narrower): [n / panel][k][panel]. */
  void (*gemm)(int rows, int k, int n, const float *a, size_t lda, const float *panels, float *c, size_t ldc);
  /* x[cells][channels] of one position -> v[product][tile][channels], products `stride` floats apart.
   * scratch: winograd_scratch() floats. */
  void (*winograd_input)(const WinogradTiling *tiling, int channels, const float *x, float *scratch, float *v,
                         size_t stride);
  /* m, as v -> y[cells][channels] = max(0, results + bias [+ residual]); residual may be NULL. With bias NULL
   * there is no ReLU either: y = results [+ residual]; y may be residual. */
  void (*winograd_output)(const WinogradTiling *tiling, int channels, const float *m, size_t stride,
                          const float *bias, const float *residual, float *scratch, float *y);
  /* y[rows][channels] = max(0, y + bias [+ residual]) */
  void (*finish)(int rows, int channels, const float *bias, const float *residual, float *y);
} PlanKernels;

static inline size_t winograd_scratch(const WinogradTiling *t) {
  return (size_t)((t->tile_rows * t->row_step + 2) * t->tile_cols * (t->col_step + 2)) * PLAN_PAD;
}

extern const PlanKernels plan_kernels_base;
#ifdef __x86_64__
extern const PlanKernels plan_kernels_avx2;
extern const PlanKernels plan_kernels_avx512;
#endif

#endif
