#include "net/net.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(net, .timeout = HANG_SECONDS);

static const NetShape tiny = {.planes = 2,
                              .rows = 3,
                              .cols = 4,
                              .moves = 5,
                              .blocks = 2,
                              .channels = 6,
                              .policy_channels = 3,
                              .value_channels = 2,
                              .value_hidden = 7};
static const NetShape preset = {.planes = 2,
                                .rows = 6,
                                .cols = 7,
                                .moves = 7,
                                .blocks = 5,
                                .channels = 64,
                                .policy_channels = 32,
                                .value_channels = 32,
                                .value_hidden = 64};

/* Weights, batch norm and statistics all away from their starting values. */
static Net *random_net(const NetShape *shape, uint32_t which) {
  Rng rng = rng_make(11, RNG_TEST, which, 0);
  Net *net = net_new(shape);
  net_init(net, &rng);
  for (int i = 0; i < net->tensor_count; i++) {
    const NetTensor *tensor = &net->tensors[i];
    for (size_t j = 0; !tensor->decayed && j < tensor->size; j++)
      net->params[tensor->offset + j] += (float)(0.1 * rng_normal(&rng));
  }
  for (size_t i = 0; i < net->stat_count; i++) net->stats[i] += (float)(0.2 * rng_uniform(&rng));
  return net;
}

typedef struct Positions {
  int count;
  float *planes, *policy, *wdl;
  uint8_t *legal;
} Positions;

/* Targets are sharp enough to be told apart; the last move is never legal. */
static Positions random_positions(const NetShape *shape, int count, uint32_t which) {
  Rng rng = rng_make(12, RNG_TEST, which, 0);
  size_t size = (size_t)(count * shape->planes * shape->rows * shape->cols), moves = (size_t)shape->moves;
  Positions p = {.count = count};
  p.planes = memory_new(size, sizeof *p.planes);
  p.policy = memory_new((size_t)count * moves, sizeof *p.policy);
  p.legal = memory_new((size_t)count * moves, 1);
  p.wdl = memory_new((size_t)count * 3, sizeof *p.wdl);
  for (size_t i = 0; i < size; i++) p.planes[i] = (float)rng_below(&rng, 2);
  for (size_t i = 0; i < (size_t)count; i++) {
    rng_dirichlet(&rng, 0.3, shape->moves - 1, p.policy + i * moves);
    memset(p.legal + i * moves, 1, moves - 1);
    p.wdl[i * 3 + rng_below(&rng, 3)] = 1;
  }
  return p;
}

static void positions_free(Positions *p) {
  free(p->planes), free(p->policy), free(p->legal), free(p->wdl);
}

Test(net, shapes_are_checked) {
  Error err;
  NetShape bad = preset;
  cr_assert(net_shape_valid(&preset, &err));
  bad.channels = 513;
  cr_assert_not(net_shape_valid(&bad, &err));
  cr_assert_str_eq(err.message, "network shape: channels is 513; it must be from 1 to 512");
  bad = preset, bad.rows = 0;
  cr_assert_not(net_shape_valid(&bad, &err));
  bad = preset, bad.blocks = -1;
  cr_assert_not(net_shape_valid(&bad, &err));
  bad = preset, bad.blocks = 64, bad.channels = 512;
  cr_assert_not(net_shape_valid(&bad, &err), "302 million parameters");
}

Test(net, tensors_tile_the_parameters) {
  Net *net = net_new(&preset);
  size_t end = 0;
  for (int i = 0; i < net->tensor_count; i++) {
    const NetTensor *tensor = &net->tensors[i];
    size_t size = 1;
    for (int d = 0; d < tensor->rank; d++) size *= (size_t)tensor->dims[d];
    cr_assert_eq(tensor->offset, end, "%s", tensor->name);
    cr_assert_eq(tensor->size, size, "%s", tensor->name);
    cr_assert_eq(net_tensor(net, tensor->name), tensor, "%s is not unique", tensor->name);
    end += size;
  }
  cr_assert_eq(end, net->param_count);
  const NetTensor *kernel = net_tensor(net, "block4.conv2.weight"),
                  *scale = net_tensor(net, "block3.conv2.bn.scale");
  cr_assert(kernel && kernel->rank == 4 && kernel->dims[3] == 3 && kernel->decayed);
  cr_assert(scale && scale->size == 64 && !scale->decayed);
  cr_assert_null(net_tensor(net, "block5.conv1.weight"));
  net_free(net);
}

