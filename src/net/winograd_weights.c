#include "net/winograd_weights.h"

#include "base/simd.h"
#include "net/plan_kernels.h"

/* Neighbouring channels that are transformed together: a vector, and no more than the narrowest panel. */
enum { TAPS = 9, BLOCK = 8 };

typedef struct Matrices {
  int down_points, along_points;
  float down[WINOGRAD_MOST_POINTS][3], along[WINOGRAD_MOST_POINTS][3];
} Matrices;

static Matrices matrices(const WinogradTiling *tiling) {
  Matrices g = {.down_points = tiling->row_step + 2, .along_points = tiling->col_step + 2};
  const double(*down)[3] = winograd_kernel_matrix(tiling->row_step),
        (*along)[3] = winograd_kernel_matrix(tiling->col_step);
  for (int i = 0; i < g.down_points; i++)
    for (int t = 0; t < 3; t++) g.down[i][t] = (float)down[i][t];
  for (int i = 0; i < g.along_points; i++)
    for (int t = 0; t < 3; t++) g.along[i][t] = (float)along[i][t];
  return g;
}

/* G taps G^T, products `plane` floats apart. */
SIMD_CLONES
static void transform_block(const Matrices *g, const float taps[TAPS][BLOCK], float *products, size_t plane) {
  float half[3][WINOGRAD_MOST_POINTS][BLOCK];
  for (int a = 0; a < 3; a++) {
    for (int j = 0; j < g->along_points; j++) {
      const float *row = g->along[j];
      for (int n = 0; n < BLOCK; n++)
        half[a][j][n] = row[0] * taps[3 * a][n] + row[1] * taps[3 * a + 1][n] + row[2] * taps[3 * a + 2][n];
    }
  }
  for (int i = 0; i < g->down_points; i++) {
    const float *row = g->down[i];
    for (int j = 0; j < g->along_points; j++, products += plane)
      for (int n = 0; n < BLOCK; n++)
        products[n] = row[0] * half[0][j][n] + row[1] * half[1][j][n] + row[2] * half[2][j][n];
  }
}

/* G^T products G */
SIMD_CLONES
static void adjoint_block(const Matrices *g, const float *products, size_t plane, float taps[TAPS][BLOCK]) {
  float half[3][WINOGRAD_MOST_POINTS][BLOCK] = {0};
  for (int i = 0; i < g->down_points; i++) {
    for (int j = 0; j < g->along_points; j++, products += plane) {
      for (int a = 0; a < 3; a++)
        for (int n = 0; n < BLOCK; n++) half[a][j][n] += g->down[i][a] * products[n];
    }
  }
  for (int t = 0; t < TAPS; t++) {
    for (int n = 0; n < BLOCK; n++) taps[t][n] = 0;
    for (int j = 0; j < g->along_points; j++)
      for (int n = 0; n < BLOCK; n++) taps[t][n] += g->along[j][t % 3] * half[t / 3][j][n];
  }
}

static int padded(int channels) {
  return (channels + PLAN_PAD - 1) / PLAN_PAD * PLAN_PAD;
}

void winograd_pack(const WinogradTiling *tiling, int panel, int in, int out, const float *weight,
                   bool flipped, float *panels) {
  Matrices g = matrices(tiling);
  int k_count = flipped ? out : in, n_count = flipped ? in : out;
  size_t depth = (size_t)padded(k_count), width = (size_t)padded(n_count);
  for (int n = 0; n < n_count; n += BLOCK) {
    int start = n / panel * panel, most = (int)width - start < panel ? (int)width - start : panel;
    for (int k = 0; k < k_count; k++) {
      float taps[TAPS][BLOCK] = {0};
      for (int i = 0; i < BLOCK && n + i < n_count; i++) {
        const float *kernel = weight + (size_t)(flipped ? k * in + n + i : (n + i) * in + k) * TAPS;
        for (int t = 0; t < TAPS; t++) taps[t][i] = kernel[flipped ? TAPS - 1 - t : t];
      }
      transform_block(&g, taps, panels + (size_t)start * depth + (size_t)(k * most + n - start),
                      depth * width);
    }
  }
}

void winograd_unpack_gradient(const WinogradTiling *tiling, int in, int out, const float *products,
                              float *gradient) {
  Matrices g = matrices(tiling);
  size_t width = (size_t)padded(in), plane = width * (size_t)padded(out);
  for (int o = 0; o < out; o++) {
    for (int first = 0; first < in; first += BLOCK) {
      float taps[TAPS][BLOCK];
      adjoint_block(&g, products + (size_t)o * width + (size_t)first, plane, taps);
      for (int i = 0; i < BLOCK && first + i < in; i++) {
        float *kernel = gradient + (size_t)(o * in + first + i) * TAPS;
        for (int t = 0; t < TAPS; t++) kernel[TAPS - 1 - t] += taps[t][i];
      }
    }
  }
}
