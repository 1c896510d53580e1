#include "selfplay/run_folder.h"

#include "base/simd.h"
#include "base/version.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

static const char *const arm_names[] = {"from-scratch", "bootstrap-imitation"};

void run_path(const RunInfo *run, const char *relative, char path[FILE_PATH_MAX]) {
  snprintf(path, FILE_PATH_MAX, "%.*s/%s", FILE_PATH_MAX - 64, run->folder, relative);
}

void run_network_path(const RunInfo *run, int iteration, char path[FILE_PATH_MAX]) {
  char relative[48];
  snprintf(relative, sizeof relative, "networks/%05d.net", iteration);
  run_path(run, relative, path);
}

void run_replay_path(const RunInfo *run, int iteration, int shard, char path[FILE_PATH_MAX]) {
  char relative[48];
  snprintf(relative, sizeof relative, "replay/%05d-%02d.spr", iteration, shard);
  run_path(run, relative, path);
}

int run_imitation_shards(const RunConfig *config) {
  return (config->imitation_games + IMITATION_SHARD - 1) / IMITATION_SHARD;
}

void run_imitation_path(const RunInfo *run, int shard, char path[FILE_PATH_MAX]) {
  char relative[48];
  snprintf(relative, sizeof relative, "imitation/%05d.spr", shard);
  run_path(run, relative, path);
}

void run_resolve(const char *name, char folder[FILE_PATH_MAX]) {
  snprintf(folder, FILE_PATH_MAX, "%s", name);
  if (file_exists(folder) || strchr(name, '/')) return;
  snprintf(folder, FILE_PATH_MAX, "runs/%s", name);
}

static void set_folder(RunInfo *run, const char *folder) {
  snprintf(run->folder, sizeof run->folder, "%s", folder);
  size_t length = strlen(run->folder);
  while (length > 1 && run->folder[length - 1] == '/') run->folder[--length] = 0;
  const char *slash = strrchr(run->folder, '/');
  snprintf(run->name, sizeof run->name, "%.63s", slash ? slash + 1 : run->folder);
}

static bool read_description(RunInfo *run, Error *err) {
  char path[FILE_PATH_MAX];
  run_path(run, "run.json", path);
  if (!file_exists(path))
    return error_set(err,
                     "%s: not a run: it has no run.json; train one with selfplay --from-scratch --run %s",
                     run->folder, run->folder);
  json_error_t why;
  json_t *root = json_load_file(path, 0, &why);
  if (!root) return error_set(err, "%s:%d: damaged: %s", path, why.line, why.text);
  const char *game, *arm, *source, *version, *features;
  json_int_t seed;
  bool fine = json_unpack(root, "{s:s, s:s, s:I, s:s, s:s, s:s}", "game", &game, "arm", &arm, "seed", &seed,
                          "source", &source, "version", &version, "features", &features) == 0;
  if (!fine) {
    json_decref(root);
    return error_set(err, "%s: damaged: a key is missing", path);
  }
  run->game = game_find(game);
  run->arm =
      strcmp(arm, arm_names[ARM_BOOTSTRAP_IMITATION]) == 0 ? ARM_BOOTSTRAP_IMITATION : ARM_FROM_SCRATCH;
  run->seed = (uint64_t)seed;
  snprintf(run->source, sizeof run->source, "%s", source);
  snprintf(run->version, sizeof run->version, "%s", version);
  snprintf(run->features, sizeof run->features, "%s", features);
  if (!run->game) fine = error_set(err, "%s: this build has no game '%s'", path, game);
  json_decref(root);
  return fine;
}

/* The highest N of files PREFIX N SUFFIX in a part of the run's folder, -1 where there is none. Older ones
 * may be missing: some people delete them to save room. */
static bool newest_of(const RunInfo *run, const char *part, const char *prefix, const char *suffix,
                      int *newest, Error *err) {
  char path[FILE_PATH_MAX];
  *newest = -1;
  run_path(run, part, path);
  DIR *folder = opendir(path);
  if (!folder && errno != ENOENT) return error_set(err, "%s: cannot read: %s", path, strerror(errno));
  for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
    const char *name = entry->d_name, *digits = name + strlen(prefix);
    if (strncmp(name, prefix, strlen(prefix)) != 0 || *digits < '0' || *digits > '9') continue;
    char *end;
    long number = strtol(digits, &end, 10);
    if (strcmp(end, suffix) == 0 && number > *newest && number <= INT_MAX) *newest = (int)number;
  }
  if (folder) closedir(folder);
  return true;
}

bool run_newest_checkpoint(const RunInfo *run, int *newest, Error *err) {
  return newest_of(run, ".", "learner-", ".ckpt", newest, err);
}

