/* Openings: where the games of a match begin, so that no two are the same game.
 *
 * Distinct positions (board symmetries and transpositions count as the same), all reached by lines of one
 * length, and balanced: with a shipped file openings/GAME.txt (openings_make) the lines are taken from
 * there; else from random play, keeping positions that are not over, in which the player to move cannot
 * win at once, and which a shallow alpha-beta calls neither decided nor lopsided. Everything follows from
 * (game, count, seed). */
#ifndef ARENA_OPENINGS_H
#define ARENA_OPENINGS_H

#include "base/error.h"
#include "games/game.h"

#include <stdbool.h>

enum { OPENING_PLIES_MAX = 32 };

typedef struct Opening {
  int moves[OPENING_PLIES_MAX];
  int plies;
} Opening;

typedef struct Openings {
  const Game *game;
  Opening *items;
  int count;
} Openings;

/* `count` openings of the file at `path` (NULL: the game's shipped one, or else made on the spot), in an
 * order given by the seed. NULL with a message that says how many there are where these are too few, or where
 * the file is damaged.
 */
Openings *openings_new(const Game *game, const char *path, int count, uint64_t seed, Error *err);
/* As many as there are, but at most `count`. */
Openings *openings_up_to(const Game *game, const char *path, int count, uint64_t seed, Error *err);
/* The lines of a file, one a line, `#` for comments, `-` for the first position, in its order. An illegal,
 * finished or repeated line is an error that names FILE:LINE. */
Openings *openings_read(const Game *game, const char *path, Error *err);
void openings_free(Openings *openings); /* NULL is fine */

/* Writes the opening's position into `state`. */
void opening_play(const Game *game, const Opening *opening, void *state);
/* The line of moves as text: run together where every move's name is one character, else separated by blanks.
 * Appends to `out`. */
void opening_print_line(const Game *game, const int *moves, int count, Buffer *out);

/* Called now and then with how many of `wanted` are found. */
typedef void OpeningsProgress(void *context, int found, int wanted);

/* For the makers of the shipped file: `count` balanced openings of `plies` random moves. Balanced means an
 * exact score between -limit and limit where an exact solver plays whole games, else a value between -limit
 * and limit hundredths by alpha-beta of depths 4 and 8. Writes the file, with a comment that says how it was
 * made. The threads do not change what is made. 256 MiB of memory where there is such a solver. */
bool openings_make(const Game *game, int count, int plies, int limit, uint64_t seed, int threads,
                   const char *path, OpeningsProgress *progress, void *context, Error *err);

#endif
