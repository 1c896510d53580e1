/* The network alone: the reference over OpenBLAS and the plans of both precisions, at several batches and
 * boards. */
#include "base/memory.h"
#include "cli/bench.h"

#include <stdlib.h>
#include <string.h>

enum { CALIBRATION = 8 };           /* positions */
static const double SECONDS = 0.25; /* for each row */

NetShape bench_shape(const Bench *bench, int rows, int cols, int blocks, int channels) {
  const RunConfig *config = &bench->config;
  return (NetShape){.planes = 3,
                    .rows = rows,
                    .cols = cols,
                    .moves = rows * cols + 1,
                    .blocks = blocks,
                    .channels = channels,
                    .policy_channels = config->policy_channels,
                    .value_channels = config->value_channels,
                    .value_hidden = config->value_hidden};
}

/* Planes as games have them: zeros and ones; the caller's to free. */
static float *random_planes(const NetShape *shape, int batch) {
  size_t size = (size_t)batch * (size_t)(shape->planes * shape->rows * shape->cols);
  float *planes = memory_new(size, sizeof *planes);
  Rng rng = rng_make(1, RNG_BENCH, 1, 0);
  for (size_t i = 0; i < size; i++) planes[i] = (float)rng_below(&rng, 2);
  return planes;
}

Net *bench_net(const NetShape *shape) {
  Net *net = net_new(shape);
  Rng rng = rng_make(1, RNG_BENCH, 0, 0);
  net_init(net, &rng);
  float *planes = random_planes(shape, CALIBRATION);
  plan_calibrate(net, planes, CALIBRATION);
  free(planes);
  return net;
}

/* What one thread works with; exactly one of the workspaces is there. */
typedef struct Lane {
  const Net *net;
  const NetPlan *plan;
  NetWorkspace *reference;
  PlanWorkspace *fast;
  int batch;
  float *planes, *logits, *wdl;
} Lane;

static double forward(void *context) {
  const Lane *lane = context;
  if (lane->fast)
    plan_forward(lane->plan, lane->fast, lane->planes, lane->batch, lane->logits, lane->wdl);
  else
    net_forward(lane->net, lane->reference, lane->planes, lane->batch, lane->logits, lane->wdl);
  return lane->batch;
}

static void lane_init(Lane *lane, const NetShape *shape, const Net *net, const NetPlan *plan, int batch) {
  size_t n = (size_t)batch;
  *lane = (Lane){.net = net,
                 .plan = plan,
                 .reference = net ? net_workspace_new(shape, batch, false) : NULL,
                 .fast = plan ? plan_workspace_new(plan, batch) : NULL,
                 .batch = batch,
                 .planes = random_planes(shape, batch),
                 .logits = memory_new(n * (size_t)shape->moves, sizeof(float)),
                 .wdl = memory_new(n * 3, sizeof(float))};
}

static BenchRates measure(const NetShape *shape, const Net *net, const NetPlan *plan, int batch, int threads,
                          double seconds) {
  Lane *lanes = memory_new((size_t)threads, sizeof *lanes);
  void **contexts = memory_new((size_t)threads, sizeof *contexts);
  for (int t = 0; t < threads; t++) {
    lane_init(&lanes[t], shape, net, plan, batch);
    contexts[t] = &lanes[t];
  }
  BenchRates rates = bench_measure(forward, contexts, threads, seconds);
  for (int t = 0; t < threads; t++) {
    if (lanes[t].reference) net_workspace_free(lanes[t].reference);
    plan_workspace_free(lanes[t].fast);
    free(lanes[t].planes), free(lanes[t].logits), free(lanes[t].wdl);
  }
  free(lanes);
  free(contexts);
  return rates;
}

BenchRates bench_plan(const NetPlan *plan, int batch, int threads, double seconds) {
  return measure(plan_shape(plan), NULL, plan, batch, threads, seconds);
}

/* One row of the table: `net` for the reference, `plan` for a fast path. */
static void row(Bench *bench, json_t *rows, const NetShape *shape, const char *path, const Net *net,
                const NetPlan *plan, int batch, int threads) {
  const char *kernel = plan ? plan_kernel(plan) : "OpenBLAS, float32";
  BenchRates rates = measure(shape, net, plan, batch, threads, bench->pace * SECONDS);
  double roofline = bench_roofline(bench, shape, rates.best, threads);
  json_array_append_new(rows, json_pack("{s:i, s:i, s:i, s:i, s:s, s:s, s:i, s:i, s:f, s:f, s:f}", "rows",
                                        shape->rows, "cols", shape->cols, "blocks", shape->blocks, "channels",
                                        shape->channels, "path", path, "kernel", kernel, "batch", batch,
                                        "threads", threads, "positions_per_second", rates.best, "roofline",
                                        roofline, "spread", bench_spread(&rates)));
  bench_print(bench, "  %-10s %6d %8d %12.0f %9.2f %7.0f%%\n", path, batch, threads, rates.best, roofline,
              100 * bench_spread(&rates));
}

static void board(Bench *bench, json_t *rows, int board_rows, int cols, int blocks) {
  static const int batches[] = {1, 8, 16, 64, 256};
  int threads = bench->common.threads;
  NetShape shape = bench_shape(bench, board_rows, cols, blocks, 64);
  Net *net = bench_net(&shape);
  NetPlan *plans[] = {plan_new(net), plan_new_as(net, PLAN_INT8)};
  bench_print(bench, "network alone, %d x %d on %d x %d: %.1f MFLOP a position; single: %s; low: %s\n",
              blocks, shape.channels, board_rows, cols, 2e-6 * net_multiply_adds(&shape),
              plan_kernel(plans[0]), plan_kernel(plans[1]));
  bench_print(bench, "  path        batch  threads  positions/s  roofline  spread\n");
  for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
    row(bench, rows, &shape, "reference", net, NULL, batches[i], threads);
  for (int precision = 0; precision < 2; precision++)
    for (int t = 1; t <= threads; t = t < threads ? threads : t + 1)
      for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        row(bench, rows, &shape, precision ? "low" : "single", NULL, plans[precision], batches[i], t);
  bench_print(bench, "\n");
  plan_free(plans[0]), plan_free(plans[1]);
  net_free(net);
}

/* The kernels that the tables leave out, one thread: what another CPU would have. */
static void other_kernels(Bench *bench, json_t *rows) {
  NetShape shape = bench_shape(bench, 6, 7, 5, 64);
  Net *net = bench_net(&shape);
  NetPlan *plan;
  bench_print(bench, "network alone, 5 x 64 on 6 x 7, one thread, all kernels that this CPU can run\n"
                     "  path        batch  threads  positions/s  roofline  spread\n");
  for (PlanPrecision precision = PLAN_FLOAT32; precision <= PLAN_INT8; precision++)
    for (int n = 0; (plan = plan_new_nth(net, precision, n)); n++) {
      bench_print(bench, "  %s:\n", plan_kernel(plan));
      row(bench, rows, &shape, precision == PLAN_INT8 ? "low" : "single", NULL, plan, BENCH_BATCH, 1);
      plan_free(plan);
    }
  bench_print(bench, "\n");
  net_free(net);
}

void bench_network(Bench *bench) {
  json_t *rows = json_array();
  board(bench, rows, 6, 7, 5);
  board(bench, rows, 8, 8, 6);
  board(bench, rows, 9, 9, 6);
  json_object_set_new(bench->root, "network", rows);
  rows = json_array();
  other_kernels(bench, rows);
  json_object_set_new(bench->root, "kernels", rows);
}
