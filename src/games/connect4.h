/* Connect Four's board as bits, shared by the rules (connect4.c) and the exact solver.
 *
 * Column c occupies bits 7c .. 7c+5 from the bottom; bit 7c+6 stays empty, so that shifts never leave a
 * column:
 *
 *     5 12 19 26 33 40 47
 *     4 11 18 25 32 39 46
 *     3 10 17 24 31 38 45
 *     2  9 16 23 30 37 44
 *     1  8 15 22 29 36 43
 *     0  7 14 21 28 35 42
 */
#ifndef GAMES_CONNECT4_H
#define GAMES_CONNECT4_H

#include "games/game.h"

enum { C4_COLS = 7, C4_ROWS = 6, C4_SQUARES = 42 };

/* The state of game_connect4. */
typedef struct Connect4 {
  uint64_t mover; /* stones of the player to move */
  uint64_t all;   /* stones of both */
} Connect4;

extern const Game game_connect4;

/* True where these stones hold four in a row. */
bool connect4_has_four(uint64_t stones);

#endif
