#include "games/connect4.h"
#include "selfplay/learner.h"
#include "selfplay/run.h"
#include "selfplay/run_folder.h"
#include "selfplay/run_shards.h"
#include "selfplay/shard.h"
#include "selfplay/teacher.h"
#include "hang.h"
#include "folder.h"
#include "networks.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(run, .timeout = HANG_SECONDS);
TestSuite(teacher, .timeout = HANG_SECONDS);
TestSuite(replay, .timeout = HANG_SECONDS);

static void ignore_notice(void *context, const char *message) {
  (void)context, (void)message;
}

static volatile sig_atomic_t never;

/* A run so small that an iteration takes a moment. */
static RunRequest small_run_of(const char *game, const char *folder, RunArm arm) {
  RunRequest request = {
      .folder = folder, .game = game_find(game), .arm = arm, .source = "", .seed = 3, .threads = 1};
  Error err;
  cr_assert(run_config_shipped(request.game, &request.config, &err), "%s", err.message);
  const char *sets[] = {"net.blocks=1",
                        "net.channels=8",
                        "net.start_channels=4",
                        "search.visits=8",
                        "selfplay.games=16",
                        "selfplay.shards=4",
                        "learner.batch=32",
                        "learner.slice=16",
                        "imitation.games=100",
                        "imitation.depth=2",
                        "imitation.epochs=2",
                        "run.minutes=0",
                        "run.iterations=3",
                        "selfplay.random_plies=3",
                        "selfplay.quick_visits=2",
                        "selfplay.precision=float32"}; /* the same on every CPU */
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    cr_assert(config_set(&run_config_table, &request.config, sets[i], "test", &err), "%s", err.message);
  return request;
}

static RunRequest small_run(const char *folder, RunArm arm) {
  return small_run_of("tictactoe", folder, arm);
}

static bool train(const RunRequest *request, Error *err) {
  RunEvents events = {.notice = ignore_notice};
  return run_train(request, &events, &never, err);
}

static uint32_t last_hash(const char *folder, int iteration) {
  RunInfo run;
  Error err;
  cr_assert(run_open(folder, &run, &err), "%s", err.message);
  cr_assert_eq(run.iterations, iteration);
  return network_hash(folder, iteration);
}

/* At one and two threads, and stopped after each iteration, with one more setting. */
static uint32_t expect_same_bytes_of(const char *game, const char *set) {
  char a[64], b[64], c[64];
  Error err;
  folder_make(a), folder_make(b), folder_make(c);
  RunRequest one = small_run_of(game, a, ARM_FROM_SCRATCH);
  cr_assert(config_set(&run_config_table, &one.config, set, "test", &err), "%s", err.message);
  RunRequest two = one, parts = one;
  two.folder = b, parts.folder = c;
  cr_assert(train(&one, &err), "%s", err.message);
  two.threads = 2;
  cr_assert(train(&two, &err), "%s", err.message);
  for (int iterations = 1; iterations <= 3; iterations++) {
    parts.config.iterations = iterations;
    cr_assert(train(&parts, &err), "%s", err.message);
  }
  uint32_t hash = last_hash(a, 3);
  cr_assert_eq(last_hash(b, 3), hash);
  cr_assert_eq(last_hash(c, 3), hash);
  folder_remove(a), folder_remove(b), folder_remove(c);
  return hash;
}

static const char unchanged[] = "run.iterations=3"; /* small_run_of() has it already */

static uint32_t expect_same_bytes(const char *set) {
  return expect_same_bytes_of("tictactoe", set);
}

/* The same, and the setting changes what is learnt. */
static void expect_same_other_bytes(const char *set) {
  cr_assert_neq(expect_same_bytes(set), expect_same_bytes(unchanged));
}

Test(run, the_same_bytes_at_any_thread_count_and_after_any_stop) {
  expect_same_bytes(unchanged);
}

Test(run, the_same_bytes_with_feature_planes_and_growth) {
  cr_assert_neq(expect_same_bytes_of("connect4", "net.grow_after=1"),
                expect_same_bytes_of("connect4", "net.feature_planes=off"));
}

Test(run, the_same_bytes_in_eight_bits) {
  expect_same_bytes("selfplay.precision=int8");
}

Test(run, the_same_bytes_with_quick_moves) {
  expect_same_other_bytes("selfplay.full_share=0.3");
}

