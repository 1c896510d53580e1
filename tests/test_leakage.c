/* Nothing that measures can leak into training: these tests try to make it. */
#include "arena/accuracy.h"
#include "arena/compare_sets.h"
#include "arena/openings.h"
#include "base/memory.h"
#include "selfplay/run.h"
#include "selfplay/run_folder.h"
#include "selfplay/teacher.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t never;

typedef struct Notices {
  int count;
  char last[700];
} Notices;

static void on_notice(void *context, const char *message) {
  Notices *notices = context;
  notices->count++;
  snprintf(notices->last, sizeof notices->last, "%s", message);
}

static RunRequest small_run(const char *folder, int iterations) {
  static const char *const keys[] = {"net.blocks=1",       "net.channels=4",     "search.visits=4",
                                     "selfplay.games=8",   "selfplay.shards=2",  "learner.batch=32",
                                     "learner.slice=16",   "imitation.games=20", "imitation.depth=1",
                                     "imitation.epochs=2", "run.minutes=0",      "replay.window_min=200"};
  RunRequest request = {.folder = folder,
                        .game = game_find("connect4"),
                        .arm = ARM_BOOTSTRAP_IMITATION,
                        .source = "",
                        .seed = 7,
                        .threads = 1};
  Error err;
  cr_assert(run_config_shipped(request.game, &request.config, &err), "%s", err.message);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    cr_assert(config_set(&run_config_table, &request.config, keys[i], "test", &err), "%s", err.message);
  request.config.iterations = iterations;
  return request;
}

static void train(const char *folder, int iterations, Notices *notices) {
  RunRequest request = small_run(folder, iterations);
  RunEvents events = {.context = notices, .notice = on_notice};
  Error err;
  cr_assert(run_train(&request, &events, &never, &err), "%s", err.message);
}

static Net *load(const char *folder, int iteration) {
  RunInfo *run = memory_new(1, sizeof *run);
  char path[FILE_PATH_MAX];
  Error err;
  cr_assert(run_open(folder, run, &err), "%s", err.message);
  run_network_path(run, iteration, path);
  Net *net = net_load(path, "connect4", NULL, NULL, &err);
  cr_assert(net, "%s", err.message);
  free(run);
  return net;
}

static uint32_t hash_of(const char *folder, int iteration) {
  Net *net = load(folder, iteration);
  uint32_t hash = net_hash(net);
  net_free(net);
  return hash;
}

/* Training with the shipped test positions and openings out of reach: were it to read them, it would fail, or
 * end in other weights. */
Test(leakage, training_reads_neither_test_positions_nor_openings) {
  char with[FOLDER_MAX], without[FOLDER_MAX], data[FOLDER_MAX], command[500];
  Notices notices = {0};
  folder_make(with), folder_make(without), folder_make(data);
  train(with, 2, &notices);
  snprintf(command, sizeof command,
           "mkdir -p %s/positions %s/openings && echo nonsense > %s/positions/connect4.txt && "
           "echo nonsense > %s/openings/connect4.txt && echo nonsense > %s/openings/connect4.book",
           data, data, data, data, data);
  cr_assert_eq(system(command), 0);
  setenv("SELFPLAY_DATA", data, 1);
  RunRequest request = small_run(without, 2);
  Error err;
  Positions *positions = positions_shipped(request.game, &err);
  cr_assert_null(positions, "the nonsense must be what a reader of positions gets");
  unsetenv("SELFPLAY_DATA");
  request = small_run(without, 2);
  setenv("SELFPLAY_DATA", data, 1);
  RunEvents events = {.context = &notices, .notice = on_notice};
  cr_assert(run_train(&request, &events, &never, &err), "%s", err.message);
  unsetenv("SELFPLAY_DATA");
  for (int k = 0; k <= 2; k++) cr_assert_eq(hash_of(with, k), hash_of(without, k));
  folder_remove(with), folder_remove(without), folder_remove(data);
}

