/* What self-play teaches, judged by the solver. */
#include "arena/targets.h"
#include "games/exact.h"
#include "hang.h"
#include "program.h"
#include "selfplay/shard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(targets, .init = program_enter, .fini = program_leave, .timeout = HANG_SECONDS);

enum { GAMES = 32, FIRST_PLY = 16, LAST_PLY = 23 };

static const Game *c4(void) {
  return game_find("connect4");
}

/* A random small network's games, by one shard. */
static TargetsPlan plan_for(RunConfig *config, int probe) {
  config_defaults(&run_config_table, config);
  config->blocks = 1, config->channels = 16, config->search.probe_nodes = probe;
  config->games = GAMES, config->shards = 1;
  NetShape shape = run_config_shape(config, c4());
  Net *net = net_new(&shape);
  Rng rng = rng_make(1, RNG_INIT_WEIGHTS, 0, 0);
  net_init(net, &rng);
  NetPlan *plan = plan_new(net);
  net_free(net);
  return (TargetsPlan){.game = c4(),
                       .config = config,
                       .plan = plan,
                       .games = GAMES,
                       .first_ply = FIRST_PLY,
                       .last_ply = LAST_PLY,
                       .per_ply = 1000,
                       .seed = 5,
                       .threads = 2};
}

static Targets measured(const TargetsPlan *plan) {
  Targets targets;
  Error err;
  cr_assert(targets_measure(plan, NULL, NULL, &targets, &err), "%s", err.message);
  return targets;
}

/* The same games judged again by whole scores, game by game. */
Test(targets, figures_by_hand) {
  RunConfig config;
  TargetsPlan plan = plan_for(&config, 0);
  Targets targets = measured(&plan);
  cr_assert_eq(targets.band_count, 2);
  ShardSpec spec = {
      .game = c4(), .config = &config, .plan = plan.plan, .seed = 5, .iteration = 1, .games = GAMES};
  ReplayBlock *block = shard_play(&spec, NULL, NULL);
  Error err;
  Exact *exact = exact_new(c4(), 20, &err);
  for (int b = 0; b < 2; b++) {
    const TargetsBand *band = &targets.bands[b];
    double positions[GAMES] = {0}, ended[GAMES] = {0}, squares = 0, kept = 0, mass = 0, n = 0, right = 0;
    for (int i = 0; i < block->count; i++) {
      const ExampleFacts *facts = &block->facts[i];
      if (facts->ply < band->first_ply || facts->ply > band->last_ply) continue;
      int scores[7], best = EXACT_NO_SCORE, chosen = 0;
      exact_moves(exact, block->states + (size_t)i * c4()->state_size, scores);
      const uint16_t *policy = block->policies + (size_t)i * 7;
      for (int m = 0; m < 7; m++) {
        if (scores[m] > best) best = scores[m];
        if (policy[m] > policy[chosen]) chosen = m;
      }
      int truth = (best > 0) - (best < 0);
      double all = 0, good = 0;
      for (int m = 0; m < 7; m++) {
        bool keeps = scores[m] != EXACT_NO_SCORE && (scores[m] > 0) - (scores[m] < 0) == truth;
        all += policy[m];
        good += keeps ? policy[m] : 0;
        kept += m == chosen && keeps;
      }
      mass += good / all;
      double searched = (facts->search_wdl[0] - facts->search_wdl[2]) / 65535.0;
      double taught = facts->flags & EXAMPLE_PROVEN
                          ? searched
                          : config.value_mix * searched + (1 - config.value_mix) * facts->outcome;
      squares += (taught - truth) * (taught - truth);
      positions[facts->game]++;
      ended[facts->game] += facts->outcome == truth;
      n++;
    }
    cr_assert(n > 20, "%g positions", n);
    double variance = 0, games = 0;
    for (int g = 0; g < GAMES; g++) right += ended[g] / n;
    for (int g = 0; g < GAMES; g++) {
      games += positions[g] > 0;
      variance += (ended[g] - right * positions[g]) * (ended[g] - right * positions[g]);
    }
    cr_assert(band->positions == (int)n && band->games == (int)games);
    cr_assert_float_eq(band->figures[TARGETS_OUTCOME_EXACT].mean, right, 1e-9);
    cr_assert_float_eq(band->figures[TARGETS_OUTCOME_EXACT].half,
                       1.95996398 * sqrt(variance * games / (games - 1)) / n, 1e-6);
    cr_assert_float_eq(band->figures[TARGETS_VALUE_ERROR].mean, squares / n, 1e-3);
    cr_assert_float_eq(band->figures[TARGETS_MOVE_KEPT].mean, kept / n, 1e-9);
    cr_assert_float_eq(band->figures[TARGETS_POLICY_MASS].mean, mass / n, 1e-4);
  }
  exact_free(exact);
  replay_block_free(block);
  plan_free((NetPlan *)plan.plan);
}

