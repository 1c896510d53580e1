/* Making test positions by the exact solver (Connect Four alone): the shipped file positions/connect4.txt. */
#ifndef ARENA_POSITIONS_EXACT_H
#define ARENA_POSITIONS_EXACT_H

#include "base/error.h"
#include "games/game.h"

typedef struct PositionsPlan {
  int count; /* spread evenly over the plies */
  int first_ply, last_ply;
  int depth;           /* of the alpha-beta that plays the second half ... */
  double random_share; /* ... with this share of random moves */
  uint64_t seed;
} PositionsPlan;

/* Writes `count` distinct positions (reflections are the same) in the format of accuracy.h, half of each
 * ply's from uniformly random play and half from alpha-beta with random moves among its own. Only positions
 * that test something are kept: the player to move cannot win at once, and its moves do not all lead to the
 * same value. */
bool positions_make_exact(const Game *game, const PositionsPlan *plan, const char *path,
                          void (*progress)(void *context, int found, int wanted), void *context, Error *err);

#endif
