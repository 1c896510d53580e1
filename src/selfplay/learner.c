#include "selfplay/learner.h"

#include "base/memory.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* What one slice of a minibatch needs to itself. */
typedef struct Slice {
  NetWorkspace *workspace;
  float *planes, *policy, *wdl; /* [slice][...] */
  uint8_t *legal;
  float *gradient, *stats; /* [param_count], [stat_count] */
  NetLoss loss;
} Slice;

struct Learner {
  const Game *game;
  const RunConfig *config;
  uint64_t seed;
  int threads;
  Net *net, *averaged;
  Optimizer *optimizer;
  int64_t steps, samples; /* steps since the last restart name the random streams together with `restarts` */
  int64_t restarts;
  float policy_weight, value_weight;
  Slice *slices;
  int slice_count;
  float *gradient; /* [param_count], of the whole minibatch */
};

/* Batch norm's running statistics move by this share of each step's. */
static const float STATS_MOMENTUM = 0.05f;

static void slice_init(Slice *slice, const Learner *learner) {
  const Game *game = learner->game;
  size_t n = (size_t)learner->config->slice, moves = (size_t)game->moves;
  slice->workspace = net_workspace_new(&learner->net->shape, (int)n, true);
  slice->planes = memory_new(n * (size_t)(game->planes * game->rows * game->cols), sizeof(float));
  slice->policy = memory_new(n * moves, sizeof(float));
  slice->wdl = memory_new(n * 3, sizeof(float));
  slice->legal = memory_new(n * moves, 1);
  slice->gradient = memory_new(learner->net->param_count, sizeof(float));
  slice->stats = memory_new(learner->net->stat_count, sizeof(float));
}

static void slice_release(Slice *slice) {
  net_workspace_free(slice->workspace);
  free(slice->planes);
  free(slice->policy);
  free(slice->wdl);
  free(slice->legal);
  free(slice->gradient);
  free(slice->stats);
}

Learner *learner_new(const Game *game, const RunConfig *config, uint64_t seed, int threads) {
  Learner *learner = memory_new(1, sizeof *learner);
  NetShape shape = run_config_shape(config, game);
  *learner = (Learner){.game = game, .config = config, .seed = seed, .threads = threads};
  learner_weigh(learner, 1, config->value_weight);
  learner->net = net_new(&shape);
  Rng rng = rng_make(seed, RNG_INIT_WEIGHTS, 0, 0);
  net_init(learner->net, &rng);
  learner->averaged = net_copy(learner->net);
  learner->optimizer = optimizer_new(&config->optimizer, learner->net);
  learner->slice_count = config->batch / config->slice;
  learner->slices = memory_new((size_t)learner->slice_count, sizeof(Slice));
  for (int i = 0; i < learner->slice_count; i++) slice_init(&learner->slices[i], learner);
  learner->gradient = memory_new(learner->net->param_count, sizeof(float));
  return learner;
}

void learner_free(Learner *learner) {
  if (!learner) return;
  for (int i = 0; i < learner->slice_count; i++) slice_release(&learner->slices[i]);
  free(learner->slices);
  free(learner->gradient);
  optimizer_free(learner->optimizer);
  net_free(learner->net);
  net_free(learner->averaged);
  free(learner);
}

void learner_restart(Learner *learner, const Net *weights) {
  net_free(learner->net);
  learner->net = net_copy(weights);
  optimizer_free(learner->optimizer);
  learner->optimizer = optimizer_new(&learner->config->optimizer, learner->net);
  learner->steps = 0;
  learner->restarts++;
}

void learner_weigh(Learner *learner, double policy_weight, double value_weight) {
  learner->policy_weight = (float)policy_weight;
  learner->value_weight = (float)value_weight;
}

const Net *learner_net(const Learner *learner) {
  return learner->net;
}

const Net *learner_averaged(Learner *learner) {
  optimizer_averaged(learner->optimizer, learner->net, learner->averaged);
  return learner->averaged;
}

int64_t learner_steps(const Learner *learner) {
  return learner->steps;
}

int64_t learner_samples(const Learner *learner) {
  return learner->samples;
}

