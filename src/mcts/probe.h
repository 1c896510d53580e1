/* A small search by the rules alone, before a position is given to the network: a win, loss or draw near
 * enough to be proven needs no evaluation, and is certain.
 *
 * Minimax in the leaves of a Monte-Carlo tree is H. Baier and M. Winands, "MCTS-minimax hybrids" (IEEE TCIAIG
 * 2015); here it answers yes, no or unknown, never by a heuristic value, and MCTS-solver (mcts/proof.h)
 * carries its proofs up. It knows no game beyond game.h. */
#ifndef MCTS_PROBE_H
#define MCTS_PROBE_H

#include "games/game.h"

enum { PROBE_NODES = 2000 }; /* of players, where nothing else is said */

typedef struct Probe Probe;

/* `nodes` is the most moves (but for a position's own) that one probe_position() plays at the end of a game;
 * earlier it plays fewer, by the square of plies (passes counted) over the board's squares, but never fewer
 * than 60. The game outlives it. */
Probe *probe_new(const Game *game, int nodes);
void probe_free(Probe *probe);
/* Forgets what earlier calls found, so that what follows depends on what follows alone. */
void probe_clear(Probe *probe);
/* Looks for the value of a position that is not finished, deeper and deeper. True where it is proven; *value
 * is then its value for the player to move. What is found is remembered, as are positions probed in vain,
 * which are not probed again. */
bool probe_position(Probe *probe, const void *state, int *value);
/* Plays a proven position on by moves that keep its value, the loser putting up what resistance one ply of
 * sight allows, until the game is over, `max` moves are played or the probe proves no further; the first to
 * reach the end is not always the shortest. Returns how many `moves` there are, 0 where nothing is proven. */
int probe_line(Probe *probe, const void *state, int *moves, int max);

#endif
