/* The inner loops of inference and training one by one, on every instruction set of this CPU, against their
 * definitions in double precision, within a bound on float's rounding; inputs random and extreme. The
 * Winograd transforms have theirs in tests/test_trainer_conv.c, the 8-bit kernels in tests/test_plan_low.c.
 */
#include "net/plan_internal.h"
#include "net/trainer_internal.h"

#include "hang.h"

#include "base/memory.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(kernels, .timeout = HANG_SECONDS);

typedef enum Inputs { NORMAL, HUGE_ONES, TINY_ONES, CONSTANT, FAR_FROM_ZERO, NEGATIVE, INPUTS } Inputs;
static const double U = FLT_EPSILON / 2;

static float *inputs(Inputs kind, size_t count, uint32_t stream) {
  float *x = memory_new(count, sizeof *x);
  Rng rng = rng_make(8, RNG_TEST, (uint32_t)kind, stream);
  for (size_t i = 0; i < count; i++) {
    double z = rng_normal(&rng);
    x[i] = (float)(kind == HUGE_ONES       ? 1e15 * z
                   : kind == TINY_ONES     ? 1e-18 * z
                   : kind == CONSTANT      ? 5
                   : kind == FAR_FROM_ZERO ? 1e5 + 1e-2 * z
                   : kind == NEGATIVE      ? -fabs(z)
                                           : z);
  }
  return x;
}

static void expect(double found, double exact, double bound, const char *what, Inputs kind) {
  cr_assert(fabs(found - exact) <= bound * (1 + 1e-6) + FLT_MIN, "%s, inputs %d: %.9g, not %.9g, bound %g",
            what, kind, found, exact, bound);
}

/* --- products --- */

static void check_gemm(const PlanKernels *kernels, Inputs kind, int rows, int k, int n) {
  size_t lda = (size_t)k + 3, ldc = (size_t)n + 16;
  float *a = inputs(kind, (size_t)rows * lda, 1), *b = inputs(NORMAL, (size_t)(k * n), 2),
        *panels = memory_new((size_t)(k * n), sizeof(float)),
        *c = memory_new((size_t)rows * ldc, sizeof(float));
  for (int first = 0, at = 0; first < n; first += kernels->panel)
    for (int i = 0; i < k; i++)
      for (int j = first; j < n && j < first + kernels->panel; j++) panels[at++] = b[i * n + j];
  kernels->gemm(rows, k, n, a, lda, panels, c, ldc);
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < n; j++) {
      double exact = 0, size = 0;
      for (int i = 0; i < k; i++) {
        double product = (double)a[(size_t)r * lda + (size_t)i] * b[i * n + j];
        exact += product, size += fabs(product);
      }
      expect(c[(size_t)r * ldc + (size_t)j], exact, (k + 1) * U * size, kernels->name, kind);
    }
  free(a), free(b), free(panels), free(c);
}

static void check_outer(const TrainKernels *kernels, Inputs kind, int rows, int m, int n) {
  float *a = inputs(kind, (size_t)(rows * m), 1), *b = inputs(NORMAL, (size_t)(rows * n), 2),
        *c = inputs(NORMAL, (size_t)(m * n), 3), *before = memory_new((size_t)(m * n), sizeof(float));
  for (int add = 0; add < 2; add++) {
    memcpy(before, c, (size_t)(m * n) * sizeof(float));
    kernels->outer(rows, m, n, a, (size_t)m, b, (size_t)n, add, c);
    for (int i = 0; i < m; i++)
      for (int j = 0; j < n; j++) {
        double exact = add ? before[i * n + j] : 0, size = fabs(exact);
        for (int r = 0; r < rows; r++) {
          double product = (double)a[r * m + i] * b[r * n + j];
          exact += product, size += fabs(product);
        }
        expect(c[i * n + j], exact, (rows + 2) * U * size, kernels->plan->name, kind);
      }
  }
  free(a), free(b), free(c), free(before);
}

Test(kernels, products_are_those_of_a_triple_loop) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  for (int k = 0; kernels[k]; k++)
    for (Inputs kind = NORMAL; kind < INPUTS; kind++) {
      for (int rows = 1; rows <= 19; rows += 3)
        check_gemm(kernels[k]->plan, kind, rows, 1 + 5 * rows, 16 * (1 + rows % 7));
      check_outer(kernels[k], kind, 1, 16, 32);
      check_outer(kernels[k], kind, 37, 48, 16);
      check_outer(kernels[k], kind, 130, 64, 64);
    }
}

