/* The forward pass of a plan: a group of positions goes through the whole network together, so small that its
 * activations stay in a core's level-2 cache, so large that the weights are read seldom. */
#include "net/plan.h"

#include "base/memory.h"
#include "net/layers.h"
#include "net/plan_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
  GROUP = 8, /* positions; measured */
  TAPS = 9,
  SKEW = PLAN_PAD /* floats by which the planes of products are moved apart in the nearest cache */
};

struct PlanWorkspace {
  int max_batch;
  float *trunk, *branch, *spare; /* [group][cells][channels] */
  float *input;                  /* [group][cells][planes], padded; padding stays zero */
  float *head;                   /* [group][cells][head channels] */
  float *in_products;  /* [products][group * tiles][channels], or columns [group][cells][9 * channels] */
  float *out_products; /* [products][group * tiles][channels] */
  float *scratch;
  float *hidden, *logits, *value;  /* [group][...] padded */
  uint8_t *low_trunk, *low_branch; /* [group][low_cells()][channels], borders zero; for low precision */
  float *peaks;                    /* [2 blocks], or NULL: sums of what plan_calibrate() asks for */
};

static int largest(int a, int b) {
  return a > b ? a : b;
}

static float *floats(size_t a, int b, int c) {
  return memory_new(a * (size_t)b * (size_t)c, sizeof(float));
}

PlanWorkspace *plan_workspace_new(const NetPlan *plan, int max_batch) {
  assert(max_batch > 0);
  PlanWorkspace *ws = memory_new(1, sizeof *ws);
  const NetShape *shape = &plan->shape;
  int cells = shape->rows * shape->cols, channels = plan_padded(shape->channels),
      planes = plan_padded(shape->planes);
  int widest = largest(channels, planes), tiles = winograd_tiles(&plan->tiling);
  size_t group = max_batch < GROUP ? (size_t)max_batch : GROUP;
  ws->max_batch = max_batch;
  ws->trunk = floats(group, cells, channels);
  ws->branch = floats(group, cells, channels);
  ws->spare = floats(group, cells, channels);
  ws->input = floats(group, cells, planes);
  ws->head = floats(group, cells, largest(plan->policy_conv.n, plan->value_conv.n));
  if (plan->method == PLAN_WINOGRAD) {
    size_t products = (size_t)winograd_products(&plan->tiling);
    ws->in_products = floats(products, (int)group * tiles + 1, widest);
    ws->out_products = floats(products, (int)group * tiles + 1, channels);
    ws->scratch = floats(winograd_scratch(&plan->tiling), 1, 1);
  } else {
    ws->in_products = floats(group, cells, TAPS * widest);
  }
  ws->hidden = floats(group, plan->hidden.n, 1);
  ws->logits = floats(group, plan->policy.n, 1);
  ws->value = floats(group, plan->value.n, 1);
  if (plan->low) {
    LowBoard board = plan_board(shape);
    size_t bytes = group * (size_t)low_cells(&board) * (size_t)channels;
    ws->low_trunk = memory_new(bytes, 1);
    ws->low_branch = memory_new(bytes, 1);
  }
  return ws;
}

void plan_workspace_free(PlanWorkspace *ws) {
  if (!ws) return;
  free(ws->trunk);
  free(ws->branch);
  free(ws->spare);
  free(ws->input);
  free(ws->head);
  free(ws->in_products);
  free(ws->out_products);
  free(ws->scratch);
  free(ws->hidden);
  free(ws->logits);
  free(ws->value);
  free(ws->low_trunk);
  free(ws->low_branch);
  free(ws);
}

static void winograd(const NetPlan *plan, PlanWorkspace *ws, const PlanMatrix *conv, int count,
                     const float *x, const float *residual, float *y) {
  const PlanKernels *kernels = plan->kernels;
  const WinogradTiling *tiling = &plan->tiling;
  size_t cells = (size_t)(tiling->rows * tiling->cols), tiles = (size_t)winograd_tiles(tiling);
  size_t in = (size_t)conv->k, out = (size_t)conv->n, size = in * out, rows = (size_t)count * tiles;
  size_t in_stride = rows * in + SKEW, out_stride = rows * out + SKEW;
  for (size_t i = 0; i < (size_t)count; i++)
    kernels->winograd_input(tiling, conv->k, x + i * cells * in, ws->scratch,
                            ws->in_products + i * tiles * in, in_stride);
  for (size_t p = 0; p < (size_t)conv->count; p++)
    kernels->gemm((int)rows, conv->k, conv->n, ws->in_products + p * in_stride, in, conv->panels + p * size,
                  ws->out_products + p * out_stride, out);
  for (size_t i = 0; i < (size_t)count; i++)
    kernels->winograd_output(tiling, conv->n, ws->out_products + i * tiles * out, out_stride, conv->bias,
                             residual ? residual + i * cells * out : NULL, ws->scratch, y + i * cells * out);
}

