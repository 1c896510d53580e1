#include "selfplay/net_evaluator.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
  int images;      /* of each position, the canonical one first */
  float *planes;   /* [max_batch][images][planes][rows][cols] */
  float *logits;   /* [max_batch][images][moves] */
  float *wdl;      /* [max_batch][images][3] */
  float *turned;   /* [moves], one image's logits as the canonical one's */
  int *symmetries; /* [max_batch], that made the canonical image */
} NetEvaluator;

/* What is said of the images of one position, logits[images][moves] and wdl[images][3]: their mean, in place
 * of the first. */
static void average_images(const NetEvaluator *evaluator, float *logits, float *wdl) {
  const Game *game = evaluator->base.game;
  size_t moves = (size_t)game->moves, images = (size_t)evaluator->images;
  for (size_t s = 1; s < images; s++) {
    game_symmetry_policy_back(game, (int)s, logits + s * moves, evaluator->turned);
    for (size_t m = 0; m < moves; m++) logits[m] += evaluator->turned[m];
    for (size_t k = 0; k < 3; k++) wdl[k] += wdl[3 * s + k];
  }
  for (size_t m = 0; m < moves; m++) logits[m] /= (float)images;
  for (size_t k = 0; k < 3; k++) wdl[k] /= (float)images;
}

static void net_evaluate(void *self, const void *states, int batch, float *logits, float *wdl) {
  NetEvaluator *evaluator = self;
  const Game *game = evaluator->base.game;
  int planes = plan_shape(evaluator->plan)->planes, images = evaluator->images;
  size_t size = (size_t)(planes * game->rows * game->cols), moves = (size_t)game->moves;
  uint64_t canonical[GAME_STATE_MAX / sizeof(uint64_t)];
  for (int i = 0; i < batch; i++) {
    const char *state = (const char *)states + (size_t)i * game->state_size;
    evaluator->symmetries[i] = game_canonical(game, state, canonical, NULL);
    float *first = evaluator->planes + (size_t)(i * images) * size;
    game_encode(game, planes, canonical, first);
    for (int s = 1; s < images; s++) game_symmetry_planes(game, s, planes, first, first + (size_t)s * size);
  }
  plan_forward(evaluator->plan, evaluator->workspace, evaluator->planes, batch * images, evaluator->logits,
               evaluator->wdl);
  for (int i = 0; i < batch; i++) {
    float *own = evaluator->logits + (size_t)(i * images) * moves, *own_wdl = evaluator->wdl + 3 * i * images;
    average_images(evaluator, own, own_wdl);
    game_symmetry_policy_back(game, evaluator->symmetries[i], own, logits + (size_t)i * moves);
    memcpy(wdl + 3 * i, own_wdl, 3 * sizeof *wdl);
  }
}

static void net_release(void *self) {
  NetEvaluator *evaluator = self;
  plan_workspace_free(evaluator->workspace);
  free(evaluator->planes);
  free(evaluator->logits);
  free(evaluator->wdl);
  free(evaluator->turned);
  free(evaluator->symmetries);
  free(evaluator);
}

Evaluator *net_evaluator_new(const Game *game, const NetPlan *plan, int max_batch, int images) {
  assert(images >= 1 && images <= game->symmetries);
  NetEvaluator *evaluator = memory_new(1, sizeof *evaluator);
  size_t size = (size_t)(plan_shape(plan)->planes * game->rows * game->cols), moves = (size_t)game->moves;
  size_t rows = (size_t)max_batch * (size_t)images;
  *evaluator = (NetEvaluator){.base = {.self = evaluator,
                                       .game = game,
                                       .max_batch = max_batch,
                                       .evaluate = net_evaluate,
                                       .release = net_release},
                              .plan = plan,
                              .images = images,
                              .workspace = plan_workspace_new(plan, (int)rows),
                              .planes = memory_new(rows * size, sizeof(float)),
                              .logits = memory_new(rows * moves, sizeof(float)),
                              .wdl = memory_new(rows * 3, sizeof(float)),
                              .turned = memory_new(moves, sizeof(float)),
                              .symmetries = memory_new((size_t)max_batch, sizeof(int))};
  return &evaluator->base;
}
