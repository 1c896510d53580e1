/* Winograd's short convolutions: a 3x3 convolution over a board as tiles of (row_step + 2) x (col_step + 2)
 * products for row_step x col_step results each, A. Lavin and S. Gray, "Fast algorithms for convolutional
 * neural networks", CVPR 2016. A 6x7 board takes 2 x 2 tiles of 3 x 4 results: 120 products for each pair of
 * channels, not 378.
 *
 * F(2,3) interpolates at 0, 1, -1 and infinity; F(3,3) also at 2; F(4,3) also at -2. */
#ifndef NET_WINOGRAD_H
#define NET_WINOGRAD_H

#include <stddef.h>

enum { WINOGRAD_MOST_STEP = 4, WINOGRAD_MOST_POINTS = WINOGRAD_MOST_STEP + 2 };

typedef struct WinogradTiling {
  int rows, cols;           /* the board */
  int row_step, col_step;   /* results of one tile, 2 to 4 each way */
  int tile_rows, tile_cols; /* they may reach beyond the board */
} WinogradTiling;

/* The steps that need the fewest products; the smaller, and more exact, of equals. */
WinogradTiling winograd_tiling(int rows, int cols);
static inline int winograd_tiles(const WinogradTiling *tiling) {
  return tiling->tile_rows * tiling->tile_cols;
}
static inline int winograd_products(const WinogradTiling *tiling) {
  return (tiling->row_step + 2) * (tiling->col_step + 2);
}
/* G of F(step, 3), [step + 2][3]. */
const double (*winograd_kernel_matrix(int step))[3];
/* One kernel's products: G kernel G^T, as [row_step + 2][col_step + 2]. */
void winograd_kernel(const WinogradTiling *tiling, const double kernel[9], double *products);

#endif
