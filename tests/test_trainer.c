/* The learner's Winograd path: each convolution against its definition within a bound on float's rounding,
 * the whole slice against net_backward_slice(). */
#include "net/trainer_internal.h"

#include "double_reference.h"

#include "base/memory.h"
#include "games/game.h"
#include "net/winograd_weights.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAPS = 9, MOST = WINOGRAD_MOST_POINTS };

/* The transforms as matrices, written out once more. */
static const double AT2[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
static const double AT3[3][5] = {{1, 1, 1, 1, 0}, {0, 1, -1, 2, 0}, {0, 1, 1, 4, 1}};
static const double AT4[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
static const double BT2[4][4] = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const double BT3[5][5] = {
    {2, -1, -2, 1, 0}, {0, -2, -1, 1, 0}, {0, 2, -3, 1, 0}, {0, -1, 0, 1, 0}, {0, 2, -1, -2, 1}};
static const double BT4[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                 {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};

/* Magnitudes of a matrix: what a rounding error in its operand can grow to. */
typedef struct Magnitude {
  int rows, cols;
  double at[MOST][MOST];
} Magnitude;

static Magnitude magnitude(const double *from, int rows, int cols) {
  Magnitude m = {.rows = rows, .cols = cols};
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++) m.at[i][j] = fabs(from[i * cols + j]);
  return m;
}

static Magnitude transposed(const Magnitude *m) {
  Magnitude t = {.rows = m->cols, .cols = m->rows};
  for (int i = 0; i < m->rows; i++)
    for (int j = 0; j < m->cols; j++) t.at[j][i] = m->at[i][j];
  return t;
}

/* A^T, B^T and G of both directions. */
typedef struct Transforms {
  Magnitude a[2], b[2], g[2];
  int step[2], points[2];
} Transforms;

static Transforms transforms_of(const WinogradTiling *t) {
  Transforms all = {.step = {t->row_step, t->col_step}, .points = {t->row_step + 2, t->col_step + 2}};
  for (int d = 0; d < 2; d++) {
    int step = all.step[d], points = all.points[d];
    all.a[d] = magnitude(step == 2 ? AT2[0] : step == 3 ? AT3[0] : AT4[0], step, points);
    all.b[d] = magnitude(step == 2 ? BT2[0] : step == 3 ? BT3[0] : BT4[0], points, points);
    all.g[d] = magnitude(winograd_kernel_matrix(step)[0], points, 3);
  }
  return all;
}

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

static WinogradTiling tiling_with(int rows, int cols, int row_step, int col_step) {
  return (WinogradTiling){
      rows, cols, row_step, col_step, (rows + row_step - 1) / row_step, (cols + col_step - 1) / col_step};
}

Test(trainer, convolutions_err_by_no_more_than_rounding_on_any_input) {
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

Test(trainer, every_tile_on_every_kernel_convolves) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  for (int k = 0; kernels[k]; k++)
    for (int steps = 0; steps < 9; steps++)
      for (int index = 0; index < 2; index++)
        check_conv(kernels[k], tiling_with(5 + steps % 4, 7, 2 + steps / 3, 2 + steps % 3), 6, 3, 2, index,
                   NORMAL);
}

Test(trainer, every_group_of_positions_and_width_of_channels_convolves) {
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

/* A slice of random positions and the whole network. */
typedef struct Slice {
  NetShape shape;
  Net *net;
  int batch;
  float *planes, *policy, *wdl, *weight;
  uint8_t *legal;
} Slice;

static Slice slice_new(NetShape shape, int batch) {
  Rng rng = rng_make(42, RNG_TEST, (uint32_t)(shape.rows * 100 + shape.cols),
                     (uint32_t)(shape.channels * 1000 + batch));
  size_t size = (size_t)(batch * shape.planes * shape.rows * shape.cols), moves = (size_t)shape.moves;
  Slice s = {.shape = shape, .net = net_new(&shape), .batch = batch};
  net_init(s.net, &rng);
  for (int i = 0; i < s.net->tensor_count; i++) {
    const NetTensor *tensor = &s.net->tensors[i];
    for (size_t j = 0; !tensor->decayed && j < tensor->size; j++)
      s.net->params[tensor->offset + j] += (float)(0.1 * rng_normal(&rng));
  }
  s.planes = memory_new(size, sizeof *s.planes);
  s.policy = memory_new((size_t)batch * moves, sizeof *s.policy);
  s.legal = memory_new((size_t)batch * moves, 1);
  s.wdl = memory_new((size_t)batch * 3, sizeof *s.wdl);
  s.weight = memory_new((size_t)batch, sizeof *s.weight);
  for (size_t i = 0; i < size; i++) s.planes[i] = (float)rng_below(&rng, 2);
  for (size_t i = 0; i < (size_t)batch; i++) {
    rng_dirichlet(&rng, 0.3, shape.moves, s.policy + i * moves);
    memset(s.legal + i * moves, 1, moves);
    s.wdl[i * 3 + rng_below(&rng, 3)] = 1;
    s.weight[i] = (float)rng_uniform(&rng);
  }
  return s;
}

static void slice_free(Slice *s) {
  net_free(s->net);
  free(s->planes), free(s->policy), free(s->wdl), free(s->weight), free(s->legal);
}

/* What a pass returns. */
typedef struct Found {
  float *gradient, *stats;
  NetLoss loss;
} Found;

static Found found_new(const Net *net) {
  return (Found){.gradient = memory_new(net->param_count, sizeof(float)),
                 .stats = memory_new(net->stat_count, sizeof(float))};
}

static void found_free(Found *f) {
  free(f->gradient), free(f->stats);
}

static void run_fast(const Slice *s, const NetTrainer *trainer, TrainerWorkspace *ws, Found *f) {
  trainer_backward_slice(trainer, ws, s->net, s->planes, s->policy, s->legal, s->wdl, s->weight, s->batch,
                         1.5f, 0.5f, f->gradient, f->stats, &f->loss);
}

/* A ReLU on opposite sides of zero in both passes makes gradients that differ by more than rounding. */
static int count_flips(const NetTrainer *trainer, const TrainerWorkspace *fast, const NetWorkspace *reference,
                       int n) {
  int flips = 0, channels = trainer->shape.channels, padded = trainer->convs[0].out;
  for (int i = 0; i < trainer->tower; i++)
    for (int c = 0; c < channels; c++)
      for (int r = 0; r < n; r++)
        flips += (fast->out[i][(size_t)r * (size_t)padded + (size_t)c] > 0) !=
                 (reference->out[i][(size_t)c * (size_t)n + (size_t)r] > 0);
  return flips;
}

/* Root mean square growth of a rounding error in one product, by one direction of F(step, 3), over that of
 * the direct sum: |result|^2 = 3, error^2 = sum over products p of a_p^2 |B_p|^2 |G_p|^2 for independent
 * inputs. */
static double growth(const Transforms *t, int d) {
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

/* Relative error that rounding explains: sqrt(n) u for n roundings in a row (N. Higham and T. Mary 2019),
 * grown by the transforms, in each convolution of the way forward and back, one upon the other. */
static double tolerance(const NetTrainer *trainer, int batch) {
  Transforms t = transforms_of(&trainer->tiling);
  int channels = trainer->convs[0].out, rows = batch * winograd_tiles(&trainer->tiling);
  double n = (rows > channels ? rows : channels) + 2 * (3 + 1) + 2 * t.points[0] + 2 * t.points[1];
  return 2 * trainer->tower * growth(&t, 0) * growth(&t, 1) * sqrt(n) * FLT_EPSILON / 2;
}

static double relative_error(const float *found, const float *expected, size_t count) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < count; i++) {
    double difference = (double)found[i] - (double)expected[i];
    error += difference * difference;
    norm += (double)expected[i] * (double)expected[i];
  }
  return norm > 0 ? sqrt(error / norm) : error;
}

/* Returns whether gradients could be compared. */
static bool check_slice(NetShape shape, int batch, const TrainKernels *kernels) {
  Slice s = slice_new(shape, batch);
  NetTrainer *trainer = trainer_new_with(&shape, kernels, winograd_tiling(shape.rows, shape.cols));
  TrainerWorkspace *fast = trainer_workspace_new(trainer, batch);
  NetWorkspace *reference = net_workspace_new(&shape, batch, true);
  Found found = found_new(s.net), expected = found_new(s.net);
  double most = tolerance(trainer, batch);
  trainer_load(trainer, s.net, 1);
  run_fast(&s, trainer, fast, &found);
  net_backward_slice(s.net, reference, s.planes, s.policy, s.legal, s.wdl, s.weight, batch, 1.5f, 0.5f,
                     expected.gradient, expected.stats, &expected.loss);
  int n = batch * shape.rows * shape.cols, flips = count_flips(trainer, fast, reference, n);
  cr_assert_eq(found.loss.count, batch);
  cr_assert_float_eq(found.loss.policy, expected.loss.policy, most * expected.loss.policy);
  cr_assert_float_eq(found.loss.value, expected.loss.value, most * expected.loss.value);
  cr_assert_leq(relative_error(found.stats, expected.stats, s.net->stat_count), most);
  for (int i = 0; flips == 0 && i < s.net->tensor_count; i++) {
    const NetTensor *tensor = &s.net->tensors[i];
    double error =
        relative_error(found.gradient + tensor->offset, expected.gradient + tensor->offset, tensor->size);
    cr_assert_leq(error, most, "%s, %dx%d, %d channels, batch %d, %s: relative error %g, more than %g",
                  kernels->plan->name, shape.rows, shape.cols, shape.channels, batch, tensor->name, error,
                  most);
  }
  trainer_workspace_free(fast);
  trainer_free(trainer);
  net_workspace_free(reference);
  found_free(&found), found_free(&expected);
  slice_free(&s);
  return flips == 0;
}

static NetShape small_shape(int planes, int rows, int cols, int moves, int blocks, int channels) {
  return (NetShape){planes, rows, cols, moves, blocks, channels, 3, 2, 7};
}

Test(trainer, a_slice_agrees_with_the_reference_at_every_batch_size) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  omp_set_num_threads(1); /* products this small lose by being shared */
  int compared = 0, cases = 0;
  for (int batch = 1; batch <= 70; batch += batch < 17 ? 1 : 3) {
    compared += check_slice(small_shape(2, 6, 7, 7, 1, 24), batch, kernels[0]);
    compared += check_slice(small_shape(3, 8, 8, 65, 1, 9), batch, kernels[0]);
    cases += 2;
  }
  cr_assert_geq(compared, cases * 3 / 4, "ReLUs turned in %d of %d cases", cases - compared, cases);
}

Test(trainer, a_slice_agrees_on_every_board_and_kernel) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  omp_set_num_threads(1);
  int compared = 0, cases = 0;
  for (int k = 0; kernels[k]; k++) {
    for (int i = 0; i < game_count(); i++, cases++) {
      const Game *game = game_at(i);
      compared +=
          check_slice(small_shape(game->planes, game->rows, game->cols, game->moves, 3, 32), 12, kernels[k]);
    }
    compared += check_slice(small_shape(17, 9, 9, 82, 2, 40), 5, kernels[k]);
    compared += check_slice(small_shape(2, 8, 8, 65, 3, 16), 7, kernels[k]);
    compared += check_slice(small_shape(1, 1, 5, 5, 1, 7), 33, kernels[k]);
    compared += check_slice(small_shape(2, 13, 2, 3, 2, 80), 4, kernels[k]);
    cases += 4;
  }
  cr_assert_geq(compared, cases * 3 / 4, "ReLUs turned in %d of %d cases", cases - compared, cases);
}

