/* Othello on 8 x 8 and on 6 x 6 squares, as bitboards. One text of the rules (othello_rules.inc) serves both
 * sizes.
 *
 * Black moves first from the standard cross in the centre (8 x 8: white d4 e5, black e4 d5). A move must
 * flip; who has none passes, and the pass is a move with a number of its own, so that sides always alternate.
 * The game is over when neither side can move; more discs win.
 *
 * On 6 x 6 the second player wins 20-16 with best play (J. Feinstein, "Amenor wins world 6x6
 * championships!", British Othello Federation Newsletter, 1993). On 8 x 8 best play is not known to this
 * project. */
#ifndef GAMES_OTHELLO_H
#define GAMES_OTHELLO_H

#include "games/game.h"

/* The state of both games. Square (row, col) of a board of side N is bit 8 (row + e) + col + e, where
 * e = (8 - N) / 2: the small board lies in the middle of the large one, with nothing around it. */
typedef struct Othello {
  uint64_t mover; /* discs of the player to move */
  uint64_t other; /* discs of the opponent */
  uint64_t ply;   /* moves played, passes included */
} Othello;

extern const Game game_othello6, game_othello;

#endif
