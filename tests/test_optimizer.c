#include "net/optimizer.h"

#include "base/memory.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(optimizer, .timeout = HANG_SECONDS);

static const NetShape shape = {.planes = 2,
                               .rows = 6,
                               .cols = 7,
                               .moves = 7,
                               .blocks = 1,
                               .channels = 32,
                               .policy_channels = 8,
                               .value_channels = 8,
                               .value_hidden = 16};
static const OptimizerConfig adam = {.kind = OPTIMIZER_ADAM,
                                     .momentum = 0.9,
                                     .beta2 = 0.99,
                                     .epsilon = 1e-8,
                                     .weight_decay = 0.1,
                                     .clip_norm = 3,
                                     .average = 0.9};
static const OptimizerConfig sgd = {
    .kind = OPTIMIZER_SGD, .momentum = 0.9, .weight_decay = 0.1, .clip_norm = 3, .average = 0.9};

static Net *fresh_net(void) {
  Rng rng = rng_make(21, RNG_INIT_WEIGHTS, 0, 0);
  Net *net = net_new(&shape);
  net_init(net, &rng);
  return net;
}

static void random_gradient(float *gradient, size_t count, uint32_t step) {
  Rng rng = rng_make(22, RNG_TEST, step, 0);
  for (size_t i = 0; i < count; i++) gradient[i] = (float)(0.1 * rng_normal(&rng));
}

static double norm_of(const float *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
  return sqrt(sum);
}

/* The published update of one parameter, in double precision. */
typedef struct Reference {
  double weight, first, second, average;
} Reference;

static void reference_step(Reference *r, const OptimizerConfig *config, double g, double decay, double rate,
                           int step) {
  double change;
  if (config->kind == OPTIMIZER_ADAM) {
    r->first = config->momentum * r->first + (1 - config->momentum) * g;
    r->second = config->beta2 * r->second + (1 - config->beta2) * g * g;
    double first = r->first / (1 - pow(config->momentum, step)),
           second = r->second / (1 - pow(config->beta2, step));
    change = first / (sqrt(second) + config->epsilon);
  } else {
    r->first = config->momentum * r->first + g;
    change = r->first;
  }
  r->weight -= rate * (change + decay * r->weight);
  double decay_of_average = fmin(config->average, (1.0 + step) / (20.0 + step));
  r->average = decay_of_average * r->average + (1 - decay_of_average) * r->weight;
}

static void check_updates(const OptimizerConfig *config) {
  Net *net = fresh_net();
  const NetTensor *decayed = net_tensor(net, "block0.conv1.weight"),
                  *free_of_decay = net_tensor(net, "value.hidden.bias");
  size_t places[] = {decayed->offset, decayed->offset + 777, free_of_decay->offset + 3, net->param_count - 1};
  Reference references[4] = {0};
  for (int i = 0; i < 4; i++) references[i].weight = references[i].average = (double)net->params[places[i]];
  Optimizer *optimizer = optimizer_new(config, net);
  float *gradient = memory_new(net->param_count, sizeof *gradient);
  for (int step = 1; step <= 20; step++) {
    random_gradient(gradient, net->param_count, (uint32_t)step);
    double norm = norm_of(gradient, net->param_count), clip = norm > 3 ? 3 / norm : 1, rate = 0.01 / step;
    cr_assert_gt(norm, 3, "the clip is to be met");
    double found =
        optimizer_step(optimizer, net, gradient, rate, 2); /* outside the macro, which evaluates twice */
    cr_assert_float_eq(found, norm, 1e-6 * norm);
    for (int i = 0; i < 4; i++)
      reference_step(&references[i], config, (double)gradient[places[i]] * clip, i < 2 ? 0.1 : 0, rate, step);
  }
  Net *averaged = net_new(&shape);
  net->stats[5] = 0.25f;
  optimizer_averaged(optimizer, net, averaged);
  for (int i = 0; i < 4; i++) {
    cr_assert_float_eq(net->params[places[i]], references[i].weight, 1e-6);
    cr_assert_float_eq(averaged->params[places[i]], references[i].average, 1e-6);
  }
  cr_assert_eq(averaged->stats[5], 0.25f);
  cr_assert_eq(optimizer_steps(optimizer), 20);
  optimizer_free(optimizer);
  net_free(net), net_free(averaged), free(gradient);
}

Test(optimizer, adam_is_the_published_update) {
  check_updates(&adam);
}

Test(optimizer, sgd_is_the_published_update) {
  check_updates(&sgd);
}

