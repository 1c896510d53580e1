/* Forced playouts and policy target pruning (mcts/forced.h). */
#include "hang.h"
#include "mcts/forced.h"
#include "mcts/puct.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(forced, .timeout = HANG_SECONDS);

enum { COUNT = 4 };

static const float priors[COUNT] = {0.5f, 0.3f, 0.15f, 0.05f};
static const Bounds open_bounds = {-1, 1};

static Edge edge(uint32_t visits, float q) {
  Edge edge = {.visits = visits, .value_sum = q * (float)visits, .child = NO_NODE};
  edge_prove(&edge, -1, 1);
  return edge;
}

Test(forced, a_visited_move_gets_the_root_of_k_p_n) {
  /* 100 visits, k = 2: sqrt(100), sqrt(60) = 7.7, sqrt(30) = 5.5, sqrt(10) = 3.2 */
  Edge edges[COUNT] = {edge(83, 0.1f), edge(8, 0), edge(5, -0.2f), edge(4, -0.5f)};
  cr_assert_eq(forced_edge(edges, COUNT, priors, open_bounds, 2), 2);
  edges[2] = edge(6, -0.2f);
  cr_assert_eq(forced_edge(edges, COUNT, priors, open_bounds, 2), -1);
  edges[3] = edge(0, 0);
  cr_assert_eq(forced_edge(edges, COUNT, priors, open_bounds, 2), -1, "no move is forced that has no visit");
  edges[1] = edge(2, -1);
  edge_prove(&edges[1], -1, -1);
  cr_assert_eq(forced_edge(edges, COUNT, priors, open_bounds, 2), -1, "nor one that is proven");
}

Test(forced, the_target_leaves_out_what_was_forced_alone) {
  SearchConfig config = search_config_defaults();
  Edge edges[COUNT] = {edge(80, 0.3f), edge(8, -0.9f), edge(8, 0.25f), edge(4, -0.9f)};
  float shares[COUNT], factor = puct_factor(&config, 101);
  forced_prune(edges, COUNT, priors, open_bounds, factor, 2, shares);
  float limit = puct_score(0.3f, priors[0], factor, 80);
  cr_assert_eq(shares[0], 80, "the most visited move keeps all");
  cr_assert_eq(shares[3], 0, "of a bad one, one visit is left, which does not count: %g", (double)shares[3]);
  for (int i = 1; i < COUNT; i++) {
    float least = (float)edges[i].visits - sqrtf(2 * priors[i] * 100);
    if (shares[i] == 0) continue;
    cr_assert(shares[i] >= least, "%d: %g", i, (double)shares[i]);
    bool lower =
        shares[i] - 1 >= least && puct_score(edge_q(&edges[i]), priors[i], factor, shares[i] - 1) < limit;
    cr_assert(!lower, "%d: %g visits could have been fewer", i, (double)shares[i]);
  }
  cr_assert(shares[2] > 5, "a good move keeps what it would have had unforced: %g", (double)shares[2]);
}

Test(forced, what_is_worse_for_certain_counts_not_at_all) {
  SearchConfig config = search_config_defaults();
  const Bounds holds = {0, 1}; /* the second edge secures a draw */
  Edge edges[COUNT] = {edge(60, -0.5f), edge(1, 0), edge(3, -0.9f), edge(9, 0.1f)};
  float shares[COUNT];
  edge_prove(&edges[1], 0, 0);
  edge_prove(&edges[2], -1, 0); /* a draw at best, and not sure of it */
  cr_assert(edge_dominated(&edges[2], holds));
  cr_assert_eq(forced_edge(edges, COUNT, priors, open_bounds, 1), 2);
  cr_assert_eq(forced_edge(edges, COUNT, priors, holds, 1), -1);
  forced_prune(edges, COUNT, priors, holds, puct_factor(&config, 101), 2, shares);
  cr_assert_eq(shares[2], 0);
  cr_assert_eq(shares[1], 1, "what secures the draw keeps its one visit");
}

