/* What a shard of self-play records. */
#include "base/file.h"
#include "hang.h"
#include "net/plan.h"
#include "selfplay/shard.h"
#include "selfplay/teacher.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(shard, .timeout = HANG_SECONDS);

enum { GAMES = 32, RANDOM_PLIES = 4 };

static ReplayBlock *play_by(const Net *net, const RunConfig *config, uint32_t iteration) {
  NetPlan *plan = plan_new(net);
  ShardSpec spec = {.game = game_find("connect4"),
                    .config = config,
                    .plan = plan,
                    .seed = 5,
                    .iteration = iteration,
                    .games = GAMES};
  ReplayBlock *block = shard_play(&spec, NULL, NULL);
  plan_free(plan);
  return block;
}

/* Games of Connect Four by a random small network. */
static ReplayBlock *play_in(uint32_t iteration, const char *const *sets) {
  RunConfig config;
  Error err;
  config_defaults(&run_config_table, &config);
  config.blocks = 1, config.channels = 16, config.search.probe_nodes = 0, config.end_proven = 0;
  config.temperature_plies = 0, config.random_plies = RANDOM_PLIES;
  for (; *sets; sets++)
    cr_assert(config_set(&run_config_table, &config, *sets, "test", &err), "%s", err.message);
  NetShape shape = run_config_shape(&config, game_find("connect4"));
  Net *net = net_new(&shape);
  Rng rng = rng_make(1, RNG_INIT_WEIGHTS, 0, 0);
  net_init(net, &rng);
  ReplayBlock *block = play_by(net, &config, iteration);
  net_free(net);
  return block;
}

static ReplayBlock *play(const char *const *sets) {
  return play_in(1, sets);
}

