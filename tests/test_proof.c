/* Proven values: what the search calls certain is what the exact solver says. */
#include "games/connect4_solver.h"
#include "mcts/look_ahead.h"
#include "mcts/search.h"
#include "mcts/shared.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { POSITIONS = 150, VISITS = 300 };

TestSuite(proof, .timeout = HANG_SECONDS);

static const Game *connect4(void) {
  return game_find("connect4");
}

/* A random unfinished position of 14 to 30 plies. */
static Connect4 random_position(uint32_t number) {
  const Game *game = connect4();
  Rng rng = rng_make(5, RNG_TEST, 1, number);
  Connect4 position;
  float value;
  do {
    uint32_t plies = 14 + rng_below(&rng, 17);
    game->init(&position);
    for (uint32_t i = 0; i < plies && !game->over(&position, &value); i++) {
      int moves[GAME_MOVES_MAX], count = game->legal(&position, moves);
      game->play(&position, moves[rng_below(&rng, (uint32_t)count)]);
    }
  } while (game->over(&position, &value));
  return position;
}

static SearchConfig solving(int kind) {
  SearchConfig config = search_config_defaults();
  config.kind = kind;
  config.solve = 1;
  return config;
}

/* The exact value of each column for the player to move; -2 where illegal. */
static void exact(Connect4Solver *solver, const Connect4 *position, int values[C4_COLS]) {
  int legal[GAME_MOVES_MAX], count = connect4()->legal(position, legal);
  int found[C4_COLS];
  connect4_solver_move_values(solver, position, found);
  for (int m = 0; m < C4_COLS; m++) values[m] = -2;
  for (int i = 0; i < count; i++) values[legal[i]] = found[legal[i]];
}

static int best_of(const int values[C4_COLS]) {
  int best = -1;
  for (int m = 0; m < C4_COLS; m++)
    if (values[m] > best) best = values[m];
  return best;
}

static void check_children(const SearchChild *children, int count, const int values[C4_COLS]) {
  for (int i = 0; i < count; i++) {
    int value = values[children[i].move];
    cr_assert(children[i].lower <= value && value <= children[i].upper, "column %d: %d not in [%d, %d]",
              children[i].move + 1, value, children[i].lower, children[i].upper);
  }
}

/* Searches the positions and returns how many it proved. */
static int check_kind(int kind) {
  SearchConfig config = solving(kind);
  Search *search = search_new(connect4(), &config);
  Evaluator *evaluator = evaluator_uniform(connect4(), 1);
  Connect4Solver *solver = connect4_solver_new(20);
  int proven = 0;
  for (uint32_t p = 0; p < POSITIONS; p++) {
    Connect4 position = random_position(p);
    int values[C4_COLS], value;
    SearchChild children[C4_COLS];
    float policy[C4_COLS], wdl[3];
    exact(solver, &position, values);
    search_run(search, &position, VISITS, rng_make(1, RNG_TEST, 0, p), evaluator);
    check_children(children, search_children(search, children), values);
    if (!search_proven(search, &value)) continue;
    proven++;
    cr_assert_eq(value, best_of(values), "position %u", p);
    cr_assert_eq(values[search_move(search, 0)], value, "position %u", p);
    cr_assert_eq(values[search_move(search, 1)], value, "position %u", p);
    search_root_wdl(search, wdl);
    cr_assert_eq(wdl[1 - value], 1);
    search_policy(search, policy);
    for (int m = 0; m < C4_COLS; m++) cr_assert(policy[m] == 0 || values[m] == value, "position %u", p);
  }
  search_free(search);
  evaluator_free(evaluator);
  connect4_solver_free(solver);
  return proven;
}

Test(proof, agrees_with_the_exact_solver) {
  cr_assert_gt(check_kind(SEARCH_PUCT), POSITIONS / 2);
  cr_assert_gt(check_kind(SEARCH_GUMBEL), POSITIONS / 2);
}

