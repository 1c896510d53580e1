#include "base/simd.h"
#include "net/layers.h"

#include <math.h>

SIMD_CLONES
static real row_sum(const real *restrict x, int n) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += x[i];
  return sum;
}

SIMD_CLONES
static real row_square_sum(const real *restrict x, real mean, int n) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

SIMD_CLONES
static real row_product_sum(const real *restrict x, real mean, const real *restrict dy, int n) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += (x[i] - mean) * dy[i];
  return sum;
}

SIMD_CLONES
static void row_affine(const real *x, real mean, real factor, real bias, int n, real *y) {
#pragma omp simd
  for (int i = 0; i < n; i++) y[i] = (x[i] - mean) * factor + bias;
}

SIMD_CLONES
static void row_gradient(const real *x, real mean, real slope, const real *dy, real offset, real factor,
                         int n, real *dx) {
#pragma omp simd
  for (int i = 0; i < n; i++) dx[i] = factor * (dy[i] - offset - (x[i] - mean) * slope);
}

static real inverse_deviation(real variance) {
  return 1 / (real)sqrt((double)variance + BATCHNORM_EPSILON);
}

void batchnorm_statistics(const real *x, int channels, int n, real *mean, real *variance) {
  for (int c = 0; c < channels; c++) {
    const real *row = x + (size_t)c * (size_t)n;
    mean[c] = row_sum(row, n) / (real)n;
    variance[c] = row_square_sum(row, mean[c], n) / (real)n;
  }
}

void batchnorm_forward(const real *x, const real *scale, const real *bias, const real *mean,
                       const real *variance, int channels, int n, real *y) {
  for (int c = 0; c < channels; c++) {
    size_t start = (size_t)c * (size_t)n;
    row_affine(x + start, mean[c], scale[c] * inverse_deviation(variance[c]), bias[c], n, y + start);
  }
}

/* With xh = (x - mean) / deviation:  dx = scale / deviation (dy - mean(dy) - xh mean(dy xh)). */
void batchnorm_backward(const real *x, const real *scale, const real *mean, const real *variance,
                        const real *dy, int channels, int n, real *dx, real *dscale, real *dbias) {
  for (int c = 0; c < channels; c++) {
    size_t start = (size_t)c * (size_t)n;
    real inverse = inverse_deviation(variance[c]);
    real sum = row_sum(dy + start, n), product = row_product_sum(x + start, mean[c], dy + start, n) * inverse;
    dbias[c] += sum;
    dscale[c] += product;
    row_gradient(x + start, mean[c], product / (real)n * inverse, dy + start, sum / (real)n,
                 scale[c] * inverse, n, dx + start);
  }
}

SIMD_CLONES
static void relu_only(const real *x, size_t count, real *y) {
#pragma omp simd
  for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

SIMD_CLONES
static void relu_add(const real *x, const real *residual, size_t count, real *y) {
#pragma omp simd
  for (size_t i = 0; i < count; i++) {
    real sum = x[i] + residual[i];
    y[i] = sum > 0 ? sum : 0;
  }
}

void relu_forward(const real *x, const real *residual, size_t count, real *y) {
  if (residual)
    relu_add(x, residual, count, y);
  else
    relu_only(x, count, y);
}

SIMD_CLONES
static void relu_mask(const real *y, size_t count, real *dy) {
#pragma omp simd
  for (size_t i = 0; i < count; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
}

void relu_backward(const real *y, size_t count, real *dy) {
  relu_mask(y, count, dy);
}