/* Measuring between iterations leaves no trace in what is learnt next. */
Test(leakage, measuring_between_iterations_changes_no_byte) {
  char plain[FOLDER_MAX], measured[FOLDER_MAX], spelling[120];
  Notices notices = {0};
  folder_make(plain), folder_make(measured);
  train(plain, 3, &notices);
  for (int k = 1; k <= 3; k++) {
    Error err;
    Accuracy accuracy;
    train(measured, k, &notices);
    snprintf(spelling, sizeof spelling, "run:%s,visits=2", measured);
    Player *player = player_new(spelling, game_find("connect4"), 1, &err);
    Positions *positions = positions_shipped(game_find("connect4"), &err);
    cr_assert(player && positions, "%s", err.message);
    cr_assert(accuracy_measure(player, positions, 1, NULL, NULL, &accuracy, &err), "%s", err.message);
    player_free(player);
    positions_free(positions);
  }
  cr_assert_eq(hash_of(plain, 3), hash_of(measured, 3));
  folder_remove(plain), folder_remove(measured);
}

/* Games played to measure a network are put where the run keeps its own: they must be found out. */
Test(leakage, evaluation_games_in_the_replay_folder_are_set_aside) {
  char plain[FOLDER_MAX], attacked[FOLDER_MAX], path[FILE_PATH_MAX], command[FILE_PATH_MAX + 20];
  Notices notices = {0};
  folder_make(plain), folder_make(attacked);
  train(plain, 3, &notices);
  train(attacked, 2, &notices);
  cr_assert_eq(notices.count, 0, "%s", notices.last);
  RunRequest request = small_run(attacked, 3);
  Net *net = load(attacked, 1);
  ReplayBlock *games = compare_sets_games(request.game, &request.config, net, request.seed, 0, 4, 1);
  ReplayOrigin origin = {.seed = request.seed, .iteration = 2000000000, .network = net_hash(net)};
  Error err;
  for (int shard = 0; shard < 2; shard++) {
    snprintf(path, sizeof path, "%s/replay/%05d-%02d.spr", attacked, 2 + shard, 0);
    cr_assert(replay_block_save(games, &origin, path, &err), "%s", err.message);
  }
  train(attacked, 3, &notices);
  cr_assert_eq(notices.count, 2, "both files are named: %s", notices.last);
  cr_assert(strstr(notices.last, "belongs to another run or another iteration"), "%s", notices.last);
  cr_assert_eq(hash_of(plain, 3), hash_of(attacked, 3));
  snprintf(command, sizeof command, "ls %s/replay/*.damaged > /dev/null", attacked);
  cr_assert_eq(system(command), 0);
  replay_block_free(games);
  net_free(net);
  folder_remove(plain), folder_remove(attacked);
}

/* The scored test positions and the arena's openings are no game records that imitation would take. */
Test(leakage, test_positions_and_openings_cannot_be_imitated) {
  static const char *const files[] = {"positions/connect4.txt", "positions/connect4-hard.txt",
                                      "openings/connect4.txt"};
  for (int f = 0; f < 3; f++) {
    char path[FILE_PATH_MAX];
    Notices notices = {0};
    Error err;
    int games;
    cr_assert(file_find_shipped(files[f], path, &err), "%s", err.message);
    ReplayBlock *block = teacher_read(game_find("connect4"), path, on_notice, &notices, &games, &err);
    cr_assert_null(block, "%s was taken as %d games", files[f], games);
    cr_assert(notices.count > 100, "every line is refused by name");
  }
}

static bool same_states(const ReplayBlock *a, const ReplayBlock *b) {
  return a->count == b->count && memcmp(a->states, b->states, (size_t)a->count * a->game->state_size) == 0;
}

/* Held-out games come from random streams of their own: the same network and seed as in training, other
 * games. */
