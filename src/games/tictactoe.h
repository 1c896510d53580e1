/* Tic-tac-toe: the smallest game, for tests and first steps. Squares are named a1 (bottom left) to c3. */
#ifndef GAMES_TICTACTOE_H
#define GAMES_TICTACTOE_H

#include "games/game.h"

extern const Game game_tictactoe;

#endif
