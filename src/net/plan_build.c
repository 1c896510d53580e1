/* From a Net to a NetPlan: batch norm is folded into the weights, which are transformed and packed for the
 * kernels. */
#include "base/memory.h"
#include "net/layers.h"
#include "net/layout.h"
#include "net/plan_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAPS = 9 };

static PlanMatrix matrix_new(int count, int k, int n) {
  PlanMatrix matrix = {.count = count, .k = k, .n = n};
  matrix.panels = memory_new((size_t)count * (size_t)k * (size_t)n, sizeof(float));
  matrix.bias = memory_new((size_t)n, sizeof(float));
  return matrix;
}

static void matrix_release(PlanMatrix *matrix) {
  free(matrix->panels);
  free(matrix->bias);
}

/* Where element [row][column] of matrix `which` lies. */
static float *element(const PlanKernels *kernels, const PlanMatrix *matrix, int which, int row, int column) {
  int start = column / kernels->panel * kernels->panel;
  int width = matrix->n - start < kernels->panel ? matrix->n - start : kernels->panel;
  size_t k = (size_t)matrix->k;
  return matrix->panels + (size_t)which * k * (size_t)matrix->n + (size_t)start * k +
         (size_t)row * (size_t)width + (size_t)(column - start);
}

/* scale (w x - mean) / sd + bias = (scale / sd) w x + (bias - mean scale / sd): the factor of w, and the
 * rest. */
static double fold(const Net *net, const LayoutConv *conv, int channel, float *bias) {
  size_t c = (size_t)channel;
  double deviation = sqrt((double)net->stats[conv->variance + c] + BATCHNORM_EPSILON);
  double factor = (double)net->params[conv->scale + c] / deviation;
  *bias = (float)((double)net->params[conv->bias + c] - (double)net->stats[conv->mean + c] * factor);
  return factor;
}

static void put_kernel(NetPlan *plan, PlanMatrix *matrix, int in, int out, const float *weight,
                       double factor) {
  double kernel[TAPS], products[WINOGRAD_MOST_POINTS * WINOGRAD_MOST_POINTS];
  for (int tap = 0; tap < TAPS; tap++) kernel[tap] = factor * (double)weight[tap];
  if (plan->method == PLAN_UNFOLDED) {
    int stride = matrix->k / TAPS;
    for (int tap = 0; tap < TAPS; tap++)
      *element(plan->kernels, matrix, 0, tap * stride + in, out) = (float)kernel[tap];
    return;
  }
  winograd_kernel(&plan->tiling, kernel, products);
  for (int p = 0; p < matrix->count; p++) *element(plan->kernels, matrix, p, in, out) = (float)products[p];
}

static PlanMatrix build_conv3(NetPlan *plan, const Net *net, const LayoutConv *conv) {
  int in = plan_padded(conv->in), out = plan_padded(conv->out);
  PlanMatrix matrix = plan->method == PLAN_UNFOLDED ? matrix_new(1, TAPS * in, out)
                                                    : matrix_new(winograd_products(&plan->tiling), in, out);
  for (int o = 0; o < conv->out; o++) {
    double factor = fold(net, conv, o, &matrix.bias[o]);
    const float *weight = net->params + conv->weight + (size_t)(o * conv->in) * TAPS;
    for (int i = 0; i < conv->in; i++) put_kernel(plan, &matrix, i, o, weight + (size_t)i * TAPS, factor);
  }
  return matrix;
}

static PlanMatrix build_conv1(const NetPlan *plan, const Net *net, const LayoutConv *conv) {
  PlanMatrix matrix = matrix_new(1, plan_padded(conv->in), plan_padded(conv->out));
  for (int o = 0; o < conv->out; o++) {
    double factor = fold(net, conv, o, &matrix.bias[o]);
    const float *weight = net->params + conv->weight + (size_t)(o * conv->in);
    for (int i = 0; i < conv->in; i++)
      *element(plan->kernels, &matrix, 0, i, o) = (float)(factor * (double)weight[i]);
  }
  return matrix;
}

/* Inputs come as [cell][padded channel], where the net has [channel][cell]. */
static PlanMatrix build_linear(const NetPlan *plan, const Net *net, const LayoutLinear *linear, int cells) {
  int channels = linear->in / cells, padded = plan_padded(channels);
  PlanMatrix matrix = matrix_new(1, cells * padded, plan_padded(linear->out));
  for (int o = 0; o < linear->out; o++) {
    const float *weight = net->params + linear->weight + (size_t)o * (size_t)linear->in;
    matrix.bias[o] = net->params[linear->bias + (size_t)o];
    for (int i = 0; i < linear->in; i++)
      *element(plan->kernels, &matrix, 0, i % cells * padded + i / cells, o) = weight[i];
  }
  return matrix;
}

void plan_kernels_here(const PlanKernels *list[PLAN_MOST_KERNELS]) {
  int count = 0;
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) list[count++] = &plan_kernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list[count++] = &plan_kernels_avx2;
#endif
  list[count++] = &plan_kernels_base;
  list[count] = NULL;
}

PlanMethod plan_method_for(const NetShape *shape) {
  /* Time with the transforms over time of the products alone; measured on 6x7 with 64 channels. */
  const double transform_cost = 1.2;
  WinogradTiling tiling = winograd_tiling(shape->rows, shape->cols);
  double products = (double)winograd_products(&tiling) * winograd_tiles(&tiling);
  return products * transform_cost < (double)TAPS * shape->rows * shape->cols ? PLAN_WINOGRAD : PLAN_UNFOLDED;
}

