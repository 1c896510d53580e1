#include "net/layout.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { TENSORS_PER_CONV = 3, TENSORS_OF_LINEARS = 6 };

static size_t take(size_t *cursor, size_t size) {
  size_t start = *cursor;
  *cursor += size;
  return start;
}

static void add_conv(NetLayout *layout, int in, int out, int kernel) {
  LayoutConv *conv = &layout->convs[layout->conv_count++];
  size_t channels = (size_t)out;
  conv->in = in, conv->out = out, conv->kernel = kernel;
  conv->weight = take(&layout->param_count, channels * (size_t)(in * kernel * kernel));
  conv->scale = take(&layout->param_count, channels);
  conv->bias = take(&layout->param_count, channels);
  conv->mean = take(&layout->stat_count, channels);
  conv->variance = take(&layout->stat_count, channels);
}

static LayoutLinear add_linear(NetLayout *layout, int in, int out) {
  LayoutLinear linear = {.in = in, .out = out};
  linear.weight = take(&layout->param_count, (size_t)in * (size_t)out);
  linear.bias = take(&layout->param_count, (size_t)out);
  return linear;
}

void layout_make(const NetShape *shape, NetLayout *layout) {
  int cells = shape->rows * shape->cols;
  layout->conv_count = 0;
  layout->param_count = layout->stat_count = 0;
  add_conv(layout, shape->planes, shape->channels, 3);
  for (int i = 0; i < 2 * shape->blocks; i++) add_conv(layout, shape->channels, shape->channels, 3);
  add_conv(layout, shape->channels, shape->policy_channels, 1);
  add_conv(layout, shape->channels, shape->value_channels, 1);
  layout->policy = add_linear(layout, shape->policy_channels * cells, shape->moves);
  layout->hidden = add_linear(layout, shape->value_channels * cells, shape->value_hidden);
  layout->value = add_linear(layout, shape->value_hidden, 3);
}

static NetTensor *put_tensor(NetTensor *at, const char *prefix, const char *name, size_t offset, int rank,
                             const int dims[4]) {
  snprintf(at->name, sizeof at->name, "%s.%s", prefix, name);
  at->offset = offset;
  at->size = 1;
  at->rank = rank;
  at->decayed = rank > 1;
  for (int i = 0; i < rank; i++) {
    at->dims[i] = dims[i];
    at->size *= (size_t)dims[i];
  }
  return at + 1;
}

static NetTensor *put_conv(NetTensor *at, const char *prefix, const LayoutConv *conv) {
  const int dims[4] = {conv->out, conv->in, conv->kernel, conv->kernel};
  at = put_tensor(at, prefix, "weight", conv->weight, 4, dims);
  at = put_tensor(at, prefix, "bn.scale", conv->scale, 1, dims);
  return put_tensor(at, prefix, "bn.bias", conv->bias, 1, dims);
}

static NetTensor *put_linear(NetTensor *at, const char *prefix, const LayoutLinear *linear) {
  const int dims[4] = {linear->out, linear->in};
  at = put_tensor(at, prefix, "weight", linear->weight, 2, dims);
  return put_tensor(at, prefix, "bias", linear->bias, 1, dims);
}

NetTensor *layout_tensors(const NetShape *shape, int *count) {
  NetLayout layout;
  layout_make(shape, &layout);
  *count = TENSORS_PER_CONV * layout.conv_count + TENSORS_OF_LINEARS;
  NetTensor *tensors = memory_new((size_t)*count, sizeof *tensors), *at = tensors;
  at = put_conv(at, "stem.conv", &layout.convs[0]);
  for (int i = 0; i < 2 * shape->blocks; i++) {
    char prefix[24];
    snprintf(prefix, sizeof prefix, "block%d.conv%d", i / 2, i % 2 + 1);
    at = put_conv(at, prefix, &layout.convs[1 + i]);
  }
  at = put_conv(at, "policy.conv", layout_policy_conv(&layout));
  at = put_conv(at, "value.conv", layout_value_conv(&layout));
  at = put_linear(at, "policy.linear", &layout.policy);
  at = put_linear(at, "value.hidden", &layout.hidden);
  put_linear(at, "value.linear", &layout.value);
  return tensors;
}
