/* Exact Othello endgames, of either board size: negamax with principal variation search, a transposition
 * table, the moves that leave the opponent fewest answers first ("fastest first"), and near the end the
 * regions with an odd number of empty squares first (parity), as in M. Buro, "Techniken für die Bewertung von
 * Spielsituationen anhand von Beispielen", 1994.
 *
 * A score is the final difference in discs with best play, for the player to move; the winner also gets the
 * squares that stay empty, as in tournaments. Positions of up to OTHELLO_SOLVER_EMPTIES empty squares take
 * well under a second; more is allowed, and each square more takes more than twice as long.
 *
 *   OthelloSolver *solver = othello_solver_new(&game_othello6, 20);   // 2^20 entries of 24 bytes
 *   int score = othello_solver_score(solver, &position);
 *   othello_solver_free(solver);
 *
 * A solver belongs to one thread at a time. */
#ifndef GAMES_OTHELLO_SOLVER_H
#define GAMES_OTHELLO_SOLVER_H

#include "games/othello.h"

typedef struct OthelloSolver OthelloSolver;

enum { OTHELLO_SOLVER_EMPTIES = 14, OTHELLO_NO_SCORE = -1000 };

/* For game_othello6 or game_othello; log2_entries >= 1. */
OthelloSolver *othello_solver_new(const Game *game, int log2_entries);
void othello_solver_free(OthelloSolver *solver);
/* Empty squares of a position. */
int othello_solver_empties(const OthelloSolver *solver, const Othello *position);
/* Exact score of a position, finished or not. */
int othello_solver_score(OthelloSolver *solver, const Othello *position);
/* -1, 0 or 1: the sign of the score, found faster. */
int othello_solver_value(OthelloSolver *solver, const Othello *position);
/* Exact score of every move number, the pass included; OTHELLO_NO_SCORE where illegal. scores[game->moves].
 */
void othello_solver_moves(OthelloSolver *solver, const Othello *position, int *scores);
/* Sign only. */
void othello_solver_move_values(OthelloSolver *solver, const Othello *position, int *values);

#endif
