#include "mcts/look_ahead.h"

#include <string.h>

/* The value of one move, or MOVE_OPEN. */
static int look_at(const Game *game, const void *state, int move) {
  uint64_t after[GAME_STATE_MAX / sizeof(uint64_t)];
  float end;
  memcpy(after, state, game->state_size);
  game->play(after, move);
  if (game->over(after, &end)) return -(int)end;
  return game->wins_at_once && game->wins_at_once(after) ? -1 : MOVE_OPEN;
}

/* The same of every move where the game has a quicker way; false where not. */
static bool look_quickly(const Game *game, const void *state, LookAhead *out) {
  int safe[GAME_MOVES_MAX];
  if (!game->safe_moves || game->ply(state) + 1 >= game->max_plies || game->wins_at_once(state)) return false;
  int count = game->safe_moves(state, safe);
  for (int i = 0, s = 0; i < out->count; i++) {
    bool is_safe = s < count && safe[s] == out->moves[i];
    out->known[i] = is_safe ? MOVE_OPEN : -1;
    s += is_safe;
  }
  return true;
}

bool look_ahead(const Game *game, const void *state, bool solve, LookAhead *out, int *value) {
  out->count = game->legal(state, out->moves);
  memset(out->known, MOVE_OPEN, (size_t)out->count);
  if (solve && !look_quickly(game, state, out))
    for (int i = 0; i < out->count; i++) out->known[i] = (int8_t)look_at(game, state, out->moves[i]);
  bool open = false;
  *value = -1;
  for (int i = 0; i < out->count; i++) {
    int known = out->known[i];
    if (known == MOVE_OPEN)
      open = true;
    else if (known > *value)
      *value = known;
  }
  return *value == 1 || !open;
}

bool know_leaf(const Game *game, const void *state, bool solve, Probe *probe, LookAhead *out, int *value) {
  float end;
  if (game->over(state, &end)) return *value = (int)end, true;
  if (solve && game->wins_at_once && game->wins_at_once(state)) return *value = 1, true;
  return look_ahead(game, state, solve, out, value) || (probe && probe_position(probe, state, value));
}
