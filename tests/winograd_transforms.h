/* Winograd's transforms written out once more, and how far they let rounding errors grow. */
#ifndef TESTS_WINOGRAD_TRANSFORMS_H
#define TESTS_WINOGRAD_TRANSFORMS_H

#include "net/winograd.h"

enum { TAPS = 9, MOST = WINOGRAD_MOST_POINTS };

/* Magnitudes of a matrix: what a rounding error in its operand can grow to. */
typedef struct Magnitude {
  int rows, cols;
  double at[MOST][MOST];
} Magnitude;

/* A^T, B^T and G of both directions. */
typedef struct Transforms {
  Magnitude a[2], b[2], g[2];
  int step[2], points[2];
} Transforms;

Transforms transforms_of(const WinogradTiling *tiling);
Magnitude transposed(const Magnitude *m);
/* A tiling with these steps, whatever winograd_tiling() would choose. */
WinogradTiling tiling_with(int rows, int cols, int row_step, int col_step);
/* Root mean square growth of a rounding error in one product, by one direction of F(step, 3), over that of
 * the direct sum: |result|^2 = 3, error^2 = sum over products p of a_p^2 |B_p|^2 |G_p|^2 for independent
 * inputs. */
double growth(const Transforms *transforms, int direction);

#endif