/* columns[cell][tap][channel] = x[cell + tap][channel], zero beyond the edge */
static void unfold(int rows, int cols, size_t channels, const float *x, float *columns) {
  for (int cell = 0; cell < rows * cols; cell++) {
    for (int tap = 0; tap < TAPS; tap++, columns += channels) {
      int row = cell / cols + tap / 3 - 1, col = cell % cols + tap % 3 - 1;
      if (row >= 0 && row < rows && col >= 0 && col < cols)
        memcpy(columns, x + (size_t)(row * cols + col) * channels, channels * sizeof *x);
      else
        memset(columns, 0, channels * sizeof *x);
    }
  }
}

static void unfolded(const NetPlan *plan, PlanWorkspace *ws, const PlanMatrix *conv, int count,
                     const float *x, const float *residual, float *y) {
  int rows = plan->shape.rows, cols = plan->shape.cols;
  size_t channels = (size_t)conv->k / TAPS, cells = (size_t)(rows * cols);
  for (size_t i = 0; i < (size_t)count; i++)
    unfold(rows, cols, channels, x + i * cells * channels, ws->in_products + i * cells * (size_t)conv->k);
  plan->kernels->gemm(count * rows * cols, conv->k, conv->n, ws->in_products, (size_t)conv->k, conv->panels,
                      y, (size_t)conv->n);
  plan->kernels->finish(count * rows * cols, conv->n, conv->bias, residual, y);
}

/* y = relu(conv(x) + bias [+ residual]) */
static void convolve(const NetPlan *plan, PlanWorkspace *ws, int index, int count, const float *x,
                     const float *residual, float *y) {
  if (plan->method == PLAN_WINOGRAD)
    winograd(plan, ws, &plan->tower[index], count, x, residual, y);
  else
    unfolded(plan, ws, &plan->tower[index], count, x, residual, y);
}

static void multiply(const NetPlan *plan, const PlanMatrix *matrix, int rows, const float *x, float *y) {
  plan->kernels->gemm(rows, matrix->k, matrix->n, x, (size_t)matrix->k, matrix->panels, y, (size_t)matrix->n);
}

static void heads(const NetPlan *plan, PlanWorkspace *ws, int count, const float *trunk) {
  const PlanKernels *kernels = plan->kernels;
  int rows = count * plan->shape.rows * plan->shape.cols;
  multiply(plan, &plan->policy_conv, rows, trunk, ws->head);
  kernels->finish(rows, plan->policy_conv.n, plan->policy_conv.bias, NULL, ws->head);
  multiply(plan, &plan->policy, count, ws->head, ws->logits);
  multiply(plan, &plan->value_conv, rows, trunk, ws->head);
  kernels->finish(rows, plan->value_conv.n, plan->value_conv.bias, NULL, ws->head);
  multiply(plan, &plan->hidden, count, ws->head, ws->hidden);
  kernels->finish(count, plan->hidden.n, plan->hidden.bias, NULL, ws->hidden);
  multiply(plan, &plan->value, count, ws->hidden, ws->value);
}

/* Adds each position's largest activation. */
static void note_peaks(const NetPlan *plan, int count, const float *x, float *peak) {
  int size = plan->shape.rows * plan->shape.cols * plan_padded(plan->shape.channels);
  for (int i = 0; i < count; i++, x += size) {
    float most = 0;
    for (int j = 0; j < size; j++) most = x[j] > most ? x[j] : most;
    *peak += most;
  }
}

/* Both return the trunk's end. */
static const float *blocks(const NetPlan *plan, PlanWorkspace *ws, int count) {
  float *trunk = ws->trunk, *spare = ws->spare;
  for (int i = 1; i < 1 + 2 * plan->shape.blocks; i += 2) {
    convolve(plan, ws, i, count, trunk, NULL, ws->branch);
    convolve(plan, ws, i + 1, count, ws->branch, trunk, spare);
    if (ws->peaks) {
      note_peaks(plan, count, trunk, &ws->peaks[i - 1]);
      note_peaks(plan, count, ws->branch, &ws->peaks[i]);
    }
    float *swap = trunk;
    trunk = spare;
    spare = swap;
  }
  return trunk;
}

