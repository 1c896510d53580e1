/* Players without a tree of simulations: random, alpha-beta, the exact solver, a person. */
#include "arena/player_kinds.h"
#include "base/memory.h"
#include "games/alphabeta.h"
#include "games/exact.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { SOLVER_LOG2_BYTES = 25 };

/* Alpha-beta for all threads, or a solver for each. */
typedef struct Engines {
  int threads;
  AlphaBeta *alphabeta;
  Exact **solvers; /* [threads], made when first used: their tables are large */
} Engines;

static bool random_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  for (int i = 0; i < count; i++) {
    Rng rng = queries[i].rng;
    int legal[GAME_MOVES_MAX], n = player->game->legal(queries[i].state, legal);
    moves[i] = legal[rng_below(&rng, (uint32_t)n)];
  }
  return true;
}

Player *player_make_random(const PlayerRequest *request, Error *err) {
  Player *player = player_shell(request, NULL, err, "random");
  if (player) player->choose = random_choose;
  return player;
}

static bool human_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)player, (void)queries, (void)count, (void)moves;
  return error_set(err, "a person can be asked for moves in `selfplay play' only");
}

Player *player_make_human(const PlayerRequest *request, Error *err) {
  Player *player = player_shell(request, NULL, err, "human");
  if (player) player->choose = human_choose;
  return player;
}

static Engines *engines_new(int threads) {
  Engines *engines = memory_new(1, sizeof *engines);
  engines->threads = threads;
  engines->solvers = memory_new((size_t)threads, sizeof *engines->solvers);
  return engines;
}

static void engines_release(Player *player) {
  Engines *engines = player->self;
  for (int t = 0; t < engines->threads; t++) {
    exact_free(engines->solvers[t]);
  }
  alphabeta_free(engines->alphabeta);
  free(engines->solvers);
  free(engines);
}

static bool alphabeta_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  Engines *engines = player->self;
#pragma omp parallel for schedule(dynamic) num_threads(engines->threads)
  for (int i = 0; i < count; i++) {
    Rng rng = queries[i].rng;
    moves[i] = alphabeta_move(engines->alphabeta, queries[i].state, &rng, NULL);
  }
  return true;
}

Player *player_make_alphabeta(const PlayerRequest *request, Error *err) {
  Player *player = player_shell(request, NULL, err, "alphabeta:%d", request->number);
  if (!player) return NULL;
  Engines *engines = player->self = engines_new(request->threads);
  engines->alphabeta = alphabeta_new(request->game, request->number);
  player->choose = alphabeta_choose;
  player->release = engines_release;
  return player;
}

static Exact *solver_of_thread(const Player *player) {
  const Engines *engines = player->self;
  Exact **solver = &engines->solvers[omp_get_thread_num()];
  Error none; /* the game has a solver: player_make_solver() has asked */
  if (!*solver) *solver = exact_new(player->game, SOLVER_LOG2_BYTES, &none);
  return *solver;
}

static bool solver_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  const Engines *engines = player->self;
  for (int i = 0; i < count; i++)
    if (!exact_reaches(player->game, queries[i].state, err)) return error_prefix(err, "player 'solver'");
#pragma omp parallel for schedule(dynamic) num_threads(engines->threads)
  for (int i = 0; i < count; i++) {
    int scores[GAME_MOVES_MAX];
    Rng rng = queries[i].rng;
    exact_moves_to_play(solver_of_thread(player), queries[i].state, scores);
    moves[i] = exact_best_move(player->game, scores, &rng);
  }
  return true;
}

static void certain_wdl(int score, float wdl[3]) {
  wdl[0] = score > 0, wdl[1] = score == 0, wdl[2] = score < 0;
}

/* Best play to the end, after `move`. */
static void solver_line(const Player *player, const void *start, int move, Rng *rng, PlayerAnalysis *out) {
  enum { LONGEST = sizeof out->pv / sizeof *out->pv };
  const Game *game = player->game;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int scores[GAME_MOVES_MAX];
  float ignored;
  memcpy(state, start, game->state_size);
  while (out->pv_length < LONGEST) {
    out->pv[out->pv_length++] = move;
    game->play(state, move);
    if (game->over(state, &ignored)) break;
    exact_moves_to_play(solver_of_thread(player), state, scores);
    move = exact_best_move(game, scores, rng);
  }
}

static bool solver_analyze(Player *player, const PlayerQuery *query, int visits, PlayerAnalysis *out,
                           Error *err) {
  (void)visits;
  const Game *game = player->game;
  if (!exact_reaches(game, query->state, err)) return error_prefix(err, "player 'solver'");
  int scores[GAME_MOVES_MAX];
  Rng rng = query->rng;
  *out = (PlayerAnalysis){0};
  exact_moves_to_play(solver_of_thread(player), query->state, scores);
  out->move = exact_best_move(game, scores, &rng);
  certain_wdl(scores[out->move], out->wdl);
  out->proven = true;
  out->proven_value = (scores[out->move] > 0) - (scores[out->move] < 0);
  float tied = 0;
  for (int move = 0; move < game->moves; move++) {
    if (scores[move] == EXACT_NO_SCORE) continue;
    SearchChild *child = &out->children[out->child_count++];
    int value = (scores[move] > 0) - (scores[move] < 0);
    *child = (SearchChild){.move = move, .value = (float)value, .lower = value, .upper = value};
    child->prior = scores[move] == scores[out->move];
    tied += child->prior;
  }
  for (int i = 0; i < out->child_count; i++) out->children[i].prior /= tied;
  solver_line(player, query->state, out->move, &rng, out);
  return true;
}

Player *player_make_solver(const PlayerRequest *request, Error *err) {
  if (!exact_ready(request->game, err)) return NULL;
  Player *player = player_shell(request, NULL, err, "solver");
  if (!player) return NULL;
  player->self = engines_new(request->threads);
  player->choose = solver_choose;
  player->analyze = solver_analyze;
  player->release = engines_release;
  return player;
}
