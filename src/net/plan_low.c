#include "net/plan_low.h"

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stdlib.h>

enum { TAPS = 9, QUAD = 4, WEIGHT_MOST = 127, ACTIVATION_MOST = 255 };

static bool has_avx512_vnni(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
#else
  return false;
#endif
}

bool low_kernels_are_fastest(void) {
  return has_avx512_vnni() || simd_has_avx_vnni();
}

void low_kernels_here(const LowKernels *list[LOW_MOST_KERNELS]) {
  int count = 0;
#ifdef __x86_64__
  if (has_avx512_vnni()) list[count++] = &low_kernels_avx512vnni;
  if (simd_has_avx_vnni()) list[count++] = &low_kernels_avxvnni;
  if (__builtin_cpu_supports("avx2")) list[count++] = &low_kernels_avx2;
#endif
  list[count++] = &low_kernels_base;
  list[count] = NULL;
}

/* Takes cells from, from + step, ... of `length` that are not taken yet, for as many full tiles as they make.
 */
static int take_edge(int tile, int from, int step, int length, bool *taken, int *cells, int count) {
  int found = 0, wanted = 0;
  for (int i = 0; i < length; i++) found += !taken[from + i * step];
  wanted = found / tile * tile;
  for (int i = 0; i < length && wanted > 0; i++) {
    int cell = from + i * step;
    if (taken[cell]) continue;
    taken[cell] = true;
    cells[count++] = cell;
    wanted--;
  }
  return count;
}

/* The taps that are on the board for some of these cells. */
static uint16_t taps_of(const LowBoard *board, const int *cells, int count) {
  unsigned taps = 0;
  for (int i = 0; i < count; i++)
    for (int tap = 0; tap < TAPS; tap++) {
      int row = cells[i] / board->cols + tap / 3 - 1, col = cells[i] % board->cols + tap % 3 - 1;
      if (row >= 0 && row < board->rows && col >= 0 && col < board->cols) taps |= 1u << tap;
    }
  return (uint16_t)taps;
}

LowTiles low_tiles_new(const LowKernels *kernels, const LowBoard *board) {
  int rows = board->rows, cols = board->cols, cells = rows * cols, count = 0, tile = kernels->tile;
  LowTiles tiles = {memory_new((size_t)cells, sizeof(int)), memory_new((size_t)cells, sizeof(uint16_t))};
  bool *taken = memory_new((size_t)cells, sizeof *taken);
  count = take_edge(tile, 0, 1, cols, taken, tiles.cells, count);                 /* top */
  count = take_edge(tile, cols - 1, cols, rows, taken, tiles.cells, count);       /* right */
  count = take_edge(tile, (rows - 1) * cols, 1, cols, taken, tiles.cells, count); /* bottom */
  count = take_edge(tile, 0, cols, rows, taken, tiles.cells, count);              /* left */
  for (int cell = 0; cell < cells; cell++)
    if (!taken[cell]) tiles.cells[count++] = cell;
  for (int first = 0, t = 0, size; first < cells; first += size, t++) {
    int left = cells - first;
    size = left >= tile ? tile : left >= 2 ? 2 : 1;
    tiles.taps[t] = taps_of(board, tiles.cells + first, size);
  }
  free(taken);
  return tiles;
}

void low_tiles_release(LowTiles *tiles) {
  free(tiles->cells);
  free(tiles->taps);
}

float low_per_step(float range) {
  return range > 0 ? (float)ACTIVATION_MOST / range : 0;
}

/* Where the weight of (out, tap, in) lies. */
static int8_t *place(const LowKernels *kernels, const LowConv *conv, int out, int tap, int in) {
  int start = out / kernels->panel * kernels->panel;
  int width = conv->out - start < kernels->panel ? conv->out - start : kernels->panel;
  size_t quads = (size_t)(tap * conv->in + in) / QUAD;
  return conv->panels + (size_t)start * TAPS * (size_t)conv->in +
         (quads * (size_t)width + (size_t)(out - start)) * QUAD + in % QUAD;
}

LowConv low_conv_new(const LowKernels *kernels, int in, int out, const float *weights, const float *bias,
                     float range) {
  LowConv conv = {.in = in, .out = out};
  conv.panels = memory_new((size_t)out * TAPS * (size_t)in, 1);
  conv.scale = memory_new((size_t)out, sizeof(float));
  conv.bias = memory_new((size_t)out, sizeof(float));
  for (int o = 0; o < out; o++, weights += in * TAPS) {
    float largest = 0;
    for (int i = 0; i < in * TAPS; i++) largest = fmaxf(largest, fabsf(weights[i]));
    float per_step = largest > 0 ? (float)WEIGHT_MOST / largest : 0;
    for (int i = 0; i < in * TAPS; i++)
      *place(kernels, &conv, o, i % TAPS, i / TAPS) = (int8_t)lrintf(weights[i] * per_step);
    conv.scale[o] = largest / (float)WEIGHT_MOST * (range / (float)ACTIVATION_MOST);
    conv.bias[o] = bias[o];
  }
  return conv;
}

void low_conv_release(LowConv *conv) {
  free(conv->panels);
  free(conv->scale);
  free(conv->bias);
}
