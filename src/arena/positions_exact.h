/* Making test positions by a game's exact solver: the shipped files positions/GAME.txt. */
#ifndef ARENA_POSITIONS_EXACT_H
#define ARENA_POSITIONS_EXACT_H

#include "base/error.h"
#include "games/game.h"

typedef struct PositionsPlan {
  int count; /* spread evenly over the plies */
  int first_ply, last_ply;
  int longer_than;     /* moves that best play leaves; more are asked for. 0: any number */
  bool all;            /* those that test nothing are kept too, as in P. Pons' benchmark of solvers */
  int depth;           /* of the alpha-beta that plays the second half ... */
  double random_share; /* ... with this share of random moves */
  uint64_t seed;
  int threads; /* which do not change what is made */
} PositionsPlan;

/* Writes `count` distinct positions (symmetric images are the same) in the format of accuracy.h, half of each
 * ply's from uniformly random play and half from alpha-beta with random moves among its own. Unless `all` are
 * asked for, only positions that test something are kept: the player to move cannot win at once, and its
 * moves do not all lead to the same value. 256 MiB of memory, 2 GiB where positions of fewer than 12 plies
 * are asked for. No position has more empty squares than first_ply discs leave, passes or not. False with a
 * message where the game has no solver, or it does not reach the first ply. */
bool positions_make_exact(const Game *game, const PositionsPlan *plan, const char *path,
                          void (*progress)(void *context, int found, int wanted), void *context, Error *err);

#endif
