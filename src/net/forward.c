#include "net/core.h"

#include <assert.h>

typedef struct Pass {
  NetWorkspace *ws;
  const real *params;
  const real *running; /* NULL: measure */
  int batch, n;        /* positions, positions * rows * cols */
} Pass;

/* Batch norm, residual and ReLU of one convolution, channel by channel while the channel is in the nearest
 * cache. */
static void normalise(const Pass *pass, int index, const real *residual) {
  NetWorkspace *ws = pass->ws;
  const LayoutConv *conv = &ws->layout.convs[index];
  const real *stats = pass->running ? pass->running : ws->stats;
  for (int c = 0; c < conv->out; c++) {
    size_t start = (size_t)c * (size_t)pass->n, channel = (size_t)c;
    const real *mean = stats + conv->mean + channel, *variance = stats + conv->variance + channel;
    real *out = ws->out[index] + start;
    if (!pass->running)
      batchnorm_statistics(ws->raw[index] + start, 1, pass->n, ws->stats + conv->mean + channel,
                           ws->stats + conv->variance + channel);
    batchnorm_forward(ws->raw[index] + start, pass->params + conv->scale + channel,
                      pass->params + conv->bias + channel, mean, variance, 1, pass->n, out);
    relu_forward(out, residual ? residual + start : NULL, (size_t)pass->n, out);
  }
}

static void convolve(const Pass *pass, int index, const real *x, const real *residual) {
  NetWorkspace *ws = pass->ws;
  const LayoutConv *conv = &ws->layout.convs[index];
  const real *weight = pass->params + conv->weight;
  if (conv->kernel == 3)
    conv3_forward(ws->scratch, x, weight, conv->in, conv->out, pass->batch, ws->raw[index]);
  else
    conv1_forward(x, weight, conv->in, conv->out, pass->n, ws->raw[index]);
  normalise(pass, index, residual);
}

/* [batch][planes][cells] -> [planes][batch][cells] */
static void gather_input(const float *planes, int batch, int channels, int cells, real *input) {
  for (int i = 0; i < batch; i++) {
    for (int c = 0; c < channels; c++) {
      const float *from = planes + (size_t)(i * channels + c) * (size_t)cells;
      real *to = input + (size_t)(c * batch + i) * (size_t)cells;
      for (int j = 0; j < cells; j++) to[j] = (real)from[j];
    }
  }
}

/* [channels][batch][cells] -> [batch][channels][cells] */
static void flatten(const real *x, int channels, int batch, int cells, real *flat) {
  for (int i = 0; i < batch; i++) {
    for (int c = 0; c < channels; c++) {
      const real *from = x + (size_t)(c * batch + i) * (size_t)cells;
      real *to = flat + (size_t)(i * channels + c) * (size_t)cells;
      for (int j = 0; j < cells; j++) to[j] = from[j];
    }
  }
}

static void linear(const Pass *pass, const LayoutLinear *layer, const real *x, real *y) {
  linear_forward(x, pass->params + layer->weight, pass->params + layer->bias, pass->batch, layer->in,
                 layer->out, y);
}

static void heads(const Pass *pass, const real *trunk) {
  NetWorkspace *ws = pass->ws;
  const NetLayout *layout = &ws->layout;
  int policy = layout->conv_count - 2, value = layout->conv_count - 1,
      cells = ws->shape.rows * ws->shape.cols;
  convolve(pass, policy, trunk, NULL);
  flatten(ws->out[policy], ws->shape.policy_channels, pass->batch, cells, ws->policy_flat);
  linear(pass, &layout->policy, ws->policy_flat, ws->logits);
  convolve(pass, value, trunk, NULL);
  flatten(ws->out[value], ws->shape.value_channels, pass->batch, cells, ws->value_flat);
  linear(pass, &layout->hidden, ws->value_flat, ws->hidden);
  relu_forward(ws->hidden, NULL, (size_t)pass->batch * (size_t)ws->shape.value_hidden, ws->hidden);
  linear(pass, &layout->value, ws->hidden, ws->value);
}

void core_heads_forward(NetWorkspace *ws, const real *params, const real *running, const real *trunk,
                        int batch) {
  Pass pass = {.ws = ws, .params = params, .running = running, .batch = batch};
  pass.n = batch * ws->shape.rows * ws->shape.cols;
  heads(&pass, trunk);
}

void core_forward(NetWorkspace *ws, const real *params, const real *running, const float *planes, int batch) {
  assert(batch > 0 && batch <= ws->max_batch);
  assert(running || ws->stats);
  int cells = ws->shape.rows * ws->shape.cols, tower = 1 + 2 * ws->shape.blocks;
  Pass pass = {.ws = ws, .params = params, .running = running, .batch = batch, .n = batch * cells};
  gather_input(planes, batch, ws->shape.planes, cells, ws->input);
  convolve(&pass, 0, ws->input, NULL);
  for (int i = 1; i < tower; i += 2) {
    convolve(&pass, i, ws->out[i - 1], NULL);
    convolve(&pass, i + 1, ws->out[i], ws->out[i - 1]);
  }
  heads(&pass, ws->out[tower - 1]);
}

void core_loss(NetWorkspace *ws, const NetSlice *slice, NetLoss *loss) {
  policy_loss(ws->logits, slice->target_policy, slice->legal, slice->weight, (real)slice->policy_weight,
              slice->batch, ws->shape.moves, ws->d_logits, loss);
  value_loss(ws->value, slice->target_wdl, slice->weight, (real)slice->value_weight, slice->batch,
             ws->d_value, loss);
  ws->auxiliary = slice->auxiliary;
  if (ws->auxiliary && ws->auxiliary->plies.params)
    plies_loss(ws->hidden, &ws->auxiliary->plies, slice->weight, slice->batch, ws->shape.value_hidden,
               ws->d_plies, loss);
  if (ws->auxiliary && ws->auxiliary->reply.params)
    reply_loss(ws->policy_flat, &ws->auxiliary->reply, slice->weight, slice->batch, ws->layout.policy.in,
               ws->shape.moves, ws->d_reply, loss);
  loss->count += slice->batch;
}
