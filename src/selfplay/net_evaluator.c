#include "selfplay/net_evaluator.h"

#include "base/memory.h"

#include <stdlib.h>

typedef struct NetEvaluator {
  Evaluator base;
  const NetPlan *plan;
  PlanWorkspace *workspace;
  float *planes; /* [max_batch][planes][rows][cols] */
} NetEvaluator;

static void net_evaluate(void *self, const void *states, int batch, float *logits, float *wdl) {
  NetEvaluator *evaluator = self;
  const Game *game = evaluator->base.game;
  size_t size = (size_t)(game->planes * game->rows * game->cols);
  for (int i = 0; i < batch; i++)
    game->encode((const char *)states + (size_t)i * game->state_size, evaluator->planes + (size_t)i * size);
  plan_forward(evaluator->plan, evaluator->workspace, evaluator->planes, batch, logits, wdl);
}

static void net_release(void *self) {
  NetEvaluator *evaluator = self;
  plan_workspace_free(evaluator->workspace);
  free(evaluator->planes);
  free(evaluator);
}

Evaluator *net_evaluator_new(const Game *game, const NetPlan *plan, int max_batch) {
  NetEvaluator *evaluator = memory_new(1, sizeof *evaluator);
  *evaluator = (NetEvaluator){
      .base = {.self = evaluator,
               .game = game,
               .max_batch = max_batch,
               .evaluate = net_evaluate,
               .release = net_release},
      .plan = plan,
      .workspace = plan_workspace_new(plan, max_batch),
      .planes =
          memory_new((size_t)max_batch * (size_t)(game->planes * game->rows * game->cols), sizeof(float))};
  return &evaluator->base;
}
