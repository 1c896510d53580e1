/* What the rules alone say of a position, two plies deep: so that no evaluation is spent on it. */
#ifndef MCTS_LOOK_AHEAD_H
#define MCTS_LOOK_AHEAD_H

#include "games/game.h"
#include "mcts/probe.h"

enum { MOVE_OPEN = 2 }; /* in place of a value: not known */

typedef struct LookAhead {
  int count;
  int moves[GAME_MOVES_MAX];    /* legal ones, ascending */
  int8_t known[GAME_MOVES_MAX]; /* of each, its value for the player to move where that is certain */
} LookAhead;

/* Lists the moves of a position that is not finished. With `solve`, also finds the moves that end the game,
 * and those that let the opponent win at once (where the game has wins_at_once). True where that proves the
 * position; *value is then its value for the player to move. */
bool look_ahead(const Game *game, const void *state, bool solve, LookAhead *out, int *value);

/* All that the rules say of a leaf, the cheapest question first: whether the game is over, and with `solve` a
 * win at once, look_ahead() and, where there is one, the probe. True where that settles it; otherwise `out`
 * has its moves. */
bool know_leaf(const Game *game, const void *state, bool solve, Probe *probe, LookAhead *out, int *value);

#endif
