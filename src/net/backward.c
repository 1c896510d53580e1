#include "net/core.h"

#include <assert.h>

typedef struct Pass {
  NetWorkspace *ws;
  const real *params;
  real *gradient;
  int batch, n;
} Pass;

/* Turns the gradient of out[index] into that of raw[index]: ReLU, then batch norm, channel by channel.
 * `branch`, if any, receives what is behind the ReLU: the gradient that goes round the block. */
static void normalise_backward(const Pass *pass, int index, real *d, real *branch) {
  NetWorkspace *ws = pass->ws;
  const LayoutConv *conv = &ws->layout.convs[index];
  for (int c = 0; c < conv->out; c++) {
    size_t start = (size_t)c * (size_t)pass->n, channel = (size_t)c;
    relu_backward(ws->out[index] + start, (size_t)pass->n, d + start);
    batchnorm_backward(ws->raw[index] + start, pass->params + conv->scale + channel,
                       ws->stats + conv->mean + channel, ws->stats + conv->variance + channel, d + start, 1,
                       pass->n, (branch ? branch : d) + start, pass->gradient + conv->scale + channel,
                       pass->gradient + conv->bias + channel);
  }
}

static void conv3(const Pass *pass, int index, const real *x, const real *dy, real *dx) {
  const LayoutConv *conv = &pass->ws->layout.convs[index];
  conv3_backward(pass->ws->scratch, x, pass->params + conv->weight, dy, conv->in, conv->out, pass->batch, dx,
                 pass->gradient + conv->weight);
}

static void linear(const Pass *pass, const LayoutLinear *layer, const real *x, const real *dy, real *dx) {
  linear_backward(x, pass->params + layer->weight, dy, pass->batch, layer->in, layer->out, dx,
                  pass->gradient + layer->weight, pass->gradient + layer->bias);
}

/* [batch][channels][cells] -> [channels][batch][cells] */
static void unflatten(const real *flat, int channels, int batch, int cells, real *x) {
  for (int i = 0; i < batch; i++) {
    for (int c = 0; c < channels; c++) {
      const real *from = flat + (size_t)(i * channels + c) * (size_t)cells;
      real *to = x + (size_t)(c * batch + i) * (size_t)cells;
      for (int j = 0; j < cells; j++) to[j] = from[j];
    }
  }
}

/* From d_flat to the trunk, through a head's 1x1 convolution. */
static void head_conv(const Pass *pass, int index, const real *trunk, bool add) {
  NetWorkspace *ws = pass->ws;
  const LayoutConv *conv = &ws->layout.convs[index];
  unflatten(ws->d_flat, conv->out, pass->batch, ws->shape.rows * ws->shape.cols, ws->d_branch);
  normalise_backward(pass, index, ws->d_branch, NULL);
  conv1_backward(trunk, pass->params + conv->weight, ws->d_branch, conv->in, conv->out, pass->n, add,
                 ws->d_trunk, pass->gradient + conv->weight);
}

static void heads(const Pass *pass, const real *trunk) {
  NetWorkspace *ws = pass->ws;
  const NetLayout *layout = &ws->layout;
  const NetAuxiliary *auxiliary = ws->auxiliary;
  linear(pass, &layout->policy, ws->policy_flat, ws->d_logits, ws->d_flat);
  if (auxiliary && auxiliary->reply.params)
    output_backward(&auxiliary->reply, ws->d_reply, pass->batch, layout->policy.in, layout->policy.out,
                    ws->d_flat);
  head_conv(pass, layout->conv_count - 2, trunk, false);
  linear(pass, &layout->value, ws->hidden, ws->d_value, ws->d_hidden);
  if (auxiliary && auxiliary->plies.params)
    output_backward(&auxiliary->plies, ws->d_plies, pass->batch, layout->value.in, 1, ws->d_hidden);
  relu_backward(ws->hidden, (size_t)pass->batch * (size_t)ws->shape.value_hidden, ws->d_hidden);
  linear(pass, &layout->hidden, ws->value_flat, ws->d_hidden, ws->d_flat);
  head_conv(pass, layout->conv_count - 1, trunk, true);
}

void core_heads_backward(NetWorkspace *ws, const real *params, const real *trunk, int batch, real *gradient) {
  Pass pass = {.ws = ws, .params = params, .gradient = gradient, .batch = batch};
  pass.n = batch * ws->shape.rows * ws->shape.cols;
  heads(&pass, trunk);
}

void core_backward(NetWorkspace *ws, const real *params, const NetSlice *slice, real *gradient,
                   NetLoss *loss) {
  assert(ws->stats);
  core_forward(ws, params, NULL, slice->planes, slice->batch);
  core_loss(ws, slice, loss);
  Pass pass = {.ws = ws, .params = params, .gradient = gradient, .batch = slice->batch};
  pass.n = slice->batch * ws->shape.rows * ws->shape.cols;
  int tower = 1 + 2 * ws->shape.blocks;
  heads(&pass, ws->out[tower - 1]);
  for (int i = tower - 1; i > 0; i -= 2) {
    size_t count = (size_t)ws->shape.channels * (size_t)pass.n;
    normalise_backward(&pass, i, ws->d_trunk, ws->d_branch);
    conv3(&pass, i, ws->out[i - 1], ws->d_branch, ws->d_spare);
    normalise_backward(&pass, i - 1, ws->d_spare, NULL);
    conv3(&pass, i - 1, ws->out[i - 2], ws->d_spare, ws->d_branch);
    for (size_t j = 0; j < count; j++) ws->d_trunk[j] += ws->d_branch[j];
  }
  normalise_backward(&pass, 0, ws->d_trunk, NULL);
  conv3(&pass, 0, ws->input, ws->d_trunk, NULL);
}