/* No more is left out than was forced, however bad the move is. */
Test(forced, only_what_was_forced_is_left_out) {
  SearchConfig config = search_config_defaults();
  Edge edges[COUNT] = {edge(50, 0.9f), edge(40, -1), edge(8, -1), edge(2, -1)};
  float shares[COUNT];
  forced_prune(edges, COUNT, priors, open_bounds, puct_factor(&config, 101), 2, shares);
  float least = 40 - sqrtf(2 * priors[1] * 100);
  cr_assert(shares[1] >= least && shares[1] < least + 1, "%g, not about %g", (double)shares[1],
            (double)least);
}

/* Of a whole search: what was visited has its share, and the target is a policy over moves worth it. */
Test(forced, holds_for_a_search) {
  const Game *game = game_find("connect4");
  SearchConfig config = search_config_defaults();
  config.dirichlet_share = 0.25;
  int pruned = 0;
  for (uint32_t number = 0; number < 20; number++) {
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
    SearchChild children[GAME_MOVES_MAX];
    float policy[GAME_MOVES_MAX], total = 0;
    Evaluator *evaluator = evaluator_uniform(game, 1);
    config.forced_playouts = 20; /* so many that priors without noise tell as well */
    Search *search = search_new(game, &config);
    game->init(state);
    Error err;
    cr_assert(game_play_line(game, state, "4433", &err)); /* two moves win, the others are worse */
    search_run(search, state, 400, rng_make(1, RNG_TEST, 9, number), evaluator);
    int count = search_children(search, children);
    search_policy(search, policy);
    for (int i = 0; i < count; i++) {
      total += policy[children[i].move];
      cr_assert(children[i].visits > 10, "%d visits", children[i].visits);
      pruned += policy[children[i].move] < 0.7f * (float)children[i].visits / 399;
    }
    cr_assert_float_eq(total, 1, 1e-5);
    search_free(search);
    evaluator_free(evaluator);
  }
  cr_assert(pruned >= 20 * 5, "of each root's seven moves, those that do not win count less: %d", pruned);
}

/* Without noise at the root nothing depends on chance, and nothing is forced. */
Test(forced, quiet_searches_are_all_alike) {
  const Game *game = game_find("connect4");
  for (int kind = SEARCH_PUCT; kind <= SEARCH_GUMBEL; kind++) {
    SearchConfig config = search_config_defaults();
    config.kind = kind, config.dirichlet_share = 0.25, config.gumbel_noise = 1;
    config.forced_playouts = kind == SEARCH_PUCT ? 20 : 0;
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
    SearchChild first[GAME_MOVES_MAX], other[GAME_MOVES_MAX];
    Evaluator *evaluator = evaluator_uniform(game, 1);
    Search *search = search_new(game, &config);
    Error err;
    game->init(state);
    cr_assert(game_play_line(game, state, "4433", &err));
    config.forced_playouts = 0;
    Search *unforced = search_new(game, &config);
    search_noise(unforced, false), search_noise(search, false);
    search_run(unforced, state, 64, rng_make(1, RNG_TEST, 9, 1), evaluator);
    search_run(search, state, 64, rng_make(1, RNG_TEST, 9, 1), evaluator);
    int moves = search_children(search, first), differ = 0;
    search_children(unforced, other);
    for (int i = 0; i < moves; i++) cr_assert_eq(first[i].visits, other[i].visits);
    search_free(unforced);
    for (int noisy = 0; noisy < 2; noisy++) {
      search_noise(search, noisy);
      search_run(search, state, 64, rng_make(1, RNG_TEST, 9, 1), evaluator);
      int count = search_children(search, first);
      search_run(search, state, 64, rng_make(1, RNG_TEST, 9, 2), evaluator);
      search_children(search, other);
      for (int i = 0; i < count; i++) differ += first[i].visits != other[i].visits;
      if (!noisy) cr_assert_eq(differ, 0);
    }
    cr_assert(differ > 0, "with noise they are not");
    search_free(search);
    evaluator_free(evaluator);
  }
}
