#include "selfplay/auxiliary.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct Output {
  float weight;
  size_t count;    /* of its parameters; 0: it does not exist */
  float *params;   /* [count] */
  float *gradient; /* [count] */
  float *slices;   /* [slices][count], their gradients */
  Optimizer *optimizer;
} Output;

enum { PLIES, REPLY, OUTPUTS };

struct Auxiliary {
  const RunConfig *config;
  int slices;
  Output outputs[OUTPUTS];
};

static Output output_new(double weight, int inputs, int outputs, int slices) {
  if (weight <= 0) return (Output){0};
  size_t count = (size_t)(inputs + 1) * (size_t)outputs;
  return (Output){.weight = (float)weight,
                  .count = count,
                  .params = memory_new(count, sizeof(float)),
                  .gradient = memory_new(count, sizeof(float)),
                  .slices = memory_new(count * (size_t)slices, sizeof(float))};
}

Auxiliary *auxiliary_new(const Game *game, const RunConfig *config, int slices) {
  Auxiliary *auxiliary = memory_new(1, sizeof *auxiliary);
  int board = config->policy_channels * game->rows * game->cols;
  *auxiliary = (Auxiliary){.config = config, .slices = slices};
  auxiliary->outputs[PLIES] = output_new(config->plies_weight, config->value_hidden, 1, slices);
  auxiliary->outputs[REPLY] = output_new(config->reply_weight, board, game->moves, slices);
  auxiliary_restart(auxiliary);
  return auxiliary;
}

void auxiliary_free(Auxiliary *auxiliary) {
  if (!auxiliary) return;
  for (Output *output = auxiliary->outputs; output < auxiliary->outputs + OUTPUTS; output++) {
    optimizer_free(output->optimizer);
    free(output->params);
    free(output->gradient);
    free(output->slices);
  }
  free(auxiliary);
}

void auxiliary_restart(Auxiliary *auxiliary) {
  for (Output *output = auxiliary->outputs; output < auxiliary->outputs + OUTPUTS; output++) {
    if (!output->count) continue;
    optimizer_free(output->optimizer);
    output->optimizer = optimizer_new_plain(&auxiliary->config->optimizer, output->params, output->count);
  }
}

static NetOutput slice_of(const Output *output, int slice, const float *target) {
  if (!output->count) return (NetOutput){0};
  float *gradient = output->slices + (size_t)slice * output->count;
  memset(gradient, 0, output->count * sizeof *gradient);
  return (NetOutput){
      .params = output->params, .target = target, .weight = output->weight, .gradient = gradient};
}

NetAuxiliary auxiliary_slice(const Auxiliary *auxiliary, int slice, const ExampleRows *rows) {
  return (NetAuxiliary){.plies = slice_of(&auxiliary->outputs[PLIES], slice, rows->plies),
                        .reply = slice_of(&auxiliary->outputs[REPLY], slice, rows->reply)};
}

void auxiliary_step(Auxiliary *auxiliary, double rate) {
  float scale = 1.0f / (float)auxiliary->config->batch;
  for (Output *output = auxiliary->outputs; output < auxiliary->outputs + OUTPUTS; output++) {
    if (!output->count) continue;
    memset(output->gradient, 0, output->count * sizeof *output->gradient);
    for (int s = 0; s < auxiliary->slices; s++)
      for (size_t i = 0; i < output->count; i++)
        output->gradient[i] += scale * output->slices[(size_t)s * output->count + i];
    optimizer_step_plain(output->optimizer, output->params, output->gradient, rate, 1);
  }
}

void auxiliary_save(const Auxiliary *auxiliary, Buffer *out) {
  for (const Output *output = auxiliary->outputs; output < auxiliary->outputs + OUTPUTS; output++) {
    if (!output->count) continue;
    buffer_put(out, output->params, output->count * sizeof *output->params);
    optimizer_save(output->optimizer, out);
  }
}

bool auxiliary_load(Auxiliary *auxiliary, Buffer *in, Error *err) {
  for (Output *output = auxiliary->outputs; output < auxiliary->outputs + OUTPUTS; output++) {
    if (!output->count) continue;
    if (!buffer_get(in, output->params, output->count * sizeof *output->params))
      return error_set(err, "the learner's state is cut short");
    if (!optimizer_load(output->optimizer, in, err)) return false;
  }
  return true;
}
