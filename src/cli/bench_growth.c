/* How the figures grow with board, channels, simulations and threads; with the batch they do in the tables
 * before. */
#include "cli/bench.h"
#include "cli/bench_tree.h"

static const double SECONDS = 0.25;

static json_t *network_point(Bench *bench, const NetShape *shape, int threads) {
  Net *net = bench_net(shape);
  NetPlan *plan = plan_new(net);
  BenchRates rates = bench_plan(plan, BENCH_BATCH, threads, bench->pace * SECONDS);
  double roofline = bench_roofline(bench, shape, rates.best, threads);
  bench_print(bench, "%12.0f/s, roofline %5.2f, spread %2.0f%%\n", rates.best, roofline,
              100 * bench_spread(&rates));
  json_t *point = json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:f}", "rows", shape->rows, "cols", shape->cols,
                            "channels", shape->channels, "threads", threads, "positions_per_second",
                            rates.best, "roofline", roofline, "spread", bench_spread(&rates));
  plan_free(plan);
  net_free(net);
  return point;
}

static json_t *grow_area(Bench *bench) {
  static const int sizes[][2] = {{6, 7}, {8, 8}, {9, 9}, {13, 13}};
  json_t *points = json_array();
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    NetShape shape = bench_shape(bench, sizes[i][0], sizes[i][1], 5, 64);
    bench_print(bench, "  %-12s %2d x %-2d  ", i ? "" : "board", shape.rows, shape.cols);
    json_array_append_new(points, network_point(bench, &shape, bench->common.threads));
  }
  return points;
}

static json_t *grow_channels(Bench *bench) {
  static const int channels[] = {32, 64, 96, 128};
  json_t *points = json_array();
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    NetShape shape = bench_shape(bench, 6, 7, 5, channels[i]);
    bench_print(bench, "  %-12s %7d  ", i ? "" : "channels", channels[i]);
    json_array_append_new(points, network_point(bench, &shape, bench->common.threads));
  }
  return points;
}

static json_t *grow_threads(Bench *bench) {
  json_t *points = json_array();
  NetShape shape = bench_shape(bench, 6, 7, 5, 64);
  int most = bench->common.threads;
  for (int t = 1; t <= most; t = t < most && 2 * t > most ? most : 2 * t) {
    bench_print(bench, "  %-12s %7d  ", t > 1 ? "" : "threads", t);
    json_array_append_new(points, network_point(bench, &shape, t));
  }
  return points;
}

static json_t *grow_simulations(Bench *bench) {
  static const int visits[] = {10, 100, 1000, 10000};
  json_t *points = json_array();
  for (size_t i = 0; i < sizeof visits / sizeof *visits; i++) {
    BenchTree tree = bench_lock_step(game_find("connect4"), SEARCH_PUCT, visits[i], 1, bench->pace * SECONDS);
    bench_print(bench, "  %-12s %7d  %12.0f/s, %4.0f bytes each, spread %2.0f%%\n", i ? "" : "simulations",
                visits[i], tree.rates.best, tree.bytes, 100 * bench_spread(&tree.rates));
    json_array_append_new(points, json_pack("{s:i, s:f, s:f, s:f}", "visits", visits[i],
                                            "simulations_per_second", tree.rates.best, "bytes_per_simulation",
                                            tree.bytes, "spread", bench_spread(&tree.rates)));
  }
  return points;
}

void bench_growth(Bench *bench) {
  json_t *growth = json_object();
  bench_print(bench,
              "growth: 5 x 64 on 6 x 7 at batch %d on all threads, but for what is named; the tree alone on "
              "one\n",
              BENCH_BATCH);
  json_object_set_new(growth, "board", grow_area(bench));
  json_object_set_new(growth, "channels", grow_channels(bench));
  json_object_set_new(growth, "threads", grow_threads(bench));
  json_object_set_new(growth, "simulations", grow_simulations(bench));
  json_object_set_new(bench->root, "growth", growth);
  bench_print(bench, "\n");
}
