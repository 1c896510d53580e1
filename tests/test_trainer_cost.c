/* What the learner's Winograd path costs in precision and gains in time. */
#include "trainer_slice.h"
#include "winograd_transforms.h"
#include "double_reference.h"
#include "hang.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <time.h>

TestSuite(trainer_cost, .timeout = HANG_SECONDS);

/* Relative error of the tower's weight gradients against double precision. */
static double weight_error(const Net *net, const float *found, const double *exact) {
  double error = 0, norm = 0;
  for (int i = 0; i < net->tensor_count; i++) {
    const NetTensor *tensor = &net->tensors[i];
    for (size_t j = tensor->offset; tensor->rank == 4 && j < tensor->offset + tensor->size; j++) {
      error += pow((double)found[j] - exact[j], 2);
      norm += exact[j] * exact[j];
    }
  }
  return sqrt(error / norm);
}

/* What each tile costs in precision, which is to be no more than its growth of rounding errors explains;
 * --verbose shows the figures. */
static void check_precision(int rows, int cols) {
  enum { BATCH = 16 };
  NetShape shape = {2, rows, cols, 7, 5, 64, 16, 16, 64};
  Slice s = slice_new(shape, BATCH);
  for (int i = 0; i < BATCH; i++) s.weight[i] = 1;
  double *exact = memory_new(s.net->param_count, sizeof *exact);
  NetWorkspace *reference = net_workspace_new(&shape, BATCH, true);
  Found plain = found_new(s.net);
  double_reference_gradient(s.net, s.planes, s.policy, s.legal, s.wdl, BATCH, exact);
  net_backward_slice(s.net, reference, s.planes, s.policy, s.legal, s.wdl, NULL, BATCH, 1, 1, NULL,
                     plain.gradient, plain.stats, &plain.loss);
  double least = weight_error(s.net, plain.gradient, exact);
  cr_log_info("%dx%d, 5 x 64: relative error of the weights' gradient %.1e by plain products", rows, cols,
              least);
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  int compared = 0;
  for (int step = 1; step <= WINOGRAD_MOST_STEP; step++) {
    WinogradTiling tiling = step == 1 ? winograd_tiling(rows, cols) : tiling_with(rows, cols, step, step);
    NetTrainer *trainer = trainer_new_with(&shape, kernels[0], tiling);
    TrainerWorkspace *ws = trainer_workspace_new(trainer, BATCH);
    Found found = found_new(s.net);
    trainer_load(trainer, s.net, 1);
    trainer_backward_slice(trainer, ws, s.net, s.planes, s.policy, s.legal, s.wdl, NULL, BATCH, 1, 1, NULL,
                           found.gradient, found.stats, &found.loss);
    double error = weight_error(s.net, found.gradient, exact);
    /* A ReLU so close to zero that the two see it from different sides is no error of rounding. */
    int flips = count_flips(trainer, ws, reference, BATCH * rows * cols);
    cr_log_info("%dx%d, 5 x 64: %.1e by %s%s%s", rows, cols, error, trainer_kernel(trainer),
                step == 1 ? ", which it takes" : "",
                flips ? " (beyond a ReLU seen from its other side)" : "");
    compared += flips == 0;
    if (flips == 0) cr_assert_leq(error, tolerance(trainer, BATCH));
    trainer_workspace_free(ws);
    trainer_free(trainer);
    found_free(&found);
  }
  cr_assert_gt(compared, 0, "%dx%d: every tile met a ReLU at zero; draw other positions", rows, cols);
  net_workspace_free(reference);
  found_free(&plain);
  slice_free(&s);
  free(exact);
}

Test(trainer_cost, precision_is_what_the_tiles_cost) {
  omp_set_num_threads(1);
  check_precision(6, 7);
  check_precision(8, 8);
  check_precision(9, 9);
}

/* Processor time of this thread: what else the machine does hardly counts. */
static double thread_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Seconds of one product at the network's shape: M = channels, K = 9 x channels, N = batch x cells. */
static double time_sgemm(const NetShape *shape, int batch) {
  int m = shape->channels, k = TAPS * m, n = batch * shape->rows * shape->cols;
  float *a = memory_new((size_t)(m * k), sizeof *a), *b = memory_new((size_t)(k * n), sizeof *b),
        *c = memory_new((size_t)(m * n), sizeof *c);
  double best = INFINITY;
  for (int r = 0; r < 10; r++) {
    double start = thread_seconds();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
    best = fmin(best, thread_seconds() - start);
  }
  free(a), free(b), free(c);
  return best;
}

/* One thread's slice by both paths, best of several; --verbose shows the figures. Sanitizers slow our own
 * code alone. */
Test(trainer_cost, is_faster_than_the_reference) {
  enum { BATCH = 64 };
  openblas_set_num_threads(1);
  NetShape shape = {2, 6, 7, 7, 5, 64, 16, 16, 64};
  Slice s = slice_new(shape, BATCH);
  NetTrainer *trainer = trainer_new(&shape);
  TrainerWorkspace *fast = trainer_workspace_new(trainer, BATCH);
  NetWorkspace *reference = net_workspace_new(&shape, BATCH, true);
  Found found = found_new(s.net);
  double best = INFINITY, plain = INFINITY, sgemm = time_sgemm(&shape, BATCH);
  trainer_load(trainer, s.net, 1);
  for (int r = 0; r < 5; r++) {
    double start = thread_seconds();
    run_fast(&s, trainer, fast, &found);
    best = fmin(best, thread_seconds() - start);
    start = thread_seconds();
    net_backward_slice(s.net, reference, s.planes, s.policy, s.legal, s.wdl, NULL, BATCH, 1, 1, NULL,
                       found.gradient, found.stats, &found.loss);
    plain = fmin(plain, thread_seconds() - start);
    sgemm = fmin(sgemm, time_sgemm(&shape, BATCH));
  }
  double unit = sgemm / ((double)BATCH * shape.rows * shape.cols * shape.channels * shape.channels * TAPS),
         work = 3 * BATCH * net_multiply_adds(&shape);
  cr_log_info("5 x 64 on 6x7, slice of 64, one thread: 3 x forward is %.2f of the SGEMM peak by %s, %.2f by "
              "plain products",
              work * unit / best, trainer_kernel(trainer), work * unit / plain);
#ifndef __SANITIZE_ADDRESS__
  cr_assert_lt(best, plain);
#endif
  trainer_workspace_free(fast);
  trainer_free(trainer);
  net_workspace_free(reference);
  found_free(&found);
  slice_free(&s);
}
