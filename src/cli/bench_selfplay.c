/* Self-play whole, as a share of the network alone, and training. */
#include "base/clock.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "selfplay/learner.h"
#include "selfplay/shard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHARD_REPETITIONS = 3, TRAINING_MOST = 32, FEWEST_GAMES = 16, EVALUATIONS_A_GAME = 400 };
static const double SHARD_SECONDS = 1.5, PAIR_SECONDS = 0.3, PIECE_SECONDS = 0.03, TRAINING_SECONDS = 1;

typedef struct Played {
  double evaluations, games; /* a second, all threads together */
  double hit_rate;
} Played;

/* As a run keeps it: packed and on the disk. */
static void save(const ReplayBlock *block, int thread) {
  const ReplayOrigin nowhere = {0};
  char path[FILE_PATH_MAX];
  const char *folder = getenv("TMPDIR");
  Error err;
  snprintf(path, sizeof path, "%s/selfplay-bench-%d-%d.spr", folder ? folder : "/tmp", (int)getpid(), thread);
  if (!replay_block_save(block, &nowhere, path, &err)) cli_fail_by(&err);
  unlink(path);
}

/* One shard a thread, all at once; a run's waiting for the last shard of an iteration is left out. */
static Played play(const RunConfig *config, const Game *game, const NetPlan *plan, int games, int threads) {
  bool processor_time = bench_by_processor_time(threads);
  double evaluations = 0, finished = 0, lookups = 0, hits = 0;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : evaluations, finished, lookups, hits)
  for (int t = 0; t < threads; t++) {
    ShardSpec spec = {.game = game,
                      .config = config,
                      .plan = plan,
                      .seed = 1,
                      .iteration = 1,
                      .first_game = games * t,
                      .games = games};
    double start = processor_time ? clock_thread_cpu() : clock_wall();
    ReplayBlock *block = shard_play(&spec, NULL, NULL);
    save(block, t);
    double seconds = (processor_time ? clock_thread_cpu() : clock_wall()) - start;
    evaluations += (double)block->stats.evaluations / seconds;
    finished += (double)block->stats.games / seconds;
    lookups += (double)block->stats.cache_lookups;
    hits += (double)block->stats.cache_hits;
    replay_block_free(block);
  }
  return (Played){evaluations, finished, lookups > 0 ? hits / lookups : 0};
}

/* Games a shard: a run's, or fewer, so that one takes about `seconds`; as many run in lock-step. */
static int choose_games(const RunConfig *config, double rate, double seconds) {
  int games = FEWEST_GAMES, usual = config->games / config->shards;
  while (2 * games <= config->lanes && 2 * games <= usual && 2 * games * EVALUATIONS_A_GAME < rate * seconds)
    games *= 2;
  return games;
}

/* Each repetition has the network alone measured on either side, since a busy machine slows both alike. */
static void measure_threads(Bench *bench, json_t *rows, const char *precision, const NetPlan *plan, int games,
                            int threads) {
  double evaluations[SHARD_REPETITIONS], shares[SHARD_REPETITIONS], finished[SHARD_REPETITIONS];
  Played played = {0};
  double before = bench_plan(plan, games, threads, bench->pace * PAIR_SECONDS).median;
  for (int r = 0; r < SHARD_REPETITIONS; r++) {
    played = play(&bench->config, bench->common.game, plan, games, threads);
    double after = bench_plan(plan, games, threads, bench->pace * PAIR_SECONDS).median;
    evaluations[r] = played.evaluations;
    finished[r] = played.games;
    shares[r] = evaluations[r] / ((before + after) / 2);
    before = after;
  }
  BenchRates rates = bench_rates(evaluations, SHARD_REPETITIONS),
             share = bench_rates(shares, SHARD_REPETITIONS);
  BenchRates games_rate = bench_rates(finished, SHARD_REPETITIONS);
  json_array_append_new(rows,
                        json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "precision",
                                  precision, "threads", threads, "lanes", games, "evaluations_per_second",
                                  rates.best, "spread", bench_spread(&rates), "games_per_second",
                                  games_rate.best, "share_of_network", share.median, "share_lowest",
                                  share.lowest, "share_best", share.best, "cache_hit_rate", played.hit_rate));
  bench_print(bench, "  %-9s %7d %6d %14.0f %8.2f %12.2f [%.2f, %.2f] %14.3f %7.0f%%\n", precision, threads,
              games, rates.best, games_rate.best, share.median, share.lowest, share.best, played.hit_rate,
              100 * bench_spread(&rates));
}