/* What an earlier slice, even one of NaNs, left in the workspace does not matter, nor how large it is. */
Test(trainer, a_slice_depends_on_nothing_but_itself) {
  NetShape shape = small_shape(2, 6, 7, 7, 2, 20);
  Slice s = slice_new(shape, 13), broken = slice_new(shape, 20);
  NetTrainer *trainer = trainer_new(&shape);
  TrainerWorkspace *fresh = trainer_workspace_new(trainer, 13), *used = trainer_workspace_new(trainer, 64);
  Found one = found_new(s.net), other = found_new(s.net), wasted = found_new(s.net);
  trainer_load(trainer, s.net, 2);
  for (int i = 0; i < 20 * 2 * 42; i++) broken.planes[i] = NAN;
  run_fast(&broken, trainer, used, &wasted);
  cr_assert(isnan(wasted.gradient[0]));
  run_fast(&s, trainer, fresh, &one);
  run_fast(&s, trainer, used, &other);
  cr_assert_arr_eq(one.gradient, other.gradient, s.net->param_count * sizeof(float));
  cr_assert_arr_eq(one.stats, other.stats, s.net->stat_count * sizeof(float));
  trainer_workspace_free(fresh), trainer_workspace_free(used);
  trainer_free(trainer);
  found_free(&one), found_free(&other), found_free(&wasted);
  slice_free(&s), slice_free(&broken);
}

