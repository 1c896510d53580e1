/* A probe's proofs are what the exact solvers say. */
#include "arena/positions.h"
#include "games/connect4_solver.h"
#include "games/othello_solver.h"
#include "mcts/probe.h"
#include "mcts/search.h"
#include "mcts/shared.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(probe, .timeout = HANG_SECONDS);

typedef struct State {
  uint64_t words[GAME_STATE_MAX / sizeof(uint64_t)];
} State;

/* An unfinished position after `plies` random moves. */
static State random_position(const Game *game, uint32_t number, int plies) {
  Rng rng = rng_make(6, RNG_TEST, 1, number);
  State state;
  int moves[64];
  do memset(&state, 0, sizeof state);
  while (!position_random_line(game, &rng, plies, moves, &state));
  return state;
}

Test(probe, agrees_with_the_exact_solver) {
  const Game *game = game_find("connect4");
  Connect4Solver *solver = connect4_solver_new(20);
  Probe *probe = probe_new(game, 1000);
  int proven[3] = {0};
  for (uint32_t i = 0; i < 600; i++) {
    State state = random_position(game, i, 12 + (int)i % 26);
    int value;
    if (!probe_position(probe, &state, &value)) continue;
    cr_assert_eq(value, connect4_solver_value(solver, (const Connect4 *)&state), "position %u", i);
    proven[value + 1]++;
  }
  cr_expect(proven[0] > 50 && proven[1] > 5 && proven[2] > 100, "lost %d, drawn %d, won %d", proven[0],
            proven[1], proven[2]);
  probe_free(probe);
  connect4_solver_free(solver);
}

/* Its line is legal, never gives away what was proven, and mostly goes on to the end. */
Test(probe, plays_its_proofs_out) {
  const Game *game = game_find("connect4");
  Connect4Solver *solver = connect4_solver_new(20);
  int lines = 0, finished = 0;
  for (uint32_t i = 0; i < 200; i++) {
    State state = random_position(game, i, 12 + (int)i % 26);
    Probe *probe = probe_new(game, 2000);
    int value, moves[64], legal[GAME_MOVES_MAX];
    float end = 0;
    bool proven = probe_position(probe, &state, &value), over = false;
    int length = probe_line(probe, &state, moves, 64);
    cr_assert_eq(proven, length > 0);
    probe_free(probe);
    if (!proven) continue;
    for (int k = 0; k < length; k++, value = -value) {
      int count = game->legal(&state, legal), at = 0;
      cr_assert_not(over);
      cr_assert_eq(connect4_solver_value(solver, (const Connect4 *)&state), value, "position %u, move %d", i,
                   k);
      while (at < count && legal[at] != moves[k]) at++;
      cr_assert_lt(at, count);
      game->play(&state, moves[k]);
      over = game->over(&state, &end);
    }
    lines++;
    if (over) cr_assert_eq((int)end, value, "position %u", i);
    finished += over;
  }
  cr_expect(lines > 50 && finished * 10 >= lines * 9, "%d lines, %d to the end", lines, finished);
  connect4_solver_free(solver);
}

/* A game with passes and without wins_at_once. */
Test(probe, agrees_with_the_exact_solver_of_othello) {
  const Game *game = game_find("othello6");
  OthelloSolver *solver = othello_solver_new(game, 16);
  Probe *probe = probe_new(game, 6000);
  int proven = 0;
  for (uint32_t i = 0; i < 100; i++) {
    State state = random_position(game, i, 24 + (int)i % 6);
    int value;
    if (!probe_position(probe, &state, &value)) continue;
    cr_assert_eq(value, othello_solver_value(solver, (const Othello *)&state), "position %u", i);
    proven++;
  }
  cr_expect(proven > 80, "%d", proven);
  probe_free(probe);
  othello_solver_free(solver);
}

/* The player who loses does not end the game while another move goes on. */
Test(probe, the_loser_plays_on) {
  const Game *game = game_find("othello6");
  Probe *probe = probe_new(game, 6000);
  int choices = 0;
  for (uint32_t i = 0; i < 4000; i++) {
    State state = random_position(game, i, 24 + (int)i % 7);
    int value, moves[64], legal[GAME_MOVES_MAX];
    float end;
    if (!probe_position(probe, &state, &value)) continue;
    int length = probe_line(probe, &state, moves, 64);
    for (int k = 0; k < length; k++, value = -value) {
      int count = game->legal(&state, legal), ends = 0;
      for (int m = 0; m < count; m++) {
        State after = state;
        game->play(&after, legal[m]);
        ends += game->over(&after, &end);
      }
      game->play(&state, moves[k]);
      if (value >= 0 || !ends || ends == count) continue;
      cr_assert_not(game->over(&state, &end), "position %u, move %d", i, k);
      choices++;
    }
  }
  cr_expect(choices > 0, "%d", choices);
  probe_free(probe);
}

