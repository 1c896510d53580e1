/* The adapter between search and network: an Evaluator over a NetPlan. */
#ifndef SELFPLAY_NET_EVALUATOR_H
#define SELFPLAY_NET_EVALUATOR_H

#include "mcts/evaluator.h"
#include "net/plan.h"

/* The network of a file, where it takes this game's positions and answers with its moves; the caller's to
 * free. NULL with a message where not. */
Net *net_load_for(const Game *game, const char *path, Error *err);

/* Encodes states, runs the plan, hands out logits and WDL. It is the canonical image of a position
 * (game_canonical()) that the network sees: symmetric positions then get symmetric answers, and the same with
 * a cache in front and without. With `images` > 1 (at most game->symmetries) it sees so many of that
 * position's symmetric images, for as many times the work, and the answer is the mean of what it says of
 * them: of the logits, and of the WDL (D. Silver et al., "Mastering the game of Go with deep neural networks
 * and tree search", 2016, Methods: the ensemble over the dihedral group). The plan stays the caller's and may
 * be shared by many evaluators; each evaluator belongs to one thread at a time. */
Evaluator *net_evaluator_new(const Game *game, const NetPlan *plan, int max_batch, int images);

#endif
