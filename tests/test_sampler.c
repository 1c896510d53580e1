/* Which positions are drawn. */
#include "hang.h"
#include "selfplay/sampler.h"

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