Test(net, multiply_adds_of_the_preset) {
  double tower = 42.0 * 9 * 64 * (2 + 10 * 64), heads = 42.0 * 64 * 64 + 42 * 32 * (7 + 64) + 3 * 64;
  cr_assert_eq(net_multiply_adds(&preset), tower + heads);
}

Test(net, training_workspace_is_modest) {
  size_t before = clock_peak_memory();
  NetWorkspace *workspace = net_workspace_new(&preset, 64, true);
  size_t bytes = clock_peak_memory() - before;
  cr_assert(bytes > 1 << 20 && bytes < 60 << 20, "%zu bytes", bytes);
  net_workspace_free(workspace);
}

Test(net, starts_nearly_uniform_and_neutral) {
  Rng rng = rng_make(1, RNG_INIT_WEIGHTS, 0, 0);
  Net *net = net_new(&preset);
  net_init(net, &rng);
  const NetTensor *kernel = net_tensor(net, "block2.conv1.weight");
  double square = 0;
  for (size_t i = 0; i < kernel->size; i++) square += pow((double)net->params[kernel->offset + i], 2);
  cr_assert_float_eq(square / (double)kernel->size, 2.0 / 576,
                     5 * sqrt(2.0 / (double)kernel->size) * 2 / 576);
  enum { BATCH = 16 };
  Positions p = random_positions(&preset, BATCH, 0);
  NetWorkspace *workspace = net_workspace_new(&preset, BATCH, false);
  float logits[BATCH * 7], wdl[BATCH * 3];
  net_forward(net, workspace, p.planes, BATCH, logits, wdl);
  for (int i = 0; i < BATCH * 7; i++) cr_assert_lt(fabsf(logits[i]), 2);
  for (int i = 0; i < BATCH; i++) {
    cr_assert_float_eq(wdl[3 * i] + wdl[3 * i + 1] + wdl[3 * i + 2], 1, 1e-5);
    cr_assert_lt(fabsf(wdl[3 * i] - wdl[3 * i + 2]), 0.5);
  }
  positions_free(&p);
  net_workspace_free(workspace);
  net_free(net);
}

/* One position by the definitions, in double precision, addressed by the tensors' names alone. */
enum { TINY_CELLS = 12, MOST = 16 };

static const float *tensor_data(const Net *net, const char *prefix, const char *name) {
  char full[64];
  snprintf(full, sizeof full, "%s.%s", prefix, name);
  const NetTensor *tensor = net_tensor(net, full);
  cr_assert(tensor, "%s", full);
  return net->params + tensor->offset;
}

static void naive_conv(const Net *net, const char *prefix, int in, int out, int kernel, const float **stats,
                       double x[][TINY_CELLS], double residual[][TINY_CELLS], double y[][TINY_CELLS]) {
  const float *weight = tensor_data(net, prefix, "weight"), *scale = tensor_data(net, prefix, "bn.scale");
  const float *bias = tensor_data(net, prefix, "bn.bias"), *mean = *stats, *variance = *stats + out;
  int reach = kernel / 2;
  for (int o = 0; o < out; o++) {
    for (int cell = 0; cell < TINY_CELLS; cell++) {
      double sum = 0;
      for (int i = 0; i < in; i++) {
        for (int tap = 0; tap < kernel * kernel; tap++) {
          int r = cell / 4 + tap / kernel - reach, c = cell % 4 + tap % kernel - reach;
          if (r < 0 || r >= 3 || c < 0 || c >= 4) continue;
          sum += (double)weight[(o * in + i) * kernel * kernel + tap] * x[i][r * 4 + c];
        }
      }
      sum = (sum - (double)mean[o]) / sqrt((double)variance[o] + 1e-5) * (double)scale[o] + (double)bias[o];
      y[o][cell] = fmax(0, sum + (residual ? residual[o][cell] : 0));
    }
  }
  *stats += 2 * out;
}

