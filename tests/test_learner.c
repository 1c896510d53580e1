/* The learner itself: its two ways to convolve beside each other, and at any number of threads. */
#include "selfplay/learner.h"

#include "net/plan.h"
#include "selfplay/shard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct Case {
  RunConfig config;
  Learner *learner;
  Replay *replay;
} Case;

static Case case_new(const char *convolution) {
  const Game *game = game_find("connect4");
  Case c = {0};
  Error err;
  const char *sets[] = {convolution,         "net.blocks=2",    "net.channels=20",
                        "learner.batch=48",  "learner.slice=8", "selfplay.games=16",
                        "selfplay.shards=1", "search.visits=4", "selfplay.random_plies=12"};
  cr_assert(run_config_shipped(game, &c.config, &err), "%s", err.message);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    cr_assert(config_set(&run_config_table, &c.config, sets[i], "test", &err), "%s", err.message);
  NetShape shape = run_config_shape(&c.config, game);
  Net *net = net_new(&shape);
  NetPlan *plan = plan_new(net);
  ShardSpec spec = {.game = game, .config = &c.config, .plan = plan, .seed = 5, .games = 16};
  c.replay = replay_new(game);
  replay_add(c.replay, shard_play(&spec, NULL, NULL));
  plan_free(plan);
  net_free(net);
  return c;
}

/* The case must stay where it is, since the learner keeps a pointer to its configuration. */
static FitStats fit(Case *c, int threads, int steps) {
  FitStats stats;
  c->learner = learner_new(game_find("connect4"), &c->config, 5, threads);
  learner_fit(c->learner, c->replay, NULL, 0, steps, 1, &stats);
  return stats;
}

static void case_free(Case *c) {
  learner_free(c->learner);
  replay_free(c->replay);
}

/* From the same weights both ways find the same loss and gradient, but for rounding: tests/test_trainer.c has
 * the bound. */
Test(learner, both_convolutions_take_the_same_step) {
  Case fast = case_new("learner.convolution=winograd"), plain = case_new("learner.convolution=reference");
  FitStats a = fit(&fast, 2, 1), b = fit(&plain, 2, 1);
  cr_assert_float_eq(a.policy, b.policy, 1e-4 * b.policy, "policy loss %g, not %g", a.policy, b.policy);
  cr_assert_float_eq(a.value, b.value, 1e-4 * b.value, "value loss %g, not %g", a.value, b.value);
  cr_assert_float_eq(a.gradient_norm, b.gradient_norm, 1e-4 * b.gradient_norm);
  case_free(&fast), case_free(&plain);
}

static void check_threads(const char *convolution) {
  uint32_t hash = 0, indices[100];
  HeldOutStats first = {0};
  Calibration calibration;
  for (int threads = 1; threads <= 5; threads += 2) {
    Case c = case_new(convolution);
    FitStats stats = fit(&c, threads, 4);
    HeldOutStats held;
    cr_assert_gt(replay_count(c.replay), 100);
    for (uint32_t i = 0; i < 100; i++) indices[i] = i;
    learner_measure(c.learner, learner_net(c.learner), c.replay, indices, 100, &held, &calibration);
    cr_assert(isfinite(stats.policy));
    if (threads == 1) {
      hash = net_hash(learner_net(c.learner));
      first = held;
    }
    cr_assert_eq(net_hash(learner_net(c.learner)), hash, "%s with %d threads", convolution, threads);
    cr_assert_eq(memcmp(&held, &first, sizeof held), 0);
    case_free(&c);
  }
}

static double plies_of(const FitStats *stats) {
  return stats->plies;
}

static double reply_of(const FitStats *stats) {
  return stats->reply;
}

/* An auxiliary target is learnt, by either path alike, from a loss above `least` to below `share` of that,
 * and what is learnt for it moves the tower. */
static void expect_learnt(const char *set, double (*loss)(const FitStats *), double least, double share) {
  Case fast = case_new("learner.convolution=winograd"), plain = case_new("learner.convolution=reference"),
       without = case_new("learner.convolution=winograd");
  Error err;
  cr_assert(config_set(&run_config_table, &fast.config, set, "test", &err), "%s", err.message);
  cr_assert(config_set(&run_config_table, &plain.config, set, "test", &err), "%s", err.message);
  FitStats first = fit(&fast, 2, 2), same = fit(&plain, 2, 2), none = fit(&without, 2, 2), later;
  double a = loss(&first), b = loss(&same);
  cr_assert(a > least && loss(&none) == 0, "%g", a);
  cr_assert_float_eq(a, b, 1e-3 * b, "%g, not %g", a, b);
  learner_fit(fast.learner, fast.replay, NULL, 0, 150, 1, &later);
  learner_fit(fast.learner, fast.replay, NULL, 0, 20, 1, &later);
  cr_assert(loss(&later) < share * a, "%g after %g", loss(&later), a);
  learner_fit(without.learner, without.replay, NULL, 0, 170, 1, &later);
  cr_assert(net_hash(learner_net(fast.learner)) != net_hash(learner_net(without.learner)));
  case_free(&fast), case_free(&plain), case_free(&without);
}

Test(learner, learns_how_many_plies_are_left) {
  expect_learnt("learner.plies_weight=1", plies_of, 0, 0.3);
}

Test(learner, learns_the_reply) {
  expect_learnt("learner.reply_weight=0.5", reply_of, 1.9, 0.9); /* nearly ln 7 at first */
}

Test(learner, the_same_bits_at_any_thread_count) {
  check_threads("learner.convolution=winograd");
  check_threads("learner.convolution=reference");
}

