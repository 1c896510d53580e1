/* Networks with their board's symmetries built in. */
#include "base/memory.h"
#include "selfplay/learner.h"
#include "selfplay/shard.h"
#include "selfplay/tying.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(ties, .timeout = HANG_SECONDS);

enum { BATCH = 6 };

/* A tied network whose every parameter and statistic matters, and positions of random games. */
typedef struct Case {
  const Game *game;
  NetTies *ties;
  Net *net;
  size_t inputs; /* of one position */
  float *planes; /* [BATCH][inputs] */
} Case;

static NetShape shape_of(const Game *game) {
  return (NetShape){game->planes, game->rows, game->cols, game->moves, 2, 16, 8, 8, 24};
}

static Case case_new(const char *name, int symmetries) {
  Case c = {.game = game_find(name)};
  const Game *game = c.game;
  NetShape shape = shape_of(game);
  Rng rng = rng_make(9, RNG_TEST, 7, (uint32_t)symmetries);
  c.ties = tying_new(game, symmetries, &shape);
  c.net = net_new(&shape);
  for (size_t i = 0; i < c.net->param_count; i++) c.net->params[i] = (float)(0.3 * rng_normal(&rng));
  for (size_t i = 0; i < c.net->stat_count; i++) c.net->stats[i] = 0.5f + (float)rng_below(&rng, 100) / 100;
  ties_share(c.ties, c.net);
  c.inputs = (size_t)(game->planes * game->rows * game->cols);
  c.planes = memory_new(BATCH * c.inputs, sizeof(float));
  for (int b = 0; b < BATCH; b++) {
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)] = {0};
    int moves[GAME_MOVES_MAX], count;
    game->init(state);
    for (int ply = 0; ply < 1 + b && (count = game->legal(state, moves)) > 0; ply++)
      game->play(state, moves[rng_below(&rng, (uint32_t)count)]);
    game->encode(state, c.planes + (size_t)b * c.inputs);
  }
  return c;
}

static void case_free(Case *c) {
  ties_free(c->ties);
  net_free(c->net);
  free(c->planes);
}

static void images_of(const Case *c, int s, float *images) {
  for (size_t b = 0; b < BATCH; b++)
    game_symmetry_planes(c->game, s, c->net->shape.planes, c->planes + b * c->inputs, images + b * c->inputs);
}

static void forward(const Case *c, const float *planes, float *logits, float *wdl) {
  NetWorkspace *workspace = net_workspace_new(&c->net->shape, BATCH, false);
  net_forward(c->net, workspace, planes, BATCH, logits, wdl);
  net_workspace_free(workspace);
}

static void check_answers(const char *name, int symmetries) {
  Case c = case_new(name, symmetries);
  size_t moves = (size_t)c.game->moves;
  float *images = memory_new(BATCH * c.inputs, sizeof(float));
  float *logits = memory_new(3 * BATCH * moves, sizeof(float)), *answer = logits + BATCH * moves,
        *image = answer + BATCH * moves, wdl[2][BATCH * 3];
  forward(&c, c.planes, logits, wdl[0]);
  for (int s = 0; s < symmetries; s++) {
    images_of(&c, s, images);
    forward(&c, images, answer, wdl[1]);
    for (size_t b = 0; b < BATCH; b++) game_symmetry_policy(c.game, s, logits + b * moves, image + b * moves);
    for (size_t i = 0; i < BATCH * moves; i++)
      cr_assert_float_eq(answer[i], image[i], 1e-4 * (1 + fabs(image[i])), "%s, symmetry %d: %g, not %g",
                         name, s, (double)answer[i], (double)image[i]);
    for (int i = 0; i < BATCH * 3; i++) cr_assert_float_eq(wdl[1][i], wdl[0][i], 1e-4);
  }
  case_free(&c);
  free(images);
  free(logits);
}

Test(ties, an_image_is_answered_by_the_image_of_the_answer) {
  check_answers("connect4", 2);
  check_answers("tictactoe", 8);
  for (int symmetries = 2; symmetries <= 8; symmetries *= 2) check_answers("othello6", symmetries);
}

static void gradient_of(const Case *c, const float *planes, const float *policy, const float *wdl,
                        float *gradient, float *stats) {
  NetWorkspace *workspace = net_workspace_new(&c->net->shape, BATCH, true);
  NetLoss loss = {0};
  uint8_t *legal = memory_new(BATCH * (size_t)c->game->moves, 1);
  memset(legal, 1, BATCH * (size_t)c->game->moves);
  net_backward_slice(c->net, workspace, planes, policy, legal, wdl, NULL, BATCH, 1, 1, NULL, gradient, stats,
                     &loss);
  free(legal);
  net_workspace_free(workspace);
}

