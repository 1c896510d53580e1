#include "net/plan.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BATCH = 70 };

static Net *random_net(const NetShape *shape) {
  Rng rng = rng_make(31, RNG_TEST, (uint32_t)shape->rows, (uint32_t)shape->channels);
  Net *net = net_new(shape);
  net_init(net, &rng);
  for (int i = 0; i < net->tensor_count; i++) {
    const NetTensor *tensor = &net->tensors[i];
    for (size_t j = 0; !tensor->decayed && j < tensor->size; j++)
      net->params[tensor->offset + j] += (float)(0.1 * rng_normal(&rng));
  }
  for (size_t i = 0; i < net->stat_count; i++) net->stats[i] += (float)(0.2 * rng_uniform(&rng));
  return net;
}

static float *random_planes(const NetShape *shape, int batch) {
  Rng rng = rng_make(32, RNG_TEST, (uint32_t)shape->rows, 0);
  size_t count = (size_t)(batch * shape->planes * shape->rows * shape->cols);
  float *planes = memory_new(count, sizeof *planes);
  for (size_t i = 0; i < count; i++) planes[i] = (float)rng_below(&rng, 2);
  return planes;
}

static const NetShape shapes[] = {
    {2, 3, 3, 9, 1, 16, 4, 4, 8},    {2, 6, 7, 7, 5, 64, 32, 32, 64}, {3, 8, 8, 65, 2, 40, 8, 8, 33},
    {17, 9, 9, 82, 1, 96, 2, 1, 64}, {1, 1, 5, 5, 1, 7, 3, 2, 5},     {2, 13, 2, 3, 2, 80, 5, 17, 16},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static float *outputs(const NetShape *shape, int batch) {
  return memory_new((size_t)(batch * (shape->moves + 3)), sizeof(float));
}

/* Batch sizes on both sides of every block length in use, up to 70. */
static int next_batch(int batch) {
  return batch < 20 ? batch + 1 : batch + 10;
}

Test(plan, agrees_with_the_reference) {
  for (int s = 0; s < SHAPES; s++) {
    const NetShape *shape = &shapes[s];
    Net *net = random_net(shape);
    float *planes = random_planes(shape, MOST_BATCH), *expected = outputs(shape, MOST_BATCH);
    float *found = outputs(shape, MOST_BATCH);
    NetWorkspace *reference = net_workspace_new(shape, MOST_BATCH, false);
    NetPlan *plan = plan_new(net);
    cr_assert(memcmp(plan_shape(plan), shape, sizeof *shape) == 0);
    for (int batch = 1; batch <= MOST_BATCH; batch = next_batch(batch)) {
      PlanWorkspace *workspace = plan_workspace_new(plan, batch);
      int logits = batch * shape->moves;
      net_forward(net, reference, planes, batch, expected, expected + logits);
      plan_forward(plan, workspace, planes, batch, found, found + logits);
      for (int i = 0; i < logits + 3 * batch; i++)
        cr_assert_float_eq(found[i], expected[i], 1e-4, "shape %d, batch %d, output %d: %g, not %g", s, batch, i,
                           found[i], expected[i]);
      plan_workspace_free(workspace);
    }
    plan_free(plan);
    net_workspace_free(reference);
    net_free(net), free(planes), free(expected), free(found);
  }
}

/* Every position in every row of batches of several sizes has the bits it has alone. */
Test(plan, a_position_does_not_depend_on_its_company) {
  for (int s = 0; s < SHAPES; s++) {
    const NetShape *shape = &shapes[s];
    Net *net = random_net(shape);
    NetPlan *plan = plan_new(net);
    PlanWorkspace *workspace = plan_workspace_new(plan, MOST_BATCH);
    float *planes = random_planes(shape, MOST_BATCH), *alone = outputs(shape, MOST_BATCH);
    float *found = outputs(shape, MOST_BATCH);
    int size = shape->planes * shape->rows * shape->cols, moves = shape->moves;
    float *alone_wdl = alone + MOST_BATCH * moves;
    for (int i = 0; i < MOST_BATCH; i++)
      plan_forward(plan, workspace, planes + i * size, 1, alone + i * moves, alone_wdl + 3 * i);
    for (int batch = 2; batch <= MOST_BATCH; batch = batch < 20 ? batch + 3 : batch + 17) {
      for (int first = 0; first + batch <= MOST_BATCH && first < 3; first++) {
        plan_forward(plan, workspace, planes + first * size, batch, found, found + batch * moves);
        cr_assert_arr_eq(found, alone + first * moves, (size_t)(batch * moves) * sizeof(float), "shape %d batch %d",
                         s, batch);
        cr_assert_arr_eq(found + batch * moves, alone_wdl + 3 * first, (size_t)(3 * batch) * sizeof(float));
      }
    }
    plan_workspace_free(workspace);
    plan_free(plan);
    net_free(net), free(planes), free(alone), free(found);
  }
}

Test(plan, threads_share_a_plan) {
  enum { CALLS = 8, BATCH = 12, MOVES = 7 };
  const NetShape *shape = &shapes[1];
  Net *net = random_net(shape);
  NetPlan *plan = plan_new(net);
  float *planes = random_planes(shape, BATCH), logits[CALLS][BATCH * MOVES], wdl[CALLS][BATCH * 3];
  omp_set_num_threads(2);
#pragma omp parallel
  {
    PlanWorkspace *workspace = plan_workspace_new(plan, BATCH);
#pragma omp for schedule(dynamic)
    for (int i = 0; i < CALLS; i++) plan_forward(plan, workspace, planes, BATCH, logits[i], wdl[i]);
    plan_workspace_free(workspace);
  }
  for (int i = 1; i < CALLS; i++) {
    cr_assert_arr_eq(logits[i], logits[0], sizeof logits[0]);
    cr_assert_arr_eq(wdl[i], wdl[0], sizeof wdl[0]);
  }
  plan_free(plan);
  net_free(net), free(planes);
}