static const float *low_blocks(const NetPlan *plan, PlanWorkspace *ws, int count) {
  const LowKernels *kernels = plan->low;
  LowBoard board = plan_board(&plan->shape);
  int last = 2 * plan->shape.blocks - 1;
  kernels->quantize(&board, plan->low_convs[0].in, count, ws->trunk, plan->per_step[0], ws->low_trunk);
  for (int i = 0; i < last; i += 2) {
    LowResult branch = {.quantized = ws->low_branch, .per_step = plan->per_step[i + 1]};
    kernels->convolve(&board, &plan->low_tiles, &plan->low_convs[i], count, ws->low_trunk, &branch);
    LowResult sum = {.residual = ws->trunk, .values = ws->trunk};
    if (i + 1 < last) sum.quantized = ws->low_trunk, sum.per_step = plan->per_step[i + 2];
    kernels->convolve(&board, &plan->low_tiles, &plan->low_convs[i + 1], count, ws->low_branch, &sum);
  }
  return ws->trunk;
}

static void tower(const NetPlan *plan, PlanWorkspace *ws, int count) {
  convolve(plan, ws, 0, count, ws->input, NULL, ws->trunk);
  heads(plan, ws, count, plan->low ? low_blocks(plan, ws, count) : blocks(plan, ws, count));
}

void plan_gather_input(const NetShape *shape, const float *planes, int count, float *input) {
  int cells = shape->rows * shape->cols, padded = plan_padded(shape->planes);
  for (int i = 0; i < count; i++, input += cells * padded) {
    for (int plane = 0; plane < shape->planes; plane++, planes += cells) {
      for (int cell = 0; cell < cells; cell++) input[cell * padded + plane] = planes[cell];
    }
  }
}

static void write_outputs(const NetPlan *plan, const PlanWorkspace *ws, int count, float *logits,
                          float *wdl) {
  int moves = plan->shape.moves;
  for (int i = 0; i < count; i++) {
    const float *raw = ws->logits + (size_t)i * (size_t)plan->policy.n;
    const float *value = ws->value + (size_t)i * (size_t)plan->value.n;
    float shifted[3];
    for (int m = 0; m < moves; m++) logits[i * moves + m] = raw[m] + plan->policy.bias[m];
    for (int k = 0; k < 3; k++) shifted[k] = value[k] + plan->value.bias[k];
    value_softmax(shifted, 1, wdl + 3 * i);
  }
}

void plan_forward(const NetPlan *plan, PlanWorkspace *ws, const float *planes, int batch, float *logits,
                  float *wdl) {
  assert(batch <= ws->max_batch);
  const NetShape *shape = &plan->shape;
  int size = shape->planes * shape->rows * shape->cols, groups = (batch + GROUP - 1) / GROUP;
  for (int group = 0, first = 0; group < groups; group++) {
    int count = (batch - first) / (groups - group);
    plan_gather_input(shape, planes + (size_t)first * (size_t)size, count, ws->input);
    tower(plan, ws, count);
    write_outputs(plan, ws, count, logits + (size_t)first * (size_t)shape->moves, wdl + 3 * first);
    first += count;
  }
}

/* What is cut off costs far more than a coarser step: on the shipped Connect Four network the mean KL
 * divergence from single precision was 0.0055 nats with a factor of 1, 0.0005 with 1.4, 0.0002 with 2. */
static const float HEADROOM = 2;

void plan_calibrate(Net *net, const float *planes, int count) {
  NetPlan *plan = plan_new(net);
  PlanWorkspace *ws = plan_workspace_new(plan, count);
  size_t outputs = (size_t)count * (size_t)(net->shape.moves + 3);
  float *logits = memory_new(outputs, sizeof *logits);
  int ranges = 2 * net->shape.blocks;
  ws->peaks = net->ranges;
  memset(net->ranges, 0, (size_t)ranges * sizeof *net->ranges);
  plan_forward(plan, ws, planes, count, logits, logits + count * net->shape.moves);
  for (int i = 0; i < ranges; i++) net->ranges[i] *= HEADROOM / (float)count;
  free(logits);
  plan_workspace_free(ws);
  plan_free(plan);
}
