/* Plain Monte-Carlo tree search: equal priors and one random playout a simulation. */
#include "arena/player_kinds.h"
#include "base/memory.h"
#include "mcts/search.h"

#include <omp.h>
#include <stdlib.h>

typedef struct MctsPlayer {
  SearchConfig config;
  int visits, threads;
  Search **searches; /* [threads] */
} MctsPlayer;

/* Two streams out of the query's one: tie-breaking in the tree, and the playouts. */
static void split_streams(const PlayerQuery *query, Rng *tree, Rng *playouts) {
  Rng rng = query->rng;
  uint64_t seed = rng_u64(&rng);
  *tree = rng_make(seed, RNG_PLAYER, 0, 0);
  *playouts = rng_make(seed, RNG_ROLLOUT, 0, 0);
}

static bool mcts_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  MctsPlayer *self = player->self;
#pragma omp parallel for schedule(dynamic) num_threads(self->threads)
  for (int i = 0; i < count; i++) {
    Rng tree, playouts;
    split_streams(&queries[i], &tree, &playouts);
    Search *search = self->searches[omp_get_thread_num()];
    Evaluator *evaluator = evaluator_rollout(player->game, 1, playouts, 1);
    search_run(search, queries[i].state, self->visits, tree, evaluator);
    moves[i] = search_move(search, 0);
    evaluator_free(evaluator);
  }
  return true;
}

static bool mcts_analyze(Player *player, const PlayerQuery *query, int visits, PlayerAnalysis *out,
                         Error *err) {
  (void)err;
  MctsPlayer *self = player->self;
  Rng tree, playouts;
  split_streams(query, &tree, &playouts);
  Search *search = self->searches[0];
  Evaluator *evaluator = evaluator_rollout(player->game, 1, playouts, 1);
  *out = (PlayerAnalysis){0};
  search_run(search, query->state, visits > 0 ? visits : self->visits, tree, evaluator);
  out->move = search_move(search, 0);
  out->visits = search_simulations(search);
  out->child_count = search_children(search, out->children);
  out->pv_length = search_pv(search, out->pv, (int)(sizeof out->pv / sizeof *out->pv));
  search_root_wdl(search, out->wdl);
  evaluator_free(evaluator);
  return true;
}

static void mcts_release(Player *player) {
  MctsPlayer *self = player->self;
  for (int t = 0; t < self->threads; t++) search_free(self->searches[t]);
  free(self->searches);
  free(self);
}

Player *player_make_mcts(const PlayerRequest *request, Error *err) {
  Player *player = player_shell(request, NULL, err, "mcts:%d", request->number);
  if (!player) return NULL;
  MctsPlayer *self = player->self = memory_new(1, sizeof *self);
  *self =
      (MctsPlayer){.config = search_config_plain(), .visits = request->number, .threads = request->threads};
  self->searches = memory_new((size_t)self->threads, sizeof *self->searches);
  for (int t = 0; t < self->threads; t++) self->searches[t] = search_new(request->game, &self->config);
  player->visits = request->number;
  player->choose = mcts_choose;
  player->analyze = mcts_analyze;
  player->release = mcts_release;
  return player;
}