Test(run, the_same_bytes_drawn_by_surprise) {
  expect_same_other_bytes("learner.surprise=0.5");
}

Test(run, the_same_bytes_with_random_moves) {
  expect_same_other_bytes("selfplay.random_share=0.3");
}

Test(run, the_same_bytes_with_balanced_beginnings) {
  expect_same_other_bytes("selfplay.balanced_of=4");
}

Test(run, the_same_bytes_with_replies) {
  expect_same_other_bytes("learner.reply_weight=0.5");
}

Test(run, logs_what_auxiliary_outputs_cost) {
  char folder[FOLDER_MAX];
  RunInfo run;
  Error err;
  folder_make(folder);
  RunRequest request = small_run(folder, ARM_FROM_SCRATCH);
  request.config.plies_weight = 1, request.config.reply_weight = 0.5;
  cr_assert(train(&request, &err), "%s", err.message);
  cr_assert(run_open(folder, &run, &err), "%s", err.message);
  json_t *log = run_log(&run, &err);
  const json_t *line = json_array_get(log, 2);
  double reply = json_number_value(json_object_get(line, "train_loss_reply")),
         plies = json_number_value(json_object_get(line, "train_plies_mse"));
  cr_assert(reply > 0.3 && reply < 2.3, "%g nats of nine moves", reply);
  cr_assert(plies > 0 && plies < 1, "%g", plies);
  json_decref(log);
  folder_remove(folder);
}

Test(run, the_same_bytes_with_plies_left) {
  expect_same_other_bytes("learner.plies_weight=1");
}

/* An iteration may leave nothing to learn from, and the run goes on. */
Test(run, goes_on_without_a_position) {
  char folder[FOLDER_MAX];
  Error err;
  folder_make(folder);
  RunRequest request = small_run(folder, ARM_FROM_SCRATCH);
  const char *sets[] = {"selfplay.games=1", "selfplay.shards=1", "selfplay.full_share=0.01",
                        "search.solve=off"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    cr_assert(config_set(&run_config_table, &request.config, sets[i], "test", &err), "%s", err.message);
  cr_assert(train(&request, &err), "%s", err.message);
  last_hash(folder, 3);
  char path[200];
  Buffer log = {0};
  snprintf(path, sizeof path, "%s/log.jsonl", folder);
  cr_assert(file_read(path, &log, &err), "%s", err.message);
  buffer_put(&log, "", 1);
  cr_assert(strstr((const char *)log.data, "\"positions\":0,"), "%s", (const char *)log.data);
  buffer_free(&log);
  folder_remove(folder);
}

/* Whoever deletes old networks to save room loses no more than them: the run goes on as it would have, and
 * where one is needed to check what was played by it, its name is said. */
Test(run, goes_on_without_old_networks) {
  char whole[64], pruned[64], path[FILE_PATH_MAX];
  Error err;
  folder_make(whole), folder_make(pruned);
  RunRequest request = small_run(whole, ARM_FROM_SCRATCH);
  request.config.window_min = request.config.window_max = 20;
  request.config.iterations = 7;
  cr_assert(train(&request, &err), "%s", err.message);
  request.folder = pruned;
  request.config.iterations = 6;
  cr_assert(train(&request, &err), "%s", err.message);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/networks/%05d.net", pruned, i);
    cr_assert_eq(remove(path), 0);
  }
  request.config.iterations = 7;
  cr_assert(train(&request, &err), "%s", err.message);
  cr_assert_eq(last_hash(pruned, 7), last_hash(whole, 7));
  snprintf(path, sizeof path, "%s/networks/00006.net", pruned);
  cr_assert_eq(remove(path), 0);
  request.config.iterations = 8;
  cr_assert_not(train(&request, &err));
  cr_assert(strstr(err.message, "networks/00006.net"), "%s", err.message);
  last_hash(pruned, 7);
  folder_remove(whole), folder_remove(pruned);
}

