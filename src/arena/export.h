/* Export: all recorded games of a game as text for other programs.
 *
 * PGN-like, for rating tools (BayesElo, Ordo): the tags of the PGN standard (S. Edwards 1994) with White
 * for whoever moved first, the opening and all moves by the game's own move names in a comment, and the
 * result. SGF (FF[4], A. Hollosi 1997-2021): one game tree a game, with players, result and the moves as B
 * and W by column and row letters; private property MV holds the move's own name, since a drop has a column
 * only. */
#ifndef ARENA_EXPORT_H
#define ARENA_EXPORT_H

#include "arena/store.h"
#include "base/file.h"
#include "games/game.h"

typedef enum ExportFormat { EXPORT_PGN, EXPORT_SGF } ExportFormat;

/* SGF where the file's name ends in .sgf, else PGN. */
ExportFormat export_format_of(const char *path);
/* Writes all recorded games of `game`; *count (may be NULL) receives how many. False with a message where
 * there are none, or a game is recorded whose moves are not legal in this build's rules. */
bool export_games(Store *store, const Game *game, ExportFormat format, const char *path, int *count,
                  Error *err);

#endif