static Net *game_net(const Bench *bench) {
  NetShape shape = run_config_shape(&bench->config, bench->common.game);
  return bench_net(&shape);
}

/* In single precision, and where that is another one in the precision that is the default here. */
void bench_selfplay(Bench *bench) {
  Net *net = game_net(bench);
  json_t *rows = json_array();
  int threads = bench->common.threads;
  bench->config.lanes = bench->config.lanes < FEWEST_GAMES ? FEWEST_GAMES : bench->config.lanes;
  bench_print(bench, "self-play whole, %s, %d x %d, %d visits\n", bench->common.game->title,
              bench->config.blocks, bench->config.channels, bench->config.visits);
  bench_print(
      bench,
      "  precision threads  lanes  evaluations/s  games/s  share of network alone  cache hit rate  spread\n");
  for (PlanPrecision precision = PLAN_FLOAT32; precision <= plan_precision_here(PLAN_FASTEST); precision++) {
    NetPlan *plan = plan_new_as(net, precision);
    int games =
        choose_games(&bench->config, bench_plan(plan, FEWEST_GAMES, 1, bench->pace * PAIR_SECONDS).best,
                     bench->pace * SHARD_SECONDS);
    for (int t = 1; t <= threads; t = t < threads ? threads : t + 1)
      measure_threads(bench, rows, plan_precision_names[precision], plan, games, t);
    plan_free(plan);
  }
  bench_print(bench, "\n");
  json_object_set_new(bench->root, "selfplay", rows);
  net_free(net);
}

/* Threads wait for each other here, so wall time is what counts; the processor time is what is left of it on
 * a busy machine. */
static void training_report(Bench *bench, const NetShape *shape, double *by_wall, double *by_processor,
                            int count) {
  BenchRates wall = bench_rates(by_wall, count), processor = bench_rates(by_processor, count);
  int threads = bench->common.threads;
  double share = 3 * bench_roofline(bench, shape, wall.best, threads);
  double processor_share = 3 * bench_roofline(bench, shape, processor.best, threads);
  json_object_set_new(bench->root, "training",
                      json_pack("{s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f}", "threads", threads, "batch",
                                bench->config.batch, "samples_per_second", wall.best,
                                "samples_per_second_median", wall.median, "share_of_limit", share, "spread",
                                bench_spread(&wall), "samples_per_second_by_processor", processor.best,
                                "share_of_limit_by_processor", processor_share));
  bench_print(bench, "training, %d x %d, batch %d, %d threads\n", shape->blocks, shape->channels,
              bench->config.batch, threads);
  bench_print(bench, "  time       samples/s  (median)  3 x forward / limit  spread\n");
  bench_print(bench, "  wall       %9.0f %9.0f %20.2f %6.0f%%\n", wall.best, wall.median, share,
              100 * bench_spread(&wall));
  bench_print(bench, "  processor  %9.0f %9.0f %20.2f %6.0f%%\n\n", processor.best, processor.median,
              processor_share, 100 * bench_spread(&processor));
}

void bench_training(Bench *bench) {
  const Game *game = bench->common.game;
  Net *net = game_net(bench);
  NetPlan *plan = plan_new(net);
  RunConfig config = bench->config;
  config.visits = 2; /* what the samples say does not matter */
  ShardSpec spec = {.game = game, .config = &config, .plan = plan, .seed = 1, .games = FEWEST_GAMES};
  Replay *replay = replay_new(game);
  replay_add(replay, shard_play(&spec, NULL, NULL));
  config.grow_after = 0;
  Learner *learner = learner_new(game, &config, 1, bench->common.threads);
  FitStats stats;
  double rates[TRAINING_MOST], by_processor[TRAINING_MOST], first = clock_wall();
  learner_fit(learner, replay, NULL, 0, 1, 0, &stats);
  int steps = (int)fmin(1 + PIECE_SECONDS / (clock_wall() - first), 1000), count = 0;
  first = clock_wall();
  do {
    double start = clock_wall(), processor = clock_cpu();
    learner_fit(learner, replay, NULL, 0, steps, 0, &stats);
    double wall = clock_wall() - start;
    processor = (clock_cpu() - processor) / bench->common.threads;
    rates[count] = (double)stats.samples / wall;
    by_processor[count++] = (double)stats.samples / processor;
  } while (count < TRAINING_MOST && (count < 3 || clock_wall() - first < bench->pace * TRAINING_SECONDS));
  training_report(bench, &net->shape, rates, by_processor, count);
  learner_free(learner);
  replay_free(replay);
  plan_free(plan);
  net_free(net);
}
