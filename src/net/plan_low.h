/* The low-precision path of a NetPlan: the 3x3 convolutions of the residual blocks as direct products of
 * 8-bit integers, summed in 32 bits; stem and heads stay in single precision, and so do the residual sums.
 *
 * After a ReLU activations are not negative: x = step * q with q in 0..255, step = range / 255 for the whole
 * layer (plan_calibrate()). Weights are w = scale[out] * q with q in -127..127, so that
 * conv = step * scale[out] * (integer sum): per-channel symmetric quantisation as in R. Krishnamoorthi,
 * "Quantizing deep convolutional networks for efficient inference" (2018), section 2. The integers are exact,
 * so all kernels agree up to the rounding of that last product. Internal to the net layer and its tests. */
#ifndef NET_PLAN_LOW_H
#define NET_PLAN_LOW_H

#include "net/net.h"

/* Activations are [position][low_cells()][channels] bytes: cells have a border of zeros, one column of which
 * serves both ends of neighbouring rows, so that a tap is one offset from its cell anywhere on the board. */
typedef struct LowBoard {
  int rows, cols;
} LowBoard;

static inline int low_stride(const LowBoard *board) {
  return board->cols + 1;
}
static inline int low_cells(const LowBoard *board) {
  return (board->rows + 2) * low_stride(board) + 1;
}
static inline int low_cell(const LowBoard *board, int row, int col) {
  return (row + 1) * low_stride(board) + col + 1;
}

/* The order in which a kernel takes a board's cells, `tile` at a time, then by twos, then one: along the
 * edges first, where the taps that lie beyond the edge for all cells of a tile are left out. */
typedef struct LowTiles {
  int *cells;     /* [rows * cols], numbers of cells row by row */
  uint16_t *taps; /* [tiles], bit t set where tap t is on the board for some cell */
} LowTiles;

/* Channels are padded to a multiple of PLAN_PAD with zeros. */
typedef struct LowConv {
  int in, out;
  int8_t *panels;      /* [out / panel][9 taps][in / 4][panel][4], the last panel narrower */
  float *scale, *bias; /* [out]; scale is step * scale of the above */
} LowConv;

/* Where the results go; each may be NULL. */
typedef struct LowResult {
  const float *residual; /* [position][cell][out], added before the ReLU */
  float *values;         /* [position][cell][out] */
  uint8_t *quantized;    /* for the next convolution, as [position][low_cells][out] */
  float per_step;        /* its 1 / step */
} LowResult;

enum { LOW_MOST_KERNELS = 5 };
typedef struct LowKernels {
  const char *name;
  int panel; /* output channels of a full panel */
  int tile;  /* cells of a full tile */
  /* relu(conv(x) + bias [+ residual]) of `count` positions. */
  void (*convolve)(const LowBoard *board, const LowTiles *tiles, const LowConv *conv, int count,
                   const uint8_t *x, const LowResult *result);
  /* x[position][cell][channels] >= 0 -> q[position][low_cells][channels]; the border is left alone. */
  void (*quantize)(const LowBoard *board, int channels, int count, const float *x, float per_step,
                   uint8_t *q);
} LowKernels;

extern const LowKernels low_kernels_base;
#ifdef __x86_64__
extern const LowKernels low_kernels_avx2, low_kernels_avxvnni, low_kernels_avx512vnni;
#endif
/* Kernels for this CPU, best first; ends with NULL. */
void low_kernels_here(const LowKernels *list[LOW_MOST_KERNELS]);

/* Whether they were measured to be faster than single precision on CPUs like this one. */
bool low_kernels_are_fastest(void);

LowTiles low_tiles_new(const LowKernels *kernels, const LowBoard *board);
void low_tiles_release(LowTiles *tiles);
/* `weights`[out][in][9] with batch norm folded in, and bias[out]; `range` is the input's. */
LowConv low_conv_new(const LowKernels *kernels, int in, int out, const float *weights, const float *bias,
                     float range);
void low_conv_release(LowConv *conv);
/* 1 / step of an input of that range. */
float low_per_step(float range);

#endif
