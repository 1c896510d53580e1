#include "net/plan_internal.h"

#include "arena/accuracy.h"
#include "base/memory.h"
#include "selfplay/run_config.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(plan, .timeout = HANG_SECONDS);

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

typedef struct Case {
  const NetShape *shape;
  Net *net;
  float *planes, *expected, *found; /* outputs: logits[batch][moves], then wdl[batch][3] */
} Case;

static Case case_of(const NetShape *shape, Net *net) {
  omp_set_num_threads(1); /* products this small lose by being shared */
  return (Case){shape, net, random_planes(shape, MOST_BATCH), outputs(shape, MOST_BATCH),
                outputs(shape, MOST_BATCH)};
}

static Case case_new(const NetShape *shape) {
  return case_of(shape, random_net(shape));
}

static void case_free(Case *c) {
  net_free(c->net);
  free(c->planes), free(c->expected), free(c->found);
}

static void check_agreement(Case *c, const NetPlan *plan, NetWorkspace *reference, int batch) {
  PlanWorkspace *workspace = plan_workspace_new(plan, batch);
  int logits = batch * c->shape->moves;
  net_forward(c->net, reference, c->planes, batch, c->expected, c->expected + logits);
  plan_forward(plan, workspace, c->planes, batch, c->found, c->found + logits);
  for (int i = 0; i < logits + 3 * batch; i++)
    cr_assert_float_eq(c->found[i], c->expected[i], 1e-4, "%s, batch %d, output %d: %g, not %g",
                       plan_kernel(plan), batch, i, c->found[i], c->expected[i]);
  plan_workspace_free(workspace);
}

Test(plan, agrees_with_the_reference_at_every_batch_size) {
  for (int s = 0; s < SHAPES; s++) {
    Case c = case_new(&shapes[s]);
    NetWorkspace *reference = net_workspace_new(c.shape, MOST_BATCH, false);
    NetPlan *plan = plan_new(c.net);
    cr_assert(memcmp(plan_shape(plan), c.shape, sizeof *c.shape) == 0);
    for (int batch = 1; batch <= MOST_BATCH; batch++) check_agreement(&c, plan, reference, batch);
    plan_free(plan);
    net_workspace_free(reference);
    case_free(&c);
  }
}

static void check_company(Case *c, const NetPlan *plan) {
  PlanWorkspace *workspace = plan_workspace_new(plan, MOST_BATCH);
  int size = c->shape->planes * c->shape->rows * c->shape->cols, moves = c->shape->moves;
  float *alone = c->expected, *alone_wdl = alone + MOST_BATCH * moves;
  for (int i = 0; i < MOST_BATCH; i++)
    plan_forward(plan, workspace, c->planes + i * size, 1, alone + i * moves, alone_wdl + 3 * i);
  for (int batch = 2; batch <= MOST_BATCH; batch = batch < 20 ? batch + 3 : batch + 17) {
    for (int first = 0; first + batch <= MOST_BATCH && first < 3; first++) {
      plan_forward(plan, workspace, c->planes + first * size, batch, c->found, c->found + batch * moves);
      cr_assert_arr_eq(c->found, alone + first * moves, (size_t)(batch * moves) * sizeof(float),
                       "%s, batch %d", plan_kernel(plan), batch);
      cr_assert_arr_eq(c->found + batch * moves, alone_wdl + 3 * first, (size_t)(3 * batch) * sizeof(float));
    }
  }
  plan_workspace_free(workspace);
}

/* Every position in every row of batches of several sizes has the bits it has alone. */
Test(plan, a_position_does_not_depend_on_its_company) {
  for (int s = 0; s < SHAPES; s++) {
    Case c = case_new(&shapes[s]);
    plan_calibrate(c.net, c.planes, MOST_BATCH);
    for (PlanPrecision precision = PLAN_FLOAT32; precision <= PLAN_INT8; precision++) {
      NetPlan *plan = plan_new_as(c.net, precision);
      check_company(&c, plan);
      plan_free(plan);
    }
    case_free(&c);
  }
}

/* The network that each registered game is shipped with, and those of the bench on 8 x 8 and 9 x 9. */
static int shipped_shapes(NetShape *list, int max) {
  int count = 0;
  Error err;
  for (int i = 0; i < game_count() && count < max; i++) {
    RunConfig config;
    cr_assert(run_config_shipped(game_at(i), &config, &err), "%s", err.message);
    list[count++] = run_config_shape(&config, game_at(i));
  }
  for (int side = 8; side <= 9 && count < max; side++)
    list[count++] = (NetShape){2, side, side, side * side + 1, 6, 64, 16, 16, 64};
  return count;
}

Test(plan, every_game_as_shipped_agrees_with_the_reference) {
  NetShape list[16];
  int count = shipped_shapes(list, 16);
  for (int s = 0; s < count; s++) {
    Case c = case_new(&list[s]);
    NetWorkspace *reference = net_workspace_new(c.shape, 19, false);
    NetPlan *plan = plan_new(c.net);
    check_agreement(&c, plan, reference, 1);
    check_agreement(&c, plan, reference, 19);
    plan_free(plan);
    net_workspace_free(reference);
    case_free(&c);
  }
}

