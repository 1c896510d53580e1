#include "net/trainer.h"

#include "base/memory.h"
#include "net/trainer_internal.h"
#include "net/winograd_weights.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void train_kernels_here(const TrainKernels *list[TRAIN_MOST_KERNELS]) {
  static const TrainKernels *const all[] = {
#ifdef __x86_64__
      &train_kernels_avx512, &train_kernels_avx2,
#endif
      &train_kernels_base};
  const PlanKernels *plans[PLAN_MOST_KERNELS];
  int count = 0;
  plan_kernels_here(plans);
  for (int i = 0; plans[i]; i++)
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
      if (all[k]->plan == plans[i]) list[count++] = all[k];
  list[count] = NULL;
}

static float *floats(size_t a, int b, int c) {
  return memory_new(a * (size_t)b * (size_t)c, sizeof(float));
}

NetTrainer *trainer_new_with(const NetShape *shape, const TrainKernels *kernels, WinogradTiling tiling) {
  NetTrainer *trainer = memory_new(1, sizeof *trainer);
  trainer->shape = *shape;
  trainer->kernels = kernels;
  trainer->tiling = tiling;
  layout_make(shape, &trainer->layout);
  trainer->tower = trainer->layout.conv_count - 2;
  trainer->convs = memory_new((size_t)trainer->tower, sizeof *trainer->convs);
  size_t products = (size_t)winograd_products(&tiling);
  for (int i = 0; i < trainer->tower; i++) {
    const LayoutConv *conv = &trainer->layout.convs[i];
    TrainerConv *to = &trainer->convs[i];
    to->in = plan_padded(conv->in);
    to->out = plan_padded(conv->out);
    to->forward = floats(products, to->in, to->out);
    if (i > 0) to->backward = floats(products, to->out, to->in);
  }
  snprintf(trainer->name, sizeof trainer->name, "Winograd F(%dx%d, 3x3), %s", tiling.row_step,
           tiling.col_step, kernels->plan->name);
  return trainer;
}

NetTrainer *trainer_new(const NetShape *shape) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  return trainer_new_with(shape, kernels[0], winograd_tiling(shape->rows, shape->cols));
}

void trainer_free(NetTrainer *trainer) {
  if (!trainer) return;
  for (int i = 0; i < trainer->tower; i++) {
    free(trainer->convs[i].forward);
    free(trainer->convs[i].backward);
  }
  free(trainer->convs);
  free(trainer);
}

const char *trainer_kernel(const NetTrainer *trainer) {
  return trainer->name;
}

void trainer_load(NetTrainer *trainer, const Net *net, int threads) {
  assert(memcmp(&net->shape, &trainer->shape, sizeof net->shape) == 0);
  int panel = trainer->kernels->plan->panel;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int i = 0; i < 2 * trainer->tower; i++) {
    const LayoutConv *conv = &trainer->layout.convs[i / 2];
    bool flipped = i % 2 == 1;
    float *panels = flipped ? trainer->convs[i / 2].backward : trainer->convs[i / 2].forward;
    if (panels)
      winograd_pack(&trainer->tiling, panel, conv->in, conv->out, net->params + conv->weight, flipped,
                    panels);
  }
}

static void new_norms(const NetTrainer *trainer, TrainerWorkspace *ws) {
  enum { ARRAYS = 7 };
  size_t width = (size_t)plan_padded(trainer->shape.channels);
  float *at = ws->norm_arena = floats((size_t)trainer->tower * ARRAYS, (int)width, 1);
  for (int i = 0; i < trainer->tower; i++) {
    TrainerNorm *norm = &ws->norms[i];
    float **arrays[ARRAYS] = {&norm->mean, &norm->square, &norm->inverse, &norm->factor,
                              &norm->bias, &norm->sum,    &norm->product};
    for (int a = 0; a < ARRAYS; a++, at += width) *arrays[a] = at;
  }
}

TrainerWorkspace *trainer_workspace_new(const NetTrainer *trainer, int max_batch) {
  assert(max_batch > 0);
  TrainerWorkspace *ws = memory_new(1, sizeof *ws);
  const NetShape *shape = &trainer->shape;
  const WinogradTiling *tiling = &trainer->tiling;
  int cells = shape->rows * shape->cols, channels = plan_padded(shape->channels),
      planes = plan_padded(shape->planes), widest = channels > planes ? channels : planes;
  int group = trainer_group(max_batch), rows = group * winograd_tiles(tiling) + 1; /* one more for the skew */
  size_t n = (size_t)max_batch * (size_t)cells, products = (size_t)winograd_products(tiling);
  ws->max_batch = max_batch;
  ws->heads = core_workspace_new(shape, max_batch, CORE_HEADS);
  ws->input = floats(n, planes, 1);
  for (int i = 0; i < trainer->tower; i++) {
    ws->raw[i] = floats(n, channels, 1);
    ws->out[i] = floats(n, channels, 1);
  }
  new_norms(trainer, ws);
  ws->trunk = floats(n, channels, 1);
  ws->d_outer = floats(n, channels, 1);
  ws->d_block = floats(n, channels, 1);
  ws->d_raw = floats((size_t)group, cells, channels);
  ws->in_products = floats(products, rows, widest);
  ws->adjoint = floats(products, rows, widest);
  ws->out_products = floats(products, rows, channels);
  ws->scratch = floats(winograd_scratch(tiling), 1, 1);
  ws->d_weights = floats(products, channels, widest);
  ws->slope = floats((size_t)channels, 1, 1);
  ws->offset = floats((size_t)channels, 1, 1);
  return ws;
}

void trainer_workspace_free(TrainerWorkspace *ws) {
  if (!ws) return;
  core_workspace_free(ws->heads);
  float *arrays[] = {ws->input,     ws->norm_arena,  ws->trunk,   ws->d_outer,      ws->d_block,
                     ws->d_raw,     ws->in_products, ws->adjoint, ws->out_products, ws->scratch,
                     ws->d_weights, ws->slope,       ws->offset};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
  for (int i = 0; i < NET_MAX_CONVS; i++) {
    free(ws->raw[i]);
    free(ws->out[i]);
  }
  free(ws);
}

void trainer_backward_slice(const NetTrainer *trainer, TrainerWorkspace *ws, const Net *net,
                            const float *planes, const float *target_policy, const uint8_t *legal,
                            const float *target_wdl, const float *weight, int batch, float policy_weight,
                            float value_weight, const NetAuxiliary *auxiliary, float *gradient,
                            float *batch_stats, NetLoss *loss) {
  assert(batch > 0 && batch <= ws->max_batch);
  const NetSlice slice = {planes, target_policy, legal,        target_wdl, weight,
                          batch,  policy_weight, value_weight, auxiliary};
  trainer_tower_forward(trainer, ws, net->params, planes, batch);
  core_heads_forward(ws->heads, net->params, NULL, ws->trunk, batch);
  core_loss(ws->heads, &slice, loss);
  core_heads_backward(ws->heads, net->params, ws->trunk, batch, gradient);
  trainer_tower_backward(trainer, ws, net->params, batch, gradient);
  memcpy(batch_stats, ws->heads->stats, net->stat_count * sizeof *batch_stats);
}
