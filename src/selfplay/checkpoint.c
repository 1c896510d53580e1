#include "selfplay/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[8] = {'S', 'P', 'L', 'E', 'A', 'R', 'N', 'R'};
enum { VERSION = 1 };

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
  return net_save(learner_averaged(training->learner), training->run.game->name, note, path, err);
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
  bool done = file_write_block(path, MAGIC, VERSION, &state, err);
  buffer_free(&state);
  if (!done) return false;
  checkpoint_path(training, iteration - 2, path);
  if (iteration >= 2) unlink(path);
  run_path(&training->run, "log.jsonl", path);
  return !line || run_log_append(path, line, err);
}

static bool read_checkpoint(Training *training, const char *path, Error *err) {
  Buffer state = {0};
  uint32_t length = 0;
  char log_path[FILE_PATH_MAX];
  bool done = file_read_block(path, MAGIC, VERSION, NULL, &state, err);
  if (done && (!buffer_get(&state, &training->totals, sizeof training->totals) ||
               !buffer_get(&state, &length, sizeof length) || length > state.size - state.position))
    done = error_set(err, "%s: damaged: cut short", path);
  const char *text = (const char *)state.data + state.position;
  state.position += length;
  if (done && !learner_load(training->learner, &state, err)) done = error_prefix(err, "%s", path);
  run_path(&training->run, "log.jsonl", log_path);
  int64_t lines = training->totals.iteration;
  done = done && run_log_trim(log_path, lines > 0 ? (int)lines - 1 : 0, err);
  if (done && length > 0) {
    json_t *line = json_loadb(text, length, 0, NULL);
    done = line ? run_log_append(log_path, line, err) : error_set(err, "%s: damaged: its log line", path);
    json_decref(line);
  }
  buffer_free(&state);
  return done;
}

bool checkpoint_resume(Training *training, bool *found, Error *err) {
  char path[FILE_PATH_MAX];
  *found = false;
  for (int iteration = training->run.iterations; iteration >= 0 && iteration >= training->run.iterations - 2;
       iteration--) {
    checkpoint_path(training, iteration, path);
    if (!file_exists(path)) continue;
    if (read_checkpoint(training, path, err)) {
      const Totals *totals = &training->totals;
      run_clock_at_least(&training->clock, (RunTime){totals->seconds, totals->cpu_seconds},
                         totals->teacher_seconds);
      *found = true;
      return true;
    }
    char message[sizeof err->message + 80];
    snprintf(message, sizeof message, "%s; set aside, going back to the iteration before it", err->message);
    training_notice(training, message);
    if (!file_set_aside(path, err)) return false;
  }
  if (training->run.iterations <= 0) return true;
  return error_set(
      err, "%s: no whole checkpoint is left to continue from; its networks/ can still be used as players",
      training->run.folder);
}