static void naive_linear(const Net *net, const char *prefix, int in, int out, const double *x, double *y) {
  const float *weight = tensor_data(net, prefix, "weight"), *bias = tensor_data(net, prefix, "bias");
  for (int o = 0; o < out; o++) {
    y[o] = (double)bias[o];
    for (int i = 0; i < in; i++) y[o] += (double)weight[o * in + i] * x[i];
  }
}

static void naive_forward(const Net *net, const float *planes, double logits[5], double value[3]) {
  static double x[MOST][TINY_CELLS], inner[MOST][TINY_CELLS], next[MOST][TINY_CELLS], hidden[MOST];
  const float *stats = net->stats;
  for (int i = 0; i < 2 * TINY_CELLS; i++) next[i / TINY_CELLS][i % TINY_CELLS] = (double)planes[i];
  naive_conv(net, "stem.conv", 2, 6, 3, &stats, next, NULL, x);
  for (int b = 0; b < 2; b++) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "block%d.conv1", b);
    naive_conv(net, prefix, 6, 6, 3, &stats, x, NULL, inner);
    snprintf(prefix, sizeof prefix, "block%d.conv2", b);
    naive_conv(net, prefix, 6, 6, 3, &stats, inner, x, next);
    memcpy(x, next, sizeof x);
  }
  naive_conv(net, "policy.conv", 6, 3, 1, &stats, x, NULL, inner);
  naive_linear(net, "policy.linear", 3 * TINY_CELLS, 5, inner[0], logits);
  naive_conv(net, "value.conv", 6, 2, 1, &stats, x, NULL, inner);
  naive_linear(net, "value.hidden", 2 * TINY_CELLS, 7, inner[0], hidden);
  for (int i = 0; i < 7; i++) hidden[i] = fmax(0, hidden[i]);
  naive_linear(net, "value.linear", 7, 3, hidden, value);
}

Test(net, forward_is_the_definition) {
  enum { BATCH = 9 };
  Net *net = random_net(&tiny, 1);
  Positions p = random_positions(&tiny, BATCH, 1);
  NetWorkspace *workspace = net_workspace_new(&tiny, BATCH + 3, false);
  float logits[BATCH * 5], wdl[BATCH * 3];
  net_forward(net, workspace, p.planes, BATCH, logits, wdl);
  for (int i = 0; i < BATCH; i++) {
    double expected[5], value[3];
    naive_forward(net, p.planes + i * 2 * TINY_CELLS, expected, value);
    double total = exp(value[0]) + exp(value[1]) + exp(value[2]);
    for (int m = 0; m < 5; m++) cr_assert_float_eq(logits[i * 5 + m], expected[m], 1e-5);
    for (int k = 0; k < 3; k++) cr_assert_float_eq(wdl[i * 3 + k], exp(value[k]) / total, 1e-6);
  }
  positions_free(&p);
  net_workspace_free(workspace);
  net_free(net);
}

static void backward(const Net *net, NetWorkspace *workspace, const Positions *p, int first, int count,
                     float *gradient, float *stats, NetLoss *loss) {
  size_t at = (size_t)first, size = (size_t)(net->shape.planes * net->shape.rows * net->shape.cols);
  size_t moves = (size_t)net->shape.moves;
  net_backward_slice(net, workspace, p->planes + at * size, p->policy + at * moves, p->legal + at * moves,
                     p->wdl + at * 3, NULL, count, 1, 1, NULL, gradient, stats, loss);
}

