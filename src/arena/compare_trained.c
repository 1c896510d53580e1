#include "arena/compare_trained.h"

#include "base/memory.h"
#include "selfplay/replay.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    size_t wider = trained->capacity ? 2 * trained->capacity : 4096;
    trained->keys = memory_grow(trained->keys, trained->capacity, wider, sizeof *trained->keys);
    trained->capacity = wider;
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

/* Every shard of a run's `part` folder, at least `least` of them. */
static bool add_folder(TrainedKeys *trained, const Game *game, const int plies[2], const CompareRun *run,
                       const char *part, int least, Error *err) {
  char folder[FILE_PATH_MAX], path[FILE_PATH_MAX + 300];
  snprintf(folder, sizeof folder, "%.*s/%s", FILE_PATH_MAX - 40, run->folder, part);
  DIR *directory = opendir(folder);
  int found = 0;
  bool fine = true;
  for (const struct dirent *entry; directory && fine && (entry = readdir(directory));) {
    size_t length = strlen(entry->d_name);
    if (length < 4 || strcmp(entry->d_name + length - 4, ".spr") != 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    fine = add_file(trained, game, plies, path, err);
    found++;
  }
  if (directory) closedir(directory);
  if (!fine || found >= least) return fine;
  return error_set(err,
                   "%s: %d files of positions, %d were written; what a run has learnt from must be known to "
                   "measure generalisation: put them back",
                   folder, found, least);
}

bool compare_trained_read(const Experiment *experiment, const int plies[2], TrainedKeys *out, Error *err) {
  const Game *game = experiment->design.game;
  *out = (TrainedKeys){0};
  for (int r = 0; r < experiment->run_count; r++) {
    const CompareRun *run = &experiment->runs[r];
    const CompareArm *arm = &experiment->design.arms[run->arm];
    int shards = run->networks > 1 ? (run->networks - 1) * arm->config.shards : 0;
    if (add_folder(out, game, plies, run, "replay", shards, err) &&
        add_folder(out, game, plies, run, "imitation", 0, err))
      continue;
    compare_trained_free(out);
    return false;
  }
  compare_trained_sort(out);
  return true;
}
