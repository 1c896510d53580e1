/* Exact Connect Four: the score of any position, after P. Pons, "Solving Connect 4: how to build a perfect
 * AI" (2015-2019): negamax with alpha-beta on bitboards, a transposition table, moves ordered by the threats
 * they make, non-losing moves only, bounds by parity (connect4_parity.h), null-window search by bisection,
 * both mirror images as one, enhanced transposition cutoffs (A. Plaat et al., "Exploiting graph properties of
 * game trees", 1996).
 *
 * Scores, as Pons': positive where the side to move wins with best play: 22 minus the number of stones the
 * winner will have played, so 1 is a win with the winner's last stone; negative likewise for a loss; 0 a
 * draw.
 *
 *   Connect4Solver *solver = connect4_solver_new(24);   // 2^24 entries
 *   int score = connect4_solver_score(solver, &position);
 *   connect4_solver_free(solver);
 *
 * A solver belongs to one thread at a time. */
#ifndef GAMES_CONNECT4_SOLVER_H
#define GAMES_CONNECT4_SOLVER_H

#include "games/connect4.h"

typedef struct Connect4Solver Connect4Solver;

enum { CONNECT4_NO_SCORE = -1000 };

/* A transposition table of 2^log2_entries entries (8 bytes each at most). */
Connect4Solver *connect4_solver_new(int log2_entries);
/* One more solver, for another thread, that reads and writes the table of `owner`, which must outlive it. */
Connect4Solver *connect4_solver_share(const Connect4Solver *owner);
void connect4_solver_free(Connect4Solver *solver);
/* Exact score of a position in which the game is not over. */
int connect4_solver_score(Connect4Solver *solver, const Connect4 *position);
/* -1, 0 or 1: as the sign of the score, found faster. */
int connect4_solver_value(Connect4Solver *solver, const Connect4 *position);
/* Exact score of every column for the side to move; CONNECT4_NO_SCORE where the column is full. */
void connect4_solver_moves(Connect4Solver *solver, const Connect4 *position, int scores[C4_COLS]);
/* Sign only (-1, 0, 1), CONNECT4_NO_SCORE where full. */
void connect4_solver_move_values(Connect4Solver *solver, const Connect4 *position, int values[C4_COLS]);

#endif
