#include "arena/compare_trained.h"

#include "base/memory.h"
#include "selfplay/replay.h"
#include "selfplay/run_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static uint64_t key_of(const Game *game, const void *state) {
  _Alignas(64) char image[GAME_STATE_MAX];
  uint64_t key;
  game_canonical(game, state, image, &key);
  return key;
}

static int by_key(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return (left > right) - (left < right);
}

void compare_trained_add(TrainedKeys *trained, const Game *game, const void *state) {
  if (trained->count == trained->capacity) {
    compare_trained_sort(trained); /* positions that occur again and again make room */
    if (trained->count >= trained->capacity / 2) {
      size_t wider = trained->capacity ? 2 * trained->capacity : 4096;
      trained->keys = memory_grow(trained->keys, trained->capacity, wider, sizeof *trained->keys);
      trained->capacity = wider;
    }
  }
  trained->keys[trained->count++] = key_of(game, state);
}

void compare_trained_sort(TrainedKeys *trained) {
  size_t unique = 0;
  if (trained->count) qsort(trained->keys, trained->count, sizeof *trained->keys, by_key);
  for (size_t i = 0; i < trained->count; i++)
    if (!unique || trained->keys[i] != trained->keys[unique - 1]) trained->keys[unique++] = trained->keys[i];
  trained->count = unique;
}

bool compare_trained_has(const TrainedKeys *trained, const Game *game, const void *state) {
  uint64_t key = key_of(game, state);
  return trained->count && bsearch(&key, trained->keys, trained->count, sizeof key, by_key);
}

void compare_trained_free(TrainedKeys *trained) {
  free(trained->keys);
  *trained = (TrainedKeys){0};
}

static bool add_file(TrainedKeys *trained, const Game *game, const int plies[2], const char *path,
                     Error *err) {
  if (!file_exists(path)) return error_set(err, "%s: missing", path);
  ReplayBlock *block = replay_block_load(game, NULL, path, err);
  if (!block) return false;
  for (int i = 0; i < block->count; i++) {
    const uint8_t *state = block->states + (size_t)i * game->state_size;
    if (block->facts[i].ply >= plies[0] && block->facts[i].ply <= plies[1])
      compare_trained_add(trained, game, state);
  }
  replay_block_free(block);
  return true;
}

/* The shards of the iterations that are over, and of the teacher's games. */
static bool add_run(TrainedKeys *trained, const Experiment *experiment, int number, const int plies[2],
                    const CompareWatch *watch, Error *err) {
  const CompareRun *run = &experiment->runs[number];
  const CompareArm *arm = &experiment->design.arms[run->arm];
  RunInfo *info = memory_new(1, sizeof *info);
  char path[FILE_PATH_MAX];
  int taught = arm->kind == ARM_BOOTSTRAP_IMITATION ? run_imitation_shards(&arm->config) : 0;
  bool fine = run_open(run->folder, info, err);
  for (int i = 0; fine && i < taught; i++) {
    run_imitation_path(info, i, path);
    fine = add_file(trained, experiment->design.game, plies, path, err);
  }
  for (int iteration = 1; fine && iteration < run->networks; iteration++) {
    fine = compare_watch(watch, "what was learnt from", number, experiment->run_count, err);
    for (int i = 0; fine && i < arm->config.shards; i++) {
      run_replay_path(info, iteration, i, path);
      fine = add_file(trained, experiment->design.game, plies, path, err);
    }
  }
  free(info);
  return fine;
}

bool compare_trained_read(const Experiment *experiment, const int plies[2], const CompareWatch *watch,
                          TrainedKeys *out, Error *err) {
  *out = (TrainedKeys){0};
  for (int r = 0; r < experiment->run_count; r++) {
    if (!experiment->runs[r].networks || add_run(out, experiment, r, plies, watch, err)) continue;
    compare_trained_free(out);
    return false;
  }
  compare_trained_sort(out);
  return true;
}

uint32_t compare_trained_stamp(const Experiment *experiment) {
  uLong stamp = crc32(0, NULL, 0);
  for (int r = 0; r < experiment->run_count; r++) {
    const CompareRun *run = &experiment->runs[r];
    char text[96];
    int length = snprintf(text, sizeof text, "%s %d\n", run->name, run->networks);
    stamp = crc32(stamp, (const Bytef *)text, (uInt)length);
  }
  return (uint32_t)stamp;
}