/* Averaging over ties is averaging over the images of the positions, which is the whole point. */
static void check_gradients(const char *name, int symmetries) {
  Case c = case_new(name, symmetries);
  size_t moves = (size_t)c.game->moves, params = c.net->param_count;
  float *images = memory_new(BATCH * c.inputs, sizeof(float)), *sum = memory_new(params, sizeof(float)),
        *tied = memory_new(params, sizeof(float)), *stats = memory_new(c.net->stat_count, sizeof(float)),
        *policy = memory_new(2 * BATCH * moves, sizeof(float)), *image = policy + BATCH * moves;
  float wdl[BATCH * 3] = {0};
  double largest = 0;
  for (size_t b = 0; b < BATCH; b++) policy[b * moves + b] = 1, wdl[3 * b + b % 3] = 1;
  gradient_of(&c, c.planes, policy, wdl, tied, stats);
  for (int s = 0; s < symmetries; s++) {
    images_of(&c, s, images);
    for (size_t b = 0; b < BATCH; b++) game_symmetry_policy(c.game, s, policy + b * moves, image + b * moves);
    gradient_of(&c, images, image, wdl, sum, stats);
  }
  ties_average(c.ties, tied, stats, 2);
  for (size_t i = 0; i < params; i++) largest = fmax(largest, fabs(sum[i] / (float)symmetries));
  cr_assert(largest > 0.1);
  for (size_t i = 0; i < params; i++)
    cr_assert_float_eq(tied[i], sum[i] / (float)symmetries, 1e-4 * largest, "%s, parameter %zu: %g, not %g",
                       name, i, (double)tied[i], (double)sum[i] / symmetries);
  case_free(&c);
  free(images), free(sum), free(tied), free(stats), free(policy);
}

Test(ties, the_tied_gradient_is_the_mean_over_all_images) {
  check_gradients("connect4", 2);
  check_gradients("tictactoe", 8);
  check_gradients("othello6", 4);
}

/* The learner keeps weights tied bit for bit, while it grows the network too. */
Test(ties, learning_and_growing_unties_nothing) {
  const Game *game = game_find("connect4");
  RunConfig config;
  Error err;
  const char *sets[] = {"net.blocks=2",      "net.channels=24",  "net.start_channels=16", "net.grow_after=3",
                        "net.symmetries=2",  "learner.batch=48", "learner.slice=8",       "selfplay.games=16",
                        "selfplay.shards=1", "search.visits=4"};
  cr_assert(run_config_shipped(game, &config, &err), "%s", err.message);
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    cr_assert(config_set(&run_config_table, &config, sets[i], "test", &err), "%s", err.message);
  NetShape small = run_config_shape_after(&config, game, 0), large = run_config_shape(&config, game);
  Net *net = net_new(&small);
  NetPlan *plan = plan_new(net);
  ShardSpec spec = {.game = game, .config = &config, .plan = plan, .seed = 5, .games = 16};
  Replay *replay = replay_new(game);
  replay_add(replay, shard_play(&spec, NULL, NULL));
  Learner *learner = learner_new(game, &config, 5, 2);
  for (int grown = 0; grown < 2; grown++) {
    FitStats stats;
    if (grown) learner_grow(learner, &large);
    NetTies *ties = tying_new(game, 2, grown ? &large : &small);
    for (int averaged = 0; averaged < 2; averaged++) {
      learner_fit(learner, replay, NULL, 0, 5, 1, &stats);
      const Net *learnt = averaged ? learner_averaged(learner) : learner_net(learner);
      Net *tied = net_copy(learnt);
      ties_share(ties, tied);
      cr_assert_eq(net_hash(tied), net_hash(learnt));
      net_free(tied);
    }
    ties_free(ties);
  }
  learner_free(learner);
  replay_free(replay);
  plan_free(plan);
  net_free(net);
}

static void check_refusal(const char *name, int symmetries, int hidden, const char *words) {
  const Game *game = game_find(name);
  NetShape shape = shape_of(game);
  Error err;
  shape.value_hidden = hidden;
  cr_assert_not(tying_valid(game, symmetries, &shape, &err));
  cr_assert(strstr(err.message, words), "%s", err.message);
}

Test(ties, what_cannot_be_tied_is_refused) {
  check_refusal("connect4", 3, 24, "has 2 symmetries");
  check_refusal("othello6", 3, 24, "no group");
  check_refusal("othello6", 8, 20, "20 hidden units of the value head cannot be tied by 8");
  NetShape shape = shape_of(game_find("connect4"));
  Error err;
  cr_assert(tying_valid(game_find("connect4"), 2, &shape, &err), "%s", err.message);
}

/* A permutation of squares that is no motion of the board has no kernels. */
Test(ties, a_permutation_that_tears_neighbours_apart_is_refused) {
  NetShape shape = {2, 3, 3, 9, 1, 8, 8, 8, 8};
  const int squares[2][9] = {{0, 1, 2, 3, 4, 5, 6, 7, 8}, {8, 1, 2, 3, 4, 5, 6, 7, 0}};
  BoardSymmetries board = {2, squares[0], squares[0]};
  Error err;
  cr_assert_not(ties_valid(&shape, &board, &err));
  cr_assert(strstr(err.message, "no motion"), "%s", err.message);
}
