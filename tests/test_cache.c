#include "base/memory.h"
#include "selfplay/net_evaluator.h"
#include "selfplay/shard.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 24 };

/* Positions of random games, as one array of states. */
static char *random_states(const Game *game, int count, uint32_t stream) {
  char *states = memory_new((size_t)count, game->state_size);
  Rng rng = rng_make(6, RNG_TEST, 0, stream);
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[GAME_MOVES_MAX], legal;
  game->init(state);
  for (int i = 0; i < count; i++) {
    memcpy(states + (size_t)i * game->state_size, state, game->state_size);
    legal = game->legal(state, moves);
    game->play(state, moves[rng_below(&rng, (uint32_t)legal)]);
    if (game->legal(state, moves) == 0 || rng_below(&rng, 6) == 0) game->init(state);
  }
  return states;
}

/* An evaluator as unsymmetric as can be, which records how many positions it was asked for. */
typedef struct Counter {
  const Game *game;
  int asked;
} Counter;

static void by_key(void *context, const void *state, float *logits, float *wdl) {
  Counter *counter = context;
  counter->asked++;
  uint64_t key = counter->game->key(state);
  for (int m = 0; m < counter->game->moves; m++) logits[m] = (float)(key >> (m % 40) & 255) + (float)m;
  wdl[0] = (float)(key & 255) / 512, wdl[1] = 0.25f, wdl[2] = 0.75f - wdl[0];
}

/* What the cache must answer: the canonical image's evaluation, turned back. */
static void expected_answer(Counter *counter, const void *state, float *logits, float *wdl) {
  const Game *game = counter->game;
  uint64_t canonical[GAME_STATE_MAX / sizeof(uint64_t)];
  float turned[GAME_MOVES_MAX];
  int s = game_canonical(game, state, canonical, NULL);
  by_key(counter, canonical, turned, wdl);
  for (int m = 0; m < game->moves; m++) logits[m] = turned[game->symmetry_move(s, m)];
}

/* Any size of cache, down to one with hardly an entry, gives the same answers. */
static void check_answers(const Game *game, int log2_entries) {
  Counter counter = {game, 0}, other = {game, 0};
  Evaluator *cached = evaluator_cached(evaluator_function(game, by_key, &counter, BATCH), log2_entries);
  size_t moves = (size_t)game->moves;
  float *logits = memory_new(BATCH * moves, sizeof(float)), *expected = memory_new(moves, sizeof(float));
  float wdl[3 * BATCH], expected_wdl[3];
  for (uint32_t call = 0; call < 40; call++) {
    char *states = random_states(game, BATCH, call % 30);
    int batch = 1 + (int)(call * 7 % BATCH);
    cached->evaluate(cached->self, states, batch, logits, wdl);
    for (int i = 0; i < batch; i++) {
      expected_answer(&other, states + (size_t)i * game->state_size, expected, expected_wdl);
      cr_assert_arr_eq(logits + (size_t)i * moves, expected, moves * sizeof(float),
                       "%s, 2^%d entries, row %d", game->name, log2_entries, i);
      cr_assert_arr_eq(wdl + 3 * i, expected_wdl, sizeof expected_wdl);
    }
    free(states);
  }
  uint64_t lookups, hits;
  evaluator_cache_counts(cached, &lookups, &hits);
  cr_assert_eq(lookups - hits, (uint64_t)counter.asked);
  cr_assert(hits > 0);
  evaluator_free(cached);
  free(logits);
  free(expected);
}

Test(cache, an_answer_is_a_function_of_the_position_alone) {
  for (int g = 0; g < game_count(); g++)
    for (int log2_entries = 1; log2_entries <= 12; log2_entries += log2_entries < 4 ? 1 : 4)
      check_answers(game_at(g), log2_entries);
}

