/* Alpha-beta over any game: fixed depth, the game's heuristic at the horizon. The teacher's and opponents'
 * player.
 *
 *   AlphaBeta *player = alphabeta_new(game, 6);
 *   int move = alphabeta_move(player, state, &rng, &value);
 */
#ifndef GAMES_ALPHABETA_H
#define GAMES_ALPHABETA_H

#include "base/rng.h"
#include "games/game.h"

typedef struct AlphaBeta AlphaBeta;

/* depth >= 1 plies. Any number of threads may ask it. */
AlphaBeta *alphabeta_new(const Game *game, int depth);
void alphabeta_free(AlphaBeta *player);
/* A move of the best value, uniformly among equals: quicker wins and slower losses are better. *value (may be
 * NULL) receives that value for the player to move: +-1 or beyond where a win or loss is
 * proven, by how soon. */
int alphabeta_move(const AlphaBeta *player, const void *state, Rng *rng, float *value);

#endif
