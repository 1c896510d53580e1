/* Inference with batch norm folded into the convolutions, a few positions at a time through the whole network, so that
 * activations and unfolded columns stay in a core's level-2 cache. */
#include "net/plan.h"

#include "base/memory.h"
#include "base/simd.h"
#include "net/layers.h"
#include "net/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Positions that pass through together. Always this many, padded with zeros: a matrix product of one fixed shape, so
 * that a position's result does not depend on its company. */
enum { GROUP = 8 };

struct NetPlan {
  NetShape shape;
  NetLayout layout;
  float *weights; /* as the net's parameters, each kernel times its batch norm's scale */
  float *biases;  /* [conv][widest] */
  int widest;     /* most channels of any layer */
};

struct PlanWorkspace {
  ConvScratch *scratch;
  float *input, *trunk, *branch, *spare; /* [channels][GROUP * cells] */
  float *flat, *hidden, *logits, *value; /* [GROUP][...] */
};

static int widest_layer(const NetLayout *layout) {
  int widest = 0;
  for (int i = 0; i < layout->conv_count; i++) {
    if (layout->convs[i].in > widest) widest = layout->convs[i].in;
    if (layout->convs[i].out > widest) widest = layout->convs[i].out;
  }
  return widest;
}

/* scale (w x - mean) / sd + bias = (scale / sd) w x + (bias - mean scale / sd) */
static void fold(NetPlan *plan, const Net *net, int index) {
  const LayoutConv *conv = &plan->layout.convs[index];
  size_t size = (size_t)(conv->in * conv->kernel * conv->kernel);
  for (int c = 0; c < conv->out; c++) {
    size_t channel = (size_t)c;
    double factor = net->params[conv->scale + channel] / sqrt(net->stats[conv->variance + channel] + BATCHNORM_EPSILON);
    float *weight = plan->weights + conv->weight + channel * size;
    for (size_t i = 0; i < size; i++) weight[i] = (float)(weight[i] * factor);
    plan->biases[index * plan->widest + c] =
        (float)(net->params[conv->bias + channel] - net->stats[conv->mean + channel] * factor);
  }
}

NetPlan *plan_new(const Net *net) {
  NetPlan *plan = memory_new(1, sizeof *plan);
  plan->shape = net->shape;
  layout_make(&net->shape, &plan->layout);
  plan->widest = widest_layer(&plan->layout);
  plan->weights = memory_new(net->param_count, sizeof(float));
  memcpy(plan->weights, net->params, net->param_count * sizeof(float));
  plan->biases = memory_new((size_t)(plan->layout.conv_count * plan->widest), sizeof(float));
  for (int i = 0; i < plan->layout.conv_count; i++) fold(plan, net, i);
  return plan;
}

void plan_free(NetPlan *plan) {
  if (!plan) return;
  free(plan->weights);
  free(plan->biases);
  free(plan);
}

const NetShape *plan_shape(const NetPlan *plan) {
  return &plan->shape;
}

const char *plan_kernel(const NetPlan *plan) {
  (void)plan;
  return "unfolded columns x OpenBLAS SGEMM, single precision";
}

PlanWorkspace *plan_workspace_new(const NetPlan *plan, int max_batch) {
  (void)max_batch; /* batches are taken group by group */
  PlanWorkspace *workspace = memory_new(1, sizeof *workspace);
  const NetShape *shape = &plan->shape;
  size_t cells = (size_t)(shape->rows * shape->cols), tower = (size_t)plan->widest * GROUP * cells;
  int heads = shape->policy_channels > shape->value_channels ? shape->policy_channels : shape->value_channels;
  workspace->scratch = conv_scratch_new(shape->rows, shape->cols, plan->widest, GROUP, false);
  workspace->input = memory_new((size_t)shape->planes * GROUP * cells, sizeof(float));
  workspace->trunk = memory_new(tower, sizeof(float));
  workspace->branch = memory_new(tower, sizeof(float));
  workspace->spare = memory_new(tower, sizeof(float));
  workspace->flat = memory_new((size_t)heads * GROUP * cells, sizeof(float));
  workspace->hidden = memory_new((size_t)shape->value_hidden * GROUP, sizeof(float));
  workspace->logits = memory_new((size_t)shape->moves * GROUP, sizeof(float));
  workspace->value = memory_new(3 * GROUP, sizeof(float));
  return workspace;
}

void plan_workspace_free(PlanWorkspace *workspace) {
  if (!workspace) return;
  conv_scratch_free(workspace->scratch);
  free(workspace->input);
  free(workspace->trunk);
  free(workspace->branch);
  free(workspace->spare);
  free(workspace->flat);
  free(workspace->hidden);
  free(workspace->logits);
  free(workspace->value);
  free(workspace);
}

