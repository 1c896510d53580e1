/* Networks as players. Many positions are searched in lock-step: each thread takes a chunk of them, steps all
 * their searches together and evaluates their leaves as one batch. A plan's answer does not depend on the row
 * or size of the batch, each search has its own tree and stream, and a cached answer is the one that the
 * network would give again, so company changes nothing. The cache pays since successive moves of a game
 * search much the same positions. */
#include "arena/player_kinds.h"
#include "base/memory.h"
#include "mcts/probe.h"
#include "mcts/shared.h"
#include "net/plan.h"
#include "selfplay/calibrate.h"
#include "selfplay/net_evaluator.h"
#include "selfplay/run.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CHUNK = 64,             /* positions a thread steps together */
  SHARED_BATCH = 16,      /* leaves a thread gathers when all search one position, ... */
  BATCHES = 32,           /* ... or fewer, so that a search is made of as many batches of all threads */
  NODES_MAX = 1 << 24,    /* of the shared tree */
  CACHE_LOG2_ENTRIES = 15 /* a thread's */
};

/* What one thread needs. */
typedef struct Worker {
  Evaluator *evaluator;
  Search *searches[CHUNK]; /* made when first used */
  char *states;            /* [CHUNK][state_size] */
  float *logits;           /* [CHUNK][moves] */
  float *wdl;              /* [CHUNK][3] */
} Worker;

typedef struct NetPlayer {
  NetPlan *plan;
  RunConfig *trained_by; /* NULL where it is no run's */
  int iteration;         /* of that run */
  SearchConfig config;
  int visits, threads;
  double temperature;
  Worker *workers; /* [threads] */
  SharedSearch *shared;
  size_t shared_nodes; /* its capacity; 0 before the first analysis */
  int shared_batch;
} NetPlayer;

/* Softmax of the legal moves' logits at a temperature > 0. */
static void legal_softmax(const float *logits, const int *legal, int count, double temperature, float *out) {
  float largest = logits[legal[0]], sum = 0;
  for (int i = 1; i < count; i++) largest = fmaxf(largest, logits[legal[i]]);
  for (int i = 0; i < count; i++) sum += out[i] = expf((logits[legal[i]] - largest) / (float)temperature);
  for (int i = 0; i < count; i++) out[i] /= sum;
}

/* The network's policy without search. */
static int policy_move(const float *logits, const int *legal, int count, double temperature, Rng rng) {
  if (temperature > 0) {
    float policy[GAME_MOVES_MAX];
    legal_softmax(logits, legal, count, temperature, policy);
    return legal[rng_choose(&rng, policy, count)];
  }
  int best = legal[0];
  for (int i = 1; i < count; i++)
    if (logits[legal[i]] > logits[best]) best = legal[i];
  return best;
}

static void evaluate(Worker *worker, int batch) {
  worker->evaluator->evaluate(worker->evaluator->self, worker->states, batch, worker->logits, worker->wdl);
}

static void choose_by_policy(const Player *player, Worker *worker, const PlayerQuery *queries, int count,
                             int *moves) {
  const NetPlayer *self = player->self;
  const Game *game = player->game;
  for (int i = 0; i < count; i++)
    memcpy(worker->states + (size_t)i * game->state_size, queries[i].state, game->state_size);
  evaluate(worker, count);
  for (int i = 0; i < count; i++) {
    int legal[GAME_MOVES_MAX], n = game->legal(queries[i].state, legal);
    moves[i] = policy_move(worker->logits + (size_t)i * (size_t)game->moves, legal, n, self->temperature,
                           queries[i].rng);
  }
}