/* The network grows while the second iteration learns; a resumed run finds it of the size it had. */
Test(run, grows_to_the_same_bytes_after_any_stop) {
  char a[64], b[64];
  Error err;
  folder_make(a), folder_make(b);
  RunRequest requests[] = {small_run(a, ARM_FROM_SCRATCH), small_run(b, ARM_FROM_SCRATCH)};
  for (int i = 0; i < 2; i++) {
    RunConfig *config = &requests[i].config;
    config->grow_after = 2, config->start_blocks = 1, config->start_channels = 4, config->blocks = 2;
  }
  cr_assert(train(&requests[0], &err), "%s", err.message);
  for (int iterations = 1; iterations <= 3; iterations++) {
    requests[1].config.iterations = iterations;
    cr_assert(train(&requests[1], &err), "%s", err.message);
  }
  cr_assert_eq(last_hash(a, 3), last_hash(b, 3));
  for (int iteration = 0; iteration <= 3; iteration++) {
    char path[200];
    snprintf(path, sizeof path, "%s/networks/%05d.net", a, iteration);
    Net *net = net_load(path, "tictactoe", NULL, NULL, &err);
    cr_assert(net, "%s", err.message);
    cr_assert_eq(net->shape.channels, iteration < 2 ? 4 : 8);
    cr_assert_eq(net->shape.blocks, iteration < 2 ? 1 : 2);
    net_free(net);
  }
  folder_remove(a), folder_remove(b);
}

static void truncate_file(const char *folder, const char *name) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  cr_assert_eq(truncate(path, 40), 0, "%s", path);
}

Test(run, damaged_shards_and_checkpoints_are_made_again_exactly) {
  char a[64], b[64];
  Error err;
  folder_make(a), folder_make(b);
  RunRequest whole = small_run(a, ARM_FROM_SCRATCH), damaged = small_run(b, ARM_FROM_SCRATCH);
  cr_assert(train(&whole, &err), "%s", err.message);
  damaged.config.iterations = 2;
  cr_assert(train(&damaged, &err), "%s", err.message);
  truncate_file(b, "replay/00001-02.spr");
  truncate_file(b, "replay/00002-00.spr");
  truncate_file(b, "learner-00002.ckpt");
  damaged.config.iterations = 3;
  cr_assert(train(&damaged, &err), "%s", err.message);
  cr_assert_eq(last_hash(b, 3), last_hash(a, 3));
  char aside[200];
  snprintf(aside, sizeof aside, "%s/replay/00001-02.spr.damaged", b);
  cr_assert(file_exists(aside));
  RunInfo run;
  cr_assert(run_open(b, &run, &err));
  json_t *log = run_log(&run, &err);
  cr_assert_eq(json_array_size(log), 3);
  for (size_t i = 0; i < 3; i++)
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(log, i), "iteration")), (json_int_t)i + 1);
  json_decref(log);
  folder_remove(a), folder_remove(b);
}

Test(run, refuses_another_game_arm_seed_or_setting) {
  char folder[FOLDER_MAX];
  Error err;
  folder_make(folder);
  RunRequest request = small_run(folder, ARM_FROM_SCRATCH);
  request.config.iterations = 1;
  cr_assert(train(&request, &err), "%s", err.message);
  uint32_t before = last_hash(folder, 1);
  RunRequest other = request;
  other.arm = ARM_BOOTSTRAP_IMITATION;
  cr_assert_not(train(&other, &err));
  cr_assert(strstr(err.message, "from-scratch"), "%s", err.message);
  other = request;
  other.seed = 4;
  cr_assert_not(train(&other, &err));
  other = request;
  other.config.visits = 9;
  cr_assert_not(train(&other, &err));
  cr_assert(strstr(err.message, "search.visits"), "%s", err.message);
  other = request;
  other.game = game_find("connect4");
  cr_assert_not(train(&other, &err));
  cr_assert(strstr(err.message, "tictactoe"), "%s", err.message);
  cr_assert_eq(last_hash(folder, 1), before);
  folder_remove(folder);
}

Test(run, imitation_is_fitted_then_discarded) {
  char folder[FOLDER_MAX];
  Error err;
  folder_make(folder);
  RunRequest request = small_run(folder, ARM_BOOTSTRAP_IMITATION);
  request.config.iterations = 1;
  cr_assert(train(&request, &err), "%s", err.message);
  RunInfo run;
  cr_assert(run_open(folder, &run, &err));
  json_t *epochs = run_imitation_log(&run, &err), *log = run_log(&run, &err);
  cr_assert_eq(json_array_size(epochs), 2);
  const json_t *last = json_array_get(epochs, 1), *line = json_array_get(log, 0);
  double top1 = json_real_value(json_object_get(last, "move_match_top1"));
  double top3 = json_real_value(json_object_get(last, "move_match_top3"));
  cr_assert(top1 > 0 && top1 <= top3 && top3 <= 1, "%f %f", top1, top3);
  cr_assert_eq(json_real_value(json_object_get(line, "imitation_share")), 0);
  /* Its samples count: more than the iteration's own. */
  double total = json_real_value(json_object_get(line, "flops_total")),
         own = json_real_value(json_object_get(line, "flops"));
  cr_assert(total > own, "%f against %f", total, own);
  json_decref(epochs), json_decref(log);
  folder_remove(folder);
}