/* Within one batch: repeated positions and images of them reach the inner evaluator once. */
Test(cache, equal_and_symmetric_positions_of_a_batch_are_evaluated_once) {
  for (int g = 0; g < game_count(); g++) {
    const Game *game = game_at(g);
    if (!game->symmetry_state) continue;
    Counter counter = {game, 0};
    Evaluator *cached = evaluator_cached(evaluator_function(game, by_key, &counter, 2 * BATCH), 10);
    char *states = memory_new(2 * BATCH, game->state_size), *sample = random_states(game, 6, 0);
    char *position = sample + 3 * game->state_size; /* three moves played, or fewer */
    float *logits = memory_new((size_t)(2 * BATCH * game->moves), sizeof(float)), wdl[6 * BATCH];
    for (int i = 0; i < 2 * BATCH; i++)
      game->symmetry_state(i % game->symmetries, position, states + (size_t)i * game->state_size);
    cached->evaluate(cached->self, states, 2 * BATCH, logits, wdl);
    cr_assert_eq(counter.asked, 1);
    cached->evaluate(cached->self, states + game->state_size, 1, logits, wdl);
    cr_assert_eq(counter.asked, 1);
    evaluator_free(cached);
    free(states), free(sample), free(logits);
  }
}

/* More positions than there are entries, in places that four share: all of the last batch must still be
 * there. */
Test(cache, the_newest_stay) {
  const Game *game = game_find("connect4");
  Counter counter = {game, 0};
  Evaluator *cached = evaluator_cached(evaluator_function(game, by_key, &counter, BATCH), 8);
  float logits[BATCH * 7], wdl[3 * BATCH];
  for (uint32_t call = 0; call < 20; call++) {
    char *states = random_states(game, BATCH, call);
    cached->evaluate(cached->self, states, BATCH, logits, wdl);
    int asked = counter.asked;
    cached->evaluate(cached->self, states, BATCH, logits, wdl);
    cr_assert_eq(counter.asked, asked);
    free(states);
  }
  evaluator_free(cached);
}

static NetPlan *random_plan(const Game *game, RunConfig *config) {
  Error err;
  cr_assert(run_config_shipped(game, config, &err), "%s", err.message);
  config->blocks = 1, config->channels = 16, config->visits = 12, config->lanes = 8;
  NetShape shape = run_config_shape(config, game);
  Net *net = net_new(&shape);
  Rng rng = rng_make(7, RNG_TEST, 0, 0);
  net_init(net, &rng);
  /* The first policy is nearly uniform; make it tell images apart. */
  for (size_t i = 0; i < net->param_count; i++) net->params[i] += (float)(0.05 * rng_normal(&rng));
  NetPlan *plan = plan_new(net);
  net_free(net);
  return plan;
}

/* A network's answers turn with the position. (A position that is its own image has no telling side.) */
static void check_images(const Game *game, const NetPlan *plan, int images) {
  Evaluator *evaluator = net_evaluator_new(game, plan, 1, images);
  size_t moves = (size_t)game->moves;
  float *logits = memory_new(2 * moves, sizeof(float)), *turned = memory_new(moves, sizeof(float)), wdl[6];
  char *states = random_states(game, BATCH, 3), image[GAME_STATE_MAX], other[GAME_STATE_MAX];
  for (int i = 0; i < BATCH; i++) {
    const char *state = states + (size_t)i * game->state_size;
    bool own_image = false;
    for (int s = 1; s < game->symmetries; s++) {
      game->symmetry_state(s, state, other);
      own_image |= memcmp(other, state, game->state_size) == 0;
    }
    for (int s = 0; s < game->symmetries && !own_image; s++) {
      game->symmetry_state(s, state, image);
      evaluator->evaluate(evaluator->self, state, 1, logits, wdl);
      evaluator->evaluate(evaluator->self, image, 1, logits + moves, wdl + 3);
      game_symmetry_policy(game, s, logits, turned);
      cr_assert_arr_eq(turned, logits + moves, moves * sizeof(float));
      cr_assert_arr_eq(wdl, wdl + 3, 3 * sizeof(float));
    }
  }
  evaluator_free(evaluator);
  free(logits), free(turned), free(states);
}

