#include "base/memory.h"
#include "games/connect4_solver.h"
#include "mcts/gumbel.h"
#include "mcts/search_internal.h"
#include "mcts/shared.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(search, .timeout = HANG_SECONDS);
TestSuite(gumbel, .timeout = HANG_SECONDS);
TestSuite(cache, .timeout = HANG_SECONDS);
TestSuite(shared, .timeout = HANG_SECONDS);

typedef struct Position {
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
} Position;

static Position after(const Game *game, const char *line) {
  Position position;
  Error err;
  game->init(position.state);
  cr_assert(game_play_line(game, position.state, line, &err), "%s", err.message);
  return position;
}

static SearchConfig kind_config(int kind) {
  SearchConfig config = search_config_defaults();
  config.kind = kind;
  return config;
}

typedef struct Puzzle {
  const char *game, *line, *best;
  float least, most; /* of the root's value after search */
} Puzzle;

/* Known values: wins and forced losses in one and two moves. */
static const Puzzle puzzles[] = {
    {"connect4", "414141", "4", 0.8f, 1},         /* mate in one: four upright */
    {"connect4", "4433", NULL, 0.5f, 1},          /* two stones and both ends open: mate in two */
    {"connect4", "44335", NULL, -1, -0.8f},       /* and so lost for the second player */
    {"tictactoe", "a1 b1 a2 b2", "a3", 0.8f, 1},  /* three in a line */
    {"tictactoe", "a1 b2 a2", "a3", -0.5f, 0.5f}, /* the only defence; a draw at best */
};

/* By the exact solver. */
static void check_wins(const Position *position, int move) {
  Connect4Solver *solver = connect4_solver_new(20);
  int values[C4_COLS];
  connect4_solver_move_values(solver, (const Connect4 *)position->state, values);
  cr_assert_eq(values[move], 1, "column %d", move + 1);
  connect4_solver_free(solver);
}

static void check_puzzle(const Puzzle *puzzle, int kind, bool rollouts) {
  const Game *game = game_find(puzzle->game);
  Position position = after(game, puzzle->line);
  SearchConfig config = kind_config(kind);
  Search *search = search_new(game, &config);
  Evaluator *evaluator =
      rollouts ? evaluator_rollout(game, 1, rng_make(3, RNG_ROLLOUT, 0, 0), 1) : evaluator_uniform(game, 1);
  search_run(search, position.state, 3000, rng_make(1, RNG_TEST, 0, 0), evaluator);
  char name[GAME_MOVE_TEXT];
  float wdl[3];
  game->print_move(search_move(search, 0), name);
  search_root_wdl(search, wdl);
  if (puzzle->best)
    cr_assert(strcmp(name, puzzle->best) == 0, "%s: %s", puzzle->line, name);
  else if (puzzle->least > 0)
    check_wins(&position, search_move(search, 0));
  cr_assert(wdl[0] - wdl[2] >= puzzle->least && wdl[0] - wdl[2] <= puzzle->most, "%s kind %d: %f",
            puzzle->line, kind, wdl[0] - wdl[2]);
  search_free(search);
  evaluator_free(evaluator);
}

/* Gumbel's search below the root is greedy in each single evaluation (Eq. 14 with c_visit = 50), so one
 * random playout, a coin's toss, is no evaluator for it. */
Test(search, known_positions) {
  for (size_t i = 0; i < sizeof puzzles / sizeof *puzzles; i++) {
    check_puzzle(&puzzles[i], SEARCH_PUCT, false);
    check_puzzle(&puzzles[i], SEARCH_PUCT, true);
    check_puzzle(&puzzles[i], SEARCH_GUMBEL, false);
  }
}

