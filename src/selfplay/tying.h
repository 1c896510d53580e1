/* The adapter from a game's symmetries to a network's ties: games and net do not know each other. */
#ifndef SELFPLAY_TYING_H
#define SELFPLAY_TYING_H

#include "games/game.h"
#include "net/ties.h"

/* Whether the game's first `symmetries` symmetries can be built into a network of this shape. */
bool tying_valid(const Game *game, int symmetries, const NetShape *shape, Error *err);
/* Of valid arguments; released with ties_free(). */
NetTies *tying_new(const Game *game, int symmetries, const NetShape *shape);

#endif
