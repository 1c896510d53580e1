/* Exact solvers behind one interface: which games have one, which positions it reaches, and the scores.
 * Players, teachers and the makers of test positions ask here and know no game by name.
 *
 * A score is positive where the player to move wins with best play, 0 for a draw, negative for a loss, and
 * larger is better; what its size means is the game's own (exact_score_text).
 *
 *   Exact *exact = exact_new(game, 25, &err);        // NULL where the game has no solver
 *   if (!exact_reaches(game, state, &err)) ...       // too far from the end
 *   exact_moves(exact, state, scores);
 *
 * A solver belongs to one thread at a time. */
#ifndef GAMES_EXACT_H
#define GAMES_EXACT_H

#include "base/rng.h"
#include "games/game.h"

typedef struct Exact Exact;

enum { EXACT_NO_SCORE = -1000 };

/* True where the game has a solver; with `whole_games`, where it reaches every position. */
bool exact_exists(const Game *game, bool whole_games);
/* Whether the game has a solver, and what is shipped for it can be read; false with a message. A solver works
 * without it, so that this is asked where a person wants one, before the work begins. */
bool exact_ready(const Game *game, Error *err);
/* A solver with a table of about 2^log2_bytes bytes; NULL with a message where the game has none. */
Exact *exact_new(const Game *game, int log2_bytes, Error *err);
/* The log2_bytes of each of `threads` tables that take 2^log2_bytes bytes together, or less. */
int exact_log2_bytes_each(int log2_bytes, int threads);
void exact_free(Exact *exact); /* NULL is fine */
/* False with a message where this position of a game with a solver is too far from its end. */
bool exact_reaches(const Game *game, const void *state, Error *err);
/* Exact score of a position that is reached and not over. */
int exact_score(Exact *exact, const void *state);
/* Its sign, found faster: -1, 0 or 1. */
int exact_value(Exact *exact, const void *state);
/* Exact score of each move, scores[game->moves]; EXACT_NO_SCORE where illegal. */
void exact_moves(Exact *exact, const void *state, int *scores);
/* Sign only (-1, 0, 1), found faster. */
void exact_move_values(Exact *exact, const void *state, int *values);
/* Whether some move keeps the position's value and another loses it. */
bool exact_moves_differ(Exact *exact, const void *state);
/* Enough to play by, signs and order: scores, or in the first plies, of which a book knows the signs at once,
 * these, and of moves that lose how hard they make it for the opponent. */
void exact_moves_to_play(Exact *exact, const void *state, int *scores);
/* The number of a best-scoring move, uniformly among equals. */
int exact_best_move(const Game *game, const int *scores, Rng *rng);
/* One sentence on what scores of this game mean, as a phrase: "22 less the winner's stones, ...". */
const char *exact_score_text(const Game *game);
/* Moves that are left with best play, the winner hurrying and the loser delaying, from a position of this
 * score; -1 where the game's scores do not tell. */
int exact_plies_left(const Game *game, const void *state, int score);
/* First and last ply of the positions that test players well, where nothing else is asked for. */
void exact_test_plies(const Game *game, int plies[2]);

#endif
