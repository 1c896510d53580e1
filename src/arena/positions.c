#include "arena/positions.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool insert(uint64_t *slots, size_t capacity, uint64_t key) {
  size_t slot = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (capacity - 1);
  for (; slots[slot]; slot = (slot + 1) & (capacity - 1))
    if (slots[slot] == key) return false;
  slots[slot] = key;
  return true;
}

bool key_set_add(KeySet *set, uint64_t key) {
  if (key == 0) key = 1; /* 0 marks an empty slot */
  if (2 * (set->count + 1) > set->capacity) {
    size_t wider = set->capacity ? 2 * set->capacity : 1024;
    uint64_t *slots = memory_new(wider, sizeof *slots);
    for (size_t i = 0; i < set->capacity; i++)
      if (set->slots[i]) insert(slots, wider, set->slots[i]);
    free(set->slots);
    set->slots = slots;
    set->capacity = wider;
  }
  bool added = insert(set->slots, set->capacity, key);
  set->count += added;
  return added;
}

void key_set_free(KeySet *set) {
  free(set->slots);
  *set = (KeySet){0};
}

/* The images of the position are compared, and not those of the line: where the start is not symmetric, as in
 * Othello, the image of a game need not be a game. */
uint64_t position_canonical_key(const Game *game, const int *moves, int count) {
  _Alignas(64) char state[GAME_STATE_MAX], image[GAME_STATE_MAX];
  uint64_t key;
  game->init(state);
  for (int i = 0; i < count; i++) game->play(state, moves[i]);
  game_canonical(game, state, image, &key);
  return key;
}

bool position_wins_at_once(const Game *game, const void *state) {
  int legal[GAME_MOVES_MAX], n = game->legal(state, legal);
  for (int i = 0; i < n; i++) {
    _Alignas(64) char next[GAME_STATE_MAX];
    float value;
    memcpy(next, state, game->state_size);
    game->play(next, legal[i]);
    if (game->over(next, &value) && value < 0) return true;
  }
  return false;
}

bool position_random_line(const Game *game, Rng *rng, int plies, int *moves, void *state) {
  float value;
  game->init(state);
  for (int i = 0; i < plies; i++) {
    int legal[GAME_MOVES_MAX], n = game->legal(state, legal);
    if (n == 0) return false;
    moves[i] = legal[rng_below(rng, (uint32_t)n)];
    game->play(state, moves[i]);
  }
  return !game->over(state, &value);
}
