/* ExampleRows: positions of replay as a network takes them, row by row. */
#ifndef SELFPLAY_EXAMPLE_ROWS_H
#define SELFPLAY_EXAMPLE_ROWS_H

#include "selfplay/replay.h"

typedef struct ExampleRows {
  int plane_count;
  float *planes, *policy, *wdl; /* [count][planes * rows * cols], [count][moves], [count][3] */
  uint8_t *legal;               /* [count][moves] */
  float *plies;                 /* [count], left in the game, as a share of the longest one */
  float *reply;                 /* [count][moves], the opponent's next turn; zeros where it is not known */
} ExampleRows;

/* For a network that takes so many planes (game_encode()). */
ExampleRows example_rows_new(const Game *game, int planes, size_t count);
void example_rows_release(ExampleRows *rows);
/* Writes row `row`; the rest as replay_planes() and replay_example(). */
void example_rows_fill(const Game *game, ExampleRows *rows, int row, const ReplayBlock *block, int place,
                       int symmetry, ValueTarget value);

#endif
