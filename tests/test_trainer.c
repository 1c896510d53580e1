/* A whole slice by the learner's Winograd path against net_backward_slice(). */
#include "trainer_slice.h"
#include "hang.h"

#include "games/game.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

TestSuite(trainer, .timeout = HANG_SECONDS);

static double relative_error(const float *found, const float *expected, size_t count) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < count; i++) {
    double difference = (double)found[i] - (double)expected[i];
    error += difference * difference;
    norm += (double)expected[i] * (double)expected[i];
  }
  return norm > 0 ? sqrt(error / norm) : error;
}

/* Returns whether gradients could be compared. */
static bool check_slice(NetShape shape, int batch, const TrainKernels *kernels) {
  Slice s = slice_new(shape, batch);
  NetTrainer *trainer = trainer_new_with(&shape, kernels, winograd_tiling(shape.rows, shape.cols));
  TrainerWorkspace *fast = trainer_workspace_new(trainer, batch);
  NetWorkspace *reference = net_workspace_new(&shape, batch, true);
  Found found = found_new(s.net), expected = found_new(s.net);
  double most = tolerance(trainer, batch);
  trainer_load(trainer, s.net, 1);
  run_fast(&s, trainer, fast, &found);
  net_backward_slice(s.net, reference, s.planes, s.policy, s.legal, s.wdl, s.weight, batch, 1.5f, 0.5f, NULL,
                     expected.gradient, expected.stats, &expected.loss);
  int n = batch * shape.rows * shape.cols, flips = count_flips(trainer, fast, reference, n);
  cr_assert_eq(found.loss.count, batch);
  cr_assert_float_eq(found.loss.policy, expected.loss.policy, most * expected.loss.policy);
  cr_assert_float_eq(found.loss.value, expected.loss.value, most * expected.loss.value);
  cr_assert_leq(relative_error(found.stats, expected.stats, s.net->stat_count), most);
  for (int i = 0; flips == 0 && i < s.net->tensor_count; i++) {
    const NetTensor *tensor = &s.net->tensors[i];
    double error =
        relative_error(found.gradient + tensor->offset, expected.gradient + tensor->offset, tensor->size);
    cr_assert_leq(error, most, "%s, %dx%d, %d channels, batch %d, %s: relative error %g, more than %g",
                  kernels->plan->name, shape.rows, shape.cols, shape.channels, batch, tensor->name, error,
                  most);
  }
  trainer_workspace_free(fast);
  trainer_free(trainer);
  net_workspace_free(reference);
  found_free(&found), found_free(&expected);
  slice_free(&s);
  return flips == 0;
}

static NetShape small_shape(int planes, int rows, int cols, int moves, int blocks, int channels) {
  return (NetShape){planes, rows, cols, moves, blocks, channels, 3, 2, 7};
}

Test(trainer, a_slice_agrees_with_the_reference_at_every_batch_size) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  omp_set_num_threads(1); /* products this small lose by being shared */
  int compared = 0, cases = 0;
  for (int batch = 1; batch <= 70; batch++) {
    compared += check_slice(small_shape(2, 6, 7, 7, 1, 24), batch, kernels[0]);
    compared += check_slice(small_shape(3, 8, 8, 65, 1, 9), batch, kernels[0]);
    cases += 2;
  }
  cr_assert_geq(compared, cases * 3 / 4, "ReLUs turned in %d of %d cases", cases - compared, cases);
}

Test(trainer, a_slice_agrees_on_every_board_and_kernel) {
  const TrainKernels *kernels[TRAIN_MOST_KERNELS];
  train_kernels_here(kernels);
  omp_set_num_threads(1);
  int compared = 0, cases = 0;
  for (int k = 0; kernels[k]; k++) {
    for (int i = 0; i < game_count(); i++, cases++) {
      const Game *game = game_at(i);
      compared +=
          check_slice(small_shape(game->planes, game->rows, game->cols, game->moves, 3, 32), 12, kernels[k]);
    }
    compared += check_slice(small_shape(17, 9, 9, 82, 2, 40), 5, kernels[k]);
    compared += check_slice(small_shape(2, 8, 8, 65, 3, 16), 7, kernels[k]);
    compared += check_slice(small_shape(1, 1, 5, 5, 1, 7), 33, kernels[k]);
    compared += check_slice(small_shape(2, 13, 2, 3, 2, 80), 4, kernels[k]);
    cases += 4;
  }
  cr_assert_geq(compared, cases * 3 / 4, "ReLUs turned in %d of %d cases", cases - compared, cases);
}

/* What an earlier slice, even one of NaNs, left in the workspace does not matter, nor how large it is. */
Test(trainer, a_slice_depends_on_nothing_but_itself) {
  NetShape shape = small_shape(2, 6, 7, 7, 2, 20);
  Slice s = slice_new(shape, 13), broken = slice_new(shape, 20);
  NetTrainer *trainer = trainer_new(&shape);
  TrainerWorkspace *fresh = trainer_workspace_new(trainer, 13), *used = trainer_workspace_new(trainer, 64);
  Found one = found_new(s.net), other = found_new(s.net), wasted = found_new(s.net);
  trainer_load(trainer, s.net, 2);
  for (int i = 0; i < 20 * 2 * 42; i++) broken.planes[i] = NAN;
  run_fast(&broken, trainer, used, &wasted);
  cr_assert(isnan(wasted.gradient[0]));
  run_fast(&s, trainer, fresh, &one);
  run_fast(&s, trainer, used, &other);
  cr_assert_arr_eq(one.gradient, other.gradient, s.net->param_count * sizeof(float));
  cr_assert_arr_eq(one.stats, other.stats, s.net->stat_count * sizeof(float));
  trainer_workspace_free(fresh), trainer_workspace_free(used);
  trainer_free(trainer);
  found_free(&one), found_free(&other), found_free(&wasted);
  slice_free(&s), slice_free(&broken);
}
