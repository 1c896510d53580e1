/* Players without a tree of simulations: random, alpha-beta, the exact solver, a person. */
#include "arena/player_kinds.h"
#include "base/memory.h"
#include "games/alphabeta.h"
#include "games/connect4_solver.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { SOLVER_LOG2_ENTRIES = 22 };

/* One engine a thread: exactly one of the two pointers of each is set. */
typedef struct Engines {
  int threads;
  AlphaBeta **alphabeta;    /* [threads] */
  Connect4Solver **solvers; /* [threads], made when first used: their tables are large */
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
  engines->alphabeta = memory_new((size_t)threads, sizeof *engines->alphabeta);
  engines->solvers = memory_new((size_t)threads, sizeof *engines->solvers);
  return engines;
}

static void engines_release(Player *player) {
  Engines *engines = player->self;
  for (int t = 0; t < engines->threads; t++) {
    if (engines->alphabeta[t]) alphabeta_free(engines->alphabeta[t]);
    if (engines->solvers[t]) connect4_solver_free(engines->solvers[t]);
  }
  free(engines->alphabeta);
  free(engines->solvers);
  free(engines);
}

static bool alphabeta_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  Engines *engines = player->self;
#pragma omp parallel for schedule(dynamic) num_threads(engines->threads)
  for (int i = 0; i < count; i++) {
    Rng rng = queries[i].rng;
    moves[i] = alphabeta_move(engines->alphabeta[omp_get_thread_num()], queries[i].state, &rng, NULL);
  }
  return true;
}

Player *player_make_alphabeta(const PlayerRequest *request, Error *err) {
  Player *player = player_shell(request, NULL, err, "alphabeta:%d", request->number);
  if (!player) return NULL;
  Engines *engines = player->self = engines_new(request->threads);
  for (int t = 0; t < engines->threads; t++)
    engines->alphabeta[t] = alphabeta_new(request->game, request->number);
  player->choose = alphabeta_choose;
  player->release = engines_release;
  return player;
}

static Connect4Solver *solver_of_thread(Engines *engines) {
  Connect4Solver **solver = &engines->solvers[omp_get_thread_num()];
  if (!*solver) *solver = connect4_solver_new(SOLVER_LOG2_ENTRIES);
  return *solver;
}

/* The best-scoring move, ties at random. */
static int best_move(const int scores[C4_COLS], Rng *rng) {
  int best = CONNECT4_NO_SCORE, tied = 0, chosen = -1;
  for (int c = 0; c < C4_COLS; c++) {
    if (scores[c] == CONNECT4_NO_SCORE || scores[c] < best) continue;
    tied = scores[c] > best ? 1 : tied + 1;
    best = scores[c];
    if (rng_below(rng, (uint32_t)tied) == 0) chosen = c;
  }
  return chosen;
}

static bool solver_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  Engines *engines = player->self;
#pragma omp parallel for schedule(dynamic) num_threads(engines->threads)
  for (int i = 0; i < count; i++) {
    int scores[C4_COLS];
    Rng rng = queries[i].rng;
    connect4_solver_moves(solver_of_thread(engines), queries[i].state, scores);
    moves[i] = best_move(scores, &rng);
  }
  return true;
}

static void certain_wdl(int score, float wdl[3]) {
  wdl[0] = score > 0, wdl[1] = score == 0, wdl[2] = score < 0;
}

static bool solver_analyze(Player *player, const PlayerQuery *query, int visits, PlayerAnalysis *out,
                           Error *err) {
  (void)visits, (void)err;
  Connect4Solver *solver = solver_of_thread(player->self);
  int scores[C4_COLS];
  Rng rng = query->rng;
  *out = (PlayerAnalysis){0};
  connect4_solver_moves(solver, query->state, scores);
  out->move = best_move(scores, &rng);
  certain_wdl(scores[out->move], out->wdl);
  certain_wdl(scores[out->move], out->network_wdl);
  for (int c = 0; c < C4_COLS; c++) {
    if (scores[c] == CONNECT4_NO_SCORE) continue;
    SearchChild *child = &out->children[out->child_count++];
    int value = (scores[c] > 0) - (scores[c] < 0);
    *child = (SearchChild){.move = c, .value = (float)value, .lower = value, .upper = value};
    child->prior = scores[c] == scores[out->move];
  }
  float tied = 0, ignored;
  for (int i = 0; i < out->child_count; i++) tied += out->children[i].prior;
  for (int i = 0; i < out->child_count; i++) out->children[i].prior /= tied;
  /* Best play to the end. */
  Connect4 position;
  memcpy(&position, query->state, sizeof position);
  for (int move = out->move;;) {
    out->pv[out->pv_length++] = move;
    player->game->play(&position, move);
    if (player->game->over(&position, &ignored)) break;
    connect4_solver_moves(solver, &position, scores);
    move = best_move(scores, &rng);
  }
  return true;
}

Player *player_make_solver(const PlayerRequest *request, Error *err) {
  if (request->game != &game_connect4) {
    error_set(err, "there is no exact solver of %s", request->game->title);
    return NULL;
  }
  Player *player = player_shell(request, NULL, err, "solver");
  if (!player) return NULL;
  player->self = engines_new(request->threads);
  player->choose = solver_choose;
  player->analyze = solver_analyze;
  player->release = engines_release;
  return player;
}