typedef struct Notices {
  int count;
  char last[FILE_PATH_MAX + 600];
} Notices;

static void keep_notice(void *context, const char *message) {
  Notices *notices = context;
  notices->count++;
  snprintf(notices->last, sizeof notices->last, "%s", message);
}

Test(teacher, reads_records_and_says_what_it_could_not_use) {
  const char text[] = "# games\n4141414\n\n41414\n41418\n";
  char path[] = "/tmp/selfplay-games-XXXXXX";
  Error err;
  Notices notices = {0};
  int fd = mkstemp(path), games;
  close(fd);
  cr_assert(file_write(path, text, sizeof text - 1, &err));
  ReplayBlock *block = teacher_read(game_find("connect4"), path, keep_notice, &notices, &games, &err);
  cr_assert(block, "%s", err.message);
  cr_assert_eq(games, 1);
  cr_assert_eq(block->count, 7);
  cr_assert_eq(block->facts[0].outcome, 1);
  cr_assert_eq(block->facts[1].outcome, -1);
  cr_assert_eq(notices.count, 2);
  cr_assert(strstr(notices.last, ":5: left out"), "%s", notices.last);
  replay_block_free(block);
  cr_assert(file_write(path, "44\n", 3, &err));
  cr_assert_null(teacher_read(game_find("connect4"), path, keep_notice, &notices, &games, &err));
  cr_assert_null(teacher_read(game_find("connect4"), "/nonexistent", keep_notice, &notices, &games, &err));
  unlink(path);
}

/* The value that is learnt: outcome and search's value mixed, but of a proven position what is proven. */
Test(replay, a_proof_outweighs_the_outcome_of_the_game) {
  const Game *game = game_find("connect4");
  ReplayBlock *block = replay_block_new(game);
  const float policy[7] = {1}, win[3] = {1, 0, 0};
  float learnt[7], wdl[3];
  uint8_t legal[7];
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  game->init(state);
  for (int proven = 0; proven < 2; proven++)
    replay_block_add(block, state, policy, win, proven, 0, (uint32_t)proven);
  replay_block_outcome(block, 0, -1); /* the first player lost */
  replay_example(block, 0, 0, (ValueTarget){0.5f, 1}, learnt, legal, wdl);
  cr_assert(fabsf(wdl[0] - 0.5f) < 1e-4f && fabsf(wdl[2] - 0.5f) < 1e-4f, "%g %g", wdl[0], wdl[2]);
  replay_example(block, 1, 0, (ValueTarget){0.5f, 1}, learnt, legal, wdl);
  cr_assert(wdl[0] == 1 && wdl[1] == 0 && wdl[2] == 0, "%g %g %g", wdl[0], wdl[1], wdl[2]);
  replay_block_free(block);
}

/* The value that a position of a game learns, win less loss, by TD(lambda) with lambda 0.75. */
static double return_of(const ReplayBlock *block, int place) {
  float learnt[7], wdl[3];
  uint8_t legal[7];
  replay_example(block, place, 0, (ValueTarget){0, 0.75f}, learnt, legal, wdl);
  cr_assert_float_eq(wdl[0] + wdl[1] + wdl[2], 1, 1e-5);
  return (double)wdl[0] - (double)wdl[2];
}

/* Four positions of one game, searched as 0.5, -0.25, 0 and -1 for the player to move, which the first player
 * lost all the same; then another game. */
