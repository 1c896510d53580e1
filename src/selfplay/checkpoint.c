#include "selfplay/checkpoint.h"

#include "base/simd.h"
#include "base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[8] = {'S', 'P', 'L', 'E', 'A', 'R', 'N', 'R'};
enum { VERSION = 2 };

static void checkpoint_path(const Training *training, int64_t iteration, char path[FILE_PATH_MAX]) {
  char relative[64];
  snprintf(relative, sizeof relative, "learner-%05lld.ckpt", (long long)iteration);
  run_path(&training->run, relative, path);
}

bool checkpoint_save_network(Training *training, Error *err) {
  char path[FILE_PATH_MAX], note[256];
  int iteration = (int)training->totals.iteration;
  snprintf(note, sizeof note, "run %s, seed %llu, iteration %d", training->run.name,
           (unsigned long long)training->run.seed, iteration);
  run_network_path(&training->run, iteration, path);
  Net *net = training_player(training);
  bool done = net_save(net, training->run.game->name, note, path, err);
  net_free(net);
  return done;
}

bool checkpoint_save(Training *training, const json_t *line, Error *err) {
  char path[FILE_PATH_MAX];
  int64_t iteration = training->totals.iteration;
  if (!checkpoint_save_network(training, err)) return false;
  Buffer state = {0};
  char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  uint32_t length = text ? (uint32_t)strlen(text) : 0;
  buffer_put(&state, &training->totals, sizeof training->totals);
  buffer_put(&state, &length, sizeof length);
  buffer_put(&state, text, length);
  learner_save(training->learner, &state);
  free(text);
  checkpoint_path(training, iteration, path);
  bool done = file_write_block(path, MAGIC, VERSION, BLOCK_STORED, &state, err);
  buffer_free(&state);
  if (!done) return false;
  checkpoint_path(training, iteration - 2, path);
  if (iteration >= 2) unlink(path);
  run_path(&training->run, "log.jsonl", path);
  return !line || run_log_append(path, line, err);
}

/* *line receives the log line, empty for iteration 0. */
static bool read_checkpoint(Training *training, const char *path, Buffer *line, Error *err) {
  Buffer state = {0};
  uint32_t length = 0;
  bool done = file_read_block(path, MAGIC, VERSION, NULL, &state, err);
  if (done && (!buffer_get(&state, &training->totals, sizeof training->totals) ||
               !buffer_get(&state, &length, sizeof length) || length > state.size - state.position))
    done = error_set(err, "%s: damaged: cut short", path);
  if (done && length > 0) buffer_put(line, state.data + state.position, length);
  state.position += length;
  if (done && !learner_load(training->learner, &state, err)) done = error_prefix(err, "%s", path);
  buffer_free(&state);
  return done;
}

/* Another version or CPU than the last iteration's (`last`, NULL before the first) may train other networks.
 */
static void tell_what_changed(const Training *training, const json_t *last) {
  const char *version = json_string_value(json_object_get(last, "version")),
             *features = json_string_value(json_object_get(last, "features"));
  char message[FILE_PATH_MAX + 600];
  if (!version) version = training->run.version;
  if (!features) features = training->run.features;
  if (strcmp(version, version_text()) == 0 && strcmp(features, simd_features()) == 0) return;
  snprintf(message, sizeof message,
           "%s: last known to be trained by version %.60s (%.120s); version %s (%s), which goes on with it, "
           "may train other networks",
           training->run.folder, version, features, version_text(), simd_features());
  training_notice(training, message);
}

/* Goes on from what the checkpoint says: the log as it was then, and no less time. */
static bool take_up(Training *training, const Buffer *line, Error *err) {
  const Totals *totals = &training->totals;
  char path[FILE_PATH_MAX];
  json_t *last = json_loadb((const char *)line->data, line->size, 0, NULL);
  training->last_iteration_seconds = json_number_value(json_object_get(last, "seconds"));
  tell_what_changed(training, last);
  json_decref(last);
  run_path(&training->run, "log.jsonl", path);
  int before = totals->iteration > 0 ? (int)totals->iteration - 1 : 0;
  run_clock_at_least(&training->clock, (RunTime){totals->seconds, totals->cpu_seconds},
                     totals->teacher_seconds);
  return run_log_restore(path, before, (const char *)line->data, line->size, err);
}

/* Whether the run has finished an iteration; one that has not may begin at the first without loss. */
static bool is_under_way(const Training *training) {
  char path[FILE_PATH_MAX];
  run_path(&training->run, "log.jsonl", path);
  return training->run.iterations > 0 || file_exists(path);
}

bool checkpoint_resume(Training *training, bool *found, Error *err) {
  char path[FILE_PATH_MAX];
  int newest;
  *found = false;
  if (!run_newest_checkpoint(&training->run, &newest, err)) return false;
  for (int iteration = newest; iteration >= 0 && iteration >= newest - 1; iteration--) {
    checkpoint_path(training, iteration, path);
    if (!file_exists(path)) continue;
    Buffer line = {0};
    *found = read_checkpoint(training, path, &line, err);
    bool done = *found && take_up(training, &line, err);
    buffer_free(&line);
    if (*found || err->unread) return done;
    char message[sizeof err->message + 80];
    snprintf(message, sizeof message, "%s; set aside, going back to the iteration before it", err->message);
    training_notice(training, message);
    if (!file_set_aside(path, err)) return false;
  }
  if (is_under_way(training))
    return error_set(
        err, "%s: no whole checkpoint is left to continue from; its networks/ can still be used as players",
        training->run.folder);
  tell_what_changed(training, NULL); /* the bootstrap stage may be under way */
  return true;
}