static LowConv build_low(const Net *net, const LayoutConv *conv, const LowKernels *kernels, float range) {
  int in = plan_padded(conv->in), out = plan_padded(conv->out);
  float *weights = memory_new((size_t)out * (size_t)in * TAPS, sizeof *weights);
  float *bias = memory_new((size_t)out, sizeof *bias);
  for (int o = 0; o < conv->out; o++) {
    double factor = fold(net, conv, o, &bias[o]);
    const float *from = net->params + conv->weight + (size_t)(o * conv->in) * TAPS;
    float *to = weights + (size_t)o * (size_t)in * TAPS;
    for (int i = 0; i < conv->in * TAPS; i++) to[i] = (float)(factor * (double)from[i]);
  }
  LowConv low = low_conv_new(kernels, in, out, weights, bias, range);
  free(weights);
  free(bias);
  return low;
}

NetPlan *plan_new_with(const Net *net, const PlanKernels *kernels, PlanMethod method, const LowKernels *low) {
  NetPlan *plan = memory_new(1, sizeof *plan);
  NetLayout layout;
  layout_make(&net->shape, &layout);
  int cells = net->shape.rows * net->shape.cols, blocks = net->shape.blocks;
  plan->shape = net->shape;
  plan->kernels = kernels;
  plan->method = method;
  plan->tiling = winograd_tiling(net->shape.rows, net->shape.cols);
  plan->low = low;
  plan->tower_count = low ? 1 : 1 + 2 * blocks;
  plan->tower = memory_new((size_t)plan->tower_count, sizeof *plan->tower);
  for (int i = 0; i < plan->tower_count; i++) plan->tower[i] = build_conv3(plan, net, &layout.convs[i]);
  if (low) {
    LowBoard board = plan_board(&net->shape);
    plan->low_tiles = low_tiles_new(low, &board);
    plan->low_convs = memory_new(2 * (size_t)blocks, sizeof *plan->low_convs);
    plan->per_step = memory_new(2 * (size_t)blocks, sizeof *plan->per_step);
    for (int i = 0; i < 2 * blocks; i++) {
      plan->low_convs[i] = build_low(net, &layout.convs[1 + i], low, net->ranges[i]);
      plan->per_step[i] = low_per_step(net->ranges[i]);
    }
  }
  plan->policy_conv = build_conv1(plan, net, layout_policy_conv(&layout));
  plan->value_conv = build_conv1(plan, net, layout_value_conv(&layout));
  plan->policy = build_linear(plan, net, &layout.policy, cells);
  plan->hidden = build_linear(plan, net, &layout.hidden, cells);
  plan->value = build_linear(plan, net, &layout.value, 1);
  if (low)
    snprintf(plan->name, sizeof plan->name, "direct product, %s, int8", low->name);
  else if (method == PLAN_WINOGRAD)
    snprintf(plan->name, sizeof plan->name, "Winograd F(%dx%d, 3x3), %s, float32", plan->tiling.row_step,
             plan->tiling.col_step, kernels->name);
  else
    snprintf(plan->name, sizeof plan->name, "unfolded product, %s, float32", kernels->name);
  return plan;
}

const char *const plan_precision_names[] = {"float32", "int8", "fastest", NULL};

PlanPrecision plan_precision_here(PlanPrecision precision) {
  if (precision != PLAN_FASTEST) return precision;
  return low_kernels_are_fastest() ? PLAN_INT8 : PLAN_FLOAT32;
}

NetPlan *plan_new_nth(const Net *net, PlanPrecision precision, int n) {
  const PlanKernels *kernels[PLAN_MOST_KERNELS];
  const LowKernels *low[LOW_MOST_KERNELS];
  int count = 0, low_count = 0;
  plan_kernels_here(kernels);
  low_kernels_here(low);
  while (kernels[count]) count++;
  while (low[low_count]) low_count++;
  bool in_integers = plan_precision_here(precision) == PLAN_INT8 && net->ranges[0] > 0;
  if (n >= (in_integers ? low_count : count)) return NULL;
  return plan_new_with(net, kernels[in_integers ? 0 : n], plan_method_for(&net->shape),
                       in_integers ? low[n] : NULL);
}

NetPlan *plan_new_as(const Net *net, PlanPrecision precision) {
  return plan_new_nth(net, precision, 0);
}

NetPlan *plan_new(const Net *net) {
  return plan_new_as(net, PLAN_FLOAT32);
}

void plan_free(NetPlan *plan) {
  if (!plan) return;
  for (int i = 0; i < plan->tower_count; i++) matrix_release(&plan->tower[i]);
  for (int i = 0; plan->low && i < 2 * plan->shape.blocks; i++) low_conv_release(&plan->low_convs[i]);
  free(plan->tower);
  low_tiles_release(&plan->low_tiles);
  free(plan->low_convs);
  free(plan->per_step);
  matrix_release(&plan->policy_conv);
  matrix_release(&plan->value_conv);
  matrix_release(&plan->policy);
  matrix_release(&plan->hidden);
  matrix_release(&plan->value);
  free(plan);
}

const NetShape *plan_shape(const NetPlan *plan) {
  return &plan->shape;
}

const char *plan_kernel(const NetPlan *plan) {
  return plan->name;
}
