#include "net/plan_low.h"

#include "arena/accuracy.h"
#include "base/memory.h"
#include "base/rng.h"
#include "net/plan.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(plan_low, .timeout = HANG_SECONDS);

enum { TAPS = 9, POSITIONS = 3 };

typedef enum Content { RANDOM, ALL_LARGEST, ALL_LOWEST } Content;

typedef struct Layer {
  LowBoard board;
  int in, out;
  float *weights, *bias, *residual; /* as low_conv_new() and LowResult have them */
  int *integers;                    /* the weights, quantised by the definition */
  uint8_t *x;
} Layer;

static Layer layer_new(LowBoard board, int in, int out, Content content) {
  Rng rng = rng_make(41, RNG_TEST, (uint32_t)(board.rows * board.cols), (uint32_t)(in + out));
  Layer layer = {board,
                 in,
                 out,
                 memory_new((size_t)(out * in * TAPS), sizeof(float)),
                 memory_new((size_t)out, sizeof(float)),
                 memory_new((size_t)(POSITIONS * board.rows * board.cols * out), sizeof(float)),
                 memory_new((size_t)(out * in * TAPS), sizeof(int)),
                 memory_new((size_t)(POSITIONS * low_cells(&board) * in), 1)};
  for (int i = 0; i < out * in * TAPS; i++)
    layer.weights[i] = content == RANDOM ? (float)rng_normal(&rng) : content == ALL_LARGEST ? 2 : -2;
  for (int o = 0; o < out; o++) {
    float largest = 0;
    int from = o * in * TAPS, to = from + in * TAPS;
    for (int i = from; i < to; i++) largest = fmaxf(largest, fabsf(layer.weights[i]));
    for (int i = from; i < to; i++) layer.integers[i] = (int)lrintf(layer.weights[i] * (127 / largest));
  }
  for (int o = 0; o < out; o++) layer.bias[o] = content == RANDOM ? (float)rng_normal(&rng) : 0;
  for (int i = 0; i < POSITIONS * board.rows * board.cols * out; i++)
    layer.residual[i] = (float)rng_uniform(&rng);
  for (int p = 0; p < POSITIONS; p++)
    for (int row = 0; row < board.rows; row++)
      for (int col = 0; col < board.cols; col++)
        for (int i = 0; i < in; i++)
          layer.x[(p * low_cells(&board) + low_cell(&board, row, col)) * in + i] =
              content == RANDOM ? (uint8_t)rng_below(&rng, 256) : 255;
  return layer;
}

static void layer_free(Layer *layer) {
  free(layer->weights), free(layer->bias), free(layer->residual), free(layer->integers), free(layer->x);
}

static long integer_sum(const Layer *layer, int position, int row, int col, int o) {
  const LowBoard *board = &layer->board;
  long sum = 0;
  for (int tap = 0; tap < TAPS; tap++) {
    int r = row + tap / 3 - 1, c = col + tap % 3 - 1;
    if (r < 0 || r >= board->rows || c < 0 || c >= board->cols) continue;
    const uint8_t *x = layer->x + (position * low_cells(board) + low_cell(board, r, c)) * layer->in;
    for (int i = 0; i < layer->in; i++) sum += layer->integers[(o * layer->in + i) * TAPS + tap] * x[i];
  }
  return sum;
}

static void check_layer(const Layer *layer, const LowKernels *kernels) {
  const LowBoard *board = &layer->board;
  LowConv conv = low_conv_new(kernels, layer->in, layer->out, layer->weights, layer->bias, 3);
  size_t bytes = (size_t)(POSITIONS * low_cells(board) * layer->out);
  float *values = memory_new((size_t)(POSITIONS * board->rows * board->cols * layer->out), sizeof *values);
  uint8_t *quantized = memory_new(bytes, 1), *again = memory_new(bytes, 1);
  LowResult result = {layer->residual, values, quantized, low_per_step(40)};
  LowTiles tiles = low_tiles_new(kernels, board);
  kernels->convolve(board, &tiles, &conv, POSITIONS, layer->x, &result);
  for (int p = 0, at = 0; p < POSITIONS; p++)
    for (int row = 0; row < board->rows; row++)
      for (int col = 0; col < board->cols; col++)
        for (int o = 0; o < layer->out; o++, at++) {
          double sum = (double)integer_sum(layer, p, row, col, o) * (double)conv.scale[o];
          double expected = fmax(0, sum + (double)layer->bias[o] + (double)layer->residual[at]);
          /* one rounding of the sum, of each of three operations */
          double error = 4 * 6e-8 * (fabs(sum) + fabs((double)layer->bias[o]) + 1);
          cr_assert_float_eq(values[at], expected, error, "%s: %g, not %g", kernels->name, (double)values[at],
                             expected);
        }
  /* What it hands to the next layer is what quantize() makes of its values, and the border stays empty. */
  kernels->quantize(board, layer->out, POSITIONS, values, low_per_step(40), again);
  cr_assert_arr_eq(quantized, again, bytes, "%s", kernels->name);
  for (int p = 0, at = 0; p < POSITIONS; p++)
    for (int row = 0; row < board->rows; row++)
      for (int col = 0; col < board->cols; col++)
        for (int o = 0; o < layer->out; o++, at++) {
          size_t to = (size_t)((p * low_cells(board) + low_cell(board, row, col)) * layer->out + o);
          int nearest = (int)(fminf(values[at] * low_per_step(40), 255) + 0.5f);
          cr_assert_eq(again[to], nearest, "%s", kernels->name);
          again[to] = 0;
        }
  for (size_t i = 0; i < bytes; i++) cr_assert_eq(again[i], 0, "%s: border", kernels->name);
  low_conv_release(&conv);
  low_tiles_release(&tiles);
  free(values), free(quantized), free(again);
}