Test(net, evaluation_agrees_with_training_on_the_same_statistics) {
  enum { BATCH = 24 };
  Net *net = random_net(&tiny, 2);
  Positions p = random_positions(&tiny, BATCH, 2);
  NetWorkspace *training = net_workspace_new(&tiny, BATCH, true),
               *reading = net_workspace_new(&tiny, BATCH, false);
  float *gradient = memory_new(net->param_count, sizeof *gradient);
  NetLoss trained = {0};
  float logits[BATCH * 5], wdl[BATCH * 3];
  backward(net, training, &p, 0, BATCH, gradient, net->stats, &trained);
  net_forward(net, reading, p.planes, BATCH, logits, wdl);
  double policy = 0, value = 0;
  for (int i = 0; i < BATCH; i++) {
    double total = 0;
    for (int m = 0; m < 5; m++) total += p.legal[5 * i + m] ? exp((double)logits[5 * i + m]) : 0;
    for (int m = 0; m < 5; m++)
      if (p.legal[5 * i + m])
        policy -= (double)p.policy[5 * i + m] * ((double)logits[5 * i + m] - log(total));
    for (int k = 0; k < 3; k++) value -= (double)p.wdl[3 * i + k] * log((double)wdl[3 * i + k]);
  }
  cr_assert_eq(trained.count, BATCH);
  cr_assert_float_eq(trained.policy, policy, 1e-4);
  cr_assert_float_eq(trained.value, value, 1e-4);
  positions_free(&p);
  net_workspace_free(training), net_workspace_free(reading);
  net_free(net), free(gradient);
}

Test(net, illegal_moves_get_no_gradient) {
  enum { BATCH = 10 };
  Net *net = random_net(&tiny, 3);
  Positions p = random_positions(&tiny, BATCH, 3);
  NetWorkspace *workspace = net_workspace_new(&tiny, BATCH, true);
  float *gradient = memory_new(net->param_count, sizeof *gradient),
        *stats = memory_new(net->stat_count, sizeof *stats);
  NetLoss loss = {0};
  backward(net, workspace, &p, 0, BATCH, gradient, stats, &loss);
  const NetTensor *weight = net_tensor(net, "policy.linear.weight"),
                  *bias = net_tensor(net, "policy.linear.bias");
  size_t row = (size_t)weight->dims[1];
  double legal_square = 0;
  for (size_t i = 0; i < 4 * row; i++) legal_square += pow((double)gradient[weight->offset + i], 2);
  cr_assert_gt(legal_square, 0);
  for (size_t i = 0; i < row; i++) cr_assert_eq(gradient[weight->offset + 4 * row + i], 0);
  cr_assert_eq(gradient[bias->offset + 4], 0);
  positions_free(&p);
  net_workspace_free(workspace);
  net_free(net), free(gradient), free(stats);
}

/* Plain gradient descent on 64 random positions: the policy comes to the targets' own entropy, the value to
 * zero. */
Test(net, overfits_random_positions) {
  enum { BATCH = 64, STEPS = 400 };
  omp_set_num_threads(1); /* products this small lose by being shared */
  NetShape shape = tiny;
  shape.channels = 16, shape.policy_channels = 8, shape.value_channels = 8, shape.value_hidden = 32;
  Rng rng = rng_make(13, RNG_INIT_WEIGHTS, 0, 0);
  Net *net = net_new(&shape);
  net_init(net, &rng);
  Positions p = random_positions(&shape, BATCH, 4);
  NetWorkspace *workspace = net_workspace_new(&shape, BATCH, true);
  float *gradient = memory_new(net->param_count, sizeof *gradient),
        *momentum = memory_new(net->param_count, 4);
  NetLoss first = {0}, last = {0};
  double target_entropy = 0;
  for (int i = 0; i < BATCH * shape.moves; i++)
    target_entropy -= p.policy[i] > 0 ? (double)p.policy[i] * log((double)p.policy[i]) : 0;
  for (int step = 0; step <= STEPS; step++) {
    memset(gradient, 0, net->param_count * sizeof *gradient);
    last = (NetLoss){0};
    backward(net, workspace, &p, 0, BATCH, gradient, net->stats, &last);
    if (step == 0) first = last;
    for (size_t i = 0; i < net->param_count; i++) {
      momentum[i] = 0.9f * momentum[i] + gradient[i] / BATCH;
      net->params[i] -= 0.05f * momentum[i];
    }
  }
  cr_assert_gt(first.policy - target_entropy, 0.3 * BATCH);
  cr_assert(last.policy >= target_entropy && last.policy < target_entropy + 0.05 * BATCH,
            "%g above entropy %g", last.policy - target_entropy, target_entropy);
  cr_assert_lt(last.value, 0.05 * BATCH);
  positions_free(&p);
  net_workspace_free(workspace);
  net_free(net), free(gradient), free(momentum);
}

