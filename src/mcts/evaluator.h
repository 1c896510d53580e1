/* Evaluator: all that search knows of networks. A batch of states in; prior logits and win/draw/loss out.
 *
 * The seam behind which networks, rollouts, solvers, caches and fakes live, after lc0's backend interface.
 *
 * Sign rule: probabilities are seen from the player to move in each state: wdl[0] win, wdl[1] draw, wdl[2]
 * loss, non-negative and summing to 1. Logits of illegal moves are ignored by the search. States handed over
 * are never finished games: search scores those itself. */
#ifndef MCTS_EVALUATOR_H
#define MCTS_EVALUATOR_H

#include "base/rng.h"
#include "games/game.h"

typedef struct Evaluator {
  void *self; /* owned by the evaluator */
  const Game *game;
  int max_batch; /* the most states one call may carry */
  /* states: [batch][state_size] bytes; logits: [batch][moves]; wdl: [batch][3]. One call at a time per
   * evaluator. */
  void (*evaluate)(void *self, const void *states, int batch, float *logits, float *wdl);
  void (*release)(void *self);
} Evaluator;

void evaluator_free(Evaluator *evaluator); /* NULL is fine */

/* Equal priors, and a draw for certain: search by itself. */
Evaluator *evaluator_uniform(const Game *game, int max_batch);
/* Equal priors, and the outcome of `rollouts` uniformly random games: plain MCTS. */
Evaluator *evaluator_rollout(const Game *game, int rollouts, Rng rng, int max_batch);
/* Softmax-ready logits and WDL from a function, for tests and for evaluators of your own. `context` stays
 * the caller's. */
typedef void EvaluatorFunction(void *context, const void *state, float *logits, float *wdl);
Evaluator *evaluator_function(const Game *game, EvaluatorFunction *function, void *context, int max_batch);
/* A cache of 2^log2_entries answers (at least 4) in front of `inner`, which it then owns. Symmetric positions
 * share an answer: `inner` is asked for the canonical image (game_canonical()) of a position, cached or not,
 * so an answer is a function of the position alone; equal ones in a batch are asked for once. Four entries
 * share a place, where the one used longest ago makes room. A collision of 64-bit keys is taken as a hit. */
Evaluator *evaluator_cached(Evaluator *inner, int log2_entries);
/* Positions that a cached evaluator was asked for since it was made, and those of them that `inner` was not
 * asked for; zeros for any other. */
void evaluator_cache_counts(const Evaluator *evaluator, uint64_t *lookups, uint64_t *hits);

#endif
