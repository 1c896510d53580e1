#include "arena/compare_data.h"

#include "base/fields.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *compare_field_name(CompareField field) {
  static const char *const names[] = {"elo",
                                      "value_kept",
                                      "best_score",
                                      "search_value_kept",
                                      "log_loss",
                                      "solver_kl",
                                      "solver_top1",
                                      "teacher_kl",
                                      "teacher_top1",
                                      "start_kl",
                                      "start_distance",
                                      "policy_entropy",
                                      "opening_entropy",
                                      "unique_share"};
  return names[field];
}

typedef struct Collecting {
  CompareData *data;
  CompareMeter *meter;
  int threads;
  const CompareWatch *watch;
} Collecting;

static void show_elo(void *context, const EloProgress *progress) {
  const Collecting *collecting = context;
  Error ignored; /* whoever plays asks for itself whether to stop */
  compare_watch(collecting->watch, "rating pool", progress->games_done, progress->games_total, &ignored);
}

static bool allocate(CompareData *data, const Experiment *experiment, Error *err) {
  *data = (CompareData){.experiment = experiment};
  if (!compare_pool_new(experiment, &data->pool, err)) return false;
  size_t points = (size_t)data->pool.point_count, runs = (size_t)experiment->run_count,
         searchers = (size_t)data->pool.searcher_count;
  for (int f = 0; f < COMPARE_FIELDS; f++) {
    data->field[f] = memory_new(points, sizeof(double));
    for (size_t p = 0; p < points; p++) data->field[f][p] = NAN;
  }
  data->elo_low = memory_new(points, sizeof(double)), data->elo_high = memory_new(points, sizeof(double));
  data->elo_bound = memory_new(points, sizeof(bool));
  data->last = memory_new(runs, sizeof(int));
  data->inside = memory_new(runs, sizeof(CompareGain)), data->fixed = memory_new(runs, sizeof(CompareGain));
  data->search_elo = memory_new(searchers + 1, sizeof(double));
  data->search_bound = memory_new(searchers + 1, sizeof(bool));
  data->search_value_kept = memory_new(searchers + 1, sizeof(double));
  data->set_share = memory_new(runs * (runs + 2), sizeof(double));
  for (size_t i = 0; i < runs * (runs + 2); i++) data->set_share[i] = NAN;
  for (int r = 0; r < experiment->run_count; r++) {
    data->last[r] = -1;
    data->inside[r] = data->fixed[r] = (CompareGain){NAN, NAN, NAN, 0};
    for (int p = 0; p < data->pool.point_count; p++)
      if (data->pool.points[p].run == r) data->last[r] = p;
  }
  return true;
}

void compare_data_free(CompareData *data) {
  for (int f = 0; f < COMPARE_FIELDS; f++) free(data->field[f]);
  free(data->elo_low), free(data->elo_high), free(data->elo_bound), free(data->last);
  free(data->inside), free(data->fixed), free(data->search_elo), free(data->search_value_kept),
      free(data->set_share), free(data->search_bound);
  compare_pool_free(&data->pool);
  *data = (CompareData){0};
}

static int first_network(const CompareData *data, int run) {
  for (int p = 0; p < data->pool.point_count; p++)
    if (data->pool.points[p].run == run && data->pool.points[p].network == 0) return p;
  return -1;
}

static bool rate(Collecting *collecting, Error *err) {
  CompareData *data = collecting->data;
  const ComparePool *pool = &data->pool;
  ComparePoolRatings ratings;
  if (!compare_pool_play(data->experiment, pool, collecting->threads, show_elo, collecting,
                         collecting->watch->stop, err) ||
      !compare_pool_rate(data->experiment, pool, &ratings, err))
    return false;
  data->games = ratings.games;
  for (int p = 0; p < pool->point_count; p++) {
    int at = ratings.index[pool->points[p].player];
    const Rating *rating = at >= 0 ? &ratings.table->ratings[at] : NULL;
    data->field[FIELD_ELO][p] = rating ? rating->elo : NAN;
    data->elo_low[p] = rating ? rating->low : NAN, data->elo_high[p] = rating ? rating->high : NAN;
    data->elo_bound[p] = rating && rating->separated;
  }
  for (int s = 0; s < pool->searcher_count; s++) {
    int at = ratings.index[pool->searchers[s].player];
    data->search_elo[s] = at >= 0 ? ratings.table->ratings[at].elo : NAN;
    data->search_bound[s] = at >= 0 && ratings.table->ratings[at].separated;
  }
  for (int f = 0; f < pool->fixed_count; f++)
    data->fixed_elo[f] = ratings.index[f] >= 0 ? ratings.table->ratings[ratings.index[f]].elo : NAN;
  compare_pool_ratings_free(&ratings);
  for (int r = 0; r < data->experiment->run_count; r++) {
    int from = first_network(data, r), to = data->last[r];
    if (from >= 0 && to != from &&
        !compare_pool_gains(data->experiment, pool, from, to, &data->inside[r], &data->fixed[r], err))
      return false;
  }
  return true;
}

static bool measure_points(Collecting *collecting, Error *err) {
  CompareData *data = collecting->data;
  for (int p = 0; p < data->pool.point_count; p++) {
    if (!compare_watch(collecting->watch, "accuracy and policies", p, data->pool.point_count, err))
      return false;
    const json_t *measured = compare_measure_point(collecting->meter, &data->pool, p, err);
    if (!measured) return false;
    for (int f = FIELD_ELO + 1; f < FIELD_UNIQUE_SHARE; f++)
      data->field[f][p] = field_number(measured, compare_field_name((CompareField)f));
  }
  return true;
}

