#include "trainer_slice.h"

#include "winograd_transforms.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Slice slice_new(NetShape shape, int batch) {
  Rng rng = rng_make(42, RNG_TEST, (uint32_t)(shape.rows * 100 + shape.cols),
                     (uint32_t)(shape.channels * 1000 + batch));
  size_t size = (size_t)(batch * shape.planes * shape.rows * shape.cols), moves = (size_t)shape.moves;
  Slice s = {.shape = shape, .net = net_new(&shape), .batch = batch};
  net_init(s.net, &rng);
  for (int i = 0; i < s.net->tensor_count; i++) {
    const NetTensor *tensor = &s.net->tensors[i];
    for (size_t j = 0; !tensor->decayed && j < tensor->size; j++)
      s.net->params[tensor->offset + j] += (float)(0.1 * rng_normal(&rng));
  }
  s.planes = memory_new(size, sizeof *s.planes);
  s.policy = memory_new((size_t)batch * moves, sizeof *s.policy);
  s.legal = memory_new((size_t)batch * moves, 1);
  s.wdl = memory_new((size_t)batch * 3, sizeof *s.wdl);
  s.weight = memory_new((size_t)batch, sizeof *s.weight);
  for (size_t i = 0; i < size; i++) s.planes[i] = (float)rng_below(&rng, 2);
  for (size_t i = 0; i < (size_t)batch; i++) {
    rng_dirichlet(&rng, 0.3, shape.moves, s.policy + i * moves);
    memset(s.legal + i * moves, 1, moves);
    s.wdl[i * 3 + rng_below(&rng, 3)] = 1;
    s.weight[i] = (float)rng_uniform(&rng);
  }
  return s;
}

void slice_free(Slice *s) {
  net_free(s->net);
  free(s->planes), free(s->policy), free(s->wdl), free(s->weight), free(s->legal);
}

Found found_new(const Net *net) {
  return (Found){.gradient = memory_new(net->param_count, sizeof(float)),
                 .stats = memory_new(net->stat_count, sizeof(float))};
}

void found_free(Found *f) {
  free(f->gradient), free(f->stats);
}

void run_fast(const Slice *s, const NetTrainer *trainer, TrainerWorkspace *ws, Found *f) {
  trainer_backward_slice(trainer, ws, s->net, s->planes, s->policy, s->legal, s->wdl, s->weight, s->batch,
                         1.5f, 0.5f, NULL, f->gradient, f->stats, &f->loss);
}

int count_flips(const NetTrainer *trainer, const TrainerWorkspace *fast, const NetWorkspace *reference,
                int n) {
  int flips = 0, channels = trainer->shape.channels, padded = trainer->convs[0].out;
  for (int i = 0; i < trainer->tower; i++)
    for (int c = 0; c < channels; c++)
      for (int r = 0; r < n; r++)
        flips += (fast->out[i][(size_t)r * (size_t)padded + (size_t)c] > 0) !=
                 (reference->out[i][(size_t)c * (size_t)n + (size_t)r] > 0);
  return flips;
}

double tolerance(const NetTrainer *trainer, int batch) {
  Transforms t = transforms_of(&trainer->tiling);
  int channels = trainer->convs[0].out, rows = batch * winograd_tiles(&trainer->tiling);
  double n = (rows > channels ? rows : channels) + 2 * (3 + 1) + 2 * t.points[0] + 2 * t.points[1];
  return 2 * trainer->tower * growth(&t, 0) * growth(&t, 1) * sqrt(n) * FLT_EPSILON / 2;
}