Test(shard, only_full_searches_are_recorded_but_for_proofs) {
  const char *visits = "search.visits=16", *quick = "selfplay.quick_visits=2";
  ReplayBlock *all = play((const char *[]){visits, quick, NULL});
  ReplayBlock *some = play((const char *[]){visits, quick, "selfplay.full_share=0.25", NULL});
  int unproven = 0, quick_proofs = 0, full_proofs = 0;
  for (int i = 0; i < some->count; i++) unproven += !(some->facts[i].flags & EXAMPLE_PROVEN);
  double moves = (double)(some->stats.plies - RANDOM_PLIES / 2 * GAMES), share = unproven / moves;
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

/* The winner changes behind random moves alone. */
static int changes_behind_random_moves(const ReplayBlock *block) {
  int changes = 0;
  for (int i = 0; i + 1 < block->count; i++) {
    const ExampleFacts *facts = &block->facts[i], *next = facts + 1;
    bool same_winner = facts->outcome * (next->ply % 2 == facts->ply % 2 ? 1 : -1) == next->outcome;
    if (next->game != facts->game || same_winner) continue;
    cr_assert(facts->flags & EXAMPLE_DEVIATES, "position %d", i);
    changes++;
  }
  return changes;
}

Test(shard, a_game_keeps_its_winner_between_random_moves) {
  static const char *const ends[] = {"selfplay.end_proven=off", "selfplay.end_proven=on"};
  for (int i = 0; i < 2; i++) {
    ReplayBlock *block =
        play((const char *[]){"search.visits=16", "selfplay.random_share=0.2", ends[i], NULL});
    int changes = changes_behind_random_moves(block), random = 0;
    for (int k = 0; k < block->count; k++) random += (block->facts[k].flags & EXAMPLE_DEVIATES) != 0;
    cr_assert(changes > random / 5 && changes < random, "%d changes, %d random moves", changes, random);
    cr_assert(random > block->count / 10 && random < block->count * 3 / 10);
    replay_block_free(block);
  }
}

/* The search before a random move may be a quick one, which is not recorded: the position before says so. */
Test(shard, random_moves_behind_quick_searches_are_told_of_too) {
  ReplayBlock *block = play(
      (const char *[]){"search.visits=16", "selfplay.random_share=0.2", "selfplay.full_share=0.3", NULL});
  int changes = changes_behind_random_moves(block);
  cr_assert(changes > block->count / 20, "%d of %d", changes, block->count);
  replay_block_free(block);
}

/* What stands before a random move takes what the search expected there, which a proof knows for certain. */
Test(shard, random_moves_do_not_reach_back) {
  ReplayBlock *none = play((const char *[]){"search.visits=16", NULL});
  ReplayBlock *all = play((const char *[]){"search.visits=16", "selfplay.random_share=1", NULL});
  cr_assert_eq(changes_behind_random_moves(none), 0);
  int changes = changes_behind_random_moves(all);
  cr_assert(changes > all->count / 4, "%d changes in %d positions", changes, all->count);
  for (int i = 0; i < all->count; i++) {
    const ExampleFacts *facts = &all->facts[i];
    if (facts->flags & EXAMPLE_PROVEN)
      cr_assert_eq(facts->outcome, facts->search_wdl[0] ? 1 : facts->search_wdl[1] ? 0 : -1);
  }
  cr_assert_eq(all->stats.positions, all->count);
  cr_assert_eq(all->stats.games, GAMES);
  replay_block_free(none);
  replay_block_free(all);
}

/* The reply is the policy of the next position where the other player moves there by his own choice. */
static int replies_known(const ReplayBlock *block) {
  const Game *game = block->game;
  int known = 0;
  for (int i = 0; i < block->count; i++) {
    const ExampleFacts *facts = &block->facts[i], *next = facts + 1;
    float reply[GAME_MOVES_MAX], sum = 0;
    replay_reply(block, i, 0, reply);
    for (int m = 0; m < game->moves; m++) sum += reply[m];
    bool follows = i + 1 < block->count && next->game == facts->game && next->ply == facts->ply + 1;
    bool expected = follows && !(facts->flags & EXAMPLE_DEVIATES);
    cr_assert_float_eq(sum, expected ? 1 : 0, 1e-3);
    known += expected;
    if (!expected) continue;
    const uint16_t *policy = block->policies + (size_t)(i + 1) * (size_t)game->moves;
    for (int m = 0; m < game->moves; m++) {
      float turned[GAME_MOVES_MAX];
      cr_assert_float_eq(reply[m], (float)policy[m] / 65535, 1e-3);
      replay_reply(block, i, 1, turned);
      cr_assert_eq(turned[game->symmetry_move(1, m)], reply[m]);
    }
  }
  return known;
}

Test(shard, replies_are_those_of_the_next_turn) {
  ReplayBlock *none = play((const char *[]){"search.visits=16", NULL});
  ReplayBlock *half = play((const char *[]){"search.visits=16", "selfplay.random_share=0.5", NULL});
  ReplayBlock *all = play((const char *[]){"search.visits=16", "selfplay.random_share=1", NULL});
  cr_assert_gt(replies_known(none), none->count * 3 / 4);
  int known = replies_known(half);
  cr_assert(known > half->count / 4 && known < half->count * 3 / 5, "%d of %d", known, half->count);
  cr_assert_eq(replies_known(all), 0);
  replay_block_free(none), replay_block_free(half), replay_block_free(all);
}

/* Nobody replied to what a teacher would have played where he moved at random. */
Test(shard, a_teachers_random_move_has_no_reply) {
  const Game *game = game_find("connect4");
  RunConfig config;
  config_defaults(&run_config_table, &config);
  config.imitation_depth = 1, config.imitation_random = 0.5;
  ReplayBlock *block = teacher_play(game, &config, 1, 0, 20, NULL, NULL);
  int random = 0, known = 0;
  for (int i = 0; i < block->count; i++) {
    float reply[GAME_MOVES_MAX], sum = 0;
    replay_reply(block, i, 0, reply);
    for (int m = 0; m < game->moves; m++) sum += reply[m];
    random += !(block->facts[i].flags & EXAMPLE_HAS_POLICY);
    known += sum > 0;
    if (!(block->facts[i].flags & EXAMPLE_HAS_POLICY)) cr_assert_eq(sum, 0);
  }
  cr_assert(random > block->count / 4 && known > block->count / 10, "%d random, %d known", random, known);
  replay_block_free(block);
}

/* The ply of the latest beginning of a game. */
static int latest_beginning(uint32_t iteration, const char *late_after) {
  ReplayBlock *block = play_in(iteration, (const char *[]){"selfplay.random_plies=20", late_after,
                                                           "selfplay.late_random_plies=3", NULL});
  int latest = 0;
  for (int i = 0; i < block->count; i++)
    if ((i == 0 || block->facts[i - 1].game != block->facts[i].game) && block->facts[i].ply > latest)
      latest = block->facts[i].ply;
  replay_block_free(block);
  return latest;
}

Test(shard, later_iterations_begin_earlier) {
  cr_assert_gt(latest_beginning(5, "selfplay.late_after=0"), 12, "never");
  cr_assert_gt(latest_beginning(5, "selfplay.late_after=5"), 12, "not yet");
  cr_assert_eq(latest_beginning(6, "selfplay.late_after=5"), 3);
}

/* A policy gradient pays for one evaluation a move, and its baseline is the network's own value. */
Test(shard, without_search_nothing_is_simulated) {
  ReplayBlock *block = play((const char *[]){"search.kind=none", "selfplay.cache_log2=0", NULL});
  cr_assert_gt(block->count, GAMES);
  cr_assert_eq(block->stats.simulations, 0);
  cr_assert_eq(block->stats.evaluations, block->count);
  replay_block_free(block);
}

/* Games whose first moves, after no random ones, are not those of the first game. */
static int other_beginnings(const char *temperature_plies) {
  ReplayBlock *block =
      play((const char *[]){"search.kind=puct", "search.visits=32", "search.dirichlet_share=0",
                            "selfplay.random_plies=0", temperature_plies, NULL});
  size_t size = block->game->state_size;
  int other = 0, first = -1;
  for (int i = 0; i < block->count; i++)
    if (block->facts[i].ply == 2) {
      if (first < 0) first = i;
      other += memcmp((char *)block->states + (size_t)i * size, (char *)block->states + (size_t)first * size,
                      size) != 0;
    }
  cr_assert(first >= 0);
  replay_block_free(block);
  return other;
}

/* Moves are drawn by visits in as many plies as are said, and are the best in all others. */
Test(shard, temperature_makes_games_different) {
  cr_assert_eq(other_beginnings("selfplay.temperature_plies=0"), 0);
  cr_assert_geq(other_beginnings("selfplay.temperature_plies=4"), GAMES / 2);
}

/* How far from even the games' first recorded positions are, by their searches: mean over the games. */
static double lopsided(const ReplayBlock *block) {
  double sum = 0;
  int games = 0;
  for (int i = 0; i < block->count; i++) {
    const ExampleFacts *facts = &block->facts[i];
    if (i && facts[-1].game == facts->game) continue;
    sum += fabs((double)facts->search_wdl[0] - facts->search_wdl[2]) / 65535;
    games++;
  }
  return sum / games;
}

Test(shard, balanced_beginnings_are_nearer_to_even) {
  const Game *game = game_find("connect4");
  RunConfig config;
  char path[FILE_PATH_MAX];
  Error err;
  cr_assert(run_config_shipped(game, &config, &err), "%s", err.message);
  cr_assert(file_find_shipped("weights/connect4.net", path, &err), "%s", err.message);
  Net *net = net_load(path, game->name, NULL, NULL, &err);
  cr_assert(net, "%s", err.message);
  ReplayBlock *drawn = play_by(net, &config, 1);
  config.balanced_of = 8;
  ReplayBlock *chosen = play_by(net, &config, 1);
  cr_assert_eq(chosen->stats.games, GAMES);
  double all = lopsided(drawn), even = lopsided(chosen);
  cr_assert(even < 0.7 * all, "%.2f of %.2f", even, all);
  replay_block_free(drawn), replay_block_free(chosen);
  net_free(net);
}
