/* Every layer's gradient, and the whole network's, against central differences in double precision. */
#define NET_REAL_DOUBLE
#include "base/memory.h"
#include "net/core.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gradients, .timeout = HANG_SECONDS);

/* A scalar objective of what the layer under test computes. */
typedef double Objective(void *context);

static double *random_array(Rng *rng, size_t count) {
  double *values = memory_new(count, sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = rng_normal(rng);
  return values;
}

static double dot(const double *a, const double *b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* Fourth-order central differences; the error relative to the largest component of this tensor's gradient. */
static void check_gradient(const char *name, Objective *objective, void *context, double *x, size_t count,
                           const double *gradient, size_t stride) {
  const double h = 1e-4;
  double largest = 0, worst = 0;
  for (size_t i = 0; i < count; i += stride) {
    double kept = x[i], f[4];
    const double steps[4] = {-2 * h, -h, h, 2 * h};
    for (int k = 0; k < 4; k++) {
      x[i] = kept + steps[k];
      f[k] = objective(context);
    }
    x[i] = kept;
    double numeric = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
    cr_assert(isfinite(numeric) && isfinite(gradient[i]), "%s: %g, %g", name, numeric, gradient[i]);
    largest = fmax(largest, fabs(numeric));
    worst = fmax(worst, fabs(numeric - gradient[i]));
  }
  cr_assert(worst <= 1e-6 * largest, "%s: error %g, largest gradient %g", name, worst, largest);
}

typedef struct ConvCase {
  ConvScratch *scratch;
  int in, out, positions, n, kernel;
  double *x, *weight, *y, *dy;
} ConvCase;

static double conv_objective(void *context) {
  ConvCase *c = context;
  if (c->kernel == 3)
    conv3_forward(c->scratch, c->x, c->weight, c->in, c->out, c->positions, c->y);
  else
    conv1_forward(c->x, c->weight, c->in, c->out, c->n, c->y);
  return dot(c->y, c->dy, (size_t)(c->out * c->n));
}

static void check_conv(int kernel, int rows, int cols, int in, int out, int positions, int scratch_channels) {
  Rng rng = rng_make(1, RNG_TEST, (uint32_t)(rows * 100 + cols), (uint32_t)in);
  ConvCase c = {.in = in, .out = out, .positions = positions, .n = positions * rows * cols, .kernel = kernel};
  size_t weights = (size_t)(in * out * kernel * kernel), inputs = (size_t)(in * c.n);
  c.scratch = conv_scratch_new(rows, cols, scratch_channels, positions, true);
  c.x = random_array(&rng, inputs);
  c.weight = random_array(&rng, weights);
  c.y = random_array(&rng, (size_t)(out * c.n));
  c.dy = random_array(&rng, (size_t)(out * c.n));
  double *dx = memory_new(inputs, sizeof *dx), *dweight = memory_new(weights, sizeof *dweight);
  if (kernel == 3) {
    double *alone = memory_new(weights, sizeof *alone);
    conv3_backward(c.scratch, c.x, c.weight, c.dy, in, out, positions, NULL, alone);
    check_gradient("conv3 weight, no dx", conv_objective, &c, c.weight, weights, alone, 1);
    conv3_backward(c.scratch, c.x, c.weight, c.dy, in, out, positions, dx, dweight);
    free(alone);
  } else {
    conv1_backward(c.x, c.weight, c.dy, in, out, c.n, false, dx, dweight);
  }
  check_gradient("conv weight", conv_objective, &c, c.weight, weights, dweight, 1);
  check_gradient("conv input", conv_objective, &c, c.x, inputs, dx, inputs / 200 + 1);
  conv_scratch_free(c.scratch);
  free(c.x), free(c.weight), free(c.y), free(c.dy), free(dx), free(dweight);
}

Test(gradients, convolutions) {
  check_conv(3, 6, 7, 3, 5, 4, 5);
  check_conv(3, 3, 3, 2, 4, 1, 4);
  check_conv(3, 1, 5, 2, 3, 3, 3);
  check_conv(3, 5, 4, 3, 2, 7, 512); /* scratch for so many channels holds few positions: several chunks */
  check_conv(1, 6, 7, 6, 4, 3, 6);
}

/* The definition, against which the unfolded product stands. */
Test(gradients, conv3_is_the_definition) {
  enum { ROWS = 4, COLS = 5, IN = 3, OUT = 2, POSITIONS = 6, CELLS = ROWS * COLS, N = POSITIONS * CELLS };
  Rng rng = rng_make(2, RNG_TEST, 0, 0);
  ConvScratch *scratch = conv_scratch_new(ROWS, COLS, 512, POSITIONS, false);
  cr_assert_lt(scratch->chunk, POSITIONS + 0);
  double *x = random_array(&rng, IN * N), *weight = random_array(&rng, IN * OUT * 9), y[OUT * N];
  conv3_forward(scratch, x, weight, IN, OUT, POSITIONS, y);
  for (int o = 0; o < OUT; o++) {
    for (int i = 0; i < N; i++) {
      int row = i % CELLS / COLS, col = i % COLS;
      double sum = 0;
      for (int t = 0; t < IN * 9; t++) {
        int r = row + t % 9 / 3 - 1, c = col + t % 3 - 1;
        if (r < 0 || r >= ROWS || c < 0 || c >= COLS) continue;
        sum += weight[o * IN * 9 + t] * x[t / 9 * N + i / CELLS * CELLS + r * COLS + c];
      }
      cr_assert_float_eq(y[o * N + i], sum, 1e-12);
    }
  }
  conv_scratch_free(scratch);
  free(x), free(weight);
}

enum { NORM_CHANNELS = 4, NORM_N = 37, NORM_SIZE = NORM_CHANNELS * NORM_N };

typedef struct NormCase {
  double *x, *scale, *bias, *residual, *dy;
  double y[NORM_SIZE], mean[NORM_CHANNELS], variance[NORM_CHANNELS];
  bool relu;
} NormCase;

static double norm_objective(void *context) {
  NormCase *c = context;
  batchnorm_statistics(c->x, NORM_CHANNELS, NORM_N, c->mean, c->variance);
  batchnorm_forward(c->x, c->scale, c->bias, c->mean, c->variance, NORM_CHANNELS, NORM_N, c->y);
  if (c->relu) relu_forward(c->y, c->residual, NORM_SIZE, c->y);
  return dot(c->y, c->dy, NORM_SIZE);
}

static void check_norm(bool relu) {
  Rng rng = rng_make(3, RNG_TEST, 0, relu);
  NormCase c = {.relu = relu};
  c.x = random_array(&rng, NORM_SIZE);
  c.scale = random_array(&rng, NORM_CHANNELS);
  c.bias = random_array(&rng, NORM_CHANNELS);
  c.residual = random_array(&rng, NORM_SIZE);
  c.dy = random_array(&rng, NORM_SIZE);
  double d[NORM_SIZE], dx[NORM_SIZE], dscale[NORM_CHANNELS] = {0}, dbias[NORM_CHANNELS] = {0};
  norm_objective(&c);
  memcpy(d, c.dy, sizeof d);
  if (relu) relu_backward(c.y, NORM_SIZE, d);
  batchnorm_backward(c.x, c.scale, c.mean, c.variance, d, NORM_CHANNELS, NORM_N, dx, dscale, dbias);
  check_gradient("norm input", norm_objective, &c, c.x, NORM_SIZE, dx, 1);
  check_gradient("norm scale", norm_objective, &c, c.scale, NORM_CHANNELS, dscale, 1);
  check_gradient("norm bias", norm_objective, &c, c.bias, NORM_CHANNELS, dbias, 1);
  if (relu) check_gradient("residual", norm_objective, &c, c.residual, NORM_SIZE, d, 1);
  free(c.x), free(c.scale), free(c.bias), free(c.residual), free(c.dy);
}

Test(gradients, batch_norm) {
  check_norm(false);
}

Test(gradients, residual_and_relu) {
  check_norm(true);
}

enum { LINEAR_BATCH = 5, LINEAR_IN = 7, LINEAR_OUT = 4 };

typedef struct LinearCase {
  double *x, *weight, *bias, *dy;
  double y[LINEAR_BATCH * LINEAR_OUT];
} LinearCase;

static double linear_objective(void *context) {
  LinearCase *c = context;
  linear_forward(c->x, c->weight, c->bias, LINEAR_BATCH, LINEAR_IN, LINEAR_OUT, c->y);
  return dot(c->y, c->dy, LINEAR_BATCH * LINEAR_OUT);
}

Test(gradients, linear) {
  Rng rng = rng_make(4, RNG_TEST, 0, 0);
  LinearCase c = {.x = random_array(&rng, LINEAR_BATCH * LINEAR_IN),
                  .weight = random_array(&rng, LINEAR_OUT * LINEAR_IN),
                  .bias = random_array(&rng, LINEAR_OUT),
                  .dy = random_array(&rng, LINEAR_BATCH * LINEAR_OUT)};
  double dx[LINEAR_BATCH * LINEAR_IN], dweight[LINEAR_OUT * LINEAR_IN] = {0}, dbias[LINEAR_OUT] = {0};
  linear_backward(c.x, c.weight, c.dy, LINEAR_BATCH, LINEAR_IN, LINEAR_OUT, dx, dweight, dbias);
  check_gradient("linear input", linear_objective, &c, c.x, LINEAR_BATCH * LINEAR_IN, dx, 1);
  check_gradient("linear weight", linear_objective, &c, c.weight, LINEAR_OUT * LINEAR_IN, dweight, 1);
  check_gradient("linear bias", linear_objective, &c, c.bias, LINEAR_OUT, dbias, 1);
  free(c.x), free(c.weight), free(c.bias), free(c.dy);
}

enum { SLICE = 5, MOVES = 6, PLANES = 3, ROWS = 3, COLS = 4, CELLS = ROWS * COLS };

/* A slice with illegal moves, one position without a policy target, and unequal weights. */
typedef struct SliceData {
  float planes[SLICE * PLANES * CELLS], policy[SLICE * MOVES], wdl[SLICE * 3], weight[SLICE];
  uint8_t legal[SLICE * MOVES];
} SliceData;

static void make_slice(SliceData *data, Rng *rng) {
  for (size_t i = 0; i < sizeof data->planes / sizeof(float); i++) data->planes[i] = (float)rng_normal(rng);
  for (int i = 0; i < SLICE; i++) {
    float point[MOVES];
    int legal = 0;
    for (int m = 0; m < MOVES; m++) legal += data->legal[i * MOVES + m] = m == i || rng_below(rng, 3) > 0;
    rng_dirichlet(rng, 1, legal, point);
    for (int m = 0; m < MOVES; m++) {
      if (data->legal[i * MOVES + m]) data->policy[i * MOVES + m] = i == 1 ? 0 : point[--legal];
    }
    rng_dirichlet(rng, 1, 3, data->wdl + 3 * i);
    data->weight[i] = (float)(0.5 + rng_uniform(rng));
  }
}

typedef struct LossCase {
  const SliceData *data;
  double *logits, *value;
} LossCase;

/* Positions one by one, so that the weights can be applied outside. */
static double loss_objective(void *context) {
  LossCase *c = context;
  double total = 0;
  for (int i = 0; i < SLICE; i++) {
    NetLoss loss = {0};
    policy_loss(c->logits + i * MOVES, c->data->policy + i * MOVES, c->data->legal + i * MOVES, NULL, 1, 1,
                MOVES, NULL, &loss);
    value_loss(c->value + i * 3, c->data->wdl + i * 3, NULL, 1, 1, NULL, &loss);
    total += (double)c->data->weight[i] * (0.7 * loss.policy + 1.3 * loss.value);
  }
  return total;
}

Test(gradients, losses) {
  Rng rng = rng_make(5, RNG_TEST, 0, 0);
  SliceData data = {0};
  make_slice(&data, &rng);
  LossCase c = {
      .data = &data, .logits = random_array(&rng, SLICE * MOVES), .value = random_array(&rng, SLICE * 3)};
  double dlogits[SLICE * MOVES], dvalue[SLICE * 3];
  NetLoss loss = {0};
  policy_loss(c.logits, data.policy, data.legal, data.weight, 0.7, SLICE, MOVES, dlogits, &loss);
  value_loss(c.value, data.wdl, data.weight, 1.3, SLICE, dvalue, &loss);
  check_gradient("policy logits", loss_objective, &c, c.logits, SLICE * MOVES, dlogits, 1);
  check_gradient("value logits", loss_objective, &c, c.value, SLICE * 3, dvalue, 1);
  for (int i = 0; i < SLICE * MOVES; i++) {
    if (!data.legal[i]) cr_assert_eq(dlogits[i], 0, "an illegal move got a gradient");
  }
  free(c.logits), free(c.value);
}

typedef struct NetCase {
  NetWorkspace *workspace;
  double *params;
  NetSlice slice;
} NetCase;

/* The plies' squared error from what the pass left in the hidden layer. */
static double plies_error(const NetCase *c, int position) {
  const NetOutput *plies = &c->slice.auxiliary->plies;
  int inputs = c->workspace->shape.value_hidden;
  double left = (double)plies->params[inputs];
  for (int h = 0; h < inputs; h++)
    left += (double)plies->params[h] * c->workspace->hidden[position * inputs + h];
  return (left - (double)plies->target[position]) * (left - (double)plies->target[position]);
}

/* The reply's cross-entropy from the policy head's board. */
static double reply_error(const NetCase *c, int position) {
  const NetOutput *reply = &c->slice.auxiliary->reply;
  int inputs = c->workspace->layout.policy.in;
  const double *board = c->workspace->policy_flat + (size_t)(position * inputs);
  double logits[MOVES], total = 0, error = 0;
  for (int m = 0; m < MOVES; m++) {
    logits[m] = (double)reply->params[MOVES * inputs + m];
    for (int i = 0; i < inputs; i++) logits[m] += (double)reply->params[m * inputs + i] * board[i];
    total += exp(logits[m]);
  }
  for (int m = 0; m < MOVES; m++)
    error -= (double)reply->target[position * MOVES + m] * (logits[m] - log(total));
  return error;
}

/* Per-position losses are recovered from the logits, so that the weights count here as in the backward pass.
 */
static double net_objective(void *context) {
  NetCase *c = context;
  core_forward(c->workspace, c->params, NULL, c->slice.planes, c->slice.batch);
  double total = 0;
  for (int i = 0; i < SLICE; i++) {
    NetLoss loss = {0};
    policy_loss(c->workspace->logits + i * MOVES, c->slice.target_policy + i * MOVES,
                c->slice.legal + i * MOVES, NULL, 1, 1, MOVES, NULL, &loss);
    value_loss(c->workspace->value + i * 3, c->slice.target_wdl + i * 3, NULL, 1, 1, NULL, &loss);
    total += (double)c->slice.weight[i] *
             ((double)c->slice.policy_weight * loss.policy + (double)c->slice.value_weight * loss.value +
              (double)c->slice.auxiliary->plies.weight * plies_error(c, i) +
              (double)c->slice.auxiliary->reply.weight * reply_error(c, i));
  }
  return total;
}

/* A network's auxiliary output that says something. */
static NetOutput random_output(Rng *rng, int inputs, int outputs, const float *target, float weight) {
  size_t count = (size_t)((inputs + 1) * outputs);
  float *params = memory_new(count, sizeof *params);
  for (size_t i = 0; i < count; i++) params[i] = (float)rng_normal(rng);
  return (NetOutput){
      .params = params, .target = target, .weight = weight, .gradient = memory_new(count, sizeof(float))};
}

/* The gradients of an output's own parameters. */
static void check_output(NetCase *c, const NetOutput *output, int inputs, int outputs) {
  float *params = (float *)(uintptr_t)output->params, step = 1.0f / 1024;
  for (int i = 0; i < (inputs + 1) * outputs; i++) {
    float kept = params[i];
    params[i] = kept + step;
    double above = net_objective(c), apart = (double)params[i];
    params[i] = kept - step;
    double numeric = (above - net_objective(c)) / (apart - (double)params[i]);
    params[i] = kept;
    cr_assert_float_eq((double)output->gradient[i], numeric, 1e-4 * (1 + fabs(numeric)));
  }
}

/* ReLU has a kink; a difference that straddles one says nothing. Inputs are scaled so that with h = 1e-4 the
 * odds of it are small, and the seed is one without. */
Test(gradients, whole_network) {
  const NetShape shape = {.planes = PLANES,
                          .rows = ROWS,
                          .cols = COLS,
                          .moves = MOVES,
                          .blocks = 2,
                          .channels = 5,
                          .policy_channels = 3,
                          .value_channels = 2,
                          .value_hidden = 6};
  Rng rng = rng_make(6, RNG_TEST, 0, 0);
  SliceData data = {0};
  make_slice(&data, &rng);
  float plies[SLICE], reply[SLICE * MOVES] = {0};
  for (int i = 0; i < SLICE; i++) {
    plies[i] = (float)rng_uniform(&rng);
    if (i > 0) reply[i * MOVES + i % MOVES] = 0.75f, reply[i * MOVES] += 0.25f; /* the first is not known */
  }
  int board = shape.policy_channels * ROWS * COLS;
  const NetAuxiliary auxiliary = {.plies = random_output(&rng, shape.value_hidden, 1, plies, 0.9f),
                                  .reply = random_output(&rng, board, MOVES, reply, 0.4f)};
  NetCase c = {
      .workspace = core_workspace_new(&shape, SLICE, true),
      .slice = {data.planes, data.policy, data.legal, data.wdl, data.weight, SLICE, 0.7f, 1.3f, &auxiliary}};
  size_t count = c.workspace->layout.param_count;
  c.params = random_array(&rng, count);
  double *gradient = memory_new(count, sizeof *gradient);
  NetLoss loss = {0};
  core_backward(c.workspace, c.params, &c.slice, gradient, &loss);
  int tensors = 0;
  NetTensor *tensor = layout_tensors(&shape, &tensors);
  for (int i = 0; i < tensors; i++)
    check_gradient(tensor[i].name, net_objective, &c, c.params + tensor[i].offset, tensor[i].size,
                   gradient + tensor[i].offset, 1);
  cr_assert_eq(loss.replies, SLICE - 1);
  check_output(&c, &auxiliary.plies, shape.value_hidden, 1);
  check_output(&c, &auxiliary.reply, board, MOVES);
  core_workspace_free(c.workspace);
  free(tensor), free(c.params), free(gradient);
}
