#include "mcts/look_ahead.h"

#include <string.h>

/* The value of one move, or MOVE_OPEN. */
static int look_at(const Game *game, const void *state, int move) {
  uint64_t after[GAME_STATE_MAX / sizeof(uint64_t)];
  float end;
  memcpy(after, state, game->state_size);
  game->play(after, move);
  int sign = game->to_move(after) == game->to_move(state) ? 1 : -1;
  if (game->over(after, &end)) return sign * (int)end;
  return game->wins_at_once && game->wins_at_once(after) ? sign : MOVE_OPEN;
}

bool look_ahead(const Game *game, const void *state, bool solve, LookAhead *out, int *value) {
  bool open = !solve;
  out->count = game->legal(state, out->moves);
  memset(out->known, MOVE_OPEN, (size_t)out->count);
  *value = -1;
  for (int i = 0; solve && i < out->count; i++) {
    int known = look_at(game, state, out->moves[i]);
    out->known[i] = (int8_t)known;
    if (known == MOVE_OPEN)
      open = true;
    else if (known > *value)
      *value = known;
  }
  return *value == 1 || !open;
}
