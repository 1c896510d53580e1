/* Which positions are drawn, and which are recorded at all. */
#include "hang.h"
#include "selfplay/sampler.h"
#include "selfplay/shard.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(sampler, .timeout = HANG_SECONDS);

enum { POSITIONS = 40, DRAWS = 200000 };

/* One block of the first position again and again, with these surprises. */
static Replay *window(const double nats[POSITIONS]) {
  const Game *game = game_find("tictactoe");
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  const float wdl[3] = {0.2f, 0.3f, 0.5f};
  float policy[GAME_MOVES_MAX] = {1};
  Replay *replay = replay_new(game);
  game->init(state);
  for (int b = 0; b < 2; b++) {
    ReplayBlock *block = replay_block_new(game);
    for (int i = b; i < POSITIONS; i += 2) {
      replay_block_add(block, state, policy, wdl, false, 0, (uint32_t)i);
      replay_block_surprise(block, nats[i]);
    }
    replay_add(replay, block);
  }
  return replay;
}

static void count_draws(const Sampler *sampler, int counts[POSITIONS]) {
  Rng rng = rng_make(3, RNG_TEST, 2, 1);
  for (int i = 0; i < POSITIONS; i++) counts[i] = 0;
  for (int i = 0; i < DRAWS; i++) {
    int place;
    const ReplayBlock *block = sampler_draw(sampler, &rng, &place);
    counts[block->facts[place].game]++;
  }
}

/* Within five standard deviations of a binomial count. */
static void expect_count(int count, double share) {
  double mean = DRAWS * share, deviation = sqrt(DRAWS * share * (1 - share));
  cr_assert(fabs(count - mean) < 5 * deviation, "%d draws, not about %.0f", count, mean);
}

Test(sampler, draws_by_surprise) {
  double nats[POSITIONS], mean = 0;
  int counts[POSITIONS];
  for (int i = 0; i < POSITIONS; i++) nats[i] = 0.05 * (i % 5), mean += nats[i] / POSITIONS;
  Replay *replay = window(nats);
  Sampler sampler = sampler_make(replay, 0.5);
  count_draws(&sampler, counts);
  for (int i = 0; i < POSITIONS; i++) expect_count(counts[i], (0.5 + 0.5 * nats[i] / mean) / POSITIONS);
  replay_free(replay);
}

Test(sampler, draws_all_alike_without_a_share_or_without_surprises) {
  double nats[POSITIONS] = {0.5, 3}, none[POSITIONS] = {0};
  int counts[POSITIONS];
  for (int s = 0; s < 2; s++) {
    Replay *replay = window(s ? none : nats);
    Sampler sampler = sampler_make(replay, s ? 0.5 : 0);
    count_draws(&sampler, counts);
    for (int i = 0; i < POSITIONS; i++) expect_count(counts[i], 1.0 / POSITIONS);
    replay_free(replay);
  }
}

Test(sampler, no_weight_is_beyond_the_cap) {
  double nats[POSITIONS] = {14};
  Replay *replay = window(nats);
  Sampler sampler = sampler_make(replay, 0.9);
  int place;
  const ReplayBlock *block = replay_at(replay, 0, &place);
  cr_assert_eq(sampler_weight(&sampler, &block->facts[place]), SAMPLER_MOST);
  replay_free(replay);
}

/* The mean follows what comes and goes. */
Test(sampler, the_window_knows_its_mean_surprise) {
  double nats[POSITIONS];
  for (int i = 0; i < POSITIONS; i++) nats[i] = i % 2; /* the second block's are all 1 */
  Replay *replay = window(nats);
  cr_assert_float_eq(replay_mean_surprise(replay), 2048, 1e-9);
  replay_trim(replay, POSITIONS / 2);
  cr_assert_float_eq(replay_mean_surprise(replay), 4096, 1e-9);
  replay_free(replay);
}

/* A shard of Connect Four by a random small network. */
static ReplayBlock *play(double full_share, int visits, int quick_visits) {
  const Game *game = game_find("connect4");
  RunConfig config;
  config_defaults(&run_config_table, &config);
  config.blocks = 1, config.channels = 16, config.visits = visits, config.quick_visits = quick_visits;
  config.full_share = full_share, config.search.probe_nodes = 0, config.end_proven = 0;
  config.temperature_plies = 0, config.random_plies = 4;
  NetShape shape = run_config_shape(&config, game);
  Net *net = net_new(&shape);
  Rng rng = rng_make(1, RNG_INIT_WEIGHTS, 0, 0);
  net_init(net, &rng);
  NetPlan *plan = plan_new(net);
  ShardSpec spec = {.game = game, .config = &config, .plan = plan, .seed = 5, .iteration = 1, .games = 32};
  ReplayBlock *block = shard_play(&spec, NULL, NULL);
  plan_free(plan);
  net_free(net);
  return block;
}

Test(sampler, only_full_searches_are_recorded_but_for_proofs) {
  ReplayBlock *all = play(1, 16, 2), *some = play(0.25, 16, 2);
  int unproven = 0, quick_proofs = 0, full_proofs = 0;
  for (int i = 0; i < some->count; i++) unproven += !(some->facts[i].flags & EXAMPLE_PROVEN);
  double moves = (double)(some->stats.plies - 2 * 32), share = unproven / moves;
  cr_assert(share > 0.12 && share < 0.3, "%d of %.0f moves", unproven, moves);
  for (int i = 0; i < all->count; i++) full_proofs += (all->facts[i].flags & EXAMPLE_PROVEN) != 0;
  quick_proofs = some->count - unproven;
  cr_assert(full_proofs > 0 && quick_proofs > full_proofs / 2,
            "of quick searches the proofs are recorded: %d, %d", quick_proofs, full_proofs);
  cr_assert_eq(some->stats.positions, some->count);
  double each = (double)some->stats.simulations / moves;
  cr_assert(each < 0.5 * (double)all->stats.simulations / (double)all->count, "%.1f simulations a move",
            each);
  int surprised = 0;
  for (int i = 0; i < all->count; i++) surprised += all->facts[i].surprise > 0;
  cr_assert(surprised > all->count / 2, "searches depart from priors: %d of %d", surprised, all->count);
  replay_block_free(all);
  replay_block_free(some);
}