Test(search, visits_add_up_and_the_policy_is_a_distribution) {
  const Game *game = game_find("connect4");
  Position position = after(game, "4455");
  for (int kind = SEARCH_PUCT; kind <= SEARCH_GUMBEL; kind++) {
    SearchConfig config = kind_config(kind);
    config.dirichlet_share = 0.25;
    config.gumbel_noise = 1;
    Search *search = search_new(game, &config);
    Evaluator *evaluator = evaluator_rollout(game, 1, rng_make(3, RNG_ROLLOUT, 0, 0), 1);
    search_run(search, position.state, 100, rng_make(1, RNG_TEST, 0, 0), evaluator);
    SearchChild children[7];
    float policy[7], sum = 0, priors = 0;
    int visits = 0, count = search_children(search, children);
    search_policy(search, policy);
    for (int i = 0; i < count; i++) visits += children[i].visits, priors += children[i].prior;
    for (int i = 0; i < 7; i++) sum += policy[i];
    cr_assert_eq(visits, 100);
    cr_assert_float_eq(sum, 1, 1e-5);
    cr_assert_float_eq(priors, 1, 1e-5);
    search_free(search);
    evaluator_free(evaluator);
  }
}

/* Mean of the summed squares of root priors that are noise alone: (alpha + 1) / (n alpha + 1) of Dirichlet's
 * distribution, with alpha = 10 / n where none is set. */
static double spread_of_noise(const Game *game, double alpha, int *moves) {
  enum { DRAWS = 4000 };
  SearchConfig config = kind_config(SEARCH_PUCT);
  config.dirichlet_share = 1;
  config.dirichlet_alpha = alpha;
  Position position = after(game, "");
  Search *search = search_new(game, &config);
  Evaluator *evaluator = evaluator_rollout(game, 1, rng_make(3, RNG_ROLLOUT, 0, 0), 1);
  double sum = 0;
  int legal[GAME_MOVES_MAX];
  *moves = game->legal(position.state, legal);
  for (uint32_t i = 0; i < DRAWS; i++) {
    search_run(search, position.state, 1, rng_make(1, RNG_TEST, 0, i), evaluator);
    for (int k = 0; k < *moves; k++) sum += search->root_priors[k] * search->root_priors[k];
  }
  search_free(search);
  evaluator_free(evaluator);
  return sum / DRAWS;
}

Test(search, root_noise_is_shaped_by_the_number_of_moves) {
  static const char *const games[] = {"connect4", "tictactoe", "othello6"};
  static const double alphas[] = {0, 0.3};
  for (size_t g = 0; g < 3; g++)
    for (size_t a = 0; a < 2; a++) {
      int n;
      double found = spread_of_noise(game_find(games[g]), alphas[a], &n);
      double alpha = alphas[a] > 0 ? alphas[a] : 10.0 / n, expected = (alpha + 1) / (n * alpha + 1);
      cr_assert_float_eq(found, expected, 0.05 * expected, "%s, %d moves: %g, not %g", games[g], n, found,
                         expected);
    }
}

Test(search, the_same_stream_gives_the_same_search) {
  const Game *game = game_find("connect4");
  Position position = after(game, "44");
  SearchConfig config = kind_config(SEARCH_GUMBEL);
  config.gumbel_noise = 1;
  float policy[2][7];
  for (int run = 0; run < 2; run++) {
    Search *search = search_new(game, &config);
    Evaluator *evaluator = evaluator_rollout(game, 2, rng_make(3, RNG_ROLLOUT, 0, 0), 1);
    search_run(search, position.state, 64, rng_make(9, RNG_TEST, 0, 0), evaluator);
    search_policy(search, policy[run]);
    search_free(search);
    evaluator_free(evaluator);
  }
  cr_assert_eq(memcmp(policy[0], policy[1], sizeof policy[0]), 0);
}