Test(leakage, games_held_out_are_none_of_the_run) {
  char folder[FOLDER_MAX];
  Notices notices = {0};
  folder_make(folder);
  train(folder, 1, &notices);
  RunRequest request = small_run(folder, 1);
  Net *net = load(folder, 0);
  ReplayOrigin origin = {.seed = request.seed, .iteration = 1, .network = net_hash(net)};
  origin.config = run_config_crc(&request.config);
  ReplayBlock *fresh = compare_sets_games(request.game, &request.config, net, request.seed, 1, 8, 1);
  ReplayBlock *again = compare_sets_games(request.game, &request.config, net, request.seed, 1, 8, 2);
  cr_assert(same_states(fresh, again), "the same games at any number of threads");
  for (int shard = 0; shard < 2; shard++) {
    char path[FILE_PATH_MAX];
    Error err;
    snprintf(path, sizeof path, "%s/replay/00001-%02d.spr", folder, shard);
    origin.shard = (uint32_t)shard;
    ReplayBlock *own = replay_block_load(request.game, &origin, path, &err);
    cr_assert(own, "%s", err.message);
    int shared = 0, late = 0;
    for (int i = 0; i < fresh->count; i++) {
      const uint8_t *state = fresh->states + (size_t)i * fresh->game->state_size;
      if (fresh->game->ply(state) < 16) continue;
      late++;
      for (int j = 0; j < own->count; j++)
        shared += memcmp(state, own->states + (size_t)j * own->game->state_size, own->game->state_size) == 0;
    }
    cr_assert(late > 10 && shared == 0, "%d of %d late positions are the run's own", shared, late);
    replay_block_free(own);
  }
  replay_block_free(fresh), replay_block_free(again);
  net_free(net);
  folder_remove(folder);
}

/* Of games that a run has learnt from, no position is left to test generalisation on, nor a mirrored one. */
Test(leakage, positions_trained_on_test_no_generalisation) {
  char folder[FOLDER_MAX], path[FILE_PATH_MAX], spoilt[FILE_PATH_MAX + 8];
  Notices notices = {0};
  int plies[2];
  Error err;
  folder_make(folder);
  train(folder, 1, &notices);
  RunRequest request = small_run(folder, 1);
  CompareRun run = {.networks = 2};
  snprintf(run.folder, sizeof run.folder, "%s", folder);
  Experiment experiment = {.design = {.game = request.game}, .runs = &run, .run_count = 1};
  experiment.design.arms = memory_new(1, sizeof(CompareArm));
  experiment.design.arms[0].kind = request.arm;
  experiment.design.arms[0].config = request.config;
  TrainedKeys trained, none = {0};
  compare_sets_plies(request.game, plies);
  cr_assert(compare_trained_read(&experiment, plies, NULL, &trained, &err), "%s", err.message);
  static const char *const shards[] = {"replay/00001-00.spr", "imitation/00000.spr"};
  for (int k = 0; k < 2; k++) {
    snprintf(path, sizeof path, "%s/%s", folder, shards[k]);
    ReplayBlock *own = replay_block_load(request.game, NULL, path, &err);
    cr_assert(own, "%s", err.message);
    size_t size = request.game->state_size;
    for (int i = 0; i < own->count; i++) {
      _Alignas(64) char mirrored[GAME_STATE_MAX];
      request.game->symmetry_state(1, own->states + (size_t)i * size, mirrored);
      memcpy(own->states + (size_t)i * size, mirrored, size);
    }
    Positions *positions = compare_sets_solve(own, 5, 1, &none, NULL, &err);
    cr_assert(positions, "some of them would be fit to test");
    positions_free(positions);
    positions = compare_sets_solve(own, 5, 1, &trained, NULL, &err);
    cr_assert_null(positions);
    cr_assert_str_empty(err.message);
    replay_block_free(own);
  }
  ReplayBlock *fresh = compare_sets_random(request.game, 3, 500);
  Positions *others = compare_sets_solve(fresh, 5, 1, &trained, NULL, &err);
  cr_assert(others && others->count == 5, "positions that it has not met do");
  positions_free(others);
  replay_block_free(fresh);
  compare_trained_free(&trained);
  for (int k = 0; k < 2; k++) {
    snprintf(path, sizeof path, "%s/%s", folder, shards[k]);
    snprintf(spoilt, sizeof spoilt, "%s.away", path);
    cr_assert_eq(rename(path, spoilt), 0);
    cr_assert_not(compare_trained_read(&experiment, plies, NULL, &trained, &err));
    cr_assert(strstr(err.message, shards[k]) && strstr(err.message, "missing"), "%s", err.message);
    cr_assert(file_write(path, "SPREPLAY", 8, &err), "%s", err.message);
    cr_assert_not(compare_trained_read(&experiment, plies, NULL, &trained, &err));
    cr_assert(strstr(err.message, shards[k]) && strstr(err.message, "damaged"), "%s", err.message);
    cr_assert_eq(rename(spoilt, path), 0);
  }
  free(experiment.design.arms);
  folder_remove(folder);
}