static void choose_by_search(const Player *player, Worker *worker, int visits, const PlayerQuery *queries,
                             int count, int *moves) {
  const NetPlayer *self = player->self;
  const Game *game = player->game;
  int waiting[CHUNK], batch;
  for (int i = 0; i < count; i++) {
    if (!worker->searches[i]) worker->searches[i] = search_new(game, &self->config);
    search_start(worker->searches[i], queries[i].state, visits, queries[i].rng);
  }
  do {
    batch = 0;
    for (int i = 0; i < count; i++) {
      const void *leaf = search_select(worker->searches[i]);
      if (!leaf) continue;
      memcpy(worker->states + (size_t)batch * game->state_size, leaf, game->state_size);
      waiting[batch++] = i;
    }
    if (batch) evaluate(worker, batch);
    for (int b = 0; b < batch; b++)
      search_update(worker->searches[waiting[b]], worker->logits + (size_t)b * (size_t)game->moves,
                    worker->wdl + 3 * (size_t)b);
  } while (batch);
  for (int i = 0; i < count; i++) moves[i] = search_move(worker->searches[i], self->temperature);
}

static bool choose(Player *player, int visits, const PlayerQuery *queries, int count, int *moves) {
  NetPlayer *self = player->self;
  int size = (count + self->threads - 1) / self->threads;
  if (size > CHUNK) size = CHUNK;
  if (size < 1) size = 1;
#pragma omp parallel for schedule(dynamic) num_threads(self->threads)
  for (int begin = 0; begin < count; begin += size) {
    int n = count - begin < size ? count - begin : size;
    Worker *worker = &self->workers[omp_get_thread_num()];
    if (visits)
      choose_by_search(player, worker, visits, queries + begin, n, moves + begin);
    else
      choose_by_policy(player, worker, queries + begin, n, moves + begin);
  }
  return true;
}

static bool net_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  (void)err;
  return choose(player, ((NetPlayer *)player->self)->visits, queries, count, moves);
}

/* The network's own opinion, as an analysis without visits. */
static void analyze_root(Player *player, const PlayerQuery *query, PlayerAnalysis *out) {
  NetPlayer *self = player->self;
  const Game *game = player->game;
  Worker *worker = &self->workers[0];
  memcpy(worker->states, query->state, game->state_size);
  evaluate(worker, 1);
  int legal[GAME_MOVES_MAX];
  float policy[GAME_MOVES_MAX];
  *out = (PlayerAnalysis){.child_count = game->legal(query->state, legal)};
  legal_softmax(worker->logits, legal, out->child_count, 1, policy);
  memcpy(out->wdl, worker->wdl, sizeof out->wdl);
  memcpy(out->network_wdl, worker->wdl, sizeof out->network_wdl);
  out->has_network = true;
  for (int i = 0; i < out->child_count; i++)
    out->children[i] =
        (SearchChild){.move = legal[i], .prior = policy[i], .value = NAN, .lower = -1, .upper = 1};
  out->move = policy_move(worker->logits, legal, out->child_count, self->temperature, query->rng);
  out->pv[0] = out->move;
  out->pv_length = 1;
}

static SharedSearch *shared_for(NetPlayer *self, const Game *game, int visits) {
  /* A simulation adds at most one node. */
  size_t nodes = (size_t)visits + 1 + (size_t)self->threads * SHARED_NODES_ASIDE;
  if (nodes > NODES_MAX) nodes = NODES_MAX;
  /* Simulations under way count as lost: many of few visits would spread them over bad moves. */
  int batch = visits / (BATCHES * self->threads);
  batch = batch < 1 ? 1 : batch > SHARED_BATCH ? SHARED_BATCH : batch;
  if (self->shared && nodes <= self->shared_nodes && batch == self->shared_batch) return self->shared;
  if (self->shared) shared_search_free(self->shared);
  Evaluator **evaluators = memory_new((size_t)self->threads, sizeof *evaluators);
  for (int t = 0; t < self->threads; t++) evaluators[t] = self->workers[t].evaluator;
  SearchConfig config = self->config;
  config.kind = SEARCH_PUCT;
  self->shared = shared_search_new(game, &config, evaluators, self->threads, batch, nodes);
  self->shared_nodes = nodes;
  self->shared_batch = batch;
  free(evaluators);
  return self->shared;
}

