#include "selfplay/held_out.h"

#include "base/memory.h"
#include "net/plan.h"
#include "selfplay/example_rows.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the best constant prediction needs: sums of the targets, and what was legal in each position. */
typedef struct Constant {
  double policy[GAME_MOVES_MAX], wdl[3];
  uint8_t *legal; /* [with_policy][moves] */
} Constant;

static void measure_row(const Game *game, const float *logits, const float *wdl, const float *policy,
                        const uint8_t *legal, const float *target_wdl, HeldOutStats *stats,
                        Calibration *calibration, Constant *constant) {
  double highest = -1e30, sum = 0, mass = 0;
  int best = 0, better = 0;
  for (int m = 0; m < game->moves; m++) {
    if (legal[m] && logits[m] > highest) highest = logits[m];
    mass += policy[m];
    if (policy[m] > policy[best]) best = m;
  }
  for (int m = 0; m < game->moves; m++)
    if (legal[m]) sum += exp(logits[m] - highest), better += logits[m] > logits[best];
  if (mass > 0) {
    memcpy(constant->legal + (size_t)stats->with_policy * (size_t)game->moves, legal, (size_t)game->moves);
    stats->with_policy++;
    stats->top1 += better < 1;
    stats->top3 += better < 3;
    for (int m = 0; m < game->moves; m++) {
      if (policy[m] > 0) stats->policy -= policy[m] * (logits[m] - highest - log(sum));
      constant->policy[m] += policy[m];
    }
  }
  for (int i = 0; i < 3; i++) {
    if (target_wdl[i] > 0) stats->value -= target_wdl[i] * log(fmax(wdl[i], 1e-12));
    constant->wdl[i] += target_wdl[i];
  }
  double predicted = wdl[0] - wdl[2], observed = target_wdl[0] - target_wdl[2];
  stats->value_square += (predicted - observed) * (predicted - observed);
  int bin = (int)((predicted + 1) / 2 * CALIBRATION_BINS);
  bin = bin < 0 ? 0 : bin >= CALIBRATION_BINS ? CALIBRATION_BINS - 1 : bin;
  calibration->predicted[bin] += predicted;
  calibration->observed[bin] += observed;
  calibration->count[bin]++;
  stats->count++;
}

static double cross_entropy_of_constant(const double *sums, int n, double total) {
  double loss = 0;
  for (int i = 0; i < n; i++)
    if (sums[i] > 0) loss -= sums[i] / total * log(sums[i] / total);
  return loss;
}

/* Constant weights w, of which each position has its share of those of its legal moves (Luce's choice): their
 * likelihood is raised by the MM algorithm of D. Hunter, "MM algorithms for generalized Bradley-Terry models"
 * (Annals of Statistics 32, 2004), Section 5, which begins from the mean target. */
static double policy_of_constant(const Constant *constant, int count, int moves) {
  enum { ROUNDS = 20 };
  double weight[GAME_MOVES_MAX], share[GAME_MOVES_MAX], loss = 0;
  for (int m = 0; m < moves; m++) weight[m] = constant->policy[m] / count;
  for (int round = 0; round <= ROUNDS; round++) {
    memset(share, 0, sizeof share);
    loss = 0;
    for (int i = 0; i < count; i++) {
      const uint8_t *legal = constant->legal + (size_t)i * (size_t)moves;
      double sum = DBL_MIN; /* more, since what was taught is legal */
      for (int m = 0; m < moves; m++) sum += legal[m] ? weight[m] : 0;
      for (int m = 0; m < moves; m++) share[m] += legal[m] ? 1 / sum : 0;
      loss += log(sum) / count;
    }
    for (int m = 0; m < moves; m++) {
      if (weight[m] <= 0) continue;
      loss -= constant->policy[m] / count * log(weight[m]);
      weight[m] = constant->policy[m] / share[m];
    }
  }
  return loss;
}

static void finish_measure(const Game *game, const Constant *constant, HeldOutStats *stats,
                           Calibration *calibration) {
  for (int b = 0; b < CALIBRATION_BINS; b++) {
    if (!calibration->count[b]) continue;
    calibration->predicted[b] /= calibration->count[b];
    calibration->observed[b] /= calibration->count[b];
    calibration->error +=
        fabs(calibration->predicted[b] - calibration->observed[b]) * calibration->count[b] / stats->count;
  }
  if (stats->with_policy) {
    stats->policy /= stats->with_policy;
    stats->top1 /= stats->with_policy;
    stats->top3 /= stats->with_policy;
    stats->policy_baseline = policy_of_constant(constant, stats->with_policy, game->moves);
  }
  if (stats->count) {
    stats->value /= stats->count;
    stats->value_square /= stats->count;
    stats->value_baseline = cross_entropy_of_constant(constant->wdl, 3, stats->count);
  }
}

/* What the network says of each position: logits[count][moves], wdl[count][3]. */
static void predict(const Game *game, int threads, const Net *net, const Replay *replay,
                    const uint32_t *indices, int count, float *logits, float *wdl) {
  enum { CHUNK = 64 };
  size_t size = (size_t)(net->shape.planes * game->rows * game->cols);
  NetPlan *plan = plan_new(net);
#pragma omp parallel num_threads(threads)
  {
    PlanWorkspace *workspace = plan_workspace_new(plan, CHUNK);
    ExampleRows rows = example_rows_new(game, net->shape.planes, CHUNK);
#pragma omp for schedule(dynamic)
    for (int start = 0; start < count; start += CHUNK) {
      int n = count - start < CHUNK ? count - start : CHUNK, place;
      for (int row = 0; row < n; row++) {
        const ReplayBlock *block = replay_at(replay, (int)indices[start + row], &place);
        replay_planes(block, place, 0, net->shape.planes, rows.planes + (size_t)row * size);
      }
      plan_forward(plan, workspace, rows.planes, n, logits + (size_t)start * (size_t)game->moves,
                   wdl + 3 * (size_t)start);
    }
    example_rows_release(&rows);
    plan_workspace_free(workspace);
  }
  plan_free(plan);
}

void held_out_measure(const Game *game, const Net *net, const Replay *replay, const uint32_t *indices,
                      int count, int threads, HeldOutStats *stats, Calibration *calibration) {
  size_t moves = (size_t)game->moves;
  float *logits = memory_new((size_t)count * moves, sizeof(float)),
        *wdl = memory_new((size_t)count * 3, sizeof(float));
  ExampleRows target = example_rows_new(game, net->shape.planes, 1);
  Constant constant = {.legal = memory_new((size_t)count * moves, sizeof(uint8_t))};
  *stats = (HeldOutStats){0};
  *calibration = (Calibration){0};
  predict(game, threads, net, replay, indices, count, logits, wdl);
  for (int i = 0; i < count; i++) {
    int place;
    const ReplayBlock *block = replay_at(replay, (int)indices[i], &place);
    example_rows_fill(game, &target, 0, block, place, 0, (ValueTarget){0, 1});
    measure_row(game, logits + (size_t)i * moves, wdl + 3 * i, target.policy, target.legal, target.wdl, stats,
                calibration, &constant);
  }
  finish_measure(game, &constant, stats, calibration);
  example_rows_release(&target);
  free(constant.legal);
  free(logits);
  free(wdl);
}
