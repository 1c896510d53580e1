/* Growing networks: nothing is forgotten, and what is new learns. */
#include "net/layout.h"
#include "net/net.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(grow, .timeout = HANG_SECONDS);

enum { PLANES = 3, SIDE = 5, MOVES = 6, BATCH = 7, INPUTS = BATCH * PLANES * SIDE * SIDE };

static const NetShape small_shape = {PLANES, SIDE, SIDE, MOVES, 2, 8, 4, 4, 8};
static const NetShape large_shape = {PLANES, SIDE, SIDE, MOVES, 4, 20, 4, 4, 8};

/* A network whose every parameter and statistic matters. */
static Net *random_net(Rng *rng) {
  Net *net = net_new(&small_shape);
  for (size_t i = 0; i < net->param_count; i++) net->params[i] = (float)(0.3 * rng_normal(rng));
  for (size_t i = 0; i < net->stat_count; i++) net->stats[i] = 0.5f + (float)rng_below(rng, 100) / 100;
  return net;
}

static void random_planes(Rng *rng, float planes[INPUTS]) {
  for (int i = 0; i < INPUTS; i++) planes[i] = (float)rng_below(rng, 2);
}

static void forward(const Net *net, const float *planes, float *logits, float *wdl) {
  NetWorkspace *workspace = net_workspace_new(&net->shape, BATCH, false);
  net_forward(net, workspace, planes, BATCH, logits, wdl);
  net_workspace_free(workspace);
}

Test(grow, a_grown_network_answers_as_before) {
  Rng rng = rng_make(1, RNG_TEST, 3, 0);
  Net *small = random_net(&rng), *grown = net_grow(small, &large_shape, &rng);
  float planes[INPUTS], logits[2][BATCH * MOVES], wdl[2][BATCH * 3];
  random_planes(&rng, planes);
  forward(small, planes, logits[0], wdl[0]);
  forward(grown, planes, logits[1], wdl[1]);
  for (int i = 0; i < BATCH * MOVES; i++)
    cr_assert_float_eq(logits[1][i], logits[0][i], 1e-4 * (1 + fabs(logits[0][i])));
  for (int i = 0; i < BATCH * 3; i++) cr_assert_float_eq(wdl[1][i], wdl[0][i], 1e-4);
  net_free(small);
  net_free(grown);
}

/* No zero is out of the gradient's reach for good: the weights that hear new channels move in the first step,
 * and then those channels' own. */
Test(grow, what_is_new_learns) {
  Rng rng = rng_make(2, RNG_TEST, 3, 0);
  Net *small = random_net(&rng), *grown = net_grow(small, &large_shape, &rng);
  NetLayout layout;
  layout_make(&large_shape, &layout);
  float planes[INPUTS], policy[BATCH * MOVES], wdl[BATCH * 3];
  uint8_t legal[BATCH * MOVES];
  random_planes(&rng, planes);
  for (int i = 0; i < BATCH * MOVES; i++) policy[i] = 1.0f / MOVES, legal[i] = 1;
  for (int i = 0; i < BATCH * 3; i++) wdl[i] = i % 3 == 0;
  float *gradient = calloc(grown->param_count, sizeof(float)),
        *stats = calloc(grown->stat_count, sizeof(float));
  NetWorkspace *workspace = net_workspace_new(&grown->shape, BATCH, true);
  for (int step = 0; step < 3; step++) {
    NetLoss loss = {0};
    memset(gradient, 0, grown->param_count * sizeof(float));
    net_backward_slice(grown, workspace, planes, policy, legal, wdl, NULL, BATCH, 1, 1, NULL, gradient, stats,
                       &loss);
    for (size_t i = 0; i < grown->param_count; i++) grown->params[i] -= 1e-3f * gradient[i];
  }
  const LayoutConv *first = &layout.convs[1], *added = &layout.convs[2 + 2 * small_shape.blocks];
  double heard = 0, own = 0, scale = 0;
  for (int i = 0; i < 9; i++) {
    heard += fabs(gradient[first->weight + (size_t)((large_shape.channels - 1) * 9 + i)]);
    own += fabs(gradient[first->weight + (size_t)((large_shape.channels - 1) * first->in * 9 + i)]);
  }
  for (int c = 0; c < added->out; c++) scale += fabs(gradient[added->scale + (size_t)c]);
  cr_expect(heard > 0 && own > 0 && scale > 0, "%g %g %g", heard, own, scale);
  net_workspace_free(workspace);
  free(gradient), free(stats);
  net_free(small);
  net_free(grown);
}