Test(cache, a_network_answers_symmetric_positions_symmetrically) {
  for (int g = 0; g < game_count(); g++) {
    if (!game_at(g)->symmetry_state) continue;
    RunConfig config;
    NetPlan *plan = random_plan(game_at(g), &config);
    check_images(game_at(g), plan, 1);
    check_images(game_at(g), plan, game_at(g)->symmetries);
    plan_free(plan);
  }
}

/* The mean over images, put together from the network's answer to each of them. */
static void check_mean(const Game *game, const NetPlan *plan, const char *state) {
  size_t moves = (size_t)game->moves;
  int planes = plan_shape(plan)->planes, legal[GAME_MOVES_MAX], count = game->legal(state, legal);
  Evaluator *evaluator = net_evaluator_new(game, plan, 1, game->symmetries);
  PlanWorkspace *workspace = plan_workspace_new(plan, 1);
  float *input = memory_new((size_t)(planes * game->rows * game->cols), sizeof(float));
  float *logits = memory_new(3 * moves, sizeof(float)), *one = logits + moves, *mean = one + moves;
  float wdl[3], one_wdl[3], mean_wdl[3] = {0};
  char image[GAME_STATE_MAX];
  for (int s = 0; s < game->symmetries; s++) {
    game->symmetry_state(s, state, image);
    game_encode(game, planes, image, input);
    plan_forward(plan, workspace, input, 1, one, one_wdl);
    for (int i = 0; i < count; i++)
      mean[legal[i]] += one[game->symmetry_move(s, legal[i])] / (float)game->symmetries;
    for (int k = 0; k < 3; k++) mean_wdl[k] += one_wdl[k] / (float)game->symmetries;
  }
  evaluator->evaluate(evaluator->self, state, 1, logits, wdl);
  for (int i = 0; i < count; i++) cr_assert_float_eq(logits[legal[i]], mean[legal[i]], 1e-5);
  for (int k = 0; k < 3; k++) cr_assert_float_eq(wdl[k], mean_wdl[k], 1e-5);
  evaluator_free(evaluator);
  plan_workspace_free(workspace);
  free(input), free(logits);
}

Test(cache, answers_to_several_images_are_averaged) {
  for (int g = 0; g < game_count(); g++) {
    const Game *game = game_at(g);
    if (!game->symmetry_state) continue;
    RunConfig config;
    NetPlan *plan = random_plan(game, &config);
    char *states = random_states(game, BATCH, 3);
    for (size_t i = 0; i < BATCH; i++) check_mean(game, plan, states + i * game->state_size);
    plan_free(plan);
    free(states);
  }
}

/* Self-play with a large cache, a tiny one and none plays the same games. */
Test(cache, a_shard_is_the_same_with_any_cache_and_without) {
  for (int g = 0; g < game_count(); g++) {
    RunConfig config;
    const Game *game = game_at(g);
    NetPlan *plan = random_plan(game, &config);
    const int sizes[] = {0, 3, 14};
    ReplayBlock *blocks[3];
    for (int i = 0; i < 3; i++) {
      config.cache_log2 = sizes[i];
      ShardSpec spec = {.game = game, .config = &config, .plan = plan, .seed = 2, .games = 12};
      blocks[i] = shard_play(&spec, NULL, NULL);
      cr_assert_eq(blocks[i]->count, blocks[0]->count);
      size_t count = (size_t)blocks[0]->count;
      cr_assert_arr_eq(blocks[i]->states, blocks[0]->states, count * game->state_size);
      cr_assert_arr_eq(blocks[i]->policies, blocks[0]->policies,
                       count * (size_t)game->moves * sizeof(uint16_t));
      cr_assert_arr_eq(blocks[i]->facts, blocks[0]->facts, count * sizeof(ExampleFacts));
    }
    cr_assert_eq(blocks[0]->stats.cache_hits, 0);
    cr_assert(blocks[2]->stats.evaluations < blocks[0]->stats.evaluations);
    cr_assert(blocks[2]->stats.cache_hits > blocks[1]->stats.cache_hits);
    for (int i = 0; i < 3; i++) replay_block_free(blocks[i]);
    plan_free(plan);
  }
}
