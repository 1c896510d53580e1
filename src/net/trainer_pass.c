/* The tower's way forward and back, layer by layer, each in groups of positions. */
#include "net/trainer_internal.h"
#include "net/winograd_weights.h"

#include <math.h>
#include <string.h>

enum { GROUP = 8 }; /* measured flat from 6 to 16 positions of 64 channels on 6x7 */

int trainer_group(int max_batch) {
  return max_batch < GROUP ? max_batch : GROUP;
}

typedef struct Pass {
  const NetTrainer *trainer;
  TrainerWorkspace *ws;
  const float *params;
  float *gradient;
  int batch, cells;
} Pass;

/* `count` positions; their cells are rows. */
typedef struct Group {
  int count, rows;
  size_t first_row;
} Group;

static int group_count(const Pass *pass) {
  return (pass->batch + GROUP - 1) / GROUP;
}

/* Groups as even as can be. */
static Group group_at(const Pass *pass, int index) {
  int groups = group_count(pass), first = index * pass->batch / groups,
      count = (index + 1) * pass->batch / groups - first;
  return (Group){
      .count = count, .rows = count * pass->cells, .first_row = (size_t)first * (size_t)pass->cells};
}

static const float *input_of(const Pass *pass, int index) {
  return index == 0 ? pass->ws->input : pass->ws->out[index - 1];
}

/* Batch norm, the block's residual and ReLU of one convolution. */
static void normalise(const Pass *pass, const Group *group, int index) {
  TrainerWorkspace *ws = pass->ws;
  const TrainerNorm *norm = &ws->norms[index];
  int channels = pass->trainer->convs[index].out;
  size_t at = group->first_row * (size_t)channels;
  bool closes_block = index > 0 && index % 2 == 0;
  pass->trainer->kernels->normalise(group->rows, channels, ws->raw[index] + at, norm->mean, norm->factor,
                                    norm->bias, closes_block ? ws->out[index - 2] + at : NULL,
                                    ws->out[index] + at);
}

/* Adds a group's moments to those of the groups before it, T. Chan, G. Golub and R. LeVeque 1979. */
static void gather_moments(const Pass *pass, const Group *group, int index) {
  TrainerWorkspace *ws = pass->ws;
  const TrainerNorm *norm = &ws->norms[index];
  int channels = pass->trainer->convs[index].out;
  float *mean = ws->slope, *square = ws->offset; /* free on the way forward */
  pass->trainer->kernels->moments(group->rows, channels, ws->raw[index] + group->first_row * (size_t)channels,
                                  mean, square);
  float before = (float)group->first_row, total = before + (float)group->rows;
  for (int c = 0; c < channels; c++) {
    float difference = mean[c] - norm->mean[c];
    norm->mean[c] += difference * ((float)group->rows / total);
    norm->square[c] += square[c] + difference * difference * (before * (float)group->rows / total);
  }
}

static void finish_moments(const Pass *pass, int index) {
  const LayoutConv *conv = &pass->trainer->layout.convs[index];
  const TrainerNorm *norm = &pass->ws->norms[index];
  float *stats = pass->ws->heads->stats;
  for (int c = 0; c < conv->out; c++) {
    size_t channel = (size_t)c;
    float variance = norm->square[c] / (float)(pass->batch * pass->cells);
    stats[conv->mean + channel] = norm->mean[c];
    stats[conv->variance + channel] = variance;
    norm->inverse[c] = 1 / (float)sqrt((double)variance + BATCHNORM_EPSILON);
    norm->factor[c] = pass->params[conv->scale + channel] * norm->inverse[c];
    norm->bias[c] = pass->params[conv->bias + channel];
  }
}

static void forward_conv(const Pass *pass, int index) {
  TrainerWorkspace *ws = pass->ws;
  const TrainerConv *conv = &pass->trainer->convs[index];
  size_t width = (size_t)conv->out;
  memset(ws->norms[index].mean, 0, width * sizeof(float));
  memset(ws->norms[index].square, 0, width * sizeof(float));
  for (int g = 0; g < group_count(pass); g++) {
    Group group = group_at(pass, g);
    if (index > 0) normalise(pass, &group, index - 1);
    trainer_conv_forward(pass->trainer, ws, index, group.count,
                         input_of(pass, index) + group.first_row * (size_t)conv->in,
                         ws->raw[index] + group.first_row * width);
    gather_moments(pass, &group, index);
  }
  finish_moments(pass, index);
}

/* Rows turned at a time: a cache line of each channel. */
enum { TURN = 16 };

/* [n][padded] -> [channels][n] */
static void turn_to_channels(const float *x, int n, int channels, int padded, float *to) {
  for (int first = 0; first < n; first += TURN) {
    int rows = n - first < TURN ? n - first : TURN;
    for (int c = 0; c < channels; c++) {
      const float *from = x + (size_t)first * (size_t)padded + (size_t)c;
      float *line = to + (size_t)c * (size_t)n + (size_t)first;
      for (int r = 0; r < rows; r++) line[r] = from[(size_t)r * (size_t)padded];
    }
  }
}