/* --- bias, residual, ReLU --- */

/* The same operations on floats, one by one: the same bits. */
static float finished(float value, float bias, const float *residual, size_t at) {
  value += bias;
  if (residual) value += residual[at];
  return value > 0 ? value : 0;
}

static void check_finish(const PlanKernels *kernels, Inputs kind, int rows, int channels) {
  size_t count = (size_t)(rows * channels);
  float *from = inputs(kind, count, 1), *bias = inputs(NORMAL, (size_t)channels, 2),
        *residual = inputs(kind, count, 3), *y = memory_new(count, sizeof *y);
  for (int with = 0; with < 2; with++) {
    const float *added = with ? residual : NULL;
    memcpy(y, from, count * sizeof *y);
    kernels->finish(rows, channels, bias, added, y);
    for (size_t i = 0; i < count; i++)
      cr_assert_eq(y[i], finished(from[i], bias[i % (size_t)channels], added, i), "%s, inputs %d",
                   kernels->name, kind);
  }
  free(from), free(bias), free(residual), free(y);
}

static void check_output(const PlanKernels *kernels, Inputs kind, WinogradTiling tiling, int channels) {
  size_t cells = (size_t)(tiling.rows * tiling.cols), count = cells * (size_t)channels,
         stride = (size_t)(winograd_tiles(&tiling) * channels);
  float *m = inputs(kind, stride * (size_t)winograd_products(&tiling), 1),
        *bias = inputs(NORMAL, (size_t)channels, 2), *residual = inputs(kind, count, 3),
        *scratch = memory_new(winograd_scratch(&tiling), sizeof *scratch),
        *plain = memory_new(count, sizeof *plain), *y = memory_new(count, sizeof *y);
  kernels->winograd_output(&tiling, channels, m, stride, NULL, NULL, scratch, plain);
  for (int with = 0; with < 2; with++) {
    const float *added = with ? residual : NULL;
    kernels->winograd_output(&tiling, channels, m, stride, bias, added, scratch, y);
    for (size_t i = 0; i < count; i++)
      cr_assert_eq(y[i], finished(plain[i], bias[i % (size_t)channels], added, i), "%s, inputs %d, %d x %d",
                   kernels->name, kind, tiling.rows, tiling.cols);
  }
  kernels->winograd_output(&tiling, channels, m, stride, NULL, residual, scratch, y);
  for (size_t i = 0; i < count; i++)
    cr_assert_eq(y[i], plain[i] + residual[i], "%s, inputs %d", kernels->name, kind);
  free(m), free(bias), free(residual), free(scratch), free(plain), free(y);
}

Test(kernels, results_are_finished_as_if_one_by_one) {
  static const int boards[][2] = {{6, 7}, {6, 6}, {8, 8}, {9, 9}, {13, 2}, {3, 3}, {1, 5}};
  const PlanKernels *kernels[PLAN_MOST_KERNELS];
  plan_kernels_here(kernels);
  for (int k = 0; kernels[k]; k++)
    for (Inputs kind = NORMAL; kind < INPUTS; kind++) {
      check_finish(kernels[k], kind, 1, 16);
      check_finish(kernels[k], kind, 85, 48);
      for (size_t b = 0; b < sizeof boards / sizeof *boards; b++)
        check_output(kernels[k], kind, winograd_tiling(boards[b][0], boards[b][1]), 48);
    }
}

/* --- batch norm --- */

typedef struct Norm {
  int rows, channels;
  float *x, *other, *mean, *square, *per[3], *y;
} Norm;

static void check_moments(const TrainKernels *kernels, Norm *n, Inputs kind) {
  kernels->moments(n->rows, n->channels, n->x, n->mean, n->square);
  for (int c = 0; c < n->channels; c++) {
    double sum = 0, size = 0, squares = 0;
    for (int r = 0; r < n->rows; r++)
      sum += n->x[r * n->channels + c], size += fabs(n->x[r * n->channels + c]);
    expect(n->mean[c], sum / n->rows, (n->rows + 2) * U * size / n->rows, "mean", kind);
    for (int r = 0; r < n->rows; r++) squares += pow((double)n->x[r * n->channels + c] - n->mean[c], 2);
    expect(n->square[c], squares, (n->rows + 4) * U * squares, "squared deviations", kind);
  }
}