/* A proof by the rules ends the tree, and with it the principal variation: it is played out. */
static void play_out_proof(const NetPlayer *self, const Game *game, const void *state, PlayerAnalysis *out) {
  enum { LONGEST = sizeof out->pv / sizeof *out->pv };
  if (!self->config.solve || self->config.probe_nodes == 0) return;
  uint64_t end[GAME_STATE_MAX / sizeof(uint64_t)];
  memcpy(end, state, game->state_size);
  for (int i = 0; i < out->pv_length; i++) game->play(end, out->pv[i]);
  Probe *probe = probe_new(game, self->config.probe_nodes);
  out->pv_length += probe_line(probe, end, out->pv + out->pv_length, LONGEST - out->pv_length);
  probe_free(probe);
}

static bool net_analyze(Player *player, const PlayerQuery *query, int visits, PlayerAnalysis *out,
                        Error *err) {
  (void)err;
  NetPlayer *self = player->self;
  if (visits <= 0) visits = self->visits;
  analyze_root(player, query, out);
  if (visits <= 0) return true;
  SharedSearch *search = shared_for(self, player->game, visits);
  out->visits = shared_search_run(search, query->state, visits);
  out->child_count = shared_search_children(search, out->children);
  out->move = shared_search_move(search);
  out->proven = shared_search_proven(search, &out->proven_value);
  out->pv_length = shared_search_pv(search, out->pv, (int)(sizeof out->pv / sizeof *out->pv));
  play_out_proof(self, player->game, query->state, out);
  shared_search_root_wdl(search, out->wdl);
  /* A level plays as it does in matches, where it was measured. */
  if (self->temperature > 0 && !choose(player, visits, query, 1, &out->move)) return false;
  if (out->pv_length && out->pv[0] != out->move) out->pv[0] = out->move, out->pv_length = 1;
  return true;
}

static void net_player_release(Player *player) {
  NetPlayer *self = player->self;
  if (self->shared) shared_search_free(self->shared);
  for (int t = 0; t < self->threads; t++) {
    Worker *worker = &self->workers[t];
    evaluator_free(worker->evaluator);
    for (int i = 0; i < CHUNK; i++)
      if (worker->searches[i]) search_free(worker->searches[i]);
    free(worker->states), free(worker->logits), free(worker->wdl);
  }
  free(self->workers);
  free(self->trained_by);
  plan_free(self->plan);
  free(self);
}

static NetPlayer *net_player_new(const PlayerRequest *request, Net *net) {
  const Game *game = request->game;
  NetPlayer *self = memory_new(1, sizeof *self);
  bool calibrated = net->ranges[0] > 0; /* not by versions before there were ranges */
  if (request->precision == PLAN_INT8 && !calibrated) calibrate(net, game, NULL);
  *self = (NetPlayer){.plan = plan_new_as(net, (PlanPrecision)request->precision),
                      .config = search_config_defaults(),
                      .visits = request->visits,
                      .threads = request->threads,
                      .temperature = request->temperature};
  self->config.kind = request->search;
  self->config.dirichlet_share = 0; /* noise is for learning */
  self->config.gumbel_noise = 0;
  self->config.gumbel_scale = request->scale;
  self->config.solve = request->solve;
  self->config.probe_nodes = request->probe;
  self->workers = memory_new((size_t)self->threads, sizeof *self->workers);
  for (int t = 0; t < self->threads; t++) {
    Worker *worker = &self->workers[t];
    Evaluator *evaluator = net_evaluator_new(game, self->plan, CHUNK, request->images);
    worker->evaluator = evaluator_cached(evaluator, CACHE_LOG2_ENTRIES);
    worker->states = memory_new(CHUNK, game->state_size);
    worker->logits = memory_new((size_t)CHUNK * (size_t)game->moves, sizeof(float));
    worker->wdl = memory_new((size_t)CHUNK * 3, sizeof(float));
  }
  return self;
}

