/* What the parts of `selfplay bench` share. Each part measures one thing, appends rows to the JSON object and
 * prints a table unless --json was given.
 *
 * Rates come from short repetitions, so that some of them run undisturbed on a busy machine: the best says
 * what the program can do, the spread (1 - lowest / best) how quiet the machine was. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/cli.h"
#include "net/net.h"
#include "net/plan.h"
#include "selfplay/run_config.h"

#include <stdbool.h>

/* Units per second over the repetitions, all threads together. */
typedef struct BenchRates {
  double best, median, lowest;
  double had; /* share of the wall time in which the threads really ran */
} BenchRates;

static inline double bench_spread(const BenchRates *rates) {
  return 1 - rates->lowest / rates->best;
}

enum { BENCH_LIMITS_MAX = 32 };

/* The machine's limit: SGEMM at a layer's own shape, as GFLOP/s of all `threads` together. */
typedef struct BenchLimit {
  int channels, cells, threads;
  BenchRates gflops;
} BenchLimit;

typedef struct Bench {
  CliCommon common; /* game of self-play and training, threads, --json */
  RunConfig config; /* the game's shipped one */
  BenchLimit limits[BENCH_LIMITS_MAX];
  int limit_count;
  double pace; /* factor on the time that a figure is given */
  json_t *root;
} Bench;

/* One call of what is measured; returns the units of work it did. */
typedef double BenchBody(void *context);

/* Runs `body` on `threads` threads at once, each with its own contexts[thread], for repetitions of about 30
 * ms, or an eighth of `seconds` where that is less (at least one call), until `seconds` have passed, but 3 to
 * 100 repetitions. One call warms up. Inside, OpenBLAS runs single-threaded calls. */
BenchRates bench_measure(BenchBody *body, void **contexts, int threads, double seconds);
/* Whether rates are taken over processor time. */
bool bench_by_processor_time(int threads);
/* Rates of repetitions that the caller timed. Sorts rates[0..count), count > 0. */
BenchRates bench_rates(double *rates, int count);

/* SGEMM with M = channels, K = 9 x channels, N = BENCH_BATCH x cells; measured once per process. */
enum { BENCH_BATCH = 64 };
const BenchLimit *bench_limit(Bench *bench, int channels, int cells, int threads);
/* Multiply-adds of the plain direct convolution x 2 x `rate` positions/s, as a share of the limit. */
double bench_roofline(Bench *bench, const NetShape *shape, double rate, int threads);

/* A network of this shape with random weights, calibrated on random planes. policy_channels, value_channels
 * and value_hidden are the game's shipped ones; moves are the squares and one. */
NetShape bench_shape(const Bench *bench, int rows, int cols, int blocks, int channels);
Net *bench_net(const NetShape *shape);
/* Positions per second of a plan at this batch, with one workspace a thread. */
BenchRates bench_plan(const NetPlan *plan, int batch, int threads, double seconds);

/* Prints unless --json was given. */
void bench_print(const Bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The parts, in the order in which they run. */
void bench_machine(Bench *bench);
void bench_network(Bench *bench);
void bench_tree(Bench *bench);
void bench_selfplay(Bench *bench);
void bench_training(Bench *bench);
void bench_growth(Bench *bench);

#endif