static void check_normalise(const TrainKernels *kernels, Norm *n, Inputs kind, const float *residual) {
  kernels->normalise(n->rows, n->channels, n->x, n->mean, n->per[0], n->per[1], residual, n->y);
  for (int i = 0; i < n->rows * n->channels; i++) {
    int c = i % n->channels;
    double scaled = ((double)n->x[i] - n->mean[c]) * n->per[0][c], added = residual ? residual[i] : 0;
    double exact = scaled + n->per[1][c] + added;
    expect(n->y[i], fmax(0, exact), 4 * U * (fabs(scaled) + fabs(n->per[1][c]) + fabs(added)), "normalised",
           kind);
  }
}

static void check_mask(const TrainKernels *kernels, Norm *n, Inputs kind) {
  size_t count = (size_t)(n->rows * n->channels), channels = (size_t)n->channels;
  float *d = memory_new(count, sizeof *d), *sum = inputs(NORMAL, channels, 7),
        *product = inputs(NORMAL, channels, 8), *sum_before = inputs(NORMAL, channels, 7),
        *product_before = inputs(NORMAL, channels, 8);
  memcpy(d, n->other, count * sizeof *d);
  kernels->mask(n->rows, n->channels, n->y, n->x, n->mean, d, sum, product);
  for (int c = 0; c < n->channels; c++) {
    double s = sum_before[c], p = product_before[c], s_size = fabs(s), p_size = fabs(p);
    for (int r = 0; r < n->rows; r++) {
      int i = r * n->channels + c;
      cr_assert_eq(d[i], n->y[i] > 0 ? n->other[i] : 0);
      double term = (double)d[i] * ((double)n->x[i] - n->mean[c]);
      s += d[i], s_size += fabs(d[i]);
      p += term, p_size += fabs(term);
    }
    expect(sum[c], s, (n->rows + 2) * U * s_size, "sum", kind);
    expect(product[c], p, (n->rows + 4) * U * p_size, "product", kind);
  }
  free(d), free(sum), free(product), free(sum_before), free(product_before);
}

static void check_denormalise(const TrainKernels *kernels, Norm *n, Inputs kind) {
  float *dx = memory_new((size_t)(n->rows * n->channels), sizeof *dx);
  kernels->denormalise(n->rows, n->channels, n->x, n->mean, n->per[0], n->per[1], n->per[2], n->other, dx);
  for (int i = 0; i < n->rows * n->channels; i++) {
    int c = i % n->channels;
    double factor = n->per[2][c], slope = ((double)n->x[i] - n->mean[c]) * n->per[0][c];
    double size = fabs(factor) * (fabs(n->other[i]) + fabs(n->per[1][c]) + fabs(slope));
    expect(dx[i], factor * ((double)n->other[i] - n->per[1][c] - slope), 5 * U * size, "gradient", kind);
  }
  free(dx);
}

static void check_norm(const TrainKernels *kernels, Inputs kind, int rows, int channels) {
  size_t count = (size_t)(rows * channels), width = (size_t)channels;
  Norm n = {.rows = rows,
            .channels = channels,
            .x = inputs(kind, count, 1),
            .other = inputs(kind == HUGE_ONES ? NORMAL : kind, count, 2),
            .mean = memory_new(width, sizeof(float)),
            .square = memory_new(width, sizeof(float)),
            .y = memory_new(count, sizeof(float))};
  for (uint32_t i = 0; i < 3; i++) n.per[i] = inputs(NORMAL, width, 3 + i);
  check_moments(kernels, &n, kind);
  check_normalise(kernels, &n, kind, n.other);
  check_normalise(kernels, &n, kind, NULL);
  check_mask(kernels, &n, kind);
  check_denormalise(kernels, &n, kind);
  free(n.x), free(n.other), free(n.mean), free(n.square), free(n.y);
  for (int i = 0; i < 3; i++) free(n.per[i]);
}

Test(kernels, batch_norm_is_that_of_its_definition) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  for (int k = 0; kernels[k]; k++)
    for (Inputs kind = NORMAL; kind < INPUTS; kind++) {
      check_norm(kernels[k], kind, 1, 16);
      check_norm(kernels[k], kind, 42, 48);
      check_norm(kernels[k], kind, 1000, 32);
    }
}
