/* Repetitions, and the limit that everything is compared with. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/simd.h"
#include "base/version.h"
#include "cli/bench.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

enum { FEWEST = 3, MOST = 100 };
static const double REPETITION = 0.03, LIMIT_SECONDS = 2;

void bench_print(const Bench *bench, const char *format, ...) {
  va_list args;
  if (bench->common.json) return;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  fflush(stdout); /* the next row may take seconds */
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

BenchRates bench_rates(double *rates, int count) {
  qsort(rates, (size_t)count, sizeof *rates, ascending);
  return (BenchRates){.best = rates[count - 1], .median = rates[count / 2], .lowest = rates[0], .had = 1};
}

bool bench_by_processor_time(int threads) {
  return threads <= omp_get_num_procs();
}

typedef struct Repetition {
  double rate, wall, processor; /* units/s of all threads; seconds of the slowest thread; of all together */
} Repetition;

/* `calls` calls on each thread, which begin together. */
static Repetition repeat(BenchBody *body, void **contexts, int threads, int calls) {
  bool processor_time = bench_by_processor_time(threads);
  double rate = 0, longest = 0, processor_sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : rate, processor_sum) reduction(max : longest)
  {
    void *context = contexts[omp_get_thread_num()];
    double work = 0;
#pragma omp barrier
    double start = clock_wall(), processor_start = clock_thread_cpu();
    for (int i = 0; i < calls; i++) work += body(context);
    double processor = clock_thread_cpu() - processor_start, wall = clock_wall() - start;
    rate += work / (processor_time ? processor : wall);
    longest = wall;
    processor_sum += processor;
  }
  return (Repetition){rate, longest, processor_sum};
}

BenchRates bench_measure(BenchBody *body, void **contexts, int threads, double seconds) {
  double rates[MOST], begun = clock_wall(), wall = 0, processor = 0;
  int count = 0, before = omp_get_max_threads();
  omp_set_num_threads(threads); /* a team of one is not "in parallel", so OpenBLAS would use all threads */
  Repetition first = repeat(body, contexts, threads, 1);
  double length = fmin(REPETITION, seconds / 8);
  int calls = (int)fmin(1e6, fmax(1, ceil(length * threads / fmax(first.processor, 1e-9))));
  while (count < MOST && (count < FEWEST || clock_wall() - begun < seconds)) {
    Repetition repetition = repeat(body, contexts, threads, calls);
    rates[count++] = repetition.rate;
    wall += repetition.wall;
    processor += repetition.processor;
  }
  omp_set_num_threads(before);
  BenchRates result = bench_rates(rates, count);
  result.had = processor / (wall * threads);
  return result;
}

typedef struct Product {
  int m, n, k;
  float *a, *b, *c;
} Product;

static double multiply(void *context) {
  const Product *p = context;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p->m, p->n, p->k, 1, p->a, p->k, p->b, p->n, 0, p->c,
              p->n);
  return 2e-9 * p->m * p->n * p->k;
}

static float *ones(int rows, int cols) {
  size_t count = (size_t)rows * (size_t)cols;
  float *values = memory_new(count, sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = 1;
  return values;
}

static BenchRates measure_limit(int channels, int cells, int threads, double seconds) {
  Product *products = memory_new((size_t)threads, sizeof *products);
  void **contexts = memory_new((size_t)threads, sizeof *contexts);
  for (int t = 0; t < threads; t++) {
    Product *p = contexts[t] = &products[t];
    *p = (Product){.m = channels, .n = BENCH_BATCH * cells, .k = 9 * channels};
    p->a = ones(p->m, p->k), p->b = ones(p->k, p->n), p->c = ones(p->m, p->n);
  }
  BenchRates rates = bench_measure(multiply, contexts, threads, seconds);
  for (int t = 0; t < threads; t++) free(products[t].a), free(products[t].b), free(products[t].c);
  free(products);
  free(contexts);
  return rates;
}

const BenchLimit *bench_limit(Bench *bench, int channels, int cells, int threads) {
  for (int i = 0; i < bench->limit_count; i++) {
    const BenchLimit *limit = &bench->limits[i];
    if (limit->channels == channels && limit->cells == cells && limit->threads == threads) return limit;
  }
  if (bench->limit_count == BENCH_LIMITS_MAX) bench->limit_count--; /* measured again when asked for again */
  BenchLimit *limit = &bench->limits[bench->limit_count++];
  *limit = (BenchLimit){channels, cells, threads,
                        measure_limit(channels, cells, threads, bench->pace * LIMIT_SECONDS)};
  json_array_append_new(json_object_get(bench->root, "limits"),
                        json_pack("{s:i, s:i, s:i, s:f, s:f, s:f}", "channels", channels, "cells", cells,
                                  "threads", threads, "gflops", limit->gflops.best, "spread",
                                  bench_spread(&limit->gflops), "processor_share", limit->gflops.had));
  return limit;
}

double bench_roofline(Bench *bench, const NetShape *shape, double rate, int threads) {
  const BenchLimit *limit = bench_limit(bench, shape->channels, shape->rows * shape->cols, threads);
  return rate * 2e-9 * net_multiply_adds(shape) / limit->gflops.best;
}

void bench_machine(Bench *bench) {
  const Game *game = bench->common.game;
  int cells = game->rows * game->cols, channels = bench->config.channels, threads = bench->common.threads;
  json_object_set_new(bench->root, "limits", json_array());
  const BenchLimit *all = bench_limit(bench, channels, cells, threads);
  for (int t = threads; t > 0; t = t > 1 ? 1 : 0) /* of the tables that follow, before anything else runs */
    for (int side = 7; side <= 9; side++) bench_limit(bench, 64, side == 7 ? 6 * 7 : side * side, t);
  json_object_update_new(bench->root,
                         json_pack("{s:b, s:s, s:s, s:s, s:i, s:f}", "quick", bench->pace < 1, "version",
                                   version_text(), "cpu", simd_features(), "blas", openblas_get_corename(),
                                   "threads", threads, "sgemm_gflops", all->gflops.best));
  bench_print(
      bench,
      "%sCPU %s; OpenBLAS core %s\n"
      "limit: SGEMM %d x %d x %d, single-threaded calls on %d thread%s: %.1f GFLOP/s (spread %.0f%%)\n"
      "other jobs left this one %.0f%% of the processors' time meanwhile\n\n",
      bench->pace < 1 ? "quick: rough figures\n" : "", simd_features(), openblas_get_corename(), channels,
      9 * channels, BENCH_BATCH * cells, threads, threads == 1 ? "" : "s", all->gflops.best,
      100 * bench_spread(&all->gflops), 100 * all->gflops.had);
}
