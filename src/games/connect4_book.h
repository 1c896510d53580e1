/* Who wins each Connect Four position of the first eight plies: what the exact solver needs long for, found
 * once (`selfplay make-data book --output openings/connect4.book`, half an hour of two cores) and shipped.
 *
 * The file is a base/file.h block of magic "SPC4BOOK": for every position of eight plies in which nobody has
 * four, mirror images being one, in ascending order of their keys (connect4_bits.h), two bits: the value for
 * the player to move plus one, or 3 where it is not known yet. Values of fewer plies follow from these by
 * minimax.
 *
 * The positions in which the next move is not forced are J. Tromp's set of 67,557 (UCI "Connect-4", 1995). */
#ifndef GAMES_CONNECT4_BOOK_H
#define GAMES_CONNECT4_BOOK_H

#include "base/error.h"
#include "games/connect4.h"

enum { CONNECT4_BOOK_PLIES = 8 };

typedef struct Connect4Book Connect4Book;

/* Positions of the last ply without a forced move, by their value for the player to move. */
typedef struct Connect4Census {
  int won, drawn, lost, unknown;
} Connect4Census;

/* A book from its file; NULL with a message where that is missing, damaged or not complete. */
Connect4Book *connect4_book_read(const char *path, Error *err);
void connect4_book_free(Connect4Book *book); /* NULL is fine */
/* The value for the player to move, in {-1, 0, 1}, of a position that is not over and has at most eight
 * stones.
 */
int connect4_book_value(const Connect4Book *book, const Connect4 *position);
Connect4Census connect4_book_census(const Connect4Book *book);

/* Called now and then with how many of `all` positions are known. */
typedef void Connect4BookProgress(void *context, int known, int all);

/* Solves what the file at `path` (which may be missing) does not know, writing it anew every minute, so that
 * a killed job goes on from there. The threads share a solver's table of 2^log2_bytes bytes. */
bool connect4_book_make(const char *path, int log2_bytes, int threads, Connect4BookProgress *progress,
                        void *context, Error *err);

#endif