static void fill_row(const Game *game, Slice *slice, int row, const ReplayBlock *block, int place,
                     int symmetry, float value_mix) {
  size_t i = (size_t)row, moves = (size_t)game->moves;
  size_t planes = (size_t)(game->planes * game->rows * game->cols);
  replay_example(block, place, symmetry, value_mix, slice->planes + i * planes, slice->policy + i * moves,
                 slice->legal + i * moves, slice->wdl + i * 3);
}

/* Turns the played move's one-hot target into the policy gradient's: times outcome less the value it was
 * played with. */
static void weigh_by_advantage(const Game *game, Slice *slice, int row, const ReplayBlock *block, int place) {
  const ExampleFacts *facts = &block->facts[place];
  float *policy = slice->policy + (size_t)row * (size_t)game->moves;
  float value = (float)(facts->search_wdl[0] - facts->search_wdl[2]) / 65535;
  for (int m = 0; m < game->moves; m++) policy[m] *= (float)facts->outcome - value;
}

/* Rows of the minibatch below `expert_rows` come from expert games. */
static void fill_slice(const Learner *learner, int number, const Replay *replay, const Replay *expert,
                       int expert_rows) {
  const RunConfig *config = learner->config;
  Slice *slice = &learner->slices[number];
  uint32_t step = (uint32_t)learner->steps,
           name = (uint32_t)(learner->restarts * learner->slice_count + number);
  Rng sampling = rng_make(learner->seed, RNG_SAMPLING, step, name);
  Rng augment = rng_make(learner->seed, RNG_AUGMENT, step, name);
  for (int row = 0; row < config->slice; row++) {
    bool from_expert = number * config->slice + row < expert_rows;
    const Replay *source = from_expert ? expert : replay;
    int place;
    const ReplayBlock *block =
        replay_at(source, (int)rng_below(&sampling, (uint32_t)replay_count(source)), &place);
    int symmetry = (int)rng_below(&augment, (uint32_t)learner->game->symmetries);
    fill_row(learner->game, slice, row, block, place, symmetry, (float)config->value_mix);
    bool searched = block->facts[place].search_wdl[0] | block->facts[place].search_wdl[1] |
                    block->facts[place].search_wdl[2];
    if (config->search.kind == SEARCH_NONE && searched)
      weigh_by_advantage(learner->game, slice, row, block, place);
  }
}

static void run_slice(const Learner *learner, int number) {
  Slice *slice = &learner->slices[number];
  memset(slice->gradient, 0, learner->net->param_count * sizeof(float));
  slice->loss = (NetLoss){0};
  net_backward_slice(learner->net, slice->workspace, slice->planes, slice->policy, slice->legal, slice->wdl,
                     NULL, learner->config->slice, learner->policy_weight, learner->value_weight,
                     slice->gradient, slice->stats, &slice->loss);
}

/* Sums the slices in their order, whatever the threads, and averages over the minibatch. */
static void sum_gradients(Learner *learner) {
  ptrdiff_t count = (ptrdiff_t)learner->net->param_count;
  float scale = 1.0f / (float)learner->config->batch;
#pragma omp parallel for schedule(static) num_threads(learner->threads)
  for (ptrdiff_t i = 0; i < count; i++) {
    float sum = 0;
    for (int s = 0; s < learner->slice_count; s++) sum += learner->slices[s].gradient[i];
    learner->gradient[i] = sum * scale;
  }
  for (size_t i = 0; i < learner->net->stat_count; i++) {
    float mean = 0;
    for (int s = 0; s < learner->slice_count; s++) mean += learner->slices[s].stats[i];
    mean /= (float)learner->slice_count;
    learner->net->stats[i] += STATS_MOMENTUM * (mean - learner->net->stats[i]);
  }
}

static double learning_rate(const Learner *learner, int iteration) {
  const RunConfig *config = learner->config;
  double progress = fmin(1, (double)iteration / config->rate_decay_iterations);
  double rate = config->rate;
  if (config->rate > 0 && config->rate_final > 0) rate *= pow(config->rate_final / config->rate, progress);
  if (learner->steps < config->warmup_steps) rate *= (double)(learner->steps + 1) / config->warmup_steps;
  return rate;
}