Test(shared, proofs_agree_with_the_exact_solver) {
  SearchConfig config = solving(SEARCH_PUCT);
  Evaluator *evaluators[2] = {evaluator_uniform(connect4(), 4), evaluator_uniform(connect4(), 4)};
  SharedSearch *search = shared_search_new(connect4(), &config, evaluators, 2, 4, 4000);
  Connect4Solver *solver = connect4_solver_new(20);
  int proven = 0;
  for (uint32_t p = 0; p < POSITIONS; p++) {
    Connect4 position = random_position(p);
    int values[C4_COLS], value;
    SearchChild children[C4_COLS];
    exact(solver, &position, values);
    shared_search_run(search, &position, VISITS);
    check_children(children, shared_search_children(search, children), values);
    if (!shared_search_proven(search, &value)) continue;
    proven++;
    cr_assert_eq(value, best_of(values), "position %u", p);
    cr_assert_eq(values[shared_search_move(search)], value, "position %u", p);
  }
  cr_assert_gt(proven, POSITIONS / 2);
  shared_search_free(search);
  evaluator_free(evaluators[0]);
  evaluator_free(evaluators[1]);
  connect4_solver_free(solver);
}

/* Column 4 wins; the network is all but certain of the others. */
static void fears_the_middle(void *context, const void *state, float *logits, float *wdl) {
  (void)context, (void)state;
  for (int m = 0; m < C4_COLS; m++) logits[m] = m == 3 ? -500 : 0;
  wdl[0] = wdl[2] = 0.5f, wdl[1] = 0;
}

Test(proof, a_win_without_prior_is_played) {
  static const int kinds[] = {SEARCH_PUCT, SEARCH_GUMBEL};
  for (int k = 0; k < 2; k++) {
    Connect4 state;
    Error err;
    float policy[C4_COLS];
    connect4()->init(&state);
    cr_assert(game_play_line(connect4(), &state, "414141", &err), "%s", err.message);
    SearchConfig config = solving(kinds[k]);
    Search *search = search_new(connect4(), &config);
    Evaluator *evaluator = evaluator_function(connect4(), fears_the_middle, NULL, 1);
    search_run(search, &state, 50, rng_make(1, RNG_TEST, 0, 0), evaluator);
    search_policy(search, policy);
    cr_expect_eq(policy[3], 1, "%g", policy[3]);
    cr_expect_eq(search_move(search, 1), 3);
    evaluator_free(evaluator);
    search_free(search);
  }
}

/* Tic-tac-toe is a draw: proven from the empty board, also without a quick test for wins. */
Test(proof, tictactoe_is_drawn) {
  const Game *game = game_find("tictactoe");
  SearchConfig config = solving(SEARCH_PUCT);
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)] = {0};
  Search *search = search_new(game, &config);
  Evaluator *evaluator = evaluator_uniform(game, 1);
  int value = 2;
  game->init(state);
  search_run(search, state, 200000, rng_make(1, RNG_TEST, 0, 0), evaluator);
  cr_assert(search_proven(search, &value));
  cr_assert_eq(value, 0);
  cr_assert_lt(search_simulations(search), 200000, "a proven root ends the search");
  search_free(search);
  evaluator_free(evaluator);
}

Test(proof, rules_alone_two_plies_deep) {
  const Game *game = connect4();
  LookAhead look;
  Connect4 position;
  Error err;
  int value;
  game->init(&position);
  cr_assert(game_play_line(game, &position, "414141", &err));
  cr_assert(look_ahead(game, &position, true, &look, &value)); /* column 4 wins */
  cr_assert_eq(value, 1);
  cr_assert_eq(look.known[3], 1);
  game->init(&position);
  cr_assert(game_play_line(game, &position, "41415", &err)); /* the threat on column 4 must be met */
  cr_assert_not(look_ahead(game, &position, true, &look, &value));
  for (int m = 0; m < C4_COLS; m++) cr_assert_eq(look.known[m], MOVE_OPEN);
  game->init(&position);
  cr_assert(game_play_line(game, &position, "41414", &err));
  cr_assert_not(look_ahead(game, &position, true, &look, &value));
  for (int m = 0; m < C4_COLS; m++) cr_assert_eq(look.known[m], m == 3 ? MOVE_OPEN : -1);
  game->init(&position);
  cr_assert(game_play_line(game, &position, "4141335", &err)); /* both ends open, and column 4 besides */
  cr_assert_eq(look_ahead(game, &position, true, &look, &value), value == -1);
  cr_assert_not(look_ahead(game, &position, false, &look, &value), "without proofs nothing is known");
}
