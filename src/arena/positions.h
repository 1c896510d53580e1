/* Sets of positions without repetition, and random lines of play: what openings and test positions are made
 * of. */
#ifndef ARENA_POSITIONS_H
#define ARENA_POSITIONS_H

#include "base/rng.h"
#include "games/game.h"

#include <stdbool.h>

/* A set of 64-bit keys. */
typedef struct KeySet {
  uint64_t *slots;
  size_t capacity, count;
} KeySet;

/* False where the key was there already. Zero-initialise the set; release it with key_set_free(). */
bool key_set_add(KeySet *set, uint64_t key);
void key_set_free(KeySet *set);

/* The key of the position after these moves from the start, equal for all its symmetric images. */
uint64_t position_canonical_key(const Game *game, const int *moves, int count);
/* True where the player to move has a move that wins at once. */
bool position_wins_at_once(const Game *game, const void *state);
/* Plays `plies` uniformly random moves from the start; false where the game ended before or with the last. */
bool position_random_line(const Game *game, Rng *rng, int plies, int *moves, void *state);

#endif
