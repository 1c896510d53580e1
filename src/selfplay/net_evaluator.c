#include "selfplay/net_evaluator.h"

#include "base/memory.h"

#include <stdlib.h>

Net *net_load_for(const Game *game, const char *path, Error *err) {
  Net *net = net_load(path, game->name, NULL, NULL, err);
  if (!net) return NULL;
  const NetShape *shape = &net->shape;
  if (game_has_planes(game, shape->planes) && shape->rows == game->rows && shape->cols == game->cols &&
      shape->moves == game->moves)
    return net;
  net_free(net);
  error_set(err, "%s: its inputs or moves are not those of %s here; another version made it: train again",
            path, game->title);
  return NULL;
}

typedef struct NetEvaluator {
  Evaluator base;
  const NetPlan *plan;
  PlanWorkspace *workspace;
  float *planes;   /* [max_batch][planes][rows][cols] */
  float *logits;   /* [max_batch][moves], of the canonical images */
  int *symmetries; /* [max_batch], that made them */
} NetEvaluator;

static void net_evaluate(void *self, const void *states, int batch, float *logits, float *wdl) {
  NetEvaluator *evaluator = self;
  const Game *game = evaluator->base.game;
  int planes = plan_shape(evaluator->plan)->planes;
  size_t size = (size_t)(planes * game->rows * game->cols), moves = (size_t)game->moves;
  uint64_t canonical[GAME_STATE_MAX / sizeof(uint64_t)];
  for (int i = 0; i < batch; i++) {
    const char *state = (const char *)states + (size_t)i * game->state_size;
    evaluator->symmetries[i] = game_canonical(game, state, canonical, NULL);
    game_encode(game, planes, canonical, evaluator->planes + (size_t)i * size);
  }
  plan_forward(evaluator->plan, evaluator->workspace, evaluator->planes, batch, evaluator->logits, wdl);
  for (int i = 0; i < batch; i++)
    game_symmetry_policy_back(game, evaluator->symmetries[i], evaluator->logits + (size_t)i * moves,
                              logits + (size_t)i * moves);
}

static void net_release(void *self) {
  NetEvaluator *evaluator = self;
  plan_workspace_free(evaluator->workspace);
  free(evaluator->planes);
  free(evaluator->logits);
  free(evaluator->symmetries);
  free(evaluator);
}

Evaluator *net_evaluator_new(const Game *game, const NetPlan *plan, int max_batch) {
  NetEvaluator *evaluator = memory_new(1, sizeof *evaluator);
  size_t size = (size_t)(plan_shape(plan)->planes * game->rows * game->cols);
  *evaluator = (NetEvaluator){.base = {.self = evaluator,
                                       .game = game,
                                       .max_batch = max_batch,
                                       .evaluate = net_evaluate,
                                       .release = net_release},
                              .plan = plan,
                              .workspace = plan_workspace_new(plan, max_batch),
                              .planes = memory_new((size_t)max_batch * size, sizeof(float)),
                              .logits = memory_new((size_t)max_batch * (size_t)game->moves, sizeof(float)),
                              .symmetries = memory_new((size_t)max_batch, sizeof(int))};
  return &evaluator->base;
}