Test(search, a_kept_subtree_counts_towards_the_budget) {
  const Game *game = game_find("connect4");
  Position position = after(game, "");
  SearchConfig config = kind_config(SEARCH_PUCT);
  Search *search = search_new(game, &config);
  Evaluator *evaluator = evaluator_uniform(game, 1);
  size_t most = 0;
  float value;
  search_run(search, position.state, 400, rng_make(1, RNG_TEST, 0, 0), evaluator);
  while (!game->over(position.state, &value)) {
    SearchChild children[7];
    int move = search_move(search, 0), kept = 0, visits = 0;
    int count = search_children(search, children);
    for (int i = 0; i < count; i++)
      if (children[i].move == move)
        kept = children[i].visits - 1; /* the first visit was its own evaluation */
    search_advance(search, position.state, move);
    game->play(position.state, move);
    if (game->over(position.state, &value)) break;
    search_run(search, position.state, 400, rng_make(1, RNG_TEST, 0, 0), evaluator);
    count = search_children(search, children);
    for (int i = 0; i < count; i++) visits += children[i].visits;
    cr_assert_eq(search_simulations(search), 400 - kept);
    cr_assert_eq(visits, 400);
    if (search_nodes(search) > most) most = search_nodes(search);
  }
  cr_assert(most <= 401, "%zu nodes: old ones were not dropped", most);
  search_free(search);
  evaluator_free(evaluator);
}

/* Alg. 2 by hand: 16 simulations, 4 moves: 2 phases of 8; 4 moves twice, then 2 moves four times. */
Test(gumbel, sequential_halving_by_hand) {
  const int expected[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5};
  for (int i = 0; i < 16; i++) cr_assert_eq(gumbel_considered_visits(4, 16, i), expected[i], "at %d", i);
  for (int i = 0; i < 5; i++) cr_assert_eq(gumbel_considered_visits(1, 5, i), i);
}

/* Eqs. 8, 10, 11 and 33 with numbers small enough to do by hand. */
Test(gumbel, improved_policy_by_hand) {
  SearchConfig config = search_config_defaults();
  config.gumbel_visit = 1, config.gumbel_scale = 1;
  float logits[2] = {logf(0.25f), logf(0.75f)}, q[2] = {0.5f, NAN}, sigma[2], policy[2];
  uint32_t visits[2] = {2, 0};
  gumbel_sigma_completed(&config, 2, (const float[]){0.25f, 0.75f}, q, visits, 0.2f, sigma);
  /* Q(a) = 1/2; mixed value = (0.2 + 2 x 1/2) / 3 = 0.4; scale = 1 + 2. */
  cr_assert_float_eq(sigma[0], 3 * 0.75, 1e-5);
  cr_assert_float_eq(sigma[1], 3 * 0.7, 1e-5);
  gumbel_improved_policy(2, logits, sigma, policy);
  double a = 0.25 * exp(2.25), b = 0.75 * exp(2.1);
  cr_assert_float_eq(policy[0], a / (a + b), 1e-5);
}

/* What the method promises: the target is no worse than the prior, in expectation under the true values. */
static void known_values(void *context, const void *state, float *logits, float *wdl) {
  const Game *game = context;
  for (int m = 0; m < game->moves; m++) logits[m] = 0.3f * (float)((m * 5) % 7);
  float q = 0.25f * (float)((int)(game->key(state) % 7) - 3);
  wdl[0] = (1 + q) / 2, wdl[1] = 0, wdl[2] = (1 - q) / 2;
}

Test(gumbel, target_improves_on_the_prior) {
  const Game *game = game_find("connect4");
  Position position = after(game, "44");
  SearchConfig config = kind_config(SEARCH_GUMBEL);
  Search *search = search_new(game, &config);
  Evaluator *evaluator = evaluator_function(game, known_values, (void *)game, 1);
  search_run(search, position.state, 7, rng_make(1, RNG_TEST, 0, 0), evaluator);
  SearchChild children[7];
  float policy[7];
  double before = 0, behind = 0;
  search_children(search, children);
  search_policy(search, policy);
  for (int i = 0; i < 7; i++) {
    cr_assert_eq(children[i].visits, 1);
    before += children[i].prior * children[i].value;
    behind += policy[children[i].move] * children[i].value;
  }
  cr_assert(behind > before, "%f against %f", behind, before);
  search_free(search);
  evaluator_free(evaluator);
}