/* Every kernel of this CPU against the plain loops above: all tile and panel widths, and sums as large as
 * they get. */
Test(plan_low, every_kernel_is_the_integer_sum) {
  static const LowBoard boards[] = {{6, 7}, {3, 3}, {1, 5}, {6, 6}, {8, 8}, {9, 9}, {13, 2}};
  static const int channels[][2] = {{16, 16}, {32, 48}, {64, 64}, {16, 96}};
  const LowKernels *kernels[LOW_MOST_KERNELS];
  low_kernels_here(kernels);
  for (size_t b = 0; b < sizeof boards / sizeof *boards; b++) {
    for (size_t c = b ? 3 : 0; c < sizeof channels / sizeof *channels; c++) {
      for (Content content = RANDOM; content <= ALL_LOWEST; content++) {
        Layer layer = layer_new(boards[b], channels[c][0], channels[c][1], content);
        for (int k = 0; kernels[k]; k++) check_layer(&layer, kernels[k]);
        layer_free(&layer);
      }
    }
  }
}

/* Mean KL divergence of the policies over legal moves, and mean error of win - loss. */
static void disagreement(const Positions *positions, const float *exact, const float *low,
                         const float *exact_wdl, const float *low_wdl, double *divergence, double *error) {
  const Game *game = positions->game;
  *divergence = *error = 0;
  for (int i = 0; i < positions->count; i++, exact += game->moves, low += game->moves) {
    int legal[GAME_MOVES_MAX], n = game->legal(positions->states + (size_t)i * game->state_size, legal);
    double sum = 0, low_sum = 0, kl = 0;
    for (int m = 0; m < n; m++) sum += exp((double)exact[legal[m]]), low_sum += exp((double)low[legal[m]]);
    for (int m = 0; m < n; m++)
      kl += exp((double)exact[legal[m]]) / sum *
            ((double)exact[legal[m]] - log(sum) - (double)low[legal[m]] + log(low_sum));
    *divergence += kl / positions->count;
    double value = (double)(exact_wdl[3 * i] - exact_wdl[3 * i + 2]);
    *error += fabs((double)(low_wdl[3 * i] - low_wdl[3 * i + 2]) - value) / positions->count;
  }
}

static float *answers(const Net *net, PlanPrecision precision, const float *planes, int count) {
  float *out = memory_new((size_t)(count * (net->shape.moves + 3)), sizeof *out);
  NetPlan *plan = plan_new_as(net, precision);
  PlanWorkspace *workspace = plan_workspace_new(plan, count);
  plan_forward(plan, workspace, planes, count, out, out + count * net->shape.moves);
  plan_workspace_free(workspace);
  plan_free(plan);
  return out;
}

/* As published: with the ranges that its training has found. */
static void check_shipped(const char *name) {
  Error err;
  char path[FILE_PATH_MAX], relative[32];
  snprintf(relative, sizeof relative, "weights/%s.net", name);
  cr_assert(file_find_shipped(relative, path, &err), "%s", err.message);
  Net *net = net_load(path, name, NULL, NULL, &err);
  Positions *positions = positions_shipped(game_find(name), &err);
  cr_assert(net && positions, "%s", err.message);
  const Game *game = positions->game;
  int size = net->shape.planes * game->rows * game->cols, count = positions->count;
  float *planes = memory_new((size_t)(count * size), sizeof *planes);
  for (int i = 0; i < count; i++)
    game_encode(game, net->shape.planes, positions->states + (size_t)i * game->state_size, planes + i * size);
  float *exact = answers(net, PLAN_FLOAT32, planes, count), *low = answers(net, PLAN_INT8, planes, count);
  double divergence, error;
  disagreement(positions, exact, low, exact + count * game->moves, low + count * game->moves, &divergence,
               &error);
  cr_log_info("%s: KL %g nats, value error %g", name, divergence, error);
  cr_assert_lt(divergence, 0.01, "%s: %g", name, divergence);
  cr_assert_lt(error, 0.02, "%s: %g", name, error);
  /* The fastest path is one of the two, and the one that it says. */
  float *fastest = answers(net, PLAN_FASTEST, planes, count);
  PlanPrecision here = plan_precision_here(PLAN_FASTEST);
  cr_assert_eq(here, low_kernels_are_fastest() ? PLAN_INT8 : PLAN_FLOAT32);
  size_t bytes = (size_t)(count * (game->moves + 3)) * sizeof *fastest;
  cr_assert_eq(memcmp(fastest, here == PLAN_INT8 ? low : exact, bytes), 0);
  free(fastest);
  free(exact), free(low), free(planes);
  positions_free(positions);
  net_free(net);
}

Test(plan_low, the_shipped_networks_hardly_change_their_minds_on_real_positions) {
  check_shipped("connect4");
  check_shipped("othello6");
}