/* The cross-entropy of constant weights, of which each position has its share over its legal moves. */
static double constant_loss(const Replay *replay, int count, const double *weight) {
  double loss = 0;
  for (int i = 0; i < count; i++) {
    float policy[GAME_MOVES_MAX], target[3];
    uint8_t legal[GAME_MOVES_MAX];
    int place;
    const ReplayBlock *block = replay_at(replay, i, &place);
    double sum = 0;
    replay_example(block, place, 0, (ValueTarget){0, 1}, policy, legal, target);
    for (int m = 0; m < block->game->moves; m++) sum += legal[m] ? weight[m] : 0;
    for (int m = 0; m < block->game->moves; m++)
      if (policy[m] > 0) loss -= (double)policy[m] * log(weight[m] / sum) / count;
  }
  return loss;
}

/* The plan that measures says what the reference would. */
Test(learner, measures_what_the_network_says) {
  enum { COUNT = 90 };
  Case c = case_new("learner.convolution=winograd");
  fit(&c, 2, 3);
  const Net *net = learner_net(c.learner);
  const Game *game = game_find("connect4");
  NetWorkspace *workspace = net_workspace_new(&net->shape, 1, false);
  uint32_t indices[COUNT];
  double square = 0, mean[7] = {0}, even[7], other[7];
  for (int i = 0; i < COUNT; i++) {
    float planes[10 * 6 * 7], policy[7], target[3], logits[7], wdl[3];
    uint8_t legal[7];
    int place;
    indices[i] = (uint32_t)(COUNT - 1 - i);
    const ReplayBlock *block = replay_at(c.replay, (int)indices[i], &place);
    cr_assert_eq(net->shape.planes * game->rows * game->cols, (int)(sizeof planes / sizeof *planes));
    replay_planes(block, place, 0, net->shape.planes, planes);
    replay_example(block, place, 0, (ValueTarget){0, 1}, policy, legal, target);
    for (int m = 0; m < 7; m++) mean[m] += (double)policy[m] / COUNT;
    net_forward(net, workspace, planes, 1, logits, wdl);
    square += pow((double)(wdl[0] - wdl[2]) - (double)(target[0] - target[2]), 2) / COUNT;
  }
  HeldOutStats held;
  Calibration calibration;
  learner_measure(c.learner, net, c.replay, indices, COUNT, &held, &calibration);
  cr_assert_eq(held.count, COUNT);
  cr_assert_float_eq(held.value_square, square, 4e-4); /* a plan is within 1e-4 of the reference */
  /* The best constant policy is no worse than the mean target, equal weights, or the mean with one move more.
   */
  for (int m = 0; m < 7; m++) even[m] = 1;
  cr_assert_leq(held.policy_baseline, constant_loss(c.replay, COUNT, mean) + 1e-9);
  cr_assert_lt(held.policy_baseline, constant_loss(c.replay, COUNT, even));
  for (int m = 0; m < 7; m++) {
    memcpy(other, mean, sizeof other);
    other[m] *= 1.3;
    cr_assert_leq(held.policy_baseline, constant_loss(c.replay, COUNT, other) + 1e-9, "move %d", m);
  }
  cr_assert_gt(held.policy_baseline, constant_loss(c.replay, COUNT, mean) - 0.05);
  net_workspace_free(workspace);
  case_free(&c);
}

/* What run_iteration.c and imitation.c ask before they save anything. */
Test(learner, knows_when_it_has_diverged) {
  Case c = case_new("learner.convolution=winograd");
  fit(&c, 1, 2);
  Net *net = (Net *)learner_net(c.learner);
  cr_expect(learner_is_finite(c.learner));
  float *last[] = {&net->params[net->param_count - 1], &net->stats[net->stat_count - 1]};
  for (int i = 0; i < 2; i++) {
    float kept = *last[i];
    *last[i] = i ? INFINITY : NAN;
    cr_expect_not(learner_is_finite(c.learner));
    *last[i] = kept;
  }
  cr_expect(learner_is_finite(c.learner));
  case_free(&c);
}

/* From the first rate to the last in as many iterations as are said, by equal factors; level from there on,
 * or falling as a power where there is a tail; and rising step by step in the beginning. */
Test(learner, the_rate_follows_its_schedule) {
  Case c = case_new("learner.rate=0.008");
  const Game *game = game_find("connect4");
  c.config.rate_final = 0.002, c.config.rate_decay_iterations = 100, c.config.warmup_steps = 0;
  static const struct {
    double tail;
    int iteration;
    double rate;
  } cases[] = {{0, 0, 0.008},   {0, 50, 0.004},    {0, 100, 0.002},
               {0, 400, 0.002}, {0.5, 100, 0.002}, {0.5, 400, 0.001}};
  FitStats stats;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    c.config.rate_tail = cases[i].tail;
    c.learner = learner_new(game, &c.config, 5, 1);
    learner_fit(c.learner, c.replay, NULL, 0, 1, cases[i].iteration, &stats);
    cr_assert_float_eq(stats.rate, cases[i].rate, 1e-12, "iteration %d: %g", cases[i].iteration, stats.rate);
    learner_free(c.learner);
  }
  c.config.warmup_steps = 4;
  c.learner = learner_new(game, &c.config, 5, 1);
  for (int step = 1; step <= 5; step++) {
    learner_fit(c.learner, c.replay, NULL, 0, 1, 0, &stats);
    cr_assert_float_eq(stats.rate, 0.008 * (step < 4 ? step : 4) / 4, 1e-12, "step %d: %g", step, stats.rate);
  }
  case_free(&c);
}
