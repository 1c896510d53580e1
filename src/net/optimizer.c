#include "net/optimizer.h"

#include "base/memory.h"
#include "base/simd.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Work is cut into blocks of fixed size, whatever the thread count: the sums are then the same bits. */
enum { BLOCK = 8192 };

/* The average reaches back over at most this part (1 / AVERAGE_RAMP) of the steps taken: a network that
 * learns fast is soon better than its average (T. Karras et al. 2024, "Analyzing and improving the training
 * dynamics of diffusion models", section 3). */
enum { AVERAGE_RAMP = 20 };

struct Optimizer {
  OptimizerConfig config;
  size_t count, blocks;
  int64_t steps;
  float *first;   /* [count], the momentum */
  float *second;  /* [count], Adam's mean square; NULL for SGD */
  float *average; /* [count] */
  float *decay;   /* [count], weight_decay where the tensor is decayed, else 0 */
  double *square; /* [blocks], of the gradient */
};

/* What one step multiplies with; bias corrections are folded in. */
typedef struct Step {
  float clip, momentum, beta2, rate, second_correction, epsilon, decay_rate, average;
} Step;

Optimizer *optimizer_new_plain(const OptimizerConfig *config, const float *params, size_t count) {
  assert(config->kind == OPTIMIZER_ADAM || config->kind == OPTIMIZER_SGD);
  Optimizer *optimizer = memory_new(1, sizeof *optimizer);
  optimizer->config = *config;
  optimizer->count = count;
  optimizer->blocks = (count + BLOCK - 1) / BLOCK;
  optimizer->first = memory_new(count, sizeof(float));
  if (config->kind == OPTIMIZER_ADAM) optimizer->second = memory_new(count, sizeof(float));
  optimizer->average = memory_new(count, sizeof(float));
  optimizer->decay = memory_new(count, sizeof(float));
  optimizer->square = memory_new(optimizer->blocks, sizeof(double));
  memcpy(optimizer->average, params, count * sizeof(float));
  return optimizer;
}

Optimizer *optimizer_new(const OptimizerConfig *config, const Net *net) {
  Optimizer *optimizer = optimizer_new_plain(config, net->params, net->param_count);
  for (int i = 0; i < net->tensor_count; i++) {
    const NetTensor *tensor = &net->tensors[i];
    for (size_t j = 0; tensor->decayed && j < tensor->size; j++)
      optimizer->decay[tensor->offset + j] = (float)config->weight_decay;
  }
  return optimizer;
}

void optimizer_free(Optimizer *optimizer) {
  if (!optimizer) return;
  free(optimizer->first);
  free(optimizer->second);
  free(optimizer->average);
  free(optimizer->decay);
  free(optimizer->square);
  free(optimizer);
}

SIMD_CLONES
static double square_sum(const float *restrict values, size_t count) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
  return sum;
}

SIMD_CLONES
static void adam_block(const Step *step, const float *restrict gradient, const float *restrict decay,
                       size_t count, float *restrict first, float *restrict second, float *restrict weight,
                       float *restrict average) {
  const Step s = *step;
#pragma omp simd
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i] * s.clip;
    first[i] = s.momentum * first[i] + (1 - s.momentum) * g;
    second[i] = s.beta2 * second[i] + (1 - s.beta2) * g * g;
    float change = s.rate * first[i] / (sqrtf(second[i] * s.second_correction) + s.epsilon);
    weight[i] -= change + s.decay_rate * decay[i] * weight[i];
    average[i] = weight[i] + s.average * (average[i] - weight[i]);
  }
}

SIMD_CLONES
static void sgd_block(const Step *step, const float *restrict gradient, const float *restrict decay,
                      size_t count, float *restrict first, float *restrict weight, float *restrict average) {
  const Step s = *step;
#pragma omp simd
  for (size_t i = 0; i < count; i++) {
    first[i] = s.momentum * first[i] + gradient[i] * s.clip;
    weight[i] -= s.rate * first[i] + s.decay_rate * decay[i] * weight[i];
    average[i] = weight[i] + s.average * (average[i] - weight[i]);
  }
}

static size_t block_size(const Optimizer *optimizer, size_t block) {
  size_t left = optimizer->count - block * BLOCK;
  return left < BLOCK ? left : BLOCK;
}

static double gradient_norm(Optimizer *optimizer, const float *gradient, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (size_t b = 0; b < optimizer->blocks; b++)
    optimizer->square[b] = square_sum(gradient + b * BLOCK, block_size(optimizer, b));
  double sum = 0;
  for (size_t b = 0; b < optimizer->blocks; b++) sum += optimizer->square[b];
  return sqrt(sum);
}

