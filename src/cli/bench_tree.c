/* The tree alone: search in front of an evaluator that costs nothing. */
#include "base/clock.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "cli/bench_tree.h"
#include "mcts/shared.h"
#include "mcts/tree.h"
#include "selfplay/net_evaluator.h"

#include <stdlib.h>
#include <string.h>

enum {
  LANES = 64,
  OPENING_PLIES = 4,
  VISITS = 800,
  SHARED_VISITS = 100000,
  NETWORK_VISITS = 1600, /* of the shared tree in front of a network, as in play */
  SHARED_BATCH = 16,
  SHARED_REPETITIONS = 6
};
static const double SECONDS = 0.5;

/* As a shard of self-play: many searches, one leaf of each in a batch. */
typedef struct LockStep {
  const Game *game;
  int visits;
  Evaluator *evaluator;
  Search *searches[LANES];
  uint64_t openings[LANES][GAME_STATE_MAX / sizeof(uint64_t)];
  char *states;        /* [LANES][state_size] */
  float *logits, *wdl; /* [LANES][moves], [LANES][3] */
} LockStep;

static LockStep *lock_step_new(const Game *game, int kind, int visits) {
  LockStep *step = memory_new(1, sizeof *step);
  SearchConfig config = search_config_defaults();
  config.kind = kind;
  *step = (LockStep){.game = game,
                     .visits = visits,
                     .evaluator = evaluator_uniform(game, LANES),
                     .states = memory_new(LANES, game->state_size),
                     .logits = memory_new(LANES * (size_t)game->moves, sizeof(float)),
                     .wdl = memory_new(LANES * 3, sizeof(float))};
  for (uint32_t i = 0; i < LANES; i++) {
    Rng rng = rng_make(1, RNG_BENCH, 2, i);
    step->searches[i] = search_new(game, &config);
    game->init(step->openings[i]);
    for (int ply = 0; ply < OPENING_PLIES; ply++) {
      int moves[GAME_MOVES_MAX], count = game->legal(step->openings[i], moves);
      game->play(step->openings[i], moves[rng_below(&rng, (uint32_t)count)]);
    }
  }
  return step;
}

static void lock_step_free(LockStep *step) {
  for (int i = 0; i < LANES; i++) search_free(step->searches[i]);
  evaluator_free(step->evaluator);
  free(step->states), free(step->logits), free(step->wdl);
  free(step);
}

/* One search of every opening. */
static double lock_step_run(void *context) {
  LockStep *step = context;
  size_t size = step->game->state_size, moves = (size_t)step->game->moves;
  double simulations = 0;
  for (uint32_t i = 0; i < LANES; i++)
    search_start(step->searches[i], step->openings[i], step->visits, rng_make(1, RNG_BENCH, 3, i));
  for (;;) {
    int waiting[LANES], batch = 0;
    for (int i = 0; i < LANES; i++) {
      const void *leaf = search_select(step->searches[i]);
      if (!leaf) continue;
      memcpy(step->states + (size_t)batch * size, leaf, size);
      waiting[batch++] = i;
    }
    if (!batch) break;
    step->evaluator->evaluate(step->evaluator->self, step->states, batch, step->logits, step->wdl);
    for (int i = 0; i < batch; i++)
      search_update(step->searches[waiting[i]], step->logits + (size_t)i * moves, step->wdl + 3 * i);
  }
  for (int i = 0; i < LANES; i++) simulations += search_simulations(step->searches[i]);
  return simulations;
}

BenchTree bench_lock_step(const Game *game, int kind, int visits, int threads, double seconds) {
  void **contexts = memory_new((size_t)threads, sizeof *contexts);
  for (int t = 0; t < threads; t++) contexts[t] = lock_step_new(game, kind, visits);
  BenchTree tree = {.rates = bench_measure(lock_step_run, contexts, threads, seconds)};
  double bytes = 0, simulations = 0;
  const LockStep *step = contexts[0];
  for (int i = 0; i < LANES; i++) {
    bytes += (double)search_bytes(step->searches[i]);
    simulations += search_simulations(step->searches[i]);
  }
  tree.bytes = bytes / simulations;
  for (int t = 0; t < threads; t++) lock_step_free(contexts[t]);
  free(contexts);
  return tree;
}

/* The shared tree starts its own threads, which finish together: the processor time is divided by them. A
 * plan, where there is one, evaluates the leaves. */
