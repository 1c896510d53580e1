#include "winograd_transforms.h"

#include "net/winograd_weights.h"

#include <math.h>

static const double AT2[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
static const double AT3[3][5] = {{1, 1, 1, 1, 0}, {0, 1, -1, 2, 0}, {0, 1, 1, 4, 1}};
static const double AT4[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
static const double BT2[4][4] = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const double BT3[5][5] = {
    {2, -1, -2, 1, 0}, {0, -2, -1, 1, 0}, {0, 2, -3, 1, 0}, {0, -1, 0, 1, 0}, {0, 2, -1, -2, 1}};
static const double BT4[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                 {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};

static Magnitude magnitude(const double *from, int rows, int cols) {
  Magnitude m = {.rows = rows, .cols = cols};
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++) m.at[i][j] = fabs(from[i * cols + j]);
  return m;
}

Magnitude transposed(const Magnitude *m) {
  Magnitude t = {.rows = m->cols, .cols = m->rows};
  for (int i = 0; i < m->rows; i++)
    for (int j = 0; j < m->cols; j++) t.at[j][i] = m->at[i][j];
  return t;
}

Transforms transforms_of(const WinogradTiling *t) {
  Transforms all = {.step = {t->row_step, t->col_step}, .points = {t->row_step + 2, t->col_step + 2}};
  for (int d = 0; d < 2; d++) {
    int step = all.step[d], points = all.points[d];
    all.a[d] = magnitude(step == 2 ? AT2[0] : step == 3 ? AT3[0] : AT4[0], step, points);
    all.b[d] = magnitude(step == 2 ? BT2[0] : step == 3 ? BT3[0] : BT4[0], points, points);
    all.g[d] = magnitude(winograd_kernel_matrix(step)[0], points, 3);
  }
  return all;
}

WinogradTiling tiling_with(int rows, int cols, int row_step, int col_step) {
  return (WinogradTiling){
      rows, cols, row_step, col_step, (rows + row_step - 1) / row_step, (cols + col_step - 1) / col_step};
}

double growth(const Transforms *t, int d) {
  double worst = 0;
  for (int i = 0; i < t->step[d]; i++) {
    double sum = 0;
    for (int p = 0; p < t->points[d]; p++) {
      double b = 0, g = 0;
      for (int k = 0; k < t->points[d]; k++) b += t->b[d].at[p][k] * t->b[d].at[p][k];
      for (int k = 0; k < 3; k++) g += t->g[d].at[p][k] * t->g[d].at[p][k];
      sum += t->a[d].at[i][p] * t->a[d].at[i][p] * b * g;
    }
    worst = fmax(worst, sqrt(sum / 3));
  }
  return worst;
}