enum { SLICES = 4, SLICE = 8 };

static void sum_of_slices(const Net *net, const Positions *p, int threads, float *sum, NetLoss *loss) {
  float *gradients[SLICES], *stats = memory_new(net->stat_count * SLICES, sizeof *stats);
  NetLoss losses[SLICES] = {0};
  omp_set_num_threads(threads);
#pragma omp parallel for schedule(dynamic)
  for (int s = 0; s < SLICES; s++) {
    NetWorkspace *workspace = net_workspace_new(&net->shape, SLICE, true);
    gradients[s] = memory_new(net->param_count, sizeof(float));
    backward(net, workspace, p, s * SLICE, SLICE, gradients[s], stats + (size_t)s * net->stat_count,
             &losses[s]);
    net_workspace_free(workspace);
  }
  for (int s = 0; s < SLICES; s++) {
    for (size_t i = 0; i < net->param_count; i++) sum[i] += gradients[s][i];
    loss->policy += losses[s].policy;
    free(gradients[s]);
  }
  free(stats);
}

Test(net, slices_are_the_same_bits_at_any_thread_count) {
  Net *net = random_net(&preset, 5);
  Positions p = random_positions(&preset, SLICES * SLICE, 5);
  float *one = memory_new(net->param_count, sizeof *one), *two = memory_new(net->param_count, sizeof *two);
  NetLoss first = {0}, second = {0};
  sum_of_slices(net, &p, 1, one, &first);
  sum_of_slices(net, &p, 2, two, &second);
  cr_assert_arr_eq(one, two, net->param_count * sizeof *one);
  cr_assert_eq(first.policy, second.policy);
  positions_free(&p);
  net_free(net), free(one), free(two);
}

/* Files. */

static char *temporary(void) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/selfplay-net-%ld.net", (long)getpid());
  return path;
}

