#include "base/memory.h"
#include "net/core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool within(const char *name, int value, int most, Error *err) {
  if (value >= 1 && value <= most) return true;
  return error_set(err, "network shape: %s is %d; it must be from 1 to %d", name, value, most);
}

bool net_shape_valid(const NetShape *shape, Error *err) {
  enum {
    MOST_PLANES = 1024,
    MOST_SIDE = 64,
    MOST_MOVES = 1 << 16,
    MOST_HIDDEN = 1 << 14,
    MOST_PARAMS = 1 << 26
  };
  bool fine = within("planes", shape->planes, MOST_PLANES, err) &&
              within("rows", shape->rows, MOST_SIDE, err) && within("cols", shape->cols, MOST_SIDE, err) &&
              within("moves", shape->moves, MOST_MOVES, err) &&
              within("blocks", shape->blocks, NET_MAX_BLOCKS, err) &&
              within("channels", shape->channels, NET_MAX_CHANNELS, err) &&
              within("policy_channels", shape->policy_channels, NET_MAX_CHANNELS, err) &&
              within("value_channels", shape->value_channels, NET_MAX_CHANNELS, err) &&
              within("value_hidden", shape->value_hidden, MOST_HIDDEN, err);
  if (!fine) return false;
  NetLayout layout;
  layout_make(shape, &layout);
  if (layout.param_count > MOST_PARAMS)
    return error_set(err, "network shape: %zu parameters; lower net.channels or net.blocks (at most %d)",
                     layout.param_count, MOST_PARAMS);
  return true;
}

Net *net_new(const NetShape *shape) {
  Net *net = memory_new(1, sizeof *net);
  NetLayout layout;
  layout_make(shape, &layout);
  net->shape = *shape;
  net->param_count = layout.param_count;
  net->stat_count = layout.stat_count;
  net->params = memory_new(net->param_count, sizeof *net->params);
  net->stats = memory_new(net->stat_count, sizeof *net->stats);
  net->ranges = memory_new(2 * (size_t)shape->blocks, sizeof *net->ranges);
  net->tensors = layout_tensors(shape, &net->tensor_count);
  for (int i = 0; i < layout.conv_count; i++) {
    for (int c = 0; c < layout.convs[i].out; c++) net->stats[layout.convs[i].variance + (size_t)c] = 1;
  }
  return net;
}

void net_free(Net *net) {
  if (!net) return;
  free(net->params);
  free(net->stats);
  free(net->ranges);
  free(net->tensors);
  free(net);
}

Net *net_copy(const Net *net) {
  Net *copy = net_new(&net->shape);
  memcpy(copy->params, net->params, net->param_count * sizeof *net->params);
  memcpy(copy->stats, net->stats, net->stat_count * sizeof *net->stats);
  memcpy(copy->ranges, net->ranges, 2 * (size_t)net->shape.blocks * sizeof *net->ranges);
  return copy;
}

static void fill_normal(float *values, size_t count, double deviation, Rng *rng) {
  for (size_t i = 0; i < count; i++) values[i] = (float)(deviation * rng_normal(rng));
}

static void init_linear(Net *net, const LayoutLinear *linear, double gain, Rng *rng) {
  fill_normal(net->params + linear->weight, (size_t)linear->in * (size_t)linear->out,
              gain * sqrt(2.0 / linear->in), rng);
  memset(net->params + linear->bias, 0, (size_t)linear->out * sizeof *net->params);
}

/* He et al. 2015, equation 10. A block whose last batch norm starts small is nearly the identity, which lets
 * deep towers train at a large rate from the first step (P. Goyal et al. 2017, section 5.1). */
void net_init(Net *net, Rng *rng) {
  const float residual_scale = 0.2f;
  const double last_gain = 0.1;
  NetLayout layout;
  layout_make(&net->shape, &layout);
  for (int i = 0; i < layout.conv_count; i++) {
    const LayoutConv *conv = &layout.convs[i];
    int fan_in = conv->in * conv->kernel * conv->kernel;
    bool closes_block = i > 0 && i % 2 == 0 && i < layout.conv_count - 2;
    fill_normal(net->params + conv->weight, (size_t)conv->out * (size_t)fan_in, sqrt(2.0 / fan_in), rng);
    for (int c = 0; c < conv->out; c++) {
      net->params[conv->scale + (size_t)c] = closes_block ? residual_scale : 1;
      net->params[conv->bias + (size_t)c] = 0;
      net->stats[conv->mean + (size_t)c] = 0;
      net->stats[conv->variance + (size_t)c] = 1;
    }
  }
  init_linear(net, &layout.policy, last_gain, rng);
  init_linear(net, &layout.hidden, 1, rng);
  init_linear(net, &layout.value, last_gain, rng);
}

const NetTensor *net_tensor(const Net *net, const char *name) {
  for (int i = 0; i < net->tensor_count; i++) {
    if (strcmp(net->tensors[i].name, name) == 0) return &net->tensors[i];
  }
  return NULL;
}

double net_multiply_adds(const NetShape *shape) {
  double cells = (double)shape->rows * shape->cols, channels = shape->channels;
  double tower = cells * 9 * channels * (shape->planes + 2.0 * shape->blocks * channels);
  double head_convs = cells * channels * (shape->policy_channels + shape->value_channels);
  double linears =
      cells * shape->policy_channels * shape->moves + cells * shape->value_channels * shape->value_hidden;
  return tower + head_convs + linears + 3.0 * shape->value_hidden;
}

NetWorkspace *net_workspace_new(const NetShape *shape, int max_batch, bool training) {
  return core_workspace_new(shape, max_batch, training ? CORE_TRAINING : CORE_INFERENCE);
}

void net_workspace_free(NetWorkspace *workspace) {
  core_workspace_free(workspace);
}

void net_forward(const Net *net, NetWorkspace *workspace, const float *planes, int batch, float *logits,
                 float *wdl) {
  core_forward(workspace, net->params, net->stats, planes, batch);
  memcpy(logits, workspace->logits, (size_t)batch * (size_t)net->shape.moves * sizeof *logits);
  value_softmax(workspace->value, batch, wdl);
}

void net_backward_slice(const Net *net, NetWorkspace *workspace, const float *planes,
                        const float *target_policy, const uint8_t *legal, const float *target_wdl,
                        const float *weight, int batch, float policy_weight, float value_weight,
                        const NetAuxiliary *auxiliary, float *gradient, float *batch_stats, NetLoss *loss) {
  const NetSlice slice = {planes, target_policy, legal,        target_wdl, weight,
                          batch,  policy_weight, value_weight, auxiliary};
  core_backward(workspace, net->params, &slice, gradient, loss);
  memcpy(batch_stats, workspace->stats, net->stat_count * sizeof *batch_stats);
}