/* The player of a network file under the name `who` with its options. */
static Player *load_player(const PlayerRequest *request, const char *path, const char *who, Error *err) {
  const Game *game = request->game;
  Net *net = net_load_for(game, path, err);
  if (!net) return NULL;
  char temperature[32] = "", proofs[32] = "", search[32] = "", images[32] = "";
  if (request->visits && request->search == SEARCH_PUCT)
    snprintf(search, sizeof search, ",search=puct");
  else if (request->visits && request->scale != PLAYER_DEFAULT_SCALE)
    snprintf(search, sizeof search, ",scale=%g", request->scale);
  if (request->temperature > 0)
    snprintf(temperature, sizeof temperature, ",temperature=%g", request->temperature);
  if (request->visits && !request->solve)
    snprintf(proofs, sizeof proofs, ",solve=off");
  else if (request->visits && request->probe != PROBE_NODES)
    snprintf(proofs, sizeof proofs, ",probe=%d", request->probe);
  if (request->images > 1) snprintf(images, sizeof images, ",images=%d", request->images);
  Player *player =
      player_shell(request, NULL, err, "%s,visits=%d%s%s%s%s%s", who, request->visits, search, temperature,
                   proofs, images, request->precision == PLAN_INT8 ? ",precision=int8" : "");
  if (player) {
    player->self = net_player_new(request, net);
    player->hash = net_hash(net);
    player->network = true;
    player->visits = request->visits;
    player->choose = net_choose;
    player->analyze = net_analyze;
    player->release = net_player_release;
  }
  net_free(net);
  return player;
}

Player *player_make_net(const PlayerRequest *request, Error *err) {
  char who[FILE_PATH_MAX + 8];
  snprintf(who, sizeof who, "net:%s", request->argument);
  return load_player(request, request->argument, who, err);
}

Player *player_make_run(const PlayerRequest *request, Error *err) {
  char name[FILE_PATH_MAX], path[FILE_PATH_MAX], who[128];
  snprintf(name, sizeof name, "%s", request->argument);
  int iteration = -1;
  char *at = strrchr(name, '@');
  if (at) {
    char *end;
    long value = strtol(at + 1, &end, 10);
    if (end == at + 1 || *end || value < 0 || value > 1000000000)
      return error_set(err, "behind the @ stands the number of an iteration, not '%.40s'", at + 1), NULL;
    iteration = (int)value;
    *at = 0;
  }
  RunInfo *run = memory_new(1, sizeof *run);
  Player *player = NULL;
  bool fine = run_open(name, run, err);
  if (fine && run->game != request->game)
    fine = error_set(err, "%s is a run of %s; add --game=%s", run->folder, run->game->title, run->game->name);
  if (fine && run->iterations < 0)
    fine = error_set(err, "%s has no network yet; train it further", run->folder);
  if (fine && iteration > run->iterations)
    fine = error_set(err, "%s has finished %d iterations, not %d", run->folder, run->iterations, iteration);
  if (fine) {
    if (iteration < 0) iteration = run->iterations;
    run_network_path(run, iteration, path);
    snprintf(who, sizeof who, "run:%s@%d", run->name, iteration);
    player = load_player(request, path, who, err);
  }
  if (player) {
    NetPlayer *self = player->self;
    self->trained_by = memory_new(1, sizeof *self->trained_by);
    *self->trained_by = run->config;
    self->iteration = iteration;
  }
  free(run);
  return player;
}

const NetPlan *player_plan(const Player *player) {
  return player->network ? ((const NetPlayer *)player->self)->plan : NULL;
}

const RunConfig *player_trained_by(const Player *player) {
  return player->network ? ((const NetPlayer *)player->self)->trained_by : NULL;
}

int player_iteration(const Player *player) {
  return player_trained_by(player) ? ((const NetPlayer *)player->self)->iteration : -1;
}