void learner_fit(Learner *learner, const Replay *replay, const Replay *expert, double expert_share,
                 int64_t steps, int iteration, FitStats *stats) {
  const RunConfig *config = learner->config;
  int expert_rows = expert ? (int)lrint(expert_share * config->batch) : 0;
  *stats = (FitStats){.expert_share = (double)expert_rows / config->batch};
  for (int64_t step = 0; step < steps; step++) {
#pragma omp parallel for schedule(dynamic) num_threads(learner->threads)
    for (int i = 0; i < learner->slice_count; i++) {
      fill_slice(learner, i, replay, expert, expert_rows);
      run_slice(learner, i);
    }
    sum_gradients(learner);
    stats->rate = learning_rate(learner, iteration);
    stats->gradient_norm += optimizer_step(learner->optimizer, learner->net, learner->gradient, stats->rate);
    for (int i = 0; i < learner->slice_count; i++) {
      stats->policy += learner->slices[i].loss.policy;
      stats->value += learner->slices[i].loss.value;
    }
    learner->steps++;
    learner->samples += config->batch;
  }
  stats->steps = steps;
  stats->samples = steps * config->batch;
  if (!steps) return;
  stats->policy /= (double)stats->samples;
  stats->value /= (double)stats->samples;
  stats->gradient_norm /= (double)steps;
}

/* Sums needed for the best constant prediction, which is the mean target (over legal moves for the policy).
 */
typedef struct Constant {
  double policy[GAME_MOVES_MAX], wdl[3];
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
    stats->policy_baseline = cross_entropy_of_constant(constant->policy, game->moves, stats->with_policy);
  }
  if (stats->count) {
    stats->value /= stats->count;
    stats->value_square /= stats->count;
    stats->value_baseline = cross_entropy_of_constant(constant->wdl, 3, stats->count);
  }
}

void learner_measure(const Learner *learner, const Net *net, const Replay *replay, const uint32_t *indices,
                     int count, HeldOutStats *stats, Calibration *calibration) {
  const Game *game = learner->game;
  int chunk = learner->config->slice;
  size_t moves = (size_t)game->moves;
  float *logits = memory_new((size_t)chunk * moves, sizeof(float)),
        *wdl = memory_new((size_t)chunk * 3, sizeof(float));
  Slice *slice = &learner->slices[0];
  Constant constant = {0};
  *stats = (HeldOutStats){0};
  *calibration = (Calibration){0};
  for (int start = 0; start < count; start += chunk) {
    int n = count - start < chunk ? count - start : chunk;
    for (int row = 0; row < n; row++) {
      int place;
      const ReplayBlock *block = replay_at(replay, (int)indices[start + row], &place);
      fill_row(game, slice, row, block, place, 0, 0);
    }
    net_forward(net, slice->workspace, slice->planes, n, logits, wdl);
    for (int row = 0; row < n; row++)
      measure_row(game, logits + (size_t)row * moves, wdl + 3 * row, slice->policy + (size_t)row * moves,
                  slice->legal + (size_t)row * moves, slice->wdl + 3 * row, stats, calibration, &constant);
  }
  finish_measure(game, &constant, stats, calibration);
  free(logits);
  free(wdl);
}

void learner_save(const Learner *learner, Buffer *out) {
  int64_t counters[3] = {learner->steps, learner->samples, learner->restarts};
  buffer_put(out, counters, sizeof counters);
  buffer_put(out, learner->net->params, learner->net->param_count * sizeof(float));
  buffer_put(out, learner->net->stats, learner->net->stat_count * sizeof(float));
  optimizer_save(learner->optimizer, out);
}

bool learner_load(Learner *learner, Buffer *in, Error *err) {
  int64_t counters[3];
  if (!buffer_get(in, counters, sizeof counters) ||
      !buffer_get(in, learner->net->params, learner->net->param_count * sizeof(float)) ||
      !buffer_get(in, learner->net->stats, learner->net->stat_count * sizeof(float)))
    return error_set(err, "the learner's state is cut short");
  learner->steps = counters[0];
  learner->samples = counters[1];
  learner->restarts = counters[2];
  return optimizer_load(learner->optimizer, in, err);
}
