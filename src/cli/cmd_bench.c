/* selfplay bench: speed, as ratios to the SGEMM peak that the same process measures first. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/simd.h"
#include "cli/cli.h"
#include "selfplay/learner.h"
#include "selfplay/net_evaluator.h"
#include "selfplay/shard.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bench {
  CliCommon common;
  RunConfig config;
  double peak; /* GFLOP/s of all threads */
  Net *net;
  NetPlan *plan;
  double flop; /* of one position's forward pass by direct convolution */
  json_t *root;
} Bench;

enum { REPEATS = 5 };

static const struct argp_child children[] = {
    {&cli_game_argp, 0, 0, 0}, {&cli_threads_argp, 0, 0, 0}, {&cli_json_argp, 0, 0, 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  (void)arg;
  if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
  cli_share_input(state);
  return 0;
}

static const struct argp parser = {
    .parser = parse,
    .children = children,
    .doc = "Measures the network alone, the tree alone, self-play and training, in about a minute.\v"
           "JSON: {\"cpu\", \"blas\", \"sgemm_gflops\", \"network\": [{\"batch\", \"threads\", "
           "\"positions_per_second\", "
           "\"roofline\"}], \"tree\": {\"simulations_per_second\", \"bytes_per_simulation\"}, \"selfplay\": "
           "{...}, "
           "\"training\": {...}}. roofline = positions/s x floating-point operations of the plain direct "
           "convolution / "
           "SGEMM peak."};

/* Best of several repetitions, since anything else on the machine can only slow it down. */
static double sgemm_peak(const Bench *bench) {
  int m = bench->config.channels, k = 9 * m, n = 64 * bench->common.game->rows * bench->common.game->cols;
  double best = 0;
  for (int r = 0; r < 2 * REPEATS; r++) {
    double start = 0, seconds = 0;
    enum { CALLS = 40 };
#pragma omp parallel num_threads(bench->common.threads)
    {
      float *a = memory_new((size_t)(m * k), sizeof(float)),
            *b = memory_new((size_t)k * (size_t)n, sizeof(float));
      float *c = memory_new((size_t)m * (size_t)n, sizeof(float));
#pragma omp barrier
#pragma omp single
      start = clock_wall();
      for (int i = 0; i < CALLS; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
#pragma omp barrier
#pragma omp single
      seconds = clock_wall() - start;
      free(a);
      free(b);
      free(c);
    }
    double rate = 2.0 * m * n * k * CALLS * bench->common.threads / seconds / 1e9;
    best = fmax(best, rate);
  }
  return best;
}

static double network_rate(const Bench *bench, int batch, int threads) {
  const Game *game = bench->common.game;
  size_t cells = (size_t)(game->planes * game->rows * game->cols);
  double best = 0;
  for (int r = 0; r < REPEATS; r++) {
    int calls = 1 + 512 / batch;
    double start = 0;
#pragma omp parallel num_threads(threads)
    {
      PlanWorkspace *workspace = plan_workspace_new(bench->plan, batch);
      float *planes = memory_new((size_t)batch * cells, sizeof(float));
      float *logits = memory_new((size_t)(batch * game->moves), sizeof(float));
      float *wdl = memory_new((size_t)(batch * 3), sizeof(float));
      plan_forward(bench->plan, workspace, planes, batch, logits, wdl);
#pragma omp barrier
#pragma omp single
      start = clock_wall();
      for (int i = 0; i < calls; i++) plan_forward(bench->plan, workspace, planes, batch, logits, wdl);
#pragma omp barrier
#pragma omp single
      best = fmax(best, (double)batch * calls * threads / (clock_wall() - start));
      plan_workspace_free(workspace);
      free(planes);
      free(logits);
      free(wdl);
    }
  }
  return best;
}

static void bench_network(Bench *bench) {
  static const int batches[] = {1, 8, 16, 64, 256};
  json_t *rows = json_array();
  if (!bench->common.json) printf("network alone            batch threads positions/s  roofline\n");
  for (int t = 1; t <= bench->common.threads; t = t < bench->common.threads ? bench->common.threads : t + 1)
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
      double rate = network_rate(bench, batches[i], t);
      double peak = bench->peak * t / bench->common.threads, roofline = rate * bench->flop / 1e9 / peak;
      json_array_append_new(rows, json_pack("{s:i, s:i, s:f, s:f}", "batch", batches[i], "threads", t,
                                            "positions_per_second", rate, "roofline", roofline));
      if (!bench->common.json) printf("%30d %7d %11.0f %9.2f\n", batches[i], t, rate, roofline);
    }
  json_object_set_new(bench->root, "network", rows);
}

static void bench_tree(Bench *bench) {
  const Game *game = bench->common.game;
  SearchConfig config = search_config_defaults();
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  Evaluator *uniform = evaluator_uniform(game, 1);
  double best = 0, bytes = 0;
  int visits = 50000;
  game->init(state);
  for (int r = 0; r < REPEATS; r++) {
    Search *search = search_new(game, &config);
    double start = clock_wall();
    search_run(search, state, visits, rng_make(1, RNG_BENCH, 0, 0), uniform);
    best = fmax(best, visits / (clock_wall() - start));
    bytes = (double)search_bytes(search) / visits;
    search_free(search);
  }
  evaluator_free(uniform);
  json_object_set_new(bench->root, "tree",
                      json_pack("{s:f, s:f}", "simulations_per_second", best, "bytes_per_simulation", bytes));
  if (!bench->common.json)
    printf("tree alone, one thread, %d simulations: %.0f simulations/s, %.0f bytes a simulation\n", visits,
           best, bytes);
}

static double selfplay_rate(const Bench *bench, int threads) {
  int shards = 2 * threads;
  double start = clock_wall();
  int64_t evaluations = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : evaluations)
  for (int i = 0; i < shards; i++) {
    ShardSpec spec = {.game = bench->common.game,
                      .config = &bench->config,
                      .plan = bench->plan,
                      .seed = 1,
                      .iteration = 1,
                      .first_game = 64 * i,
                      .games = 64};
    ReplayBlock *block = shard_play(&spec, NULL, NULL);
    evaluations += block->stats.evaluations;
    replay_block_free(block);
  }
  return (double)evaluations / (clock_wall() - start);
}

