/* Each convolution of the learner's Winograd path against its definition, within a bound on float's rounding.
 */
#include "net/trainer_internal.h"

#include "winograd_transforms.h"
#include "hang.h"

#include "base/memory.h"
#include "games/game.h"
#include "net/winograd_weights.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(trainer_conv, .timeout = HANG_SECONDS);

/* to = left |from| right^T, of right->cols columns in and right->rows out */
static void sandwich(const Magnitude *left, const Magnitude *right, const double *from, double *to) {
  for (int i = 0; i < left->rows; i++) {
    for (int j = 0; j < right->rows; j++) {
      double sum = 0;
      for (int k = 0; k < left->cols; k++)
        for (int l = 0; l < right->cols; l++)
          sum += left->at[i][k] * fabs(from[k * right->cols + l]) * right->at[j][l];
      to[i * right->rows + j] = sum;
    }
  }
}

/* A convolution x[position][cell][in] -> y[position][cell][out] by its definition, in double precision. */
typedef struct Conv {
  WinogradTiling tiling;
  int in, out, in_padded, out_padded, positions;
  const float *x, *weight, *dy;
} Conv;

static double at_cell(const WinogradTiling *t, const float *x, int position, int row, int col, int channel,
                      int channels) {
  if (row < 0 || row >= t->rows || col < 0 || col >= t->cols) return 0;
  return (double)
      x[((size_t)position * (size_t)(t->rows * t->cols) + (size_t)(row * t->cols + col)) * (size_t)channels +
        (size_t)channel];
}

/* The tile's operand: points x points with a border (input), or step x step without (output). */
static void cut_tile(const WinogradTiling *t, const float *x, int position, int tile, int channel,
                     int channels, bool border, double *to) {
  int down = t->row_step + 2 * border, along = t->col_step + 2 * border;
  int row = tile / t->tile_cols * t->row_step - border, col = tile % t->tile_cols * t->col_step - border;
  for (int i = 0; i < down; i++)
    for (int j = 0; j < along; j++)
      to[i * along + j] = at_cell(t, x, position, row + i, col + j, channel, channels);
}

/* Largest possible error of y: u n |A^T| (|G||w||G^T| . |B^T||x||B|) |A|, n the roundings on the longest way
 * (N. Higham 2002, section 3.1, applied to each product and sum): `depth` products summed; each stage of a
 * transform at most as many as its matrix has columns, and one for each coefficient. */
static double rounding(const Transforms *t, int depth) {
  const double u = FLT_EPSILON / 2;
  int n = depth + 1 + 2 * (3 + 1) + 2 * t->points[0] + 2 * t->points[1];
  return n * u / (1 - n * u);
}

/* weight[out][in] of the direction at hand */
static const float *kernel_of(const Conv *c, bool flipped, int from, int to) {
  return c->weight + (size_t)(flipped ? from * c->in + to : to * c->in + from) * TAPS;
}

/* Forward, or with `flipped` to the input: found[position][cell][to] against the definition. */
static void check_result(const Conv *c, bool flipped, const float *found, const char *what) {
  const WinogradTiling *t = &c->tiling;
  Transforms all = transforms_of(t);
  Magnitude turned_g[2] = {all.g[0], all.g[1]};
  int from = flipped ? c->out : c->in, to = flipped ? c->in : c->out;
  int from_padded = flipped ? c->out_padded : c->in_padded,
      to_padded = flipped ? c->in_padded : c->out_padded;
  const float *x = flipped ? c->dy : c->x;
  int products = winograd_products(t);
  double *u = memory_new((size_t)(from * to * products), sizeof *u),
         *v = memory_new((size_t)(from * products), sizeof *v);
  for (int f = 0; f < from; f++) {
    for (int o = 0; o < to; o++) {
      double kernel[TAPS];
      for (int tap = 0; tap < TAPS; tap++)
        kernel[tap] = kernel_of(c, flipped, f, o)[flipped ? TAPS - 1 - tap : tap];
      sandwich(&turned_g[0], &turned_g[1], kernel, u + (f * to + o) * products);
    }
  }
  double unit = rounding(&all, from_padded);
  for (int tile = 0; tile < c->positions * winograd_tiles(t); tile++) {
    int position = tile / winograd_tiles(t), place = tile % winograd_tiles(t);
    double cut[MOST * MOST], m[MOST * MOST], bound[MOST * MOST];
    for (int f = 0; f < from; f++) {
      cut_tile(t, x, position, place, f, from_padded, true, cut);
      sandwich(&all.b[0], &all.b[1], cut, v + f * products);
    }
    for (int o = 0; o < to; o++) {
      memset(m, 0, sizeof m);
      for (int f = 0; f < from; f++)
        for (int p = 0; p < products; p++) m[p] += u[(f * to + o) * products + p] * v[f * products + p];
      sandwich(&all.a[0], &all.a[1], m, bound);
      for (int i = 0; i < t->row_step * t->col_step; i++) {
        int row = place / t->tile_cols * t->row_step + i / t->col_step,
            col = place % t->tile_cols * t->col_step + i % t->col_step;
        if (row >= t->rows || col >= t->cols) continue;
        double exact = 0;
        for (int f = 0; f < from; f++)
          for (int tap = 0; tap < TAPS; tap++)
            exact += (double)kernel_of(c, flipped, f, o)[flipped ? TAPS - 1 - tap : tap] *
                     at_cell(t, x, position, row + tap / 3 - 1, col + tap % 3 - 1, f, from_padded);
        double error = fabs(at_cell(t, found, position, row, col, o, to_padded) - exact);
        cr_assert(error <= unit * bound[i], "%s, %dx%d by F(%dx%d): error %g of %g, bound %g", what, t->rows,
                  t->cols, t->row_step, t->col_step, error, exact, unit * bound[i]);
      }
    }
  }
  free(u), free(v);
}