Test(shared, finds_the_move_and_loses_no_visit_at_any_thread_count) {
  const Game *game = game_find("connect4");
  Position position = after(game, "4433");
  SearchConfig config = kind_config(SEARCH_PUCT);
  for (int threads = 1; threads <= 4; threads *= 2) {
    Evaluator *evaluators[4];
    for (int i = 0; i < threads; i++) evaluators[i] = evaluator_uniform(game, 8);
    SharedSearch *search = shared_search_new(game, &config, evaluators, threads, 8, 20000);
    int done = shared_search_run(search, position.state, 5000);
    SearchChild children[7];
    int visits = 0, move = shared_search_move(search);
    float wdl[3];
    shared_search_children(search, children);
    shared_search_root_wdl(search, wdl);
    for (int i = 0; i < 7; i++) visits += children[i].visits;
    cr_assert_eq(done, 5000);
    cr_assert_eq(visits, done);
    cr_assert(move == 1 || move == 4, "%d", move);
    cr_assert(wdl[0] - wdl[2] > 0.5, "%f", wdl[0] - wdl[2]);
    shared_search_free(search);
    for (int i = 0; i < threads; i++) evaluator_free(evaluators[i]);
  }
}

/* Some opinion of every position, always the same. Its priors, a half, a quarter and so on in some order, fit
 * into the few bits that edges have for them. */
static void hashed_opinion(void *context, const void *state, float *logits, float *wdl) {
  const Game *game = context;
  Rng rng = rng_make(game->key(state), RNG_TEST, 0, 0);
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves);
  uint32_t first = rng_below(&rng, (uint32_t)count);
  for (int i = 0; i < count; i++)
    logits[moves[(first + (uint32_t)i) % (uint32_t)count]] = -logf(2) * (float)(i + 1 < count ? i + 1 : i);
  wdl[0] = (float)rng_below(&rng, 100) / 200;
  wdl[1] = (float)rng_below(&rng, 100) / 200;
  wdl[2] = 1 - wdl[0] - wdl[1];
}

/* One thread and one leaf at a time is the textbook's search: both trees are the same, but for rounding
 * (means in the one, sums in the other), which moves a visit in a hundred at most. */
Test(shared, alone_and_one_by_one_it_is_the_plain_search) {
  const char *const names[] = {"connect4", "othello6"};
  for (int n = 0; n < 2; n++) {
    const Game *game = game_find(names[n]);
    Position position = after(game, "");
    for (int solve = 0; solve < 2; solve++) {
      SearchConfig config = kind_config(SEARCH_PUCT);
      config.solve = solve;
      Evaluator *evaluator = evaluator_function(game, hashed_opinion, (void *)game, 1);
      SharedSearch *shared = shared_search_new(game, &config, &evaluator, 1, 1, 20000);
      Search *plain = search_new(game, &config);
      int count = shared_search_run(shared, position.state, 3000);
      search_run(plain, position.state, count, rng_make(1, RNG_TEST, 0, 0), evaluator);
      SearchChild children[2][GAME_MOVES_MAX];
      int moves = shared_search_children(shared, children[0]);
      cr_assert_eq(search_children(plain, children[1]), moves);
      for (int i = 0; i < moves; i++) {
        cr_assert(abs(children[0][i].visits - children[1][i].visits) <= 30, "%s, move %d: %d visits, not %d",
                  names[n], children[0][i].move, children[0][i].visits, children[1][i].visits);
        if (children[1][i].visits > 30) cr_assert_float_eq(children[0][i].value, children[1][i].value, 0.01);
      }
      search_free(plain);
      shared_search_free(shared);
      evaluator_free(evaluator);
    }
  }
}

/* Whatever collides, ends early or finds no room: each simulation is one visit, and none stays pending. */
Test(shared, a_tree_of_any_size_counts_every_simulation_once) {
  const Game *game = game_find("connect4");
  Position position = after(game, "4433");
  SearchConfig config = kind_config(SEARCH_PUCT);
  for (int capacity = 1; capacity < 3000; capacity = capacity * 3 + 1)
    for (int threads = 1; threads <= 3; threads++) {
      config.solve = capacity % 2;
      Evaluator *evaluators[3];
      for (int i = 0; i < threads; i++)
        evaluators[i] = evaluator_function(game, hashed_opinion, (void *)game, 16);
      SharedSearch *search = shared_search_new(game, &config, evaluators, threads, 16, (size_t)capacity);
      SearchChild children[7];
      int visits = 0, count;
      int done = shared_search_run(search, position.state, 2000), value;
      cr_assert(done == 2000 || (config.solve && shared_search_proven(search, &value)), "%d", done);
      count = shared_search_children(search, children);
      for (int i = 0; i < count; i++) visits += children[i].visits;
      cr_assert(shared_search_bytes(search) <= (size_t)capacity * 8 * 16); /* a node and its 7 edges */
      cr_assert_eq(visits, done, "%d nodes, %d threads: %d", capacity, threads, visits);
      shared_search_free(search);
      for (int i = 0; i < threads; i++) evaluator_free(evaluators[i]);
    }
}