Test(replay, later_searches_take_the_outcomes_place) {
  static const float searched[][3] = {
      {0.75f, 0, 0.25f}, {0.25f, 0.25f, 0.5f}, {0, 1, 0}, {0, 0, 1}, {1, 0, 0}};
  const float policy[7] = {1};
  for (int variant = 0; variant < 3; variant++) { /* 0: as it is; 1: the last is proven; 2: a random move */
    ReplayBlock *block = replay_block_new(game_find("connect4"));
    Connect4 state = {0, 0};
    for (int ply = 0; ply < 5; ply++) {
      replay_block_add(block, &state, policy, searched[ply], variant == 1 && ply == 3, ply, ply == 4);
      if (variant == 2 && ply == 1) replay_block_deviates(block);
      game_connect4.play(&state, ply % 7);
    }
    replay_block_outcome(block, 0, -1);
    const double first[] = {0.25 * 0.25 + 0.75 * (0.25 * 0 + 0.75 * (0.25 * 1 + 0.75 * -1)),
                            0.25 * 0.25 + 0.75 * (0.25 * 0 + 0.75 * 1), 0.25 * 0.25 + 0.75 * -1};
    cr_expect_float_eq(return_of(block, 0), first[variant], 1e-4, "%d", variant);
    cr_expect_float_eq(return_of(block, 2), variant == 1 ? 1 : 0.25 * 1 + 0.75 * -1, 1e-4, "%d", variant);
    cr_expect_float_eq(return_of(block, 3), variant == 1 ? -1 : 1, 1e-4, "nothing follows");
    replay_block_free(block);
  }
}

Test(replay, repeated_games_are_counted) {
  const Game *game = game_find("connect4");
  RunConfig config;
  Error err;
  cr_assert(run_config_shipped(game, &config, &err));
  config.imitation_depth = 1;
  ReplayBlock *blocks[3];
  for (uint32_t i = 0; i < 3; i++) blocks[i] = teacher_play(game, &config, 1, i % 2 * 5, 5, NULL, NULL);
  int alone = replay_repeated_games(blocks, 1), two = replay_repeated_games(blocks, 2);
  cr_assert(alone < 5 && two < 10, "%d, %d", alone, two);
  cr_assert_eq(replay_repeated_games(blocks, 3), two + 5); /* the third is the first once more */
  cr_assert_eq(replay_repeated_games(blocks, 0), 0);
  for (int i = 0; i < 3; i++) replay_block_free(blocks[i]);
}

Test(replay, the_window_grows_with_what_has_been_played) {
  RunConfig config;
  config_defaults(&run_config_table, &config);
  config.window_min = 1000, config.window_max = 50000, config.window_growth = 0.5;
  cr_assert_eq(run_shards_window(&config, 0), 1000);
  cr_assert_eq(run_shards_window(&config, 1000), 1000);
  cr_assert_eq(run_shards_window(&config, 30000), 15000);
  cr_assert_eq(run_shards_window(&config, 10000000), 50000);
  config.search.kind = SEARCH_NONE;
  cr_assert_eq(run_shards_window(&config, 30000), 1, "a policy gradient keeps nothing");
}

Test(replay, window_drops_the_oldest_and_files_keep_every_bit) {
  const Game *game = game_find("connect4");
  RunConfig config;
  Error err;
  cr_assert(run_config_shipped(game, &config, &err));
  config.imitation_depth = 1;
  Replay *replay = replay_new(game);
  ReplayBlock *first = teacher_play(game, &config, 1, 0, 5, NULL, NULL),
              *again = teacher_play(game, &config, 1, 0, 5, NULL, NULL);
  cr_assert_eq(first->count, again->count);
  cr_assert_eq(memcmp(first->policies, again->policies, (size_t)first->count * 14), 0);
  char path[] = "/tmp/selfplay-block-XXXXXX";
  close(mkstemp(path));
  ReplayOrigin origin = {.seed = 1, .iteration = 2};
  cr_assert(replay_block_save(first, &origin, path, &err));
  ReplayBlock *read = replay_block_load(game, &origin, path, &err);
  cr_assert(read, "%s", err.message);
  cr_assert_eq(memcmp(read->states, first->states, (size_t)first->count * game->state_size), 0);
  cr_assert_eq(memcmp(read->facts, first->facts, (size_t)first->count * sizeof(ExampleFacts)), 0);
  origin.seed = 2;
  cr_assert_null(replay_block_load(game, &origin, path, &err));
  int size = first->count;
  replay_add(replay, first), replay_add(replay, again), replay_add(replay, read);
  replay_trim(replay, size + 1);
  cr_assert_eq(replay_count(replay), 2 * size);
  replay_trim(replay, 1);
  cr_assert_eq(replay_count(replay), size);
  int place;
  cr_assert_eq(replay_at(replay, size - 1, &place), read);
  cr_assert_eq(place, size - 1);
  replay_free(replay);
  unlink(path);
}
