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

/* One vector, in as many pieces as the instruction set has them. */
typedef float Block __attribute__((vector_size(BLOCK * sizeof(float))));

/* G taps G^T, products `plane` floats apart. */
SIMD_CLONES
static void transform_block(const Matrices *g, const Block taps[TAPS], float *products, size_t plane) {
  for (int j = 0; j < g->along_points; j++) {
    const float *along = g->along[j];
    Block half[3];
    for (int a = 0; a < 3; a++)
      half[a] = along[0] * taps[3 * a] + along[1] * taps[3 * a + 1] + along[2] * taps[3 * a + 2];
    for (int i = 0; i < g->down_points; i++) {
      const float *down = g->down[i];
      *(Block *)(products + (size_t)(i * g->along_points + j) * plane) =
          down[0] * half[0] + down[1] * half[1] + down[2] * half[2];
    }
  }
}

/* G^T products G */
SIMD_CLONES
static void adjoint_block(const Matrices *g, const float *products, size_t plane, Block taps[TAPS]) {
  Block sums[TAPS] = {0};
  for (int j = 0; j < g->along_points; j++) {
    Block half[3] = {0};
    for (int i = 0; i < g->down_points; i++) {
      Block product = *(const Block *)(products + (size_t)(i * g->along_points + j) * plane);
      for (int a = 0; a < 3; a++) half[a] += g->down[i][a] * product;
    }
    for (int t = 0; t < TAPS; t++) sums[t] += g->along[j][t % 3] * half[t / 3];
  }
  for (int t = 0; t < TAPS; t++) taps[t] = sums[t];
}

void winograd_pack(const WinogradTiling *tiling, int panel, int in, int out, const float *weight,
                   bool flipped, float *panels) {
  Matrices g = matrices(tiling);
  int k_count = flipped ? out : in, n_count = flipped ? in : out;
  size_t depth = (size_t)plan_padded(k_count), width = (size_t)plan_padded(n_count);
  for (int n = 0; n < n_count; n += BLOCK) {
    int start = n / panel * panel, most = (int)width - start < panel ? (int)width - start : panel;
    for (int k = 0; k < k_count; k++) {
      Block taps[TAPS] = {0};
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
  size_t width = (size_t)plan_padded(in), plane = width * (size_t)plan_padded(out);
  for (int o = 0; o < out; o++) {
    for (int first = 0; first < in; first += BLOCK) {
      Block taps[TAPS];
      adjoint_block(&g, products + (size_t)o * width + (size_t)first, plane, taps);
      for (int i = 0; i < BLOCK && first + i < in; i++) {
        float *kernel = gradient + (size_t)(o * in + first + i) * TAPS;
        for (int t = 0; t < TAPS; t++) kernel[TAPS - 1 - t] += taps[t][i];
      }
    }
  }
}