static BenchTree measure_shared(const Game *game, const NetPlan *plan, int visits, int threads) {
  SearchConfig config = search_config_defaults();
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  double rates[SHARED_REPETITIONS];
  Evaluator **evaluators = memory_new((size_t)threads, sizeof(Evaluator *));
  for (int t = 0; t < threads; t++)
    evaluators[t] =
        plan ? net_evaluator_new(game, plan, SHARED_BATCH, 1) : evaluator_uniform(game, SHARED_BATCH);
  SharedSearch *search =
      shared_search_new(game, &config, evaluators, threads, SHARED_BATCH, 2 * (size_t)visits);
  game->init(state);
  for (int r = 0; r < SHARED_REPETITIONS; r++) {
    double start = clock_wall(), processor = clock_cpu();
    double done = shared_search_run(search, state, visits);
    bool processor_time = bench_by_processor_time(threads);
    rates[r] = done / (processor_time ? (clock_cpu() - processor) / threads : clock_wall() - start);
  }
  double bytes = (double)shared_search_bytes(search) / visits;
  shared_search_free(search);
  for (int t = 0; t < threads; t++) evaluator_free(evaluators[t]);
  free(evaluators);
  return (BenchTree){.rates = bench_rates(rates, SHARED_REPETITIONS), .bytes = bytes};
}

static void row(Bench *bench, json_t *rows, const Game *game, const char *kind, const char *search,
                int visits, int threads, const BenchTree *tree) {
  json_t *entry = json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f}", "game", game->name, "tree", kind, "search",
                            search, "visits", visits, "threads", threads, "simulations_per_second",
                            tree->rates.best, "spread", bench_spread(&tree->rates));
  json_object_set_new(entry, "bytes_per_simulation", json_real(tree->bytes));
  json_array_append_new(rows, entry);
  bench_print(bench, "  %-10s %-10s %-7s %7d %8d %14.0f %17.0f %7.0f%%\n", game->name, kind, search, visits,
              threads, tree->rates.best, tree->bytes, 100 * bench_spread(&tree->rates));
}

static void measure_game(Bench *bench, json_t *rows, const Game *game) {
  int threads = bench->common.threads;
  for (int t = 1; t <= threads; t = t < threads ? threads : t + 1) {
    BenchTree puct = bench_lock_step(game, SEARCH_PUCT, VISITS, t, bench->pace * SECONDS);
    row(bench, rows, game, "lock-step", "puct", VISITS, t, &puct);
    BenchTree gumbel = bench_lock_step(game, SEARCH_GUMBEL, bench->config.visits, t, bench->pace * SECONDS);
    row(bench, rows, game, "lock-step", "gumbel", bench->config.visits, t, &gumbel);
    int visits = (int)(bench->pace * SHARED_VISITS);
    BenchTree shared = measure_shared(game, NULL, visits, t);
    row(bench, rows, game, "shared", "puct", visits, t, &shared);
  }
}

/* What threads gain for a person's game, where a network stands behind the tree. */
static void measure_with_network(Bench *bench, json_t *rows) {
  const Game *game = bench->common.game;
  int threads = bench->common.threads;
  NetShape shape = run_config_shape(&bench->config, game);
  Net *net = bench_net(&shape);
  NetPlan *plan = plan_new(net);
  for (int t = 1; t <= threads; t = t < threads ? threads : t + 1) {
    int visits = (int)(bench->pace * NETWORK_VISITS);
    BenchTree shared = measure_shared(game, plan, visits, t);
    row(bench, rows, game, "shared+net", "puct", visits, t, &shared);
  }
  plan_free(plan);
  net_free(net);
}

static const Game *largest_board(void) {
  const Game *largest = game_at(0);
  for (int i = 1; i < game_count(); i++)
    if (game_at(i)->rows * game_at(i)->cols > largest->rows * largest->cols) largest = game_at(i);
  return largest;
}

void bench_tree(Bench *bench) {
  const Game *connect4 = game_find("connect4"), *largest = largest_board();
  json_t *rows = json_array();
  bench_print(bench,
              "tree alone (uniform evaluator; +net: with the game's network), %zu bytes a node, %zu an edge, "
              "lock-step with %d searches a "
              "thread\n",
              sizeof(Node), sizeof(Edge), LANES);
  bench_print(bench,
              "  game       tree       search   visits  threads  simulations/s  bytes/simulation  spread\n");
  measure_game(bench, rows, connect4);
  if (largest != connect4) measure_game(bench, rows, largest);
  measure_with_network(bench, rows);
  bench_print(bench, "\n");
  json_object_set_new(bench->root, "tree", rows);
  json_object_set_new(bench->root, "tree_bytes",
                      json_pack("{s:i, s:i}", "node", (int)sizeof(Node), "edge", (int)sizeof(Edge)));
}