/* What a trained network is asked: it answers noise, which it never saw, by logits near 100, whose rounding
 * alone is more than is allowed here. */
static void fill_with_positions(Case *c, const Game *game) {
  Error err;
  Positions *positions = positions_shipped(game, &err);
  cr_assert(positions && positions->count >= MOST_BATCH, "%s", err.message);
  int size = c->shape->planes * c->shape->rows * c->shape->cols;
  for (int i = 0; i < MOST_BATCH; i++)
    game_encode(game, c->shape->planes, positions->states + (size_t)i * game->state_size,
                c->planes + i * size);
  positions_free(positions);
}

Test(plan, the_shipped_networks_agree_with_the_reference) {
  static const char *const games[] = {"connect4", "othello6"};
  for (int g = 0; g < 2; g++) {
    char name[32], path[FILE_PATH_MAX];
    Error err;
    snprintf(name, sizeof name, "weights/%s.net", games[g]);
    cr_assert(file_find_shipped(name, path, &err), "%s", err.message);
    Net *net = net_load(path, games[g], NULL, NULL, &err);
    cr_assert(net, "%s", err.message);
    Case c = case_of(&net->shape, net);
    fill_with_positions(&c, game_find(games[g]));
    NetWorkspace *reference = net_workspace_new(c.shape, MOST_BATCH, false);
    NetPlan *plan = plan_new(net);
    check_agreement(&c, plan, reference, 1);
    check_agreement(&c, plan, reference, MOST_BATCH);
    plan_free(plan);
    net_workspace_free(reference);
    case_free(&c);
  }
}

/* A batch of every size from 1 to 70, by two threads at once: always the bits of the position by itself. */
static void check_every_batch(Case *c, const NetPlan *plan) {
  int size = c->shape->planes * c->shape->rows * c->shape->cols, moves = c->shape->moves, different = 0;
  float *alone = c->expected, *alone_wdl = alone + MOST_BATCH * moves;
  PlanWorkspace *single = plan_workspace_new(plan, 1);
  for (int i = 0; i < MOST_BATCH; i++)
    plan_forward(plan, single, c->planes + i * size, 1, alone + i * moves, alone_wdl + 3 * i);
  plan_workspace_free(single);
#pragma omp parallel num_threads(2) reduction(+ : different)
  {
    PlanWorkspace *workspace = plan_workspace_new(plan, MOST_BATCH);
    float *found = outputs(c->shape, MOST_BATCH);
#pragma omp for schedule(dynamic)
    for (int batch = 1; batch <= MOST_BATCH; batch++) {
      int first = MOST_BATCH - batch;
      plan_forward(plan, workspace, c->planes + first * size, batch, found, found + batch * moves);
      different +=
          memcmp(found, alone + first * moves, (size_t)(batch * moves) * sizeof(float)) != 0 ||
          memcmp(found + batch * moves, alone_wdl + 3 * first, (size_t)(3 * batch) * sizeof(float)) != 0;
    }
    plan_workspace_free(workspace);
    free(found);
  }
  cr_assert_eq(different, 0, "%d x %d, %s: %d batches", c->shape->rows, c->shape->cols, plan_kernel(plan),
               different);
}

/* One block is enough: all blocks run the same code. */
Test(plan, every_batch_size_on_every_board_and_thread) {
  NetShape list[16];
  int count = shipped_shapes(list, 16);
  for (int s = 0; s < count; s++) {
    list[s].blocks = 1;
    Case c = case_new(&list[s]);
    plan_calibrate(c.net, c.planes, MOST_BATCH);
    NetPlan *plan;
    for (PlanPrecision precision = PLAN_FLOAT32; precision <= PLAN_INT8; precision++)
      for (int n = 0; (plan = plan_new_nth(c.net, precision, n)); n++) {
        check_every_batch(&c, plan);
        plan_free(plan);
      }
    case_free(&c);
  }
}

/* Whatever this CPU can run, and both ways to convolve, not only the choice made for this machine and board.
 */
Test(plan, every_kernel_and_method_agrees) {
  const PlanKernels *kernels[PLAN_MOST_KERNELS];
  plan_kernels_here(kernels);
  for (int s = 0; s < SHAPES; s++) {
    Case c = case_new(&shapes[s]);
    NetWorkspace *reference = net_workspace_new(c.shape, 15, false);
    for (int choice = 0; kernels[choice / 2]; choice++) {
      NetPlan *plan =
          plan_new_with(c.net, kernels[choice / 2], choice % 2 ? PLAN_WINOGRAD : PLAN_UNFOLDED, NULL);
      for (int batch = 1; batch <= 15; batch += 7) check_agreement(&c, plan, reference, batch);
      if (s != 1) check_company(&c, plan);
      plan_free(plan);
    }
    net_workspace_free(reference);
    case_free(&c);
  }
}

Test(plan, takes_winograd_where_it_pays) {
  cr_assert_eq(plan_method_for(&shapes[1]), PLAN_WINOGRAD);
  cr_assert_eq(plan_method_for(&shapes[4]), PLAN_UNFOLDED);
  WinogradTiling tiling = winograd_tiling(6, 7);
  cr_assert_eq(winograd_products(&tiling) * winograd_tiles(&tiling), 120);
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
