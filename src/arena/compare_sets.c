#include "arena/compare_sets.h"

#include "arena/positions.h"
#include "base/memory.h"
#include "games/exact.h"
#include "selfplay/shard.h"
#include "selfplay/teacher.h"

#include <stdlib.h>
#include <string.h>

enum {
  SOLVER_LOG2_BYTES = 25,
  SHARDS = 4,
  TEACHER_GAMES = 10,
  EVALUATION_ITERATION = 2000000000, /* beyond any iteration of a run */
  EVALUATION_GAME = 20000000         /* beyond any game of a teacher */
};

bool compare_sets_possible(const Game *game) {
  return exact_exists(game, false);
}

ReplayBlock *compare_sets_games(const Game *game, const RunConfig *config, const Net *net, uint64_t seed,
                                int number, int games, int threads) {
  NetPlan *plan = plan_new(net);
  RunConfig early = *config; /* EVALUATION_ITERATION is no late one */
  early.late_after = 0;
  ReplayBlock *parts[SHARDS], *all = replay_block_new(game);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int s = 0; s < SHARDS; s++) {
    int first = games * s / SHARDS, end = games * (s + 1) / SHARDS;
    const ShardSpec spec = {.game = game,
                            .config = &early,
                            .plan = plan,
                            .seed = seed,
                            .iteration = (uint32_t)(EVALUATION_ITERATION + number),
                            .first_game = first,
                            .games = end - first};
    parts[s] = end > first ? shard_play(&spec, NULL, NULL) : replay_block_new(game);
  }
  for (int s = 0; s < SHARDS; s++) {
    replay_block_append(all, parts[s], 0, parts[s]->count);
    shard_stats_add(&all->stats, &parts[s]->stats);
    replay_block_free(parts[s]);
  }
  plan_free(plan);
  return all;
}

ReplayBlock *compare_sets_teacher(const Game *game, const RunConfig *config, uint64_t seed, int games,
                                  int threads, const CompareWatch *watch, Error *err) {
  int parts = (games + TEACHER_GAMES - 1) / TEACHER_GAMES, done = 0;
  bool wanted = true;
  ReplayBlock **blocks = memory_new((size_t)parts, sizeof *blocks), *all = replay_block_new(game);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int p = 0; p < parts; p++) {
    bool go_on;
    int first = p * TEACHER_GAMES, count = games - first < TEACHER_GAMES ? games - first : TEACHER_GAMES;
#pragma omp critical(compare_watch)
    go_on = wanted = wanted && compare_watch(watch, "the teacher's games", done, games, err);
    if (go_on) blocks[p] = teacher_play(game, config, seed, EVALUATION_GAME + first, count, NULL, NULL);
#pragma omp critical(compare_watch)
    done += count;
  }
  for (int p = 0; p < parts; p++) {
    if (!blocks[p]) continue;
    replay_block_append(all, blocks[p], 0, blocks[p]->count);
    replay_block_free(blocks[p]);
  }
  free(blocks);
  if (wanted) return all;
  replay_block_free(all);
  return NULL;
}

ReplayBlock *compare_sets_random(const Game *game, uint64_t seed, int count) {
  ReplayBlock *block = replay_block_new(game);
  float policy[GAME_MOVES_MAX] = {0}, wdl[3] = {0};
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[4096];
  for (int t = 0; t < count; t++) {
    Rng rng = rng_make(seed, RNG_POSITIONS, EVALUATION_ITERATION, (uint32_t)t);
    int plies = (int)rng_below(&rng, (uint32_t)game->max_plies);
    if (position_random_line(game, &rng, plies, moves, state))
      replay_block_add(block, state, policy, wdl, false, game->ply(state), (uint32_t)t);
  }
  return block;
}

typedef struct Solving {
  const Game *game;
  Exact *solver;
  int plies[2]; /* first and last that test well */
  const TrainedKeys *trained;
  KeySet seen;
} Solving;

void compare_sets_plies(const Game *game, int plies[2]) {
  exact_test_plies(game, plies);
  plies[0] += 2; /* the earliest take the solver seconds each */
}

static bool fit_to_test(Solving *solving, const void *state) {
  const Game *game = solving->game;
  Error why;
  return game->ply(state) >= solving->plies[0] && game->ply(state) <= solving->plies[1] &&
         exact_reaches(game, state, &why) && key_set_add(&solving->seen, game->key(state)) &&
         !compare_trained_has(solving->trained, game, state) && !position_wins_at_once(game, state) &&
         exact_moves_differ(solving->solver, state);
}

static void add_position(Positions *positions, Exact *solver, const void *state) {
  int scores[GAME_MOVES_MAX], i = positions->count++, moves = positions->game->moves;
  memcpy(positions->states + (size_t)i * positions->game->state_size, state, positions->game->state_size);
  exact_moves(solver, state, scores);
  for (int m = 0; m < moves; m++)
    positions->scores[i * moves + m] = scores[m] == EXACT_NO_SCORE ? POSITION_ILLEGAL : scores[m];
}

Positions *compare_sets_solve(const ReplayBlock *block, int count, uint64_t seed, const TrainedKeys *trained,
                              const CompareWatch *watch, Error *err) {
  const Game *game = block->game;
  size_t total = (size_t)block->count;
  if (!exact_ready(game, err)) return NULL;
  Solving solving = {.game = game, .solver = exact_new(game, SOLVER_LOG2_BYTES, err), .trained = trained};
  if (!solving.solver) return NULL;
  compare_sets_plies(game, solving.plies);
  Positions *out = positions_empty(game, count);
  uint32_t *order = memory_new(total + 1, sizeof *order);
  for (size_t i = 0; i < total; i++) order[i] = (uint32_t)i;
  Rng rng = rng_make(seed, RNG_POSITIONS, EVALUATION_ITERATION + 1, 0);
  if (total) rng_shuffle(&rng, order, (uint32_t)total);
  bool wanted = true;
  for (size_t k = 0; wanted && k < total && out->count < count; k++) {
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
    memcpy(state, block->states + order[k] * game->state_size, game->state_size);
    if (!fit_to_test(&solving, state)) continue;
    add_position(out, solving.solver, state);
    wanted = compare_watch(watch, "exact scores", out->count, count, err);
  }
  key_set_free(&solving.seen);
  exact_free(solving.solver);
  free(order);
  if (wanted && out->count) return out;
  positions_free(out);
  error_set(err, "%s", "");
  return NULL;
}