Test(optimizer, no_average_means_the_last_weights) {
  OptimizerConfig config = adam;
  config.average = 0;
  Net *net = fresh_net(), *averaged = net_new(&shape);
  Optimizer *optimizer = optimizer_new(&config, net);
  float *gradient = memory_new(net->param_count, sizeof *gradient);
  random_gradient(gradient, net->param_count, 1);
  optimizer_step(optimizer, net, gradient, 0.01, 2);
  optimizer_averaged(optimizer, net, averaged);
  cr_assert_arr_eq(averaged->params, net->params, net->param_count * sizeof(float));
  optimizer_free(optimizer);
  net_free(net), net_free(averaged), free(gradient);
}

Test(optimizer, a_broken_gradient_changes_nothing) {
  const float breaks[] = {NAN, INFINITY, -INFINITY};
  Net *net = fresh_net(), *before = net_copy(net);
  Optimizer *optimizer = optimizer_new(&adam, net);
  float *gradient = memory_new(net->param_count, sizeof *gradient);
  Buffer fresh = {0}, after = {0};
  optimizer_save(optimizer, &fresh);
  for (int i = 0; i < 3; i++) {
    random_gradient(gradient, net->param_count, 1);
    gradient[net->param_count / 2 + 1] = breaks[i];
    cr_assert(isnan(optimizer_step(optimizer, net, gradient, 0.01, 2)));
  }
  optimizer_save(optimizer, &after);
  cr_assert_arr_eq(net->params, before->params, net->param_count * sizeof(float));
  cr_assert_eq(fresh.size, after.size);
  cr_assert_arr_eq(fresh.data, after.data, fresh.size);
  optimizer_free(optimizer);
  buffer_free(&fresh), buffer_free(&after);
  net_free(net), net_free(before), free(gradient);
}

static uint32_t hash_after_steps(const OptimizerConfig *config, int threads) {
  Net *net = fresh_net();
  Optimizer *optimizer = optimizer_new(config, net);
  float *gradient = memory_new(net->param_count, sizeof *gradient);
  for (uint32_t step = 0; step < 5; step++) {
    random_gradient(gradient, net->param_count, step);
    optimizer_step(optimizer, net, gradient, 0.01, threads);
  }
  uint32_t hash = net_hash(net);
  optimizer_free(optimizer);
  net_free(net), free(gradient);
  return hash;
}

Test(optimizer, the_same_bits_at_any_thread_count) {
  cr_assert_eq(hash_after_steps(&adam, 1), hash_after_steps(&adam, 2));
  cr_assert_eq(hash_after_steps(&sgd, 1), hash_after_steps(&sgd, 3));
}

static void check_resume(const OptimizerConfig *config) {
  Error err;
  Net *net = fresh_net();
  Optimizer *optimizer = optimizer_new(config, net), *resumed = optimizer_new(config, net);
  float *gradient = memory_new(net->param_count, sizeof *gradient);
  Buffer state = {0}, one = {0}, two = {0};
  for (uint32_t step = 0; step < 3; step++) {
    random_gradient(gradient, net->param_count, step);
    optimizer_step(optimizer, net, gradient, 0.01, 2);
  }
  optimizer_save(optimizer, &state);
  Net *copy = net_copy(net);
  cr_assert(optimizer_load(resumed, &state, &err), "%s", err.message);
  cr_assert_eq(optimizer_steps(resumed), 3);
  optimizer_step(optimizer, net, gradient, 0.01, 2);
  optimizer_step(resumed, copy, gradient, 0.01, 2);
  cr_assert_eq(net_hash(net), net_hash(copy));
  optimizer_save(optimizer, &one), optimizer_save(resumed, &two);
  cr_assert_eq(one.size, two.size);
  cr_assert_arr_eq(one.data, two.data, one.size);
  optimizer_free(optimizer), optimizer_free(resumed);
  buffer_free(&state), buffer_free(&one), buffer_free(&two);
  net_free(net), net_free(copy), free(gradient);
}

Test(optimizer, continues_from_its_saved_state) {
  check_resume(&adam);
  check_resume(&sgd);
}

Test(optimizer, refuses_a_state_that_does_not_fit) {
  Error err;
  Net *net = fresh_net();
  NetShape wider = shape;
  wider.channels++;
  Net *other = net_new(&wider);
  Optimizer *a = optimizer_new(&adam, net), *b = optimizer_new(&sgd, net), *c = optimizer_new(&adam, other);
  Buffer state = {0};
  optimizer_save(a, &state);
  cr_assert_not(optimizer_load(b, &state, &err));
  state.position = 0;
  cr_assert_not(optimizer_load(c, &state, &err));
  size_t whole = state.size;
  for (size_t cut = 1; cut <= whole; cut += cut < 8 ? 1 : whole / 7) {
    state.position = 0, state.size = whole - cut;
    cr_assert_not(optimizer_load(a, &state, &err), "cut by %zu", cut);
  }
  optimizer_free(a), optimizer_free(b), optimizer_free(c);
  buffer_free(&state);
  net_free(net), net_free(other);
}
