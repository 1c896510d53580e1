#include "net/winograd.h"

static const double G2[4][3] = {
    {-1, 0, 0}, {1.0 / 2, 1.0 / 2, 1.0 / 2}, {1.0 / 2, -1.0 / 2, 1.0 / 2}, {0, 0, 1}};
static const double G3[5][3] = {{1.0 / 2, 0, 0},
                                {-1.0 / 2, -1.0 / 2, -1.0 / 2},
                                {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                {1.0 / 6, 1.0 / 3, 2.0 / 3},
                                {0, 0, 1}};
static const double G4[6][3] = {{1.0 / 4, 0, 0},
                                {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                {0, 0, 1}};

const double (*winograd_kernel_matrix(int step))[3] {
  return step == 2 ? G2 : step == 3 ? G3 : G4;
}

static int count_tiles(int size, int step) {
  return (size + step - 1) / step;
}

static int best_step(int size) {
  int best = 2;
  for (int step = 3; step <= WINOGRAD_MOST_STEP; step++) {
    if (count_tiles(size, step) * (step + 2) < count_tiles(size, best) * (best + 2)) best = step;
  }
  return best;
}

WinogradTiling winograd_tiling(int rows, int cols) {
  int row_step = best_step(rows), col_step = best_step(cols);
  return (WinogradTiling){.rows = rows,
                          .cols = cols,
                          .row_step = row_step,
                          .col_step = col_step,
                          .tile_rows = count_tiles(rows, row_step),
                          .tile_cols = count_tiles(cols, col_step)};
}

void winograd_kernel(const WinogradTiling *tiling, const double kernel[9], double *products) {
  const double(*down)[3] = winograd_kernel_matrix(tiling->row_step),
        (*along)[3] = winograd_kernel_matrix(tiling->col_step);
  int width = tiling->col_step + 2;
  for (int i = 0; i < tiling->row_step + 2; i++) {
    for (int j = 0; j < width; j++) {
      double sum = 0;
      for (int tap = 0; tap < 9; tap++) sum += down[i][tap / 3] * kernel[tap] * along[j][tap % 3];
      products[i * width + j] = sum;
    }
  }
}
