/* What the rules alone say of a position, two plies deep: so that no evaluation is spent on it. */
#ifndef MCTS_LOOK_AHEAD_H
#define MCTS_LOOK_AHEAD_H

#include "games/game.h"

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

#endif