SIMD_CLONES
static void bias_relu(float *restrict y, int n, float bias) {
#pragma omp simd
  for (int i = 0; i < n; i++) {
    float value = y[i] + bias;
    y[i] = value > 0 ? value : 0;
  }
}

SIMD_CLONES
static void bias_residual_relu(float *restrict y, const float *restrict residual, int n, float bias) {
#pragma omp simd
  for (int i = 0; i < n; i++) {
    float value = y[i] + bias + residual[i];
    y[i] = value > 0 ? value : 0;
  }
}

/* y = relu(conv(x) + bias [+ residual]) */
static void convolve(const NetPlan *plan, PlanWorkspace *workspace, int index, const float *x, const float *residual,
                     float *y) {
  const LayoutConv *conv = &plan->layout.convs[index];
  int n = GROUP * plan->shape.rows * plan->shape.cols;
  const float *weight = plan->weights + conv->weight;
  if (conv->kernel == 3) conv3_forward(workspace->scratch, x, weight, conv->in, conv->out, GROUP, y);
  else conv1_forward(x, weight, conv->in, conv->out, n, y);
  for (int c = 0; c < conv->out; c++) {
    size_t start = (size_t)c * (size_t)n;
    float bias = plan->biases[index * plan->widest + c];
    if (residual) bias_residual_relu(y + start, residual + start, n, bias);
    else bias_relu(y + start, n, bias);
  }
}

/* [channels][GROUP][cells] -> [GROUP][channels][cells] */
static void flatten(const float *x, int channels, int cells, float *flat) {
  for (int i = 0; i < GROUP; i++)
    for (int c = 0; c < channels; c++)
      memcpy(flat + (size_t)(i * channels + c) * (size_t)cells, x + (size_t)(c * GROUP + i) * (size_t)cells,
             (size_t)cells * sizeof(float));
}

static void linear(const NetPlan *plan, const LayoutLinear *layer, const float *x, float *y) {
  linear_forward(x, plan->weights + layer->weight, plan->weights + layer->bias, GROUP, layer->in, layer->out, y);
}

static void forward_group(const NetPlan *plan, PlanWorkspace *workspace) {
  const NetShape *shape = &plan->shape;
  const NetLayout *layout = &plan->layout;
  int cells = shape->rows * shape->cols, tower = 1 + 2 * shape->blocks;
  float *trunk = workspace->trunk, *spare = workspace->spare;
  convolve(plan, workspace, 0, workspace->input, NULL, trunk);
  for (int i = 1; i < tower; i += 2) {
    convolve(plan, workspace, i, trunk, NULL, workspace->branch);
    convolve(plan, workspace, i + 1, workspace->branch, trunk, spare);
    float *swap = trunk;
    trunk = spare;
    spare = swap;
  }
  convolve(plan, workspace, tower, trunk, NULL, workspace->branch);
  flatten(workspace->branch, shape->policy_channels, cells, workspace->flat);
  linear(plan, &layout->policy, workspace->flat, workspace->logits);
  convolve(plan, workspace, tower + 1, trunk, NULL, workspace->branch);
  flatten(workspace->branch, shape->value_channels, cells, workspace->flat);
  linear(plan, &layout->hidden, workspace->flat, workspace->hidden);
  for (int i = 0; i < GROUP * shape->value_hidden; i++)
    if (workspace->hidden[i] < 0) workspace->hidden[i] = 0;
  linear(plan, &layout->value, workspace->hidden, workspace->value);
}

void plan_forward(const NetPlan *plan, PlanWorkspace *workspace, const float *planes, int batch, float *logits,
                  float *wdl) {
  const NetShape *shape = &plan->shape;
  size_t cells = (size_t)(shape->rows * shape->cols), channels = (size_t)shape->planes, moves = (size_t)shape->moves;
  for (int first = 0; first < batch; first += GROUP) {
    int count = batch - first < GROUP ? batch - first : GROUP;
    memset(workspace->input, 0, channels * GROUP * cells * sizeof(float));
    for (size_t i = 0; i < (size_t)count; i++)
      for (size_t c = 0; c < channels; c++)
        memcpy(workspace->input + (c * GROUP + i) * cells, planes + (((size_t)first + i) * channels + c) * cells,
               cells * sizeof(float));
    forward_group(plan, workspace);
    memcpy(logits + (size_t)first * moves, workspace->logits, (size_t)count * moves * sizeof(float));
    value_softmax(workspace->value, count, wdl + 3 * first);
  }
}