/* [channels][n] -> [n][padded], zero in the padding: what an earlier slice left there may be NaN. */
static void turn_to_rows(const float *x, int n, int channels, int padded, float *to) {
  for (int first = 0; first < n; first += TURN) {
    int rows = n - first < TURN ? n - first : TURN;
    for (int c = 0; c < channels; c++) {
      const float *line = x + (size_t)c * (size_t)n + (size_t)first;
      float *at = to + (size_t)first * (size_t)padded + (size_t)c;
      for (int r = 0; r < rows; r++) at[(size_t)r * (size_t)padded] = line[r];
    }
    for (int r = first; r < first + rows; r++)
      memset(to + (size_t)(r * padded + channels), 0, (size_t)(padded - channels) * sizeof *to);
  }
}

void trainer_tower_forward(const NetTrainer *trainer, TrainerWorkspace *ws, const float *params,
                           const float *planes, int batch) {
  Pass pass = {.trainer = trainer, .ws = ws, .params = params, .batch = batch};
  pass.cells = trainer->shape.rows * trainer->shape.cols;
  int last = trainer->tower - 1, n = batch * pass.cells;
  plan_gather_input(&pass.trainer->shape, planes, batch, ws->input);
  for (int i = 0; i <= last; i++) forward_conv(&pass, i);
  Group all = {.count = batch, .rows = n};
  normalise(&pass, &all, last);
  turn_to_channels(ws->out[last], n, trainer->shape.channels, trainer->convs[last].out, ws->trunk);
}

/* Through the ReLU of one convolution's output, and the sums that the way back through its batch norm needs.
 */
static void mask(const Pass *pass, const Group *group, int index, float *d) {
  TrainerWorkspace *ws = pass->ws;
  const TrainerNorm *norm = &ws->norms[index];
  int channels = pass->trainer->convs[index].out;
  size_t at = group->first_row * (size_t)channels;
  pass->trainer->kernels->mask(group->rows, channels, ws->out[index] + at, ws->raw[index] + at, norm->mean,
                               d + at, norm->sum, norm->product);
}

/* As batchnorm_backward(): the gradients of scale and bias, and what dx is made of. */
static void finish_mask(const Pass *pass, int index) {
  const LayoutConv *conv = &pass->trainer->layout.convs[index];
  TrainerWorkspace *ws = pass->ws;
  const TrainerNorm *norm = &ws->norms[index];
  float n = (float)(pass->batch * pass->cells);
  for (int c = 0; c < conv->out; c++) {
    float product = norm->product[c] * norm->inverse[c];
    pass->gradient[conv->bias + (size_t)c] += norm->sum[c];
    pass->gradient[conv->scale + (size_t)c] += product;
    ws->offset[c] = norm->sum[c] / n;
    ws->slope[c] = product / n * norm->inverse[c];
  }
}

/* From d, the masked gradient of out[index], to `to`, that of its input (plus residual), masked in turn. */
static void backward_conv(const Pass *pass, int index, const float *d, const float *residual, float *to) {
  const NetTrainer *trainer = pass->trainer;
  const TrainKernels *kernels = trainer->kernels;
  TrainerWorkspace *ws = pass->ws;
  const TrainerConv *conv = &trainer->convs[index];
  const TrainerNorm *norm = &ws->norms[index];
  const LayoutConv *layout = &trainer->layout.convs[index];
  finish_mask(pass, index);
  for (int g = 0; g < group_count(pass); g++) {
    Group group = group_at(pass, g);
    size_t at = group.first_row * (size_t)conv->out, in_at = group.first_row * (size_t)conv->in;
    kernels->denormalise(group.rows, conv->out, ws->raw[index] + at, norm->mean, ws->slope, ws->offset,
                         norm->factor, d + at, ws->d_raw);
    trainer_conv_backward(trainer, ws, index, group.count, g > 0, input_of(pass, index) + in_at, ws->d_raw,
                          residual ? residual + in_at : NULL, to ? to + in_at : NULL);
    if (index == 0) continue;
    mask(pass, &group, index - 1, to);
  }
  winograd_unpack_gradient(&trainer->tiling, layout->in, layout->out, ws->d_weights,
                           pass->gradient + layout->weight);
}

void trainer_tower_backward(const NetTrainer *trainer, TrainerWorkspace *ws, const float *params, int batch,
                            float *gradient) {
  Pass pass = {.trainer = trainer, .ws = ws, .params = params, .gradient = gradient, .batch = batch};
  pass.cells = trainer->shape.rows * trainer->shape.cols;
  int last = trainer->tower - 1, n = batch * pass.cells;
  Group all = {.count = batch, .rows = n};
  for (int i = 0; i <= last; i++) {
    size_t bytes = (size_t)trainer->convs[i].out * sizeof(float);
    memset(ws->norms[i].sum, 0, bytes);
    memset(ws->norms[i].product, 0, bytes);
  }
  turn_to_rows(ws->heads->d_trunk, n, trainer->shape.channels, trainer->convs[last].out, ws->d_outer);
  mask(&pass, &all, last, ws->d_outer);
  for (int i = last; i > 0; i -= 2) {
    backward_conv(&pass, i, ws->d_outer, NULL, ws->d_block);
    backward_conv(&pass, i - 1, ws->d_block, ws->d_outer, ws->d_outer);
  }
  backward_conv(&pass, 0, ws->d_outer, NULL, NULL);
}
