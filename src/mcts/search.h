/* Search: one Monte-Carlo tree over any game, as two half-steps that the caller drives.
 *
 *   SearchConfig config = search_config_defaults();
 *   Search *search = search_new(game, &config);
 *   search_start(search, state, visits, rng);
 *   while ((leaf = search_select(search))) {            // a position that wants an evaluation
 *     evaluator->evaluate(evaluator->self, leaf, 1, logits, wdl);
 *     search_update(search, logits, wdl);               // expand it, back up its value
 *   }
 *   search_policy(search, policy);                      // the training target
 *   int move = search_move(search, temperature);        // the move to play
 *   search_advance(search, state, move);                // keep that subtree (PUCT)
 *
 * The caller owns batching and threads: the search spawns nothing, locks nothing, reads no clock, and draws
 * random numbers only from the Rng it was given at the start. In this way many searches step in lock-step and
 * share one batch.
 *
 * Root policies:
 *
 * SEARCH_PUCT: D. Silver et al., "A general reinforcement learning algorithm that masters chess, shogi and Go
 * through self-play" (AlphaZero, Science 2018): a = argmax Q(s,a) + c(s) P(s,a) sqrt(N(s)) / (1 + N(s,a)),
 * c(s) = c_init + log((1 + N(s) + c_base) / c_base); root priors mixed with Dirichlet noise.
 *
 * SEARCH_GUMBEL: I. Danihelka et al., "Policy improvement by planning with Gumbel" (ICLR 2022): Gumbel top-k
 * and sequential halving at the root (Alg. 2), deterministic selection below (Eq. 14), completed-Q improved
 * policy as target (Eq. 11), sigma(q) = (c_visit + max_b N(b)) c_scale q (Eq. 8).
 *
 * Finished games are backed up exactly and never evaluated. With `solve` their values are proven upwards
 * (mcts/proof.h): moves known to be worse are searched no further (at Gumbel's root: those known when
 * the search begins), and a search ends once its root is proven.
 * With `probe_nodes` too, each leaf is first searched by the rules alone (mcts/probe.h).
 *
 * Sign rule: every value reported is seen from the player to move at the root unless said otherwise. */
#ifndef MCTS_SEARCH_H
#define MCTS_SEARCH_H

#include "base/rng.h"
#include "games/game.h"
#include "mcts/evaluator.h"

/* SEARCH_NONE is self-play without search: moves are drawn from the network's own policy (selfplay/shard.c).
 * A Search itself is always one of the other two. */
typedef enum SearchKind { SEARCH_PUCT, SEARCH_GUMBEL, SEARCH_NONE } SearchKind;

typedef struct SearchConfig {
  int kind;              /* SearchKind */
  double c_init, c_base; /* PUCT exploration */
  /* First-play urgency: an unvisited child's Q is its parent's value less this times the square root of the
   * prior mass already visited (0 at the root when noise is on). */
  double fpu_reduction;
  double dirichlet_alpha; /* 0 = 10 / (number of legal moves at the root), else as given */
  double dirichlet_share; /* share of noise in the root priors; 0 switches it off */
  double forced_playouts; /* PUCT with root noise: k of mcts/forced.h; 0 = none */
  int gumbel_considered;  /* m, actions considered at the root */
  double gumbel_visit;    /* c_visit */
  double gumbel_scale;    /* c_scale */
  double gumbel_noise;    /* 1 for self-play, 0 for play without exploration */
  int solve;              /* 1: proven values are carried up the tree (MCTS-solver) */
  int probe_nodes;        /* with solve: moves that mcts/probe.h may play at a leaf; 0 = none */
} SearchConfig;

SearchConfig search_config_defaults(void);
/* Of plain MCTS, whose priors are equal and whose values are playouts': PUCT with a larger constant than
 * behind a network, 3, the best of 0.7, 1.25, 2, 3, 5 and 8 at 300 playouts on Connect Four (about 80 Elo
 * above 1.25). Untried moves count as good as their parent. */
SearchConfig search_config_plain(void);

typedef struct Search Search;

/* One child of the root, for reports. */
typedef struct SearchChild {
  int move;
  int visits;
  float prior;      /* after softmax over legal moves, before noise */
  float value;      /* Q in [-1, 1] for the player to move at the root; NAN where nothing is known of it */
  int lower, upper; /* proven bounds of its game value, -1 and 1 where nothing is proven */
} SearchChild;

/* The game outlives the search; the configuration is copied. */
Search *search_new(const Game *game, const SearchConfig *config);
void search_free(Search *search);

/* Begins a search of `visits` simulations (0: the root's evaluation alone) from `state`, which is not a
 * finished game. By PUCT, a subtree kept by search_advance() is used when it belongs to this very state and
 * no playouts are forced, and its visits count towards the total; Gumbel begins a new tree. The Rng is
 * copied. Values are summed as floats, which is for searches of thousands of visits: beyond a million,
 * rounding begins to show in a mean. (SharedSearch keeps means, and has no such bound.) */
void search_start(Search *search, const void *state, int visits, Rng rng);
/* Whether the root has noise (as the configuration says) or none; to be said before search_start(). At first
 * it has. */
void search_noise(Search *search, bool on);
/* Descends to the next leaf that wants an evaluation and returns its state (owned by the search, valid until
 * the next call), or NULL when the budget is spent. Those that end in finished games are done inside. */
const void *search_select(Search *search);
/* Answers the last search_select(): logits[moves], wdl[3], for the player to move at the leaf. */
void search_update(Search *search, const float *logits, const float *wdl);

/* Children of the root in ascending move order; returns how many; children[] has room for `moves`. */
int search_children(const Search *search, SearchChild *children);
/* True once the root's game value is proven (never without `solve`); *value (may be NULL) receives it. */
bool search_proven(const Search *search, int *value);
/* Value of the root for its player to move, as win, draw, loss shares: the mean over visits (PUCT; less what
 * was forced alone), or over the improved policy (Gumbel); the exact result where that is proven. */
void search_root_wdl(const Search *search, float wdl[3]);
/* The training target over all moves (0 where illegal, or proven to be worse than another): PUCT visit
 * shares (less what was forced alone), or Gumbel's improved policy. */
void search_policy(const Search *search, float *policy);
/* The move to play: at temperature 0 the most visited (for Gumbel the winner of sequential halving), else
 * drawn from search_policy()^(1/temperature). With `solve`, a proven win is played, and a move proven to be
 * worse is not. */
int search_move(Search *search, double temperature);
/* Principal variation into moves[0..max); returns its length. */
int search_pv(const Search *search, int *moves, int max);
/* `move` is played in `state`: where the tree is of that state, the subtree below it is kept for the next
 * search_start(). */
void search_advance(Search *search, const void *state, int move);

/* For measuring: nodes in use, bytes that they and their edges take, simulations since the last start. */
size_t search_nodes(const Search *search);
size_t search_bytes(const Search *search);
int search_simulations(const Search *search);

/* Runs start/select/update to the end with one evaluator, batch 1: for opponents, tests and the reference. */
void search_run(Search *search, const void *state, int visits, Rng rng, Evaluator *evaluator);

#endif
