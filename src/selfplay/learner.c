#include "selfplay/learner.h"

#include "base/memory.h"
#include "net/trainer.h"
#include "selfplay/auxiliary.h"
#include "selfplay/example_rows.h"
#include "selfplay/sampler.h"
#include "selfplay/tying.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* What one thread needs to itself: one of the workspaces, and the slice at hand. */
typedef struct Worker {
  TrainerWorkspace *workspace;
  NetWorkspace *reference;
  ExampleRows rows;
} Worker;

/* What one slice of a minibatch leaves behind. */
typedef struct Slice {
  float *gradient, *stats; /* [param_count], [stat_count] */
  NetLoss loss;
} Slice;

struct Learner {
  const Game *game;
  const RunConfig *config;
  uint64_t seed;
  int threads;
  Net *net, *averaged;
  NetTies *ties;
  Optimizer *optimizer;
  int64_t steps, samples; /* steps since the last restart name the random streams together with `restarts` */
  int64_t restarts;
  float policy_weight, value_weight;
  Auxiliary *auxiliary;
  NetTrainer *trainer; /* NULL where the reference learns */
  Worker *workers;     /* [threads] */
  Slice *slices;
  int slice_count;
  float *gradient; /* [param_count], of the whole minibatch */
};

/* Batch norm's running statistics move by this share of each step's. */
static const float STATS_MOMENTUM = 0.05f;

static void workers_init(Learner *learner) {
  const RunConfig *config = learner->config;
  if (config->convolution == CONVOLUTION_WINOGRAD) learner->trainer = trainer_new(&learner->net->shape);
  learner->workers = memory_new((size_t)learner->threads, sizeof *learner->workers);
  for (int i = 0; i < learner->threads; i++) {
    Worker *worker = &learner->workers[i];
    worker->rows = example_rows_new(learner->game, learner->net->shape.planes, (size_t)config->slice);
    if (learner->trainer)
      worker->workspace = trainer_workspace_new(learner->trainer, config->slice);
    else
      worker->reference = net_workspace_new(&learner->net->shape, config->slice, true);
  }
}

static void workers_release(Learner *learner) {
  for (int i = 0; i < learner->threads; i++) {
    trainer_workspace_free(learner->workers[i].workspace);
    net_workspace_free(learner->workers[i].reference);
    example_rows_release(&learner->workers[i].rows);
  }
  free(learner->workers);
  trainer_free(learner->trainer);
}

static void slices_init(Learner *learner) {
  learner->slice_count = learner->config->batch / learner->config->slice;
  learner->slices = memory_new((size_t)learner->slice_count, sizeof(Slice));
  for (int i = 0; i < learner->slice_count; i++) {
    learner->slices[i].gradient = memory_new(learner->net->param_count, sizeof(float));
    learner->slices[i].stats = memory_new(learner->net->stat_count, sizeof(float));
  }
}

static void slices_release(Learner *learner) {
  for (int i = 0; i < learner->slice_count; i++) {
    free(learner->slices[i].gradient);
    free(learner->slices[i].stats);
  }
  free(learner->slices);
}

/* Takes ownership of the network, and makes all that depends on it. */
static void take_net(Learner *learner, Net *net) {
  learner->net = net;
  learner->ties = tying_new(learner->game, learner->config->symmetries, &net->shape);
  ties_share(learner->ties, net);
  learner->averaged = net_copy(net);
  learner->optimizer = optimizer_new(&learner->config->optimizer, net);
  workers_init(learner);
  slices_init(learner);
  learner->gradient = memory_new(net->param_count, sizeof(float));
}

static void drop_net(Learner *learner) {
  workers_release(learner);
  slices_release(learner);
  free(learner->gradient);
  optimizer_free(learner->optimizer);
  ties_free(learner->ties);
  net_free(learner->net);
  net_free(learner->averaged);
}

Learner *learner_new(const Game *game, const RunConfig *config, uint64_t seed, int threads) {
  Learner *learner = memory_new(1, sizeof *learner);
  NetShape shape = run_config_shape_after(config, game, 0);
  *learner = (Learner){.game = game, .config = config, .seed = seed, .threads = threads};
  learner->auxiliary = auxiliary_new(game, config, config->batch / config->slice);
  learner_weigh(learner, 1, config->value_weight);
  Net *net = net_new(&shape);
  Rng rng = rng_make(seed, RNG_INIT_WEIGHTS, 0, 0);
  net_init(net, &rng);
  take_net(learner, net);
  return learner;
}

void learner_free(Learner *learner) {
  if (!learner) return;
  drop_net(learner);
  auxiliary_free(learner->auxiliary);
  free(learner);
}

