/* A position as people want to see it. */
#ifndef CLI_BOARD_H
#define CLI_BOARD_H

#include "games/game.h"

#include <stdio.h>

typedef struct BoardStyle {
  bool unicode, colour, true_colour;
} BoardStyle;

/* What this stream can show; `ascii` forces the plain style. */
BoardStyle board_style(FILE *stream, bool ascii);
/* The board, top row first, with row and column names. `+' is where the player to move may play, in games
 * where that is not every empty square. The piece that `last_move` (-1: none) placed is marked; the cursor's
 * column, and its row where row >= 0, are marked too (column -1: no cursor). */
void board_draw(FILE *stream, const BoardStyle *style, const Game *game, const void *state, int last_move,
                int cursor_row, int cursor_col);
/* One piece of player 1 or 2 with a blank on either side, as on the board. */
void board_piece(FILE *stream, const BoardStyle *style, const Game *game, int piece);
/* The square where `move` put its piece in `state`; false where it has none (a pass). */
bool board_square_of(const Game *game, const void *state, int move, int *row, int *col);

#endif
