/* The tree alone, for the parts of the bench that vary it. */
#ifndef CLI_BENCH_TREE_H
#define CLI_BENCH_TREE_H

#include "cli/bench.h"

typedef struct BenchTree {
  BenchRates rates; /* simulations per second */
  double bytes;     /* of nodes and edges for each simulation */
} BenchTree;

/* 64 searches in lock-step on each thread, of `visits` simulations each, with the uniform evaluator. */
BenchTree bench_lock_step(const Game *game, int kind, int visits, int threads, double seconds);

#endif