void learner_restart(Learner *learner, const Net *weights) {
  Net *net = net_copy(weights); /* which may be the learner's own */
  drop_net(learner);
  take_net(learner, net);
  auxiliary_restart(learner->auxiliary);
  learner->steps = 0;
  learner->restarts++;
}

void learner_grow(Learner *learner, const NetShape *shape) {
  if (memcmp(shape, &learner->net->shape, sizeof *shape) == 0) return;
  Rng rng = rng_make(learner->seed, RNG_INIT_WEIGHTS, 1, 0);
  Net *grown = net_grow(learner_averaged(learner), shape, &rng);
  learner_restart(learner, grown);
  net_free(grown);
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

bool learner_is_finite(const Learner *learner) {
  return net_is_finite(learner->net);
}

int64_t learner_samples(const Learner *learner) {
  return learner->samples;
}

/* Turns the played move's one-hot target into the policy gradient's: times outcome less the value it was
 * played with. */
static void weigh_by_advantage(const Game *game, ExampleRows *rows, int row, const ReplayBlock *block,
                               int place) {
  const ExampleFacts *facts = &block->facts[place];
  float *policy = rows->policy + (size_t)row * (size_t)game->moves;
  float value = (float)(facts->search_wdl[0] - facts->search_wdl[2]) / 65535;
  for (int m = 0; m < game->moves; m++) policy[m] *= (float)facts->outcome - value;
}

/* Where the rows of a minibatch come from: those below `expert_rows` from expert games. */
typedef struct Sources {
  Sampler replay, expert;
  int expert_rows;
} Sources;

static void fill_slice(const Learner *learner, int number, const Sources *sources, ExampleRows *rows) {
  const RunConfig *config = learner->config;
  uint32_t step = (uint32_t)learner->steps,
           name = (uint32_t)(learner->restarts * learner->slice_count + number);
  Rng sampling = rng_make(learner->seed, RNG_SAMPLING, step, name);
  Rng augment = rng_make(learner->seed, RNG_AUGMENT, step, name);
  for (int row = 0; row < config->slice; row++) {
    bool from_expert = number * config->slice + row < sources->expert_rows;
    int place;
    const ReplayBlock *block =
        sampler_draw(from_expert ? &sources->expert : &sources->replay, &sampling, &place);
    int symmetry = (int)rng_below(&augment, (uint32_t)learner->game->symmetries);
    example_rows_fill(learner->game, rows, row, block, place, symmetry, run_config_value_target(config));
    bool searched = block->facts[place].search_wdl[0] | block->facts[place].search_wdl[1] |
                    block->facts[place].search_wdl[2];
    if (config->search.kind == SEARCH_NONE && searched)
      weigh_by_advantage(learner->game, rows, row, block, place);
  }
}

static void run_slice(const Learner *learner, int number, const Worker *worker) {
  Slice *slice = &learner->slices[number];
  const ExampleRows *rows = &worker->rows;
  int count = learner->config->slice;
  NetAuxiliary auxiliary = auxiliary_slice(learner->auxiliary, number, rows);
  if (learner->value_weight <= 0) auxiliary.plies = (NetOutput){0}; /* its head is not to learn */
  if (learner->policy_weight <= 0) auxiliary.reply = (NetOutput){0};
  memset(slice->gradient, 0, learner->net->param_count * sizeof(float));
  slice->loss = (NetLoss){0};
  if (learner->trainer)
    trainer_backward_slice(learner->trainer, worker->workspace, learner->net, rows->planes, rows->policy,
                           rows->legal, rows->wdl, NULL, count, learner->policy_weight, learner->value_weight,
                           &auxiliary, slice->gradient, slice->stats, &slice->loss);
  else
    net_backward_slice(learner->net, worker->reference, rows->planes, rows->policy, rows->legal, rows->wdl,
                       NULL, count, learner->policy_weight, learner->value_weight, &auxiliary,
                       slice->gradient, slice->stats, &slice->loss);
}

/* One thread's share. A team of one is no parallel region to OpenBLAS, which would split products over all
 * cores and so round them differently; the call ends that for this region alone. */
static void run_slices(const Learner *learner, const Sources *sources) {
  Worker *worker = &learner->workers[omp_get_thread_num()];
  omp_set_num_threads(1);
#pragma omp for schedule(dynamic)
  for (int i = 0; i < learner->slice_count; i++) {
    fill_slice(learner, i, sources, &worker->rows);
    run_slice(learner, i, worker);
  }
}

/* Sums the slices in their order, whatever the threads, and averages over the minibatch. */
static void sum_gradients(Learner *learner) {
  enum { BLOCK = 4096 }; /* stays in the nearest cache over all slices */
  ptrdiff_t total = (ptrdiff_t)learner->net->param_count;
  float scale = 1.0f / (float)learner->config->batch;
#pragma omp parallel for schedule(static) num_threads(learner->threads)
  for (ptrdiff_t first = 0; first < total; first += BLOCK) {
    ptrdiff_t count = total - first < BLOCK ? total - first : BLOCK;
    float *sum = learner->gradient + first;
    memset(sum, 0, (size_t)count * sizeof(float));
    for (int s = 0; s < learner->slice_count; s++) {
      const float *slice = learner->slices[s].gradient + first;
      for (ptrdiff_t i = 0; i < count; i++) sum[i] += slice[i];
    }
    for (ptrdiff_t i = 0; i < count; i++) sum[i] *= scale;
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
  if (iteration > config->rate_decay_iterations)
    rate *= pow((double)config->rate_decay_iterations / iteration, config->rate_tail);
  if (learner->steps < config->warmup_steps) rate *= (double)(learner->steps + 1) / config->warmup_steps;
  return rate;
}

void learner_fit(Learner *learner, const Replay *replay, const Replay *expert, double expert_share,
                 int64_t steps, int iteration, FitStats *stats) {
  const RunConfig *config = learner->config;
  Sources sources = {.replay = sampler_make(replay, config->surprise)};
  if (expert) {
    sources.expert = sampler_make(expert, 0);
    sources.expert_rows = (int)lrint(expert_share * config->batch);
  }
  int64_t replies = 0;
  *stats = (FitStats){.expert_share = (double)sources.expert_rows / config->batch};
  for (int64_t step = 0; step < steps; step++) {
    if (learner->trainer) trainer_load(learner->trainer, learner->net, learner->threads);
#pragma omp parallel num_threads(learner->threads)
    run_slices(learner, &sources);
    sum_gradients(learner);
    ties_average(learner->ties, learner->gradient, learner->net->stats, learner->threads);
    stats->rate = learning_rate(learner, iteration);
    stats->gradient_norm +=
        optimizer_step(learner->optimizer, learner->net, learner->gradient, stats->rate, learner->threads);
    auxiliary_step(learner->auxiliary, stats->rate);
    for (int i = 0; i < learner->slice_count; i++) {
      stats->plies += learner->slices[i].loss.plies_square;
      stats->reply += learner->slices[i].loss.reply;
      replies += learner->slices[i].loss.replies;
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
  stats->plies /= (double)stats->samples;
  stats->reply /= fmax(1, (double)replies);
  stats->gradient_norm /= (double)steps;
}

void learner_measure(const Learner *learner, const Net *net, const Replay *replay, const uint32_t *indices,
                     int count, HeldOutStats *stats, Calibration *calibration) {
  held_out_measure(learner->game, net, replay, indices, count, learner->threads, stats, calibration);
}

void learner_save(const Learner *learner, Buffer *out) {
  int64_t counters[3] = {learner->steps, learner->samples, learner->restarts};
  buffer_put(out, &learner->net->shape, sizeof learner->net->shape);
  buffer_put(out, counters, sizeof counters);
  buffer_put(out, learner->net->params, learner->net->param_count * sizeof(float));
  buffer_put(out, learner->net->stats, learner->net->stat_count * sizeof(float));
  optimizer_save(learner->optimizer, out);
  auxiliary_save(learner->auxiliary, out);
}

bool learner_load(Learner *learner, Buffer *in, Error *err) {
  int64_t counters[3];
  NetShape shape, first = run_config_shape_after(learner->config, learner->game, 0),
                  last = run_config_shape(learner->config, learner->game);
  if (!buffer_get(in, &shape, sizeof shape)) return error_set(err, "the learner's state is cut short");
  if (memcmp(&shape, &first, sizeof shape) != 0 && memcmp(&shape, &last, sizeof shape) != 0)
    return error_set(err, "the learner's network is of another shape than the run's net.* keys say");
  learner_grow(learner, &shape);
  if (!buffer_get(in, counters, sizeof counters) ||
      !buffer_get(in, learner->net->params, learner->net->param_count * sizeof(float)) ||
      !buffer_get(in, learner->net->stats, learner->net->stat_count * sizeof(float)))
    return error_set(err, "the learner's state is cut short");
  learner->steps = counters[0];
  learner->samples = counters[1];
  learner->restarts = counters[2];
  return optimizer_load(learner->optimizer, in, err) && auxiliary_load(learner->auxiliary, in, err);
}