/* Relative error of the tower's weight gradients against double precision. */
static double weight_error(const Net *net, const float *found, const double *exact) {
  double error = 0, norm = 0;
  for (int i = 0; i < net->tensor_count; i++) {
    const NetTensor *tensor = &net->tensors[i];
    for (size_t j = tensor->offset; tensor->rank == 4 && j < tensor->offset + tensor->size; j++) {
      error += pow((double)found[j] - exact[j], 2);
      norm += exact[j] * exact[j];
    }
  }
  return sqrt(error / norm);
}

/* What each tile costs in precision, which is to be no more than its growth of rounding errors explains;
 * --verbose shows the figures. */
static void check_precision(int rows, int cols) {
  enum { BATCH = 16 };
  NetShape shape = {2, rows, cols, 7, 5, 64, 16, 16, 64};
  Slice s = slice_new(shape, BATCH);
  for (int i = 0; i < BATCH; i++) s.weight[i] = 1;
  double *exact = memory_new(s.net->param_count, sizeof *exact);
  NetWorkspace *reference = net_workspace_new(&shape, BATCH, true);
  Found plain = found_new(s.net);
  double_reference_gradient(s.net, s.planes, s.policy, s.legal, s.wdl, BATCH, exact);
  net_backward_slice(s.net, reference, s.planes, s.policy, s.legal, s.wdl, NULL, BATCH, 1, 1, plain.gradient,
                     plain.stats, &plain.loss);
  double least = weight_error(s.net, plain.gradient, exact);
  cr_log_info("%dx%d, 5 x 64: relative error of the weights' gradient %.1e by plain products", rows, cols,
              least);
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  int compared = 0;
  for (int step = 1; step <= WINOGRAD_MOST_STEP; step++) {
    WinogradTiling tiling = step == 1 ? winograd_tiling(rows, cols) : tiling_with(rows, cols, step, step);
    NetTrainer *trainer = trainer_new_with(&shape, kernels[0], tiling);
    TrainerWorkspace *ws = trainer_workspace_new(trainer, BATCH);
    Found found = found_new(s.net);
    trainer_load(trainer, s.net, 1);
    trainer_backward_slice(trainer, ws, s.net, s.planes, s.policy, s.legal, s.wdl, NULL, BATCH, 1, 1,
                           found.gradient, found.stats, &found.loss);
    double error = weight_error(s.net, found.gradient, exact);
    /* A ReLU so close to zero that the two see it from different sides is no error of rounding. */
    int flips = count_flips(trainer, ws, reference, BATCH * rows * cols);
    cr_log_info("%dx%d, 5 x 64: %.1e by %s%s%s", rows, cols, error, trainer_kernel(trainer),
                step == 1 ? ", which it takes" : "",
                flips ? " (beyond a ReLU seen from its other side)" : "");
    compared += flips == 0;
    if (flips == 0) cr_assert_leq(error, tolerance(trainer, BATCH));
    trainer_workspace_free(ws);
    trainer_free(trainer);
    found_free(&found);
  }
  cr_assert_gt(compared, 0, "%dx%d: every tile met a ReLU at zero; draw other positions", rows, cols);
  net_workspace_free(reference);
  found_free(&plain);
  slice_free(&s);
  free(exact);
}