static void write_bytes(const char *path, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  cr_assert(file);
  cr_assert_eq(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

static Buffer read_bytes(const char *path) {
  Buffer buffer = {0};
  FILE *file = fopen(path, "rb");
  cr_assert(file);
  for (int c = fgetc(file); c != EOF; c = fgetc(file)) buffer_put(&buffer, &(uint8_t){(uint8_t)c}, 1);
  fclose(file);
  return buffer;
}

Test(net, file_round_trip) {
  Error err;
  char game[64], note[1024], *path = temporary();
  Net *net = random_net(&tiny, 6);
  net->ranges[0] = 1.5f;
  cr_assert(net_save(net, "connect4", "seed 7, iteration 12", path, &err), "%s", err.message);
  Net *loaded = net_load(path, "connect4", game, note, &err);
  cr_assert(loaded, "%s", err.message);
  cr_assert_str_eq(game, "connect4");
  cr_assert_str_eq(note, "seed 7, iteration 12");
  cr_assert_eq(net_hash(loaded), net_hash(net));
  cr_assert_arr_eq(loaded->params, net->params, net->param_count * sizeof(float));
  cr_assert_arr_eq(loaded->stats, net->stats, net->stat_count * sizeof(float));
  cr_assert_arr_eq(loaded->ranges, net->ranges, 2 * (size_t)net->shape.blocks * sizeof(float));
  net_free(loaded);
  cr_assert_null(net_load(path, "tictactoe", NULL, NULL, &err));
  cr_assert(strstr(err.message, path) && strstr(err.message, "'connect4', not 'tictactoe'"), "%s",
            err.message);
  unlink(path);
  cr_assert_null(net_load(path, NULL, NULL, NULL, &err));
  cr_assert(strstr(err.message, path), "%s", err.message);
  cr_assert_not(net_save(net, "connect4", NULL, "/nonexistent/folder/x.net", &err));
  net_free(net);
}

/* A damaged file is refused, or (a bit of gzip's own header, such as its time) it holds the same network. */
static void expect_refused_or_same(const char *path, uint32_t hash) {
  Error err = {.message = ""};
  Net *loaded = net_load(path, "connect4", NULL, NULL, &err);
  if (loaded)
    cr_assert_eq(net_hash(loaded), hash);
  else
    cr_assert(strstr(err.message, path), "%s", err.message);
  net_free(loaded);
}

Test(net, damaged_files_are_refused) {
  Error err;
  char *path = temporary();
  Net *net = random_net(&tiny, 7);
  cr_assert(net_save(net, "connect4", "", path, &err));
  Buffer whole = read_bytes(path);
  for (size_t size = 0; size < whole.size; size += size < 256 || size + 64 > whole.size ? 1 : 29) {
    write_bytes(path, whole.data, size);
    Net *loaded = net_load(path, "connect4", NULL, NULL, &err);
    cr_assert_null(loaded, "cut to %zu of %zu bytes", size, whole.size);
  }
  Rng rng = rng_make(14, RNG_TEST, 0, 0);
  for (int i = 0; i < 1500; i++) {
    uint32_t at = i < 64 ? (uint32_t)i : rng_below(&rng, (uint32_t)whole.size);
    uint8_t kept = whole.data[at];
    whole.data[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
    write_bytes(path, whole.data, whole.size);
    expect_refused_or_same(path, net_hash(net));
    whole.data[at] = kept;
  }
  unlink(path);
  buffer_free(&whole);
  net_free(net);
}

/* Blocks whose checksum is right and whose content is not. */
Test(net, wrong_shapes_are_refused) {
  enum { SHAPE_AT = 64, FIELDS = 9 };
  Error err;
  char *path = temporary();
  Net *net = random_net(&tiny, 8);
  cr_assert(net_save(net, "connect4", "", path, &err));
  Buffer payload = {0};
  cr_assert(file_read_block(path, "SPNETWRK", 1, NULL, &payload, &err));
  const int32_t values[] = {0, -1, 1, 9, 512, 1 << 20, INT32_MAX, INT32_MIN};
  for (int field = 0; field < FIELDS; field++) {
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
      int32_t kept;
      memcpy(&kept, payload.data + SHAPE_AT + 4 * field, 4);
      memcpy(payload.data + SHAPE_AT + 4 * field, &values[v], 4);
      cr_assert(file_write_block(path, "SPNETWRK", 1, BLOCK_SMALL, &payload, &err));
      cr_assert_null(net_load(path, NULL, NULL, NULL, &err), "field %d as %d", field, values[v]);
      cr_assert(strstr(err.message, path), "%s", err.message);
      memcpy(payload.data + SHAPE_AT + 4 * field, &kept, 4);
    }
  }
  const float broken = NAN;
  memcpy(payload.data + payload.size - 4, &broken, 4);
  cr_assert(file_write_block(path, "SPNETWRK", 1, BLOCK_SMALL, &payload, &err));
  cr_assert_null(net_load(path, NULL, NULL, NULL, &err));
  cr_assert(strstr(err.message, "not finite"), "%s", err.message);
  unlink(path);
  buffer_free(&payload);
  net_free(net);
}
