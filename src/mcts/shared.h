/* SharedSearch: one tree searched by several threads, for playing and analysing one position; never for
 * training data, since its result depends on timing.
 *
 * PUCT with virtual loss (G. Chaslot, M. Winands, H. J. van den Herik, "Parallel Monte-Carlo tree search",
 * 2008): a thread that descends through an edge counts a provisional loss there until its evaluation returns,
 * so that other threads spread out. Statistics are C11 atomics; expansion is claimed by compare-and-swap; no
 * locks. Each thread collects a batch of leaves and evaluates it with its own Evaluator.
 *
 *   SharedSearch *search = shared_search_new(game, &config, evaluators, threads, 16, 100000);
 *   shared_search_run(search, state, 10000);
 *   shared_search_children(search, children);
 */
#ifndef MCTS_SHARED_H
#define MCTS_SHARED_H

#include "mcts/evaluator.h"
#include "mcts/search.h"

#include <stdatomic.h>

typedef struct SharedSearch SharedSearch;

enum { SHARED_NODES_ASIDE = 64 }; /* nodes that each thread may set aside of the capacity */

/* The evaluators stay the caller's and outlive the search (the list need not); `batch` leaves are gathered
 * per thread and call (at most each evaluator's max_batch). There is room for `capacity` nodes of as many
 * edges as the game has moves, 31 at most; nodes with fewer leave room for more. Once the tree is full,
 * leaves are evaluated but get no node. */
SharedSearch *shared_search_new(const Game *game, const SearchConfig *config, Evaluator *const *evaluators,
                                int threads, int batch, size_t capacity);
void shared_search_free(SharedSearch *search);
/* Forgets the tree and does `visits` simulations from `state`, which is not finished; fewer where its value
 * is proven before. Returns how many were done. */
int shared_search_run(SharedSearch *search, const void *state, int visits);

int shared_search_children(const SharedSearch *search, SearchChild *children);
void shared_search_root_wdl(const SharedSearch *search, float wdl[3]);
/* True once the root's game value is proven (never without config.solve); *value then receives it. A search
 * stops as soon as it is. */
bool shared_search_proven(const SharedSearch *search, int *value);
/* The most visited; a win at once before any other, and never a move that is proven to be worse. */
int shared_search_move(const SharedSearch *search);
int shared_search_pv(const SharedSearch *search, int *moves, int max);
/* For measuring: bytes that nodes and edges take. */
size_t shared_search_bytes(const SharedSearch *search);

#endif
