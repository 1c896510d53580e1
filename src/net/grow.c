#include "net/layout.h"

#include <assert.h>
#include <string.h>

/* The small convolution becomes the first inputs and outputs of the large one; its outputs hear no new
 * inputs. */
static void grow_conv(const Net *net, const LayoutConv *small, Net *grown, const LayoutConv *large) {
  size_t area = (size_t)(small->kernel * small->kernel), outputs = (size_t)small->out;
  for (size_t o = 0; o < outputs; o++) {
    float *row = grown->params + large->weight + o * (size_t)large->in * area;
    memset(row, 0, (size_t)large->in * area * sizeof *row);
    memcpy(row, net->params + small->weight + o * (size_t)small->in * area,
           (size_t)small->in * area * sizeof *row);
  }
  memcpy(grown->params + large->scale, net->params + small->scale, outputs * sizeof(float));
  memcpy(grown->params + large->bias, net->params + small->bias, outputs * sizeof(float));
  memcpy(grown->stats + large->mean, net->stats + small->mean, outputs * sizeof(float));
  memcpy(grown->stats + large->variance, net->stats + small->variance, outputs * sizeof(float));
}

/* A block that closes with a batch norm of scale and bias zero hands its input on. */
static void silence_block(Net *grown, const LayoutConv *closing) {
  memset(grown->params + closing->scale, 0, (size_t)closing->out * sizeof(float));
  memset(grown->params + closing->bias, 0, (size_t)closing->out * sizeof(float));
}

Net *net_grow(const Net *net, const NetShape *shape, Rng *rng) {
  const NetShape *small_shape = &net->shape;
  assert(shape->blocks >= small_shape->blocks && shape->channels >= small_shape->channels);
  assert(shape->policy_channels == small_shape->policy_channels && shape->moves == small_shape->moves);
  assert(shape->value_channels == small_shape->value_channels &&
         shape->value_hidden == small_shape->value_hidden);
  NetLayout small, large;
  layout_make(small_shape, &small);
  layout_make(shape, &large);
  Net *grown = net_new(shape);
  net_init(grown, rng);
  for (int i = 0; i < small.conv_count - 2; i++) grow_conv(net, &small.convs[i], grown, &large.convs[i]);
  grow_conv(net, layout_policy_conv(&small), grown, layout_policy_conv(&large));
  grow_conv(net, layout_value_conv(&small), grown, layout_value_conv(&large));
  for (int block = small_shape->blocks; block < shape->blocks; block++)
    silence_block(grown, &large.convs[2 + 2 * block]);
  /* The linear layers see the heads' channels, whose number is the same, and come last. */
  memcpy(grown->params + large.policy.weight, net->params + small.policy.weight,
         (small.param_count - small.policy.weight) * sizeof(float));
  return grown;
}