Test(probe, a_large_one_solves_tic_tac_toe) {
  const Game *game = game_find("tictactoe");
  Probe *small = probe_new(game, 10), *large = probe_new(game, 10000000);
  State state = {{0}};
  int value;
  game->init(&state);
  cr_assert_not(probe_position(small, &state, &value));
  cr_assert(probe_position(large, &state, &value));
  cr_assert_eq(value, 0);
  probe_free(small);
  probe_free(large);
}

/* What is remembered of other positions never changes an answer, and once forgotten leaves no trace. */
Test(probe, memory_only_adds_proofs) {
  const Game *game = game_find("connect4");
  Probe *used = probe_new(game, 300), *fresh = probe_new(game, 300);
  int more = 0;
  for (uint32_t i = 0; i < 300; i++) {
    State state = random_position(game, i, 14 + (int)i % 10);
    int first = 0, again = 0, cleared = 0;
    probe_clear(fresh);
    bool found = probe_position(fresh, &state, &first);
    int moves[GAME_MOVES_MAX], count = game->legal(&state, moves), ignored;
    float end;
    for (int m = 0; m < count; m++) {
      State after = state;
      game->play(&after, moves[m]);
      if (!game->over(&after, &end)) probe_position(used, &after, &ignored);
    }
    bool found_again = probe_position(used, &state, &again);
    if (found && found_again) cr_assert_eq(again, first);
    more += found_again && !found;
    probe_clear(fresh);
    cr_assert_eq(probe_position(fresh, &state, &cleared), found);
    cr_assert_eq(cleared, first);
  }
  cr_expect(more > 0);
  probe_free(used);
  probe_free(fresh);
}

/* Both threads of the shared tree probe its leaves. */
Test(probe, the_shared_tree_proves_what_is_true) {
  const Game *game = game_find("connect4");
  enum { THREADS = 2, BATCH = 4 };
  Evaluator *evaluators[THREADS] = {evaluator_uniform(game, BATCH), evaluator_uniform(game, BATCH)};
  SearchConfig config = search_config_defaults();
  config.solve = 1;
  config.probe_nodes = 300;
  SharedSearch *search = shared_search_new(game, &config, evaluators, THREADS, BATCH, 4000);
  Connect4Solver *solver = connect4_solver_new(20);
  int proven = 0;
  for (uint32_t i = 0; i < 100; i++) {
    State state = random_position(game, i, 16 + (int)i % 16);
    int value;
    shared_search_run(search, &state, 200);
    if (!shared_search_proven(search, &value)) continue;
    cr_assert_eq(value, connect4_solver_value(solver, (const Connect4 *)&state), "position %u", i);
    proven++;
  }
  cr_expect(proven > 60, "%d", proven);
  shared_search_free(search);
  connect4_solver_free(solver);
  for (int t = 0; t < THREADS; t++) evaluator_free(evaluators[t]);
}

Test(probe, saves_evaluations_and_proves_more) {
  const Game *game = game_find("connect4");
  Evaluator *evaluator = evaluator_uniform(game, 1);
  int proofs[2] = {0}, simulations[2] = {0};
  for (int with = 0; with < 2; with++) {
    SearchConfig config = search_config_defaults();
    config.solve = 1;
    config.probe_nodes = with ? 500 : 0;
    Search *search = search_new(game, &config);
    for (uint32_t i = 0; i < 100; i++) {
      State state = random_position(game, i, 14 + (int)i % 10);
      search_run(search, &state, 100, rng_make(1, RNG_TEST, 2, i), evaluator);
      proofs[with] += search_proven(search, NULL);
      simulations[with] += search_simulations(search);
    }
    search_free(search);
  }
  cr_expect(proofs[1] > proofs[0] && simulations[1] < simulations[0],
            "%d and %d proofs, %d and %d simulations", proofs[0], proofs[1], simulations[0], simulations[1]);
  evaluator_free(evaluator);
}

/* A search that takes up another game, at a forced move too, knows nothing of the probes of the last. */
Test(probe, another_game_is_probed_afresh) {
  const Game *game = game_find("connect4");
  SearchConfig config = search_config_defaults();
  config.probe_nodes = 300, config.solve = 1;
  Evaluator *evaluator = evaluator_uniform(game, 1);
  Search *used = search_new(game, &config);
  for (uint32_t i = 0; i < 60; i++) {
    State state = random_position(game, i, 8 + (int)i % 12), next = state;
    int moves[GAME_MOVES_MAX];
    float end;
    game->legal(&state, moves);
    game->play(&next, moves[0]);
    if (game->over(&next, &end)) continue;
    Search *fresh = search_new(game, &config);
    Search *both[2] = {used, fresh};
    SearchChild children[2][GAME_MOVES_MAX];
    memset(children, 0, sizeof children);
    for (int k = 0; k < 2; k++) {
      search_advance(both[k], &state, moves[0]);
      search_run(both[k], &next, 400, rng_make(1, RNG_TEST, 3, i), evaluator);
      search_children(both[k], children[k]);
    }
    cr_assert_eq(search_simulations(used), search_simulations(fresh), "position %u", i);
    cr_assert_eq(memcmp(children[0], children[1], sizeof children[0]), 0, "position %u", i);
    search_free(fresh);
  }
  search_free(used);
  evaluator_free(evaluator);
}
