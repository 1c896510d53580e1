/* Othello on 6 x 6 squares. */
#define OTHELLO_SIDE 6
#define OTHELLO_BOARD OTHELLO_BOARD_6
#define OTHELLO_GAME game_othello6
#define OTHELLO_NAME "othello6"
#define OTHELLO_TITLE "Othello (6 x 6)"
#include "games/othello_rules.inc"