bool run_open(const char *name, RunInfo *out, Error *err) {
  char folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
  run_resolve(name, folder); /* first: name may lie in *out */
  *out = (RunInfo){0};
  set_folder(out, folder);
  if (!read_description(out, err)) return false;
  run_path(out, "run.conf", path);
  config_defaults(&run_config_table, &out->config);
  if (!config_read(&run_config_table, &out->config, path, err)) return false;
  return newest_of(out, "networks", "", ".net", &out->iterations, err);
}

/* Keys that did not exist yet when a run may have been made are left out at what they were then, their
 * default, so that it can go on. */
static bool is_later_key(const ConfigKey *key) {
  static const char *const later[] = {
      "net.symmetries",       "search.forced_playouts", "selfplay.full_share", "selfplay.quick_visits",
      "learner.surprise",     "learner.plies_weight",   "learner.rate_tail",   "selfplay.random_share",
      "learner.reply_weight", "selfplay.balanced_of",   "selfplay.late_after", "selfplay.late_random_plies",
      "learner.value_lambda", "net.feature_planes"};
  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    if (strcmp(key->name, later[i]) == 0) return true;
  return false;
}

uint32_t run_config_crc(const RunConfig *config) {
  RunConfig relevant = *config;
  relevant.iterations = 0;
  relevant.minutes = 0;
  Buffer text = {0};
  for (size_t i = 0; i < run_config_table.count; i++) {
    const ConfigKey *key = &run_config_table.keys[i];
    char value[CONFIG_TEXT_MAX];
    config_value(key, &relevant, value);
    if (!is_later_key(key) || strcmp(value, key->fallback) != 0)
      buffer_printf(&text, "%s = %s\n", key->name, value);
  }
  uint32_t crc = (uint32_t)crc32(0, text.data, (uInt)text.size);
  buffer_free(&text);
  return crc;
}

static bool write_description(const RunRequest *request, const RunInfo *run, Error *err) {
  char path[FILE_PATH_MAX];
  Buffer conf = {0};
  config_print(&run_config_table, &request->config, true, &conf);
  run_path(run, "run.conf", path);
  bool done = file_write(path, conf.data, conf.size, err);
  buffer_free(&conf);
  if (!done) return false;
  json_t *root = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "game", request->game->name, "arm",
                           arm_names[request->arm], "seed", (json_int_t)request->seed, "source",
                           request->source, "version", version_text(), "features", simd_features());
  if (!root) return error_set(err, "%s: this name is not UTF-8; rename it", request->source);
  char *text = json_dumps(root, JSON_INDENT(2));
  json_decref(root);
  run_path(run, "run.json", path);
  done = file_write(path, text, strlen(text), err); /* last: a folder with run.json is a whole run */
  free(text);
  return done;
}

/* The first key but run.* in which the two differ, or NULL. */
static const ConfigKey *first_difference(const RunConfig *a, const RunConfig *b) {
  for (size_t i = 0; i < run_config_table.count; i++) {
    const ConfigKey *key = &run_config_table.keys[i];
    char x[CONFIG_TEXT_MAX], y[CONFIG_TEXT_MAX];
    config_value(key, a, x);
    config_value(key, b, y);
    if (strncmp(key->name, "run.", 4) != 0 && strcmp(x, y) != 0) return key;
  }
  return NULL;
}

static bool same_run(const RunRequest *request, const RunInfo *run, Error *err) {
  if (run->game != request->game)
    return error_set(err, "%s: is a run of %s, not of %s; choose another --run", run->folder, run->game->name,
                     request->game->name);
  if (run->arm != request->arm)
    return error_set(err, "%s: is a --%s run; continue it with that option or choose another --run",
                     run->folder, arm_names[run->arm]);
  if (run->seed != request->seed)
    return error_set(err, "%s: has seed %llu, not %llu; choose another --run", run->folder,
                     (unsigned long long)run->seed, (unsigned long long)request->seed);
  if (strcmp(run->source, request->source) != 0)
    return error_set(err, "%s: took its expert games from '%s', not '%s'; choose another --run", run->folder,
                     run->source, request->source);
  const ConfigKey *key = first_difference(&run->config, &request->config);
  if (!key) return true;
  char mine[CONFIG_TEXT_MAX], theirs[CONFIG_TEXT_MAX];
  config_value(key, &run->config, mine);
  config_value(key, &request->config, theirs);
  return error_set(err,
                   "%s: was started with %s = %s, not %s; go on with --set %s=%s, or choose another --run",
                   run->folder, key->name, mine, theirs, key->name, mine);
}