static Step make_step(const Optimizer *optimizer, double norm, double rate) {
  const OptimizerConfig *config = &optimizer->config;
  Step step = {.clip =
                   config->clip_norm > 0 && norm > config->clip_norm ? (float)(config->clip_norm / norm) : 1,
               .momentum = (float)config->momentum,
               .beta2 = (float)config->beta2,
               .rate = (float)rate,
               .epsilon = (float)config->epsilon,
               .decay_rate = (float)rate,
               .average = (float)fmin(config->average, (1.0 + (double)optimizer->steps) /
                                                           (AVERAGE_RAMP + (double)optimizer->steps))};
  if (config->kind == OPTIMIZER_ADAM) {
    double steps = (double)optimizer->steps;
    step.rate = (float)(rate / (1 - pow(config->momentum, steps)));
    step.second_correction = (float)(1 / (1 - pow(config->beta2, steps)));
  }
  return step;
}

double optimizer_step_plain(Optimizer *optimizer, float *params, const float *gradient, double learning_rate,
                            int threads) {
  double norm = gradient_norm(optimizer, gradient, threads);
  if (!isfinite(norm)) return NAN;
  optimizer->steps++;
  Step step = make_step(optimizer, norm, learning_rate);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (size_t b = 0; b < optimizer->blocks; b++) {
    size_t at = b * BLOCK, size = block_size(optimizer, b);
    if (optimizer->second)
      adam_block(&step, gradient + at, optimizer->decay + at, size, optimizer->first + at,
                 optimizer->second + at, params + at, optimizer->average + at);
    else
      sgd_block(&step, gradient + at, optimizer->decay + at, size, optimizer->first + at, params + at,
                optimizer->average + at);
  }
  return norm;
}

double optimizer_step(Optimizer *optimizer, Net *net, const float *gradient, double learning_rate,
                      int threads) {
  assert(net->param_count == optimizer->count);
  return optimizer_step_plain(optimizer, net->params, gradient, learning_rate, threads);
}

void optimizer_averaged(const Optimizer *optimizer, const Net *net, Net *out) {
  assert(net->param_count == optimizer->count && out->param_count == optimizer->count);
  memcpy(out->params, optimizer->average, optimizer->count * sizeof(float));
  if (out != net) memcpy(out->stats, net->stats, net->stat_count * sizeof(float));
}

int64_t optimizer_steps(const Optimizer *optimizer) {
  return optimizer->steps;
}

/* i32 kind, i64 steps, u64 count, then the arrays. */
void optimizer_save(const Optimizer *optimizer, Buffer *out) {
  int32_t kind = optimizer->config.kind;
  uint64_t count = optimizer->count;
  buffer_put(out, &kind, sizeof kind);
  buffer_put(out, &optimizer->steps, sizeof optimizer->steps);
  buffer_put(out, &count, sizeof count);
  buffer_put(out, optimizer->first, optimizer->count * sizeof(float));
  if (optimizer->second) buffer_put(out, optimizer->second, optimizer->count * sizeof(float));
  buffer_put(out, optimizer->average, optimizer->count * sizeof(float));
}

bool optimizer_load(Optimizer *optimizer, Buffer *in, Error *err) {
  int32_t kind = 0;
  int64_t steps = 0;
  uint64_t count = 0;
  if (!buffer_get(in, &kind, sizeof kind) || !buffer_get(in, &steps, sizeof steps) ||
      !buffer_get(in, &count, sizeof count))
    return error_set(err, "the optimizer's state is cut short");
  if (kind != optimizer->config.kind)
    return error_set(
        err, "the optimizer's state is of another kind; keep learner.optimizer as the run began with");
  if (steps < 0) return error_set(err, "the optimizer's state is damaged: %lld steps", (long long)steps);
  if (count != optimizer->count)
    return error_set(err, "the optimizer's state is for %llu parameters, the network has %zu",
                     (unsigned long long)count, optimizer->count);
  size_t bytes = optimizer->count * sizeof(float), arrays = optimizer->second ? 3 : 2;
  if (in->size - in->position < arrays * bytes) return error_set(err, "the optimizer's state is cut short");
  buffer_get(in, optimizer->first, bytes);
  if (optimizer->second) buffer_get(in, optimizer->second, bytes);
  buffer_get(in, optimizer->average, bytes);
  optimizer->steps = steps;
  return true;
}