static bool read_diversity(CompareData *data, int r, Error *err) {
  RunInfo *info = memory_new(1, sizeof *info);
  json_t *log = NULL;
  bool fine = run_open(data->experiment->runs[r].folder, info, err) && (log = run_log(info, err)) != NULL;
  for (int p = 0; fine && p < data->pool.point_count; p++) {
    const ComparePoint *point = &data->pool.points[p];
    if (point->run != r || point->network < 1) continue;
    const json_t *line = json_array_get(log, (size_t)point->network - 1);
    data->field[FIELD_UNIQUE_SHARE][p] =
        field_number(line, "unique_positions") / field_number(line, "positions");
  }
  json_decref(log);
  free(info);
  return fine;
}

static bool measure_searchers(Collecting *collecting, Error *err) {
  CompareData *data = collecting->data;
  const ComparePool *pool = &data->pool;
  for (int s = 0; s < pool->searcher_count; s++) {
    const CompareSearcher *searcher = &pool->searchers[s];
    if (!compare_watch(collecting->watch, "test-time search", s, pool->searcher_count, err)) return false;
    const json_t *measured =
        compare_measure_search(collecting->meter, &pool->points[searcher->point], searcher->visits, err);
    if (!measured && err->message[0]) return false;
    data->search_value_kept[s] = field_number(measured, "value_kept");
  }
  return true;
}

static bool measure_sets(Collecting *collecting, Error *err) {
  CompareData *data = collecting->data;
  int runs = data->experiment->run_count;
  for (int i = 0; i < runs * (runs + 2); i++) {
    int row = i % runs, column = i / runs;
    int set = column < runs ? data->last[column] : column == runs ? COMPARE_SET_RANDOM : COMPARE_SET_TEACHER;
    if (data->last[row] < 0 || (column < runs && set < 0)) continue;
    if (!compare_watch(collecting->watch, "generalisation", i, runs * (runs + 2), err)) return false;
    const json_t *measured = compare_measure_set(collecting->meter, &data->pool, data->last[row], set, err);
    if (!measured && err->message[0]) return false;
    data->set_share[row * (runs + 2) + column] = field_number(measured, "value_kept");
  }
  return true;
}

bool compare_data_collect(const Experiment *experiment, int threads, const CompareWatch *watch,
                          CompareData *out, Error *err) {
  Collecting collecting = {.data = out, .threads = threads, .watch = watch};
  bool fine = allocate(out, experiment, err);
  collecting.meter = fine ? compare_meter_new(experiment, threads, watch, err) : NULL;
  fine = collecting.meter && measure_points(&collecting, err);
  for (int r = 0; fine && r < experiment->run_count; r++)
    if (experiment->runs[r].networks) fine = read_diversity(out, r, err);
  fine =
      fine && measure_searchers(&collecting, err) && measure_sets(&collecting, err) && rate(&collecting, err);
  if (collecting.meter) error_set(&out->sets_unknown, "%s", compare_meter_unknown(collecting.meter));
  compare_meter_free(collecting.meter);
  return fine;
}

double compare_data_end(const CompareData *data, CompareUnit unit) {
  const Experiment *experiment = data->experiment;
  const CompareDesign *design = &experiment->design;
  double end = INFINITY, most = 0;
  for (int r = 0; r < experiment->run_count; r++) {
    const CompareRun *run = &experiment->runs[r];
    if (data->last[r] < 0) continue;
    bool whole = run->finished && unit == design->unit;
    double reached = whole ? design->budget : data->pool.points[data->last[r]].cost.amount[unit];
    most = fmax(most, reached);
    if (design->arms[run->arm].selfplay) end = fmin(end, reached);
  }
  return isfinite(end) ? end : most > 0 ? most : 1;
}

void compare_data_curve(const CompareData *data, int run, CompareField field, CompareUnit unit, double *x,
                        double *y, StatsCurve *curve) {
  const ComparePool *pool = &data->pool;
  const CompareDesign *design = &data->experiment->design;
  bool whole = data->experiment->runs[run].finished && unit == design->unit;
  int arm = data->experiment->runs[run].arm;
  *curve = (StatsCurve){.x = x, .y = y};
  for (int p = 0; p < pool->point_count; p++) {
    if (pool->points[p].run != run || !isfinite(data->field[field][p])) continue;
    if (pool->points[p].network < 0) curve->held = true;
    x[curve->count] = pool->points[p].cost.amount[unit];
    bool near = x[curve->count] <= COMPARE_OVERSHOOT * design->budget;
    if (whole && p == data->last[run] && (near || !design->arms[arm].selfplay))
      x[curve->count] = fmin(x[curve->count], design->budget);
    y[curve->count++] = data->field[field][p];
  }
}

void compare_data_at(const CompareData *data, int arm, CompareField field, CompareUnit unit, double budget,
                     double *values) {
  const Experiment *experiment = data->experiment;
  size_t n = (size_t)data->pool.point_count;
  double *x = memory_new(n, sizeof *x), *y = memory_new(n, sizeof *y);
  for (int s = 0; s < experiment->design.settings.seeds; s++) {
    int run = s * experiment->design.arm_count + arm;
    StatsCurve curve;
    compare_data_curve(data, run, field, unit, x, y, &curve);
    values[s] = stats_curve_at(&curve, budget);
    int last = data->last[run];
    /* What can no longer be told of a run's last network is not what it was of an earlier one. */
    if (last >= 0 && !isfinite(data->field[field][last]) && curve.count && budget > x[curve.count - 1])
      values[s] = NAN;
  }
  free(x), free(y);
}