/* found[out][in][3][3] */
static void check_weight_gradient(const Conv *c, const float *found) {
  const WinogradTiling *t = &c->tiling;
  Transforms all = transforms_of(t);
  int products = winograd_products(t), tiles = c->positions * winograd_tiles(t);
  Magnitude at[2] = {transposed(&all.a[0]), transposed(&all.a[1])},
            gt[2] = {transposed(&all.g[0]), transposed(&all.g[1])};
  double *v = memory_new((size_t)(c->out * tiles * products), sizeof *v),
         *w = memory_new((size_t)(tiles * products), sizeof *w);
  double unit = rounding(&all, tiles), cut[MOST * MOST];
  for (int o = 0; o < c->out; o++) {
    for (int tile = 0; tile < tiles; tile++) {
      cut_tile(t, c->dy, tile / winograd_tiles(t), tile % winograd_tiles(t), o, c->out_padded, true, cut);
      sandwich(&all.b[0], &all.b[1], cut, v + (o * tiles + tile) * products);
    }
  }
  for (int i = 0; i < c->in; i++) {
    for (int tile = 0; tile < tiles; tile++) {
      cut_tile(t, c->x, tile / winograd_tiles(t), tile % winograd_tiles(t), i, c->in_padded, false, cut);
      sandwich(&at[0], &at[1], cut, w + tile * products);
    }
    for (int o = 0; o < c->out; o++) {
      double sums[MOST * MOST] = {0}, bound[TAPS];
      for (int tile = 0; tile < tiles; tile++)
        for (int p = 0; p < products; p++)
          sums[p] += v[(o * tiles + tile) * products + p] * w[tile * products + p];
      sandwich(&gt[0], &gt[1], sums, bound);
      for (int tap = 0; tap < TAPS; tap++) {
        double exact = 0;
        for (int cell = 0; cell < c->positions * t->rows * t->cols; cell++) {
          int position = cell / (t->rows * t->cols), row = cell / t->cols % t->rows, col = cell % t->cols;
          exact += at_cell(t, c->dy, position, row, col, o, c->out_padded) *
                   at_cell(t, c->x, position, row + tap / 3 - 1, col + tap % 3 - 1, i, c->in_padded);
        }
        double error = fabs((double)found[(size_t)(o * c->in + i) * TAPS + (size_t)tap] - exact);
        cr_assert(error <= unit * bound[TAPS - 1 - tap],
                  "weight gradient, %dx%d by F(%dx%d): error %g of %g, bound %g", t->rows, t->cols,
                  t->row_step, t->col_step, error, exact, unit * bound[TAPS - 1 - tap]);
      }
    }
  }
  free(v), free(w);
}

/* Ordinary numbers, and those on which rounding is worst: all alike, alternating, of all magnitudes, and one
 * giant among small ones. Products stay within float's normal range, where the bound holds. */
typedef enum Inputs { NORMAL, ALIKE, ALTERNATING, MAGNITUDES, SPIKE, INPUTS } Inputs;

