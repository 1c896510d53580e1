#include "selfplay/example_rows.h"

#include "base/memory.h"

#include <stdlib.h>

ExampleRows example_rows_new(const Game *game, int planes, size_t count) {
  size_t moves = (size_t)game->moves;
  return (ExampleRows){.plane_count = planes,
                       .planes =
                           memory_new(count * (size_t)(planes * game->rows * game->cols), sizeof(float)),
                       .policy = memory_new(count * moves, sizeof(float)),
                       .wdl = memory_new(count * 3, sizeof(float)),
                       .legal = memory_new(count * moves, 1),
                       .plies = memory_new(count, sizeof(float)),
                       .reply = memory_new(count * moves, sizeof(float))};
}

void example_rows_release(ExampleRows *rows) {
  free(rows->planes);
  free(rows->policy);
  free(rows->wdl);
  free(rows->legal);
  free(rows->plies);
  free(rows->reply);
}

void example_rows_fill(const Game *game, ExampleRows *rows, int row, const ReplayBlock *block, int place,
                       int symmetry, ValueTarget value) {
  size_t i = (size_t)row, moves = (size_t)game->moves;
  size_t size = (size_t)(rows->plane_count * game->rows * game->cols);
  replay_planes(block, place, symmetry, rows->plane_count, rows->planes + i * size);
  replay_example(block, place, symmetry, value, rows->policy + i * moves, rows->legal + i * moves,
                 rows->wdl + i * 3);
  replay_reply(block, place, symmetry, rows->reply + i * moves);
  rows->plies[i] = (float)replay_plies_left(block, place) / (float)game->max_plies;
}