static void bench_selfplay(Bench *bench) {
  double one = selfplay_rate(bench, 1), all = selfplay_rate(bench, bench->common.threads);
  double alone = network_rate(bench, 64, bench->common.threads);
  json_object_set_new(bench->root, "selfplay",
                      json_pack("{s:f, s:f, s:f, s:f}", "one_thread", one, "all_threads", all, "scaling",
                                all / one, "share_of_network_alone", all / alone));
  if (!bench->common.json)
    printf("self-play: %.0f evaluations/s with one thread, %.0f with %d (%.2f times); %.2f of the network "
           "alone\n",
           one, all, bench->common.threads, all / one, all / alone);
}

static void bench_training(Bench *bench) {
  const Game *game = bench->common.game;
  Learner *learner = learner_new(game, &bench->config, 1, bench->common.threads);
  Replay *replay = replay_new(game);
  ShardSpec spec = {.game = game, .config = &bench->config, .plan = bench->plan, .seed = 1, .games = 16};
  FitStats stats;
  double best = 0;
  replay_add(replay, shard_play(&spec, NULL, NULL));
  for (int r = 0; r < REPEATS; r++) {
    double start = clock_wall();
    learner_fit(learner, replay, NULL, 0, 4, 0, &stats);
    best = fmax(best, (double)stats.samples / (clock_wall() - start));
  }
  double share = 3 * best * bench->flop / 1e9 / bench->peak;
  json_object_set_new(bench->root, "training",
                      json_pack("{s:f, s:f}", "samples_per_second", best, "share_of_sgemm", share));
  if (!bench->common.json)
    printf("training: %.0f samples/s; 3 x forward is %.2f of the SGEMM peak\n", best, share);
  learner_free(learner);
  replay_free(replay);
}

int cmd_bench(int argc, char **argv) {
  Bench bench = {.common = cli_common_defaults()};
  Error err;
  argp_parse(&parser, argc, argv, 0, NULL, &bench.common);
  if (!run_config_shipped(bench.common.game, &bench.config, &err)) cli_fail("%s", err.message);
  NetShape shape = run_config_shape(&bench.config, bench.common.game);
  Rng rng = rng_make(1, RNG_INIT_WEIGHTS, 0, 0);
  bench.net = net_new(&shape);
  net_init(bench.net, &rng);
  bench.plan = plan_new(bench.net);
  bench.flop = 2 * net_multiply_adds(&shape);
  bench.peak = sgemm_peak(&bench);
  bench.root = json_pack("{s:s, s:s, s:s, s:i, s:f}", "cpu", simd_features(), "blas", openblas_get_corename(),
                         "kernel", plan_kernel(bench.plan), "threads", bench.common.threads, "sgemm_gflops",
                         bench.peak);
  if (!bench.common.json)
    printf("%s, %d x %d network, %.2f MFLOP a position\nCPU %s; OpenBLAS core %s; SGEMM peak %.0f GFLOP/s on "
           "%d threads\n",
           bench.common.game->title, shape.blocks, shape.channels, bench.flop / 1e6, simd_features(),
           openblas_get_corename(), bench.peak, bench.common.threads);
  bench_network(&bench);
  bench_tree(&bench);
  bench_selfplay(&bench);
  bench_training(&bench);
  if (bench.common.json)
    cli_print_json(bench.root);
  else
    json_decref(bench.root);
  plan_free(bench.plan);
  net_free(bench.net);
  return 0;
}