static float draw(Inputs kind, Rng *rng, int index) {
  switch (kind) {
  case NORMAL:
    return (float)rng_normal(rng);
  case ALIKE:
    return 1.0f / 3;
  case ALTERNATING:
    return (index % 2 ? 1e10f : -1e10f) / 3;
  case MAGNITUDES:
    return (float)(rng_normal(rng) * exp(40 * (rng_uniform(rng) - 0.5)));
  default:
    return index == 7 ? 1e12f : (float)rng_normal(rng);
  }
}

static float *draw_rows(Inputs kind, Rng *rng, int rows, int channels, int padded) {
  float *values = memory_new((size_t)(rows * padded), sizeof *values);
  for (int i = 0; i < rows * channels; i++)
    values[(size_t)(i / channels * padded + i % channels)] = draw(kind, rng, i);
  return values;
}

static void check_conv(const TrainKernels *kernels, WinogradTiling tiling, int channels, int planes,
                       int count, int index, Inputs kind) {
  NetShape shape = {planes, tiling.rows, tiling.cols, 3, 1, channels, 2, 2, 4};
  Net *net = net_new(&shape);
  NetTrainer *trainer = trainer_new_with(&shape, kernels, tiling);
  TrainerWorkspace *ws = trainer_workspace_new(trainer, count);
  const LayoutConv *layout = &trainer->layout.convs[index];
  const TrainerConv *conv = &trainer->convs[index];
  Rng rng = rng_make(41, RNG_TEST, (uint32_t)(tiling.rows * 100 + tiling.cols),
                     (uint32_t)(channels * INPUTS + (int)kind));
  int rows = count * tiling.rows * tiling.cols;
  float *x = draw_rows(kind, &rng, rows, layout->in, conv->in),
        *dy = draw_rows(kind, &rng, rows, layout->out, conv->out);
  float *y = memory_new((size_t)(rows * conv->out), sizeof *y),
        *dx = memory_new((size_t)(rows * conv->in), sizeof *dx);
  float *gradient = memory_new((size_t)(layout->in * layout->out * TAPS), sizeof *gradient);
  for (int i = 0; i < layout->in * layout->out * TAPS; i++)
    net->params[layout->weight + (size_t)i] = draw(kind, &rng, i);
  Conv c = {tiling, layout->in, layout->out, conv->in, conv->out, count, x, net->params + layout->weight, dy};
  trainer_load(trainer, net, 1);
  trainer_conv_forward(trainer, ws, index, count, x, y);
  check_result(&c, false, y, "forward");
  trainer_conv_backward(trainer, ws, index, count, false, x, dy, NULL, dx);
  if (index > 0) check_result(&c, true, dx, "gradient of the input");
  winograd_unpack_gradient(&tiling, layout->in, layout->out, ws->d_weights, gradient);
  check_weight_gradient(&c, gradient);
  trainer_workspace_free(ws);
  trainer_free(trainer);
  net_free(net);
  free(x), free(dy), free(y), free(dx), free(gradient);
}

Test(trainer_conv, convolutions_err_by_no_more_than_rounding_on_any_input) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  for (int k = 0; kernels[k]; k++) {
    for (Inputs kind = NORMAL; kind < INPUTS; kind++) {
      check_conv(kernels[k], winograd_tiling(6, 7), 20, 3, 3, 1, kind);
      check_conv(kernels[k], winograd_tiling(8, 8), 7, 17, 2, 0, kind);
      check_conv(kernels[k], winograd_tiling(9, 9), 9, 2, 2, 1, kind);
    }
  }
}

Test(trainer_conv, every_tile_on_every_kernel_convolves) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  for (int k = 0; kernels[k]; k++)
    for (int steps = 0; steps < 9; steps++)
      for (int index = 0; index < 2; index++)
        check_conv(kernels[k], tiling_with(5 + steps % 4, 7, 2 + steps / 3, 2 + steps % 3), 6, 3, 2, index,
                   NORMAL);
}

Test(trainer_conv, every_group_of_positions_and_width_of_channels_convolves) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  for (int count = 1; count <= trainer_group(70); count++)
    check_conv(kernels[0], winograd_tiling(6, 7), 5 + 6 * count, 2, count, 1, NORMAL);
  check_conv(kernels[0], winograd_tiling(1, 5), 64, 40, 4, 0, NORMAL);
  check_conv(kernels[0], winograd_tiling(13, 2), 33, 2, 3, 1, NORMAL);
  for (int i = 0; i < game_count(); i++) {
    const Game *game = game_at(i);
    check_conv(kernels[0], winograd_tiling(game->rows, game->cols), 16, game->planes, 4, 0, NORMAL);
    check_conv(kernels[0], winograd_tiling(game->rows, game->cols), 16, game->planes, 4, 1, NORMAL);
  }
}
