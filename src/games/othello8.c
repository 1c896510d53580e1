/* Othello on 8 x 8 squares. */
#define OTHELLO_SIDE 8
#define OTHELLO_BOARD OTHELLO_BOARD_8
#define OTHELLO_GAME game_othello
#define OTHELLO_NAME "othello"
#define OTHELLO_TITLE "Othello (8 x 8)"
#include "games/othello_rules.inc"
