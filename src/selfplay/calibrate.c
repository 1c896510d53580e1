#include "selfplay/calibrate.h"

#include "base/memory.h"
#include "net/plan.h"

#include <stdlib.h>

enum { POSITIONS = 64 };

/* A random move; where the game is over a new one. */
static void play_on(const Game *game, Rng *rng, uint64_t *state) {
  int legal[GAME_MOVES_MAX];
  int count = game->legal(state, legal);
  if (count)
    game->play(state, legal[rng_below(rng, (uint32_t)count)]);
  else
    game->init(state);
}

void calibrate(Net *net, const Game *game, const Replay *replay) {
  size_t size = (size_t)(net->shape.planes * game->rows * game->cols);
  float *planes = memory_new(POSITIONS * size, sizeof *planes);
  int held = replay ? replay_count(replay) : 0;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  Rng rng = rng_make(0, RNG_CALIBRATION, 0, 0);
  game->init(state);
  for (int i = 0; i < POSITIONS; i++) {
    const void *position = state;
    if (held) {
      int place;
      const ReplayBlock *block = replay_at(replay, held - 1 - i % held, &place);
      position = block->states + (size_t)place * game->state_size;
    }
    game_encode(game, net->shape.planes, position, planes + (size_t)i * size);
    play_on(game, &rng, state);
  }
  plan_calibrate(net, planes, POSITIONS);
  free(planes);
}
