#include "base/memory.h"
#include "base/simd.h"
#include "net/layers.h"

#include <assert.h>
#include <stdlib.h>

/* Columns of one chunk. Measured flat from 0.8 to 1.6 MiB on 1 MiB of level-2 cache: larger ones repack the
 * weights less often, smaller ones (below 0.4) lose a tenth. */
enum { TAPS = 9, CHUNK_BYTES = 1600 << 10 };

static int tap_shift(int tap, int cols) {
  return (tap / 3 - 1) * cols + tap % 3 - 1;
}

static void fill_mask(ConvScratch *scratch) {
  int rows = scratch->rows, cols = scratch->cols, n = scratch->chunk * rows * cols;
  for (int tap = 0; tap < TAPS; tap++) {
    for (int i = 0; i < n; i++) {
      int row = i / cols % rows + tap / 3 - 1, col = i % cols + tap % 3 - 1;
      scratch->mask[tap * n + i] = row >= 0 && row < rows && col >= 0 && col < cols ? -1 : 0;
    }
  }
}

ConvScratch *conv_scratch_new(int rows, int cols, int channels, int max_positions, bool training) {
  ConvScratch *scratch = memory_new(1, sizeof *scratch);
  size_t cells = (size_t)(rows * cols), column = TAPS * (size_t)channels * sizeof(float);
  size_t chunk = CHUNK_BYTES / (column * cells);
  if (chunk < 1) chunk = 1;
  if (chunk > (size_t)max_positions) chunk = (size_t)max_positions;
  scratch->rows = rows, scratch->cols = cols, scratch->chunk = (int)chunk;
  scratch->mask = memory_new(TAPS * chunk * cells, sizeof *scratch->mask);
  scratch->columns = memory_new(TAPS * (size_t)channels * chunk * cells, sizeof(real));
  if (training) {
    scratch->flipped = memory_new(TAPS * (size_t)channels * (size_t)channels, sizeof(real));
    scratch->dflipped = memory_new(TAPS * (size_t)channels * (size_t)channels, sizeof(real));
  }
  fill_mask(scratch);
  return scratch;
}

void conv_scratch_free(ConvScratch *scratch) {
  if (!scratch) return;
  free(scratch->mask);
  free(scratch->columns);
  free(scratch->flipped);
  free(scratch->dflipped);
  free(scratch);
}

SIMD_CLONES
static void masked_copy(const real *restrict from, const RealMask *restrict mask, int n, real *restrict to) {
#pragma omp simd
  for (int i = 0; i < n; i++) {
    real value = from[i];
    to[i] = mask[i] ? value : 0;
  }
}

/* columns[channel * 9 + tap][i] = x[channel][first + i + shift of tap], zero where that is off the board. A
 * tap is one shift of the whole row of positions, so it is one masked copy; what would come from before the
 * first or after the last position is masked anyway and must only not be read. */
static void unfold(ConvScratch *scratch, const real *x, int channels, int positions, int first, int count) {
  int cells = scratch->rows * scratch->cols, n = count * cells, mask_stride = scratch->chunk * cells;
  int total = positions * cells, start = first * cells;
  for (int channel = 0; channel < channels; channel++) {
    for (int tap = 0; tap < TAPS; tap++) {
      const RealMask *mask = scratch->mask + tap * mask_stride;
      real *to = scratch->columns + (size_t)(channel * TAPS + tap) * (size_t)n;
      const real *from = x + (size_t)channel * (size_t)total;
      int shift = start + tap_shift(tap, scratch->cols);
      int low = shift < 0 ? -shift : 0, high = total - shift < n ? total - shift : n;
      if (low > n) low = n;
      if (high < low) high = low;
      for (int i = 0; i < low; i++) to[i] = 0;
      masked_copy(from + (shift + low), mask + low, high - low, to + low);
      for (int i = high; i < n; i++) to[i] = 0;
    }
  }
}

void conv3_forward(ConvScratch *scratch, const real *x, const real *weight, int in, int out, int positions,
                   real *y) {
  int cells = scratch->rows * scratch->cols, total = positions * cells;
  for (int first = 0; first < positions; first += scratch->chunk) {
    int count = positions - first < scratch->chunk ? positions - first : scratch->chunk, n = count * cells;
    unfold(scratch, x, in, positions, first, count);
    real_gemm(CblasNoTrans, CblasNoTrans, out, n, TAPS * in, weight, TAPS * in, scratch->columns, n, 0,
              y + first * cells, total);
  }
}

/* from[a][b][tap] -> to[b][a][8 - tap]; with `add`, added. Its own inverse. */
static void flip(const real *from, int a_count, int b_count, bool add, real *to) {
  for (int a = 0; a < a_count; a++) {
    for (int b = 0; b < b_count; b++) {
      const real *source = from + (size_t)(a * b_count + b) * TAPS;
      real *target = to + (size_t)(b * a_count + a) * TAPS;
      for (int tap = 0; tap < TAPS; tap++)
        target[TAPS - 1 - tap] = source[tap] + (add ? target[TAPS - 1 - tap] : 0);
    }
  }
}

static void weight_gradient(ConvScratch *scratch, const real *x, const real *dy, int in, int out,
                            int positions, real *dweight) {
  int cells = scratch->rows * scratch->cols, total = positions * cells;
  for (int first = 0; first < positions; first += scratch->chunk) {
    int count = positions - first < scratch->chunk ? positions - first : scratch->chunk, n = count * cells;
    unfold(scratch, x, in, positions, first, count);
    real_gemm(CblasNoTrans, CblasTrans, out, TAPS * in, n, dy + first * cells, total, scratch->columns, n, 1,
              dweight, TAPS * in);
  }
}

/* dx is the convolution of dy with the flipped kernels; and since shifting x one way against dy is shifting
 * dy the other way against x, the same columns of dy, unfolded once, also give the (flipped) gradient of the
 * kernels. */
void conv3_backward(ConvScratch *scratch, const real *x, const real *weight, const real *dy, int in, int out,
                    int positions, real *dx, real *dweight) {
  assert(scratch->flipped);
  if (!dx) {
    weight_gradient(scratch, x, dy, in, out, positions, dweight);
    return;
  }
  int cells = scratch->rows * scratch->cols, total = positions * cells, depth = TAPS * out;
  flip(weight, out, in, false, scratch->flipped);
  for (int first = 0; first < positions; first += scratch->chunk) {
    int count = positions - first < scratch->chunk ? positions - first : scratch->chunk, n = count * cells;
    unfold(scratch, dy, out, positions, first, count);
    real_gemm(CblasNoTrans, CblasNoTrans, in, n, depth, scratch->flipped, depth, scratch->columns, n, 0,
              dx + first * cells, total);
    real_gemm(CblasNoTrans, CblasTrans, in, depth, n, x + first * cells, total, scratch->columns, n,
              first > 0, scratch->dflipped, depth);
  }
  flip(scratch->dflipped, in, out, true, dweight);
}

void conv1_forward(const real *x, const real *weight, int in, int out, int n, real *y) {
  real_gemm(CblasNoTrans, CblasNoTrans, out, n, in, weight, in, x, n, 0, y, n);
}

void conv1_backward(const real *x, const real *weight, const real *dy, int in, int out, int n, bool add,
                    real *dx, real *dweight) {
  real_gemm(CblasTrans, CblasNoTrans, in, n, out, weight, in, dy, n, add, dx, n);
  real_gemm(CblasNoTrans, CblasTrans, out, in, n, dy, n, x, n, 1, dweight, in);
}
