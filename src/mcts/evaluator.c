#include "mcts/evaluator.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void evaluator_free(Evaluator *evaluator) {
  if (evaluator) evaluator->release(evaluator->self);
}

/* The simple evaluators share one struct; each uses the fields it needs. */
typedef struct Simple {
  Evaluator base;
  int rollouts;
  Rng rng;
  EvaluatorFunction *function;
  void *context;
} Simple;

static Evaluator *simple_new(Simple fields, const Game *game, int max_batch,
                             void (*evaluate)(void *, const void *, int, float *, float *)) {
  Simple *simple = memory_new(1, sizeof *simple);
  *simple = fields;
  simple->base = (Evaluator){
      .self = simple, .game = game, .max_batch = max_batch, .evaluate = evaluate, .release = free};
  return &simple->base;
}

static void evaluate_uniform(void *self, const void *states, int batch, float *logits, float *wdl) {
  const Simple *simple = self;
  (void)states;
  memset(logits, 0, (size_t)batch * (size_t)simple->base.game->moves * sizeof *logits);
  for (int i = 0; i < batch; i++) wdl[3 * i] = 0, wdl[3 * i + 1] = 1, wdl[3 * i + 2] = 0;
}

Evaluator *evaluator_uniform(const Game *game, int max_batch) {
  return simple_new((Simple){0}, game, max_batch, evaluate_uniform);
}

/* The outcome of one random game for the player to move in `state`: 0 win, 1 draw, 2 loss. */
static int rollout(const Game *game, const void *state, Rng *rng) {
  uint64_t work[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[GAME_MOVES_MAX], count, mover = game->to_move(state);
  float value = 0;
  memcpy(work, state, game->state_size);
  while ((count = game->legal(work, moves)) > 0) game->play(work, moves[rng_below(rng, (uint32_t)count)]);
  game->over(work, &value);
  if (game->to_move(work) != mover) value = -value;
  return value > 0 ? 0 : value < 0 ? 2 : 1;
}

static void evaluate_rollout(void *self, const void *states, int batch, float *logits, float *wdl) {
  Simple *simple = self;
  const Game *game = simple->base.game;
  memset(logits, 0, (size_t)batch * (size_t)game->moves * sizeof *logits);
  for (int i = 0; i < batch; i++) {
    int counts[3] = {0};
    for (int r = 0; r < simple->rollouts; r++)
      counts[rollout(game, (const char *)states + (size_t)i * game->state_size, &simple->rng)]++;
    for (int k = 0; k < 3; k++) wdl[3 * i + k] = (float)counts[k] / (float)simple->rollouts;
  }
}

Evaluator *evaluator_rollout(const Game *game, int rollouts, Rng rng, int max_batch) {
  assert(rollouts > 0);
  return simple_new((Simple){.rollouts = rollouts, .rng = rng}, game, max_batch, evaluate_rollout);
}

static void evaluate_function(void *self, const void *states, int batch, float *logits, float *wdl) {
  const Simple *simple = self;
  const Game *game = simple->base.game;
  for (int i = 0; i < batch; i++)
    simple->function(simple->context, (const char *)states + (size_t)i * game->state_size,
                     logits + (size_t)i * (size_t)game->moves, wdl + 3 * i);
}

Evaluator *evaluator_function(const Game *game, EvaluatorFunction *function, void *context, int max_batch) {
  return simple_new((Simple){.function = function, .context = context}, game, max_batch, evaluate_function);
}
