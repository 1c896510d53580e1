#include "arena/compare.h"

#include "arena/player.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void experiment_path(const Experiment *experiment, const char *relative, char path[FILE_PATH_MAX]) {
  snprintf(path, FILE_PATH_MAX, "%.*s/%s", FILE_PATH_MAX - 160, experiment->folder, relative);
}

/* --- what a run has cost --- */

static double real(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

static CompareCost cost_of(const json_t *bootstrap, const json_t *line, double evaluation_flops) {
  CompareCost cost;
  double flops = line ? real(line, "flops_total") : real(bootstrap, "imitation_flops");
  cost.amount[COMPARE_CPU_SECONDS] = line ? real(line, "cpu_seconds_total") : real(bootstrap, "cpu_seconds");
  cost.amount[COMPARE_FLOPS] = flops + real(bootstrap, "teacher_flops");
  cost.amount[COMPARE_EVALUATIONS] = cost.amount[COMPARE_FLOPS] / evaluation_flops;
  cost.amount[COMPARE_GAMES] = real(line, "games_total") + real(bootstrap, "teacher_games");
  return cost;
}

static bool read_bootstrap(const CompareRun *run, json_t **out, Error *err) {
  char path[FILE_PATH_MAX];
  json_error_t why;
  snprintf(path, sizeof path, "%.*s/bootstrap.json", FILE_PATH_MAX - 40, run->folder);
  *out = file_exists(path) ? json_load_file(path, 0, &why) : json_object();
  return *out || error_set(err, "%s:%d: damaged: %s", path, why.line, why.text);
}

bool experiment_refresh(const Experiment *experiment, CompareRun *run, Error *err) {
  const CompareArm *arm = &experiment->design.arms[run->arm];
  char record[FILE_PATH_MAX];
  snprintf(record, sizeof record, "%.*s/run.json", FILE_PATH_MAX - 40, run->folder);
  run->networks = 0;
  if (!file_exists(record)) return true;
  RunInfo *info = memory_new(1, sizeof *info);
  json_t *bootstrap = NULL, *log = NULL;
  bool fine =
      run_open(run->folder, info, err) && read_bootstrap(run, &bootstrap, err) && (log = run_log(info, err));
  if (fine) run_log_texts(log, "version", info->version, run->versions, sizeof run->versions);
  if (fine && info->iterations >= 0) {
    double pass = compare_evaluation_flops(&experiment->design);
    /* The log's last line may still be missing after a kill; the next slice mends it. */
    int lines = (int)json_array_size(log), last = info->iterations < lines ? info->iterations : lines;
    free(run->costs);
    run->networks = last + 1;
    run->costs = memory_new((size_t)run->networks, sizeof(CompareCost));
    for (int k = 0; k <= last; k++)
      run->costs[k] = cost_of(bootstrap, k ? json_array_get(log, (size_t)k - 1) : NULL, pass);
    CompareUnit unit = experiment->design.unit;
    double spent = run->costs[last].amount[unit], before = last ? run->costs[last - 1].amount[unit] : spent;
    /* Stops rather than overshoot by more than half an iteration, as a run does. */
    if (json_is_true(json_object_get(bootstrap, "ended_early")) &&
        run->costs[0].amount[unit] < 0.95 * experiment->design.budget)
      fine =
          error_set(err,
                    "%s: its bootstrap stage was ended by an earlier, smaller budget and cannot be taken up "
                    "again; give another --out",
                    run->folder);
    run->finished = !arm->selfplay || spent + (spent - before) / 2 >= experiment->design.budget;
  }
  json_decref(bootstrap), json_decref(log);
  free(info);
  return fine;
}

static bool make_runs(Experiment *experiment, Error *err) {
  const CompareDesign *design = &experiment->design;
  experiment->run_count = design->arm_count * design->settings.seeds;
  experiment->runs = memory_new((size_t)experiment->run_count, sizeof(CompareRun));
  for (int i = 0; i < experiment->run_count; i++) {
    CompareRun *run = &experiment->runs[i];
    char relative[96];
    run->arm = i % design->arm_count;
    run->seed_index = i / design->arm_count;
    run->seed = design->settings.first_seed + (uint64_t)run->seed_index;
    snprintf(run->name, sizeof run->name, "%s-%llu", design->arms[run->arm].name,
             (unsigned long long)run->seed);
    snprintf(relative, sizeof relative, "runs/%s", run->name);
    experiment_path(experiment, relative, run->folder);
    if (!experiment_refresh(experiment, run, err)) return false;
  }
  return true;
}

/* The design's text from its arms on: what may not change. */
static const char *fixed_part(const Buffer *text) {
  const char *found = strstr((const char *)text->data, "\n[common]");
  return found ? found : "";
}

static bool same_design(const CompareDesign *design, const Buffer *text, const char *path, Error *err) {
  CompareDesign old = {0};
  Buffer before = {0};
  bool fine = compare_design_read(path, &old, err) && compare_design_finish(&old, err);
  if (fine) {
    compare_design_print(&old, &before);
    buffer_put(&before, "", 1);
    bool same = strcmp(fixed_part(&before), fixed_part(text)) == 0 && old.game == design->game;
    if (same && old.settings.first_seed != design->settings.first_seed)
      fine =
          error_set(err,
                    "%s: is an experiment that begins with seed %lld, not %lld; leave --seed out, or choose "
                    "another folder",
                    path, (long long)old.settings.first_seed, (long long)design->settings.first_seed);
    if (!same)
      fine = error_set(err,
                       "%s: is an experiment with other arms or keys; continue it without --arms, or choose "
                       "another folder",
                       path);
  }
  buffer_free(&before);
  compare_design_free(&old);
  return fine;
}

/* Its networks are players of the rating pool, whose names hold their paths. */
static bool names_fit(const Experiment *experiment, Error *err) {
  enum { AROUND = 64 }; /* kind, file and options around a run's folder */
  for (int i = 0; i < experiment->run_count; i++)
    if (strlen(experiment->runs[i].folder) + AROUND > PLAYER_NAME_MAX)
      return error_usage(err, "%.300s: the path is too long for names of players; choose a shorter --out",
                         experiment->folder);
  return true;
}

bool experiment_open(const char *folder, CompareDesign *design, Experiment *out, Error *err) {
  *out = (Experiment){.design = *design};
  *design = (CompareDesign){0};
  snprintf(out->folder, sizeof out->folder, "%s", folder);
  char path[FILE_PATH_MAX];
  Buffer text = {0};
  compare_design_print(&out->design, &text);
  size_t length = text.size;
  buffer_put(&text, "", 1);
  experiment_path(out, "design.ini", path);
  bool fine = file_make_folder(folder, err) &&
              (!file_exists(path) || same_design(&out->design, &text, path, err)) && make_runs(out, err) &&
              names_fit(out, err) && file_write(path, text.data, length, err);
  buffer_free(&text);
  if (!fine) experiment_free(out);
  return fine;
}

void experiment_free(Experiment *experiment) {
  for (int i = 0; i < experiment->run_count; i++) free(experiment->runs[i].costs);
  free(experiment->runs);
  compare_design_free(&experiment->design);
  *experiment = (Experiment){0};
}

/* --- taking turns --- */

double experiment_share(const Experiment *experiment, int run) {
  const CompareRun *at = &experiment->runs[run];
  if (!at->networks) return 0;
  return at->costs[at->networks - 1].amount[experiment->design.unit] / experiment->design.budget;
}

int experiment_next(const Experiment *experiment) {
  int next = -1;
  for (int i = 0; i < experiment->run_count; i++) {
    const CompareRun *run = &experiment->runs[i], *best = next < 0 ? NULL : &experiment->runs[next];
    if (run->finished || run->busy) continue;
    if (!best || (best->networks && !run->networks) ||
        (!best->networks == !run->networks &&
         experiment_share(experiment, i) < experiment_share(experiment, next)))
      next = i;
  }
  return next;
}