Test(trainer, precision_is_what_the_tiles_cost) {
  omp_set_num_threads(1);
  check_precision(6, 7);
  check_precision(8, 8);
  check_precision(9, 9);
}

/* Processor time of this thread: what else the machine does hardly counts. */
static double thread_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Seconds of one product at the network's shape: M = channels, K = 9 x channels, N = batch x cells. */
static double time_sgemm(const NetShape *shape, int batch) {
  int m = shape->channels, k = TAPS * m, n = batch * shape->rows * shape->cols;
  float *a = memory_new((size_t)(m * k), sizeof *a), *b = memory_new((size_t)(k * n), sizeof *b),
        *c = memory_new((size_t)(m * n), sizeof *c);
  double best = INFINITY;
  for (int r = 0; r < 10; r++) {
    double start = thread_seconds();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
    best = fmin(best, thread_seconds() - start);
  }
  free(a), free(b), free(c);
  return best;
}

/* One thread's slice by both paths, best of several; --verbose shows the figures. Sanitizers slow our own
 * code alone. */
Test(trainer, is_faster_than_the_reference) {
  enum { BATCH = 64 };
  openblas_set_num_threads(1);
  NetShape shape = {2, 6, 7, 7, 5, 64, 16, 16, 64};
  Slice s = slice_new(shape, BATCH);
  NetTrainer *trainer = trainer_new(&shape);
  TrainerWorkspace *fast = trainer_workspace_new(trainer, BATCH);
  NetWorkspace *reference = net_workspace_new(&shape, BATCH, true);
  Found found = found_new(s.net);
  double best = INFINITY, plain = INFINITY, sgemm = time_sgemm(&shape, BATCH);
  trainer_load(trainer, s.net, 1);
  for (int r = 0; r < 5; r++) {
    double start = thread_seconds();
    run_fast(&s, trainer, fast, &found);
    best = fmin(best, thread_seconds() - start);
    start = thread_seconds();
    net_backward_slice(s.net, reference, s.planes, s.policy, s.legal, s.wdl, NULL, BATCH, 1, 1,
                       found.gradient, found.stats, &found.loss);
    plain = fmin(plain, thread_seconds() - start);
    sgemm = fmin(sgemm, time_sgemm(&shape, BATCH));
  }
  double unit = sgemm / ((double)BATCH * shape.rows * shape.cols * shape.channels * shape.channels * TAPS),
         work = 3 * BATCH * net_multiply_adds(&shape);
  cr_log_info("5 x 64 on 6x7, slice of 64, one thread: 3 x forward is %.2f of the SGEMM peak by %s, %.2f by "
              "plain products",
              work * unit / best, trainer_kernel(trainer), work * unit / plain);
#ifndef __SANITIZE_ADDRESS__
  cr_assert_lt(best, plain);
#endif
  trainer_workspace_free(fast);
  trainer_free(trainer);
  net_workspace_free(reference);
  found_free(&found);
  slice_free(&s);
}