static bool is_new(const RunInfo *info) {
  char path[FILE_PATH_MAX];
  run_path(info, "run.json", path);
  return !file_exists(path);
}

int run_folder_open(const RunRequest *request, RunInfo *info, Error *err) {
  *info = (RunInfo){0};
  set_folder(info, request->folder);
  char path[FILE_PATH_MAX];
  if (is_new(info) && request->source[0] && !file_exists(request->source)) {
    error_set(err, "%s: cannot read: %s; no run was begun", request->source, strerror(errno));
    return -1;
  }
  static const char *const parts[] = {"networks", "replay", "imitation", "."};
  for (int i = 0; i < 3; i++) {
    run_path(info, parts[i], path);
    if (!file_make_folder(path, err)) return -1;
  }
  run_path(info, "lock", path);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0) {
    error_set(err, "%s: cannot write: %s", path, strerror(errno));
    return -1;
  }
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    error_set(err, "%s: another process is training this run; wait for it or choose another --run",
              info->folder);
    close(lock);
    return -1;
  }
  for (int i = 0; i < 4; i++) {
    run_path(info, parts[i], path);
    file_remove_temporaries(path);
  }
  bool fine = !is_new(info) || write_description(request, info, err);
  fine = fine && run_open(info->folder, info, err) && same_run(request, info, err);
  if (fine) return lock;
  close(lock);
  return -1;
}

bool run_log_append(const char *path, const json_t *line, Error *err) {
  char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
  FILE *file = fopen(path, "a");
  bool done =
      text && file && fprintf(file, "%s\n", text) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
  int reason = errno;
  if (file && fclose(file) != 0) done = false;
  free(text);
  return done || error_set(err, "%s: cannot write: %s", path, strerror(reason));
}

bool run_log_restore(const char *path, int lines, const char *last, size_t length, Error *err) {
  Buffer text = {0}, wanted = {0};
  bool done = !file_exists(path) || file_read(path, &text, err);
  size_t kept = 0;
  for (size_t i = 0; done && i < text.size && lines > 0; i++)
    if (text.data[i] == '\n') kept = i + 1, lines--;
  if (done && lines > 0)
    done = error_set(
        err, "%s: its last %d lines are missing; put the whole file back, which tells what the run did", path,
        lines);
  if (kept > 0) buffer_put(&wanted, text.data, kept);
  if (length > 0) {
    buffer_put(&wanted, last, length);
    buffer_put(&wanted, "\n", 1);
  }
  bool same = wanted.size == text.size && (!text.size || memcmp(wanted.data, text.data, text.size) == 0);
  if (done && !same) done = file_write(path, wanted.data, wanted.size, err);
  buffer_free(&text);
  buffer_free(&wanted);
  return done;
}

json_t *run_log_read(const char *path, Error *err) {
  json_t *array = json_array();
  if (!file_exists(path)) return array;
  Buffer text = {0};
  if (!file_read(path, &text, err)) {
    buffer_free(&text);
    json_decref(array);
    return NULL;
  }
  int number = 1;
  for (size_t start = 0; start < text.size; number++) {
    const uint8_t *end = memchr(text.data + start, '\n', text.size - start);
    if (!end) break; /* cut by a kill */
    json_error_t why;
    json_t *line = json_loadb((const char *)text.data + start, (size_t)(end - text.data) - start, 0, &why);
    if (!line) {
      error_set(err, "%s:%d: damaged: %s", path, number, why.text);
      json_decref(array);
      array = NULL;
      break;
    }
    json_array_append_new(array, line);
    start = (size_t)(end - text.data) + 1;
  }
  buffer_free(&text);
  return array;
}

void run_log_texts(const json_t *log, const char *key, const char *first, char *out, size_t size) {
  const json_t *line;
  size_t i, length = 0;
  json_t *seen = json_object();
  out[0] = 0;
  json_array_foreach(log, i, line) {
    const char *text = json_string_value(json_object_get(line, key));
    if (!text || json_object_get(seen, text)) continue;
    json_object_set_new(seen, text, json_true());
    if (length < size)
      length += (size_t)snprintf(out + length, size - length, "%s%s", length ? ", " : "", text);
  }
  if (!length) snprintf(out, size, "%s", first);
  json_decref(seen);
}

json_t *run_log(const RunInfo *run, Error *err) {
  char path[FILE_PATH_MAX];
  run_path(run, "log.jsonl", path);
  return run_log_read(path, err);
}

json_t *run_imitation_log(const RunInfo *run, Error *err) {
  char path[FILE_PATH_MAX];
  run_path(run, "imitation.jsonl", path);
  return run_log_read(path, err);
}