/* What the rules alone prove at once is taught as it is, whatever the network thinks. */
Test(targets, proofs_are_right) {
  RunConfig config;
  TargetsPlan plan = plan_for(&config, 30000);
  config.random_plies = 36, config.visits = 8;
  plan.games = 20 * GAMES, plan.first_ply = 32, plan.last_ply = 35;
  Targets targets = measured(&plan);
  const TargetsBand *band = &targets.bands[0];
  cr_assert(band->positions > 5, "%d", band->positions);
  cr_assert_eq(band->figures[TARGETS_VALUE_ERROR].mean, 0, "%g", band->figures[TARGETS_VALUE_ERROR].mean);
  cr_assert_eq(band->figures[TARGETS_SEARCH_ERROR].mean, 0);
  cr_assert_eq(band->figures[TARGETS_OUTCOME_EXACT].mean, 1);
  cr_assert_eq(band->figures[TARGETS_MOVE_KEPT].mean, 1);
  cr_assert(isnan(band->figures[TARGETS_OUTCOME_EXACT].half), "all alike: no interval");
  plan_free((NetPlan *)plan.plan);
}

Test(targets, neither_threads_nor_a_smaller_sample_change_the_games) {
  RunConfig config;
  TargetsPlan plan = plan_for(&config, 100);
  plan.games = 2 * GAMES + 5;
  Targets two = measured(&plan);
  plan.threads = 1;
  Targets one = measured(&plan);
  cr_assert_eq(one.stats.games, plan.games);
  cr_assert_eq(one.unique, two.unique);
  cr_assert_eq(memcmp(one.bands, two.bands, sizeof one.bands), 0);
  plan.per_ply = 3;
  Targets few = measured(&plan);
  cr_assert_eq(few.stats.positions, one.stats.positions);
  for (int b = 0; b < 2; b++) cr_assert_eq(few.bands[b].positions, 3 * TARGETS_BAND_PLIES);
  plan_free((NetPlan *)plan.plan);
}

Test(targets, of_a_run_by_its_own_configuration) {
  program_train("--from-scratch --run r --iterations 1 --set search.kind=puct" PROGRAM_TINY);
  json_t *own = program_json("targets run:r@1 --games 32 --plies 30,33 --json");
  json_t *said = program_json("targets net:r/networks/00001.net --games 32 --plies 30,33 --json"
                              " --set search.kind=puct --set search.visits=8 --set selfplay.games=32"
                              " --set selfplay.shards=2 --set selfplay.lanes=16");
  json_t *other = program_json("targets run:r@1 --games 32 --plies 30,33 --json --set search.visits=3");
  cr_assert(json_equal(json_object_get(own, "bands"), json_object_get(said, "bands")));
  cr_assert_eq(json_integer_value(json_object_get(own, "games")), 32);
  cr_assert_lt(json_integer_value(json_object_get(other, "evaluations")),
               json_integer_value(json_object_get(own, "evaluations")));
  json_t *band = json_array_get(json_object_get(own, "bands"), 0);
  for (int kind = 0; kind < TARGETS_KINDS; kind++)
    cr_assert(json_object_get(json_object_get(band, targets_kind_names[kind]), "mean"));
  json_decref(own), json_decref(said), json_decref(other);
}

Test(targets, refuses_what_it_cannot_judge) {
  program_refuses("", "targets random", 2, "'random' is no network");
  program_refuses("", "targets --game tictactoe", 2, "no exact solver");
  program_refuses("", "targets net:absent.net", 1, "absent.net");
  program_refuses("", "targets --set search.visit=3", 2, "search.visits");
  program_refuses("", "targets --set net.blocks=3", 2, "only search.*, selfplay.*, learner.value_mix and");
  program_refuses("", "targets --game othello", 2, "no network of Othello (8 x 8) is shipped");
  program_refuses("", "targets net:absent.net,visits=3", 2, "--set search.visits");
}