Test(shared, a_full_tree_goes_on) {
  const Game *game = game_find("connect4");
  Position position = after(game, "");
  SearchConfig config = kind_config(SEARCH_PUCT);
  Evaluator *evaluators[2] = {evaluator_uniform(game, 4), evaluator_uniform(game, 4)};
  SharedSearch *small = shared_search_new(game, &config, evaluators, 2, 4, 100);
  cr_assert_eq(shared_search_run(small, position.state, 1000), 1000);
  cr_assert(shared_search_bytes(small) <= 100 * 8 * 16);
  shared_search_free(small);
  evaluator_free(evaluators[0]);
  evaluator_free(evaluators[1]);
}

/* Threads that run short of room at the same moment must not be given the same nodes. */
Test(shared, threads_that_race_for_the_last_nodes_share_none) {
  const Game *game = game_find("connect4");
  Position position = after(game, "");
  SearchConfig config = kind_config(SEARCH_PUCT);
  for (int capacity = 60; capacity < 400; capacity += 7) {
    Evaluator *evaluators[4];
    for (int i = 0; i < 4; i++) evaluators[i] = evaluator_function(game, hashed_opinion, (void *)game, 8);
    SharedSearch *search = shared_search_new(game, &config, evaluators, 4, 8, (size_t)capacity);
    SearchChild children[7];
    int visits = 0;
    cr_assert_eq(shared_search_run(search, position.state, 600), 600);
    shared_search_children(search, children);
    for (int i = 0; i < 7; i++) {
      visits += children[i].visits;
      cr_assert(fabsf(children[i].value) <= 1);
    }
    cr_assert_eq(visits, 600, "%d nodes: %d visits", capacity, visits);
    shared_search_free(search);
    for (int i = 0; i < 4; i++) evaluator_free(evaluators[i]);
  }
}

/* A position of some random game with one move, which ends the game lost for who plays it. */
static bool last_move_loses(const Game *game, Rng *rng, void *state, int *move) {
  int moves[GAME_MOVES_MAX], count;
  game->init(state);
  while ((count = game->legal(state, moves)) > 0) {
    Position next;
    float value;
    memcpy(next.state, state, game->state_size);
    game->play(next.state, moves[0]);
    bool lost = game->over(next.state, &value) &&
                value == (game->to_move(next.state) == game->to_move(state) ? -1 : 1);
    *move = moves[0];
    if (count == 1 && lost) return true;
    game->play(state, moves[rng_below(rng, (uint32_t)count)]);
  }
  return false;
}

/* Without proofs a lost move is not pruned: there is nothing else to play. */
Test(shared, the_last_move_of_a_lost_game_is_played_without_proofs_too) {
  const Game *game = game_find("othello6");
  SearchConfig config = kind_config(SEARCH_PUCT);
  Evaluator *evaluator = evaluator_uniform(game, 4);
  Rng rng = rng_make(3, RNG_TEST, 0, 0);
  int found = 0, move;
  config.solve = 0;
  for (int i = 0; i < 300; i++) {
    Position position;
    if (!last_move_loses(game, &rng, position.state, &move)) continue;
    SharedSearch *search = shared_search_new(game, &config, &evaluator, 1, 4, 1000);
    cr_assert_eq(shared_search_run(search, position.state, 50), 50);
    cr_assert_eq(shared_search_move(search), move);
    shared_search_free(search);
    found++;
  }
  cr_assert(found > 10, "%d", found);
  evaluator_free(evaluator);
}
