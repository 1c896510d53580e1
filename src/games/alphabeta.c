#include "games/alphabeta.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct AlphaBeta {
  const Game *game;
  int depth;
};

AlphaBeta *alphabeta_new(const Game *game, int depth) {
  assert(depth >= 1);
  AlphaBeta *player = memory_new(1, sizeof *player);
  *player = (AlphaBeta){.game = game, .depth = depth};
  return player;
}

void alphabeta_free(AlphaBeta *player) {
  free(player);
}

/* A finished game's value, further from zero the more depth is left, so that quicker wins are better. */
static float finished_value(float value, int depth) {
  return value == 0 ? 0 : value * (1 + 0.001f * (float)depth);
}

/* Moves near the middle of the list first: central moves are good in most board games. */
static int centre_out(int count, int index) {
  int middle = count / 2, offset = (index + 1) / 2;
  return index % 2 ? middle - offset : middle + offset;
}

/* Negamax: the value where it lies within (alpha, beta), else a bound on its side. */
static float negamax(const AlphaBeta *player, const void *state, int depth, float alpha, float beta) {
  const Game *game = player->game;
  uint64_t child[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[GAME_MOVES_MAX];
  float value;
  if (game->over(state, &value)) return finished_value(value, depth);
  if (depth == 0) return game->heuristic(state);
  int count = game->legal(state, moves);
  for (int i = 0; i < count; i++) {
    memcpy(child, state, game->state_size);
    game->play(child, moves[centre_out(count, i)]);
    value = -negamax(player, child, depth - 1, -beta, -alpha);
    if (value > alpha) alpha = value;
    if (alpha >= beta) break;
  }
  return alpha;
}

int alphabeta_move(const AlphaBeta *player, const void *state, Rng *rng, float *value) {
  const Game *game = player->game;
  uint64_t child[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves), chosen = -1;
  float best = -INFINITY;
  uint32_t ties = 0;
  assert(count > 0);
  for (int i = 0; i < count; i++) {
    int move = moves[centre_out(count, i)];
    memcpy(child, state, game->state_size);
    game->play(child, move);
    /* A window that just includes the best keeps equal values exact. */
    float bound = isinf(best) ? -4 : nextafterf(best, -4);
    float score = -negamax(player, child, player->depth - 1, -4, -bound);
    if (score < best) continue;
    ties = score > best ? 1 : ties + 1;
    best = score;
    if (rng_below(rng, ties) == 0) chosen = move;
  }
  if (value) *value = best;
  return chosen;
}
