#include "arena/compare_result.h"

#include "base/fields.h"
#include "base/memory.h"
#include "base/simd.h"
#include "base/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 4000 };

static json_t *band_json(StatsBand band) {
  return json_pack("{s:o, s:o, s:o, s:i}", "mean", field_real(band.mean), "low", field_real(band.low), "high",
                   field_real(band.high), "seeds", band.n);
}

/* Student's interval of a share goes beyond what shares can be; the band does not. */
static StatsBand within(CompareField field, StatsBand band) {
  static const bool is_share[COMPARE_FIELDS] = {
      [FIELD_VALUE_KEPT] = true,  [FIELD_BEST_SCORE] = true,   [FIELD_SEARCH_VALUE_KEPT] = true,
      [FIELD_SOLVER_TOP1] = true, [FIELD_TEACHER_TOP1] = true, [FIELD_UNIQUE_SHARE] = true};
  if (is_share[field] && isfinite(band.low)) band.low = fmax(band.low, 0), band.high = fmin(band.high, 1);
  return band;
}

static void append_band(json_t *lists[3], StatsBand band) {
  json_array_append_new(lists[0], field_real(band.mean));
  json_array_append_new(lists[1], field_real(band.low));
  json_array_append_new(lists[2], field_real(band.high));
}

static json_t *lists_json(json_t *lists[3]) {
  return json_pack("{s:o, s:o, s:o}", "mean", lists[0], "low", lists[1], "high", lists[2]);
}

static json_t *grid_json(double end) {
  json_t *grid = json_array();
  for (int k = 0; k < COMPARE_GRID; k++) json_array_append_new(grid, json_real(end * k / (COMPARE_GRID - 1)));
  return grid;
}

static json_t *curve_json(const CompareData *data, int arm, CompareField field, CompareUnit unit,
                          double end) {
  json_t *lists[3] = {json_array(), json_array(), json_array()};
  int seeds = data->experiment->design.settings.seeds;
  double *values = memory_new((size_t)seeds, sizeof *values);
  for (int k = 0; k < COMPARE_GRID; k++) {
    compare_data_at(data, arm, field, unit, end * k / (COMPARE_GRID - 1), values);
    append_band(lists, within(field, stats_band(values, seeds)));
  }
  free(values);
  return lists_json(lists);
}

static json_t *curves_json(const CompareData *data, int arm) {
  json_t *out = json_object();
  for (int unit = 0; unit < COMPARE_UNITS; unit++) {
    double end = compare_data_end(data, (CompareUnit)unit);
    json_t *curves = json_pack("{s:o}", "budget", grid_json(end));
    for (int f = 0; f < COMPARE_FIELDS; f++)
      json_object_set_new(curves, compare_field_name((CompareField)f),
                          curve_json(data, arm, (CompareField)f, (CompareUnit)unit, end));
    json_object_set_new(out, compare_unit_keys[unit], curves);
  }
  return out;
}

static json_t *cost_json(const CompareCost *cost) {
  json_t *out = json_object();
  for (int u = 0; u < COMPARE_UNITS; u++)
    json_object_set_new(out, compare_unit_keys[u], field_real(cost->amount[u]));
  return out;
}

static json_t *point_json(const CompareData *data, int p) {
  const ComparePoint *point = &data->pool.points[p];
  char hash[16];
  snprintf(hash, sizeof hash, "%08x", point->hash);
  json_t *out = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:b}", "network", point->network, "hash", hash,
                          "player", data->pool.names[point->player], "cost", cost_json(&point->cost),
                          "elo_low", field_real(data->elo_low[p]), "elo_high", field_real(data->elo_high[p]),
                          "elo_is_bound", data->elo_bound[p]);
  for (int f = 0; f < COMPARE_FIELDS; f++)
    json_object_set_new(out, compare_field_name((CompareField)f), field_real(data->field[f][p]));
  return out;
}

static json_t *gain_json(const CompareGain *gain) {
  return json_pack("{s:o, s:o, s:o, s:i}", "elo", field_real(gain->elo), "low", field_real(gain->low), "high",
                   field_real(gain->high), "games", gain->games);
}

static json_t *run_json(const CompareData *data, int r) {
  const CompareRun *run = &data->experiment->runs[r];
  json_t *points = json_array();
  for (int p = 0; p < data->pool.point_count; p++)
    if (data->pool.points[p].run == r) json_array_append_new(points, point_json(data, p));
  return json_pack("{s:s, s:I, s:s, s:b, s:i, s:o, s:o, s:o}", "run", run->name, "seed",
                   (json_int_t)run->seed, "version", run->versions, "finished", run->finished, "iterations",
                   run->networks > 0 ? run->networks - 1 : 0, "points", points, "gain_inside",
                   gain_json(&data->inside[r]), "gain_fixed", gain_json(&data->fixed[r]));
}

/* --- generalisation --- */

static double share_of(const CompareData *data, int row, int column) {
  return data->set_share[row * (data->experiment->run_count + 2) + column];
}

/* The row's accuracy on the late positions of all other arms' runs, mean. */
static double on_others(const CompareData *data, int row) {
  const Experiment *experiment = data->experiment;
  double sum = 0;
  int n = 0;
  for (int c = 0; c < experiment->run_count; c++) {
    double share = share_of(data, row, c);
    if (experiment->runs[c].arm != experiment->runs[row].arm && isfinite(share)) sum += share, n++;
  }
  return n ? sum / n : NAN;
}

static json_t *generalisation_json(const CompareData *data, int arm) {
  const Experiment *experiment = data->experiment;
  int seeds = experiment->design.settings.seeds, runs = experiment->run_count;
  enum { OWN, OTHERS, RANDOM, TEACHER, GAP_RANDOM, GAP_OTHERS, MEASURES };
  static const char *const names[MEASURES] = {"own",     "others",     "random",
                                              "teacher", "gap_random", "gap_others"};
  double *values = memory_new((size_t)(seeds * MEASURES), sizeof *values);
  for (int s = 0; s < seeds; s++) {
    int row = s * experiment->design.arm_count + arm;
    values[OWN * seeds + s] = share_of(data, row, row);
    values[OTHERS * seeds + s] = on_others(data, row);
    values[RANDOM * seeds + s] = share_of(data, row, runs);
    values[TEACHER * seeds + s] = share_of(data, row, runs + 1);
    values[GAP_RANDOM * seeds + s] = values[OWN * seeds + s] - values[RANDOM * seeds + s];
    values[GAP_OTHERS * seeds + s] = values[OWN * seeds + s] - values[OTHERS * seeds + s];
  }
  json_t *out = json_object();
  for (int m = 0; m < MEASURES; m++) {
    StatsBand band = stats_band(values + m * seeds, seeds);
    json_object_set_new(out, names[m], band_json(m < GAP_RANDOM ? within(FIELD_VALUE_KEPT, band) : band));
  }
  free(values);
  return out;
}

/* --- test-time search --- */

/* Of a run's network at the design's search checkpoint `c`: its cost, visits in log2, Elo and accuracy;
 * `count` is 0 where it has none. */
typedef struct SearchCurve {
  int count;
  double cost, log_visits[COMPARE_VISITS_MAX], elo[COMPARE_VISITS_MAX], kept[COMPARE_VISITS_MAX];
} SearchCurve;

static SearchCurve search_curve(const CompareData *data, int r, int c) {
  SearchCurve curve = {0};
  for (int s = 0; s < data->pool.searcher_count; s++) {
    const CompareSearcher *searcher = &data->pool.searchers[s];
    const ComparePoint *point = &data->pool.points[searcher->point];
    if (point->run != r || searcher->checkpoint != c) continue;
    curve.cost = point->cost.amount[data->experiment->design.unit];
    curve.log_visits[curve.count] = log2(searcher->visits);
    curve.elo[curve.count] = data->search_elo[s];
    curve.kept[curve.count++] = data->search_value_kept[s];
  }
  return curve;
}

/* What a doubling of training is worth, in Elo, at equal visits: over the chosen networks, one line for each
 * number of visits. */
static double training_slope(const CompareData *data, int r) {
  int checkpoints = data->experiment->design.search_checkpoint_count;
  double log_cost[COMPARE_SEARCHED_MAX], elo[COMPARE_SEARCHED_MAX * COMPARE_VISITS_MAX];
  for (int c = 0; c < checkpoints; c++) {
    SearchCurve curve = search_curve(data, r, c);
    log_cost[c] = log2(curve.cost);
    for (int v = 0; v < COMPARE_VISITS_MAX; v++)
      elo[c * COMPARE_VISITS_MAX + v] = v < curve.count ? curve.elo[v] : NAN;
  }
  return stats_common_slope(log_cost, elo, checkpoints, COMPARE_VISITS_MAX);
}

/* Elo and accuracy by visits, and their slopes, of the runs' networks at search checkpoint `c`. */
static json_t *search_curve_json(const CompareData *data, int arm, int c) {
  const CompareDesign *design = &data->experiment->design;
  int seeds = design->settings.seeds, visits = design->search_visit_count;
  size_t n = (size_t)seeds;
  double *elo = memory_new(n * COMPARE_VISITS_MAX, sizeof *elo),
         *kept = memory_new(n * COMPARE_VISITS_MAX, sizeof *kept);
  double *slopes = memory_new(2 * n, sizeof *slopes);
  for (int s = 0; s < seeds; s++) {
    SearchCurve curve = search_curve(data, s * design->arm_count + arm, c);
    for (int v = 0; v < visits; v++) {
      elo[v * seeds + s] = v < curve.count ? curve.elo[v] : NAN;
      kept[v * seeds + s] = v < curve.count ? curve.kept[v] : NAN;
    }
    slopes[s] = stats_line(curve.log_visits, curve.elo, curve.count).slope;
    slopes[seeds + s] = stats_line(curve.log_visits, curve.kept, curve.count).slope;
  }
  json_t *list = json_array(), *elos[3] = {json_array(), json_array(), json_array()},
         *shares[3] = {json_array(), json_array(), json_array()};
  for (int v = 0; v < visits; v++) {
    json_array_append_new(list, json_integer(design->search_visits[v]));
    append_band(elos, stats_band(elo + v * seeds, seeds));
    append_band(shares, within(FIELD_VALUE_KEPT, stats_band(kept + v * seeds, seeds)));
  }
  json_t *out = json_pack("{s:f, s:o, s:o, s:o, s:o, s:o}", "checkpoint", design->search_checkpoints[c],
                          "visits", list, "elo", lists_json(elos), "value_kept", lists_json(shares),
                          "elo_per_doubling", band_json(stats_band(slopes, seeds)), "value_kept_per_doubling",
                          band_json(stats_band(slopes + seeds, seeds)));
  free(elo), free(kept), free(slopes);
  return out;
}

/* Ratings of the arm's searched networks that rest on one-sided results. */
static int search_bounds(const CompareData *data, int arm) {
  int bounds = 0;
  for (int s = 0; s < data->pool.searcher_count; s++) {
    int run = data->pool.points[data->pool.searchers[s].point].run;
    bounds += data->experiment->runs[run].arm == arm && data->search_bound[s];
  }
  return bounds;
}

/* The curves of all chosen networks, and what training is worth beside visits of the last of them. */
static json_t *search_json(const CompareData *data, int arm) {
  const CompareDesign *design = &data->experiment->design;
  int seeds = design->settings.seeds, checkpoints = design->search_checkpoint_count;
  double *training = memory_new((size_t)seeds, sizeof *training),
         *search = memory_new((size_t)seeds, sizeof *search);
  for (int s = 0; s < seeds; s++) {
    int r = s * design->arm_count + arm;
    SearchCurve last = search_curve(data, r, checkpoints - 1);
    training[s] = training_slope(data, r);
    search[s] = stats_line(last.log_visits, last.elo, last.count).slope;
  }
  json_t *curves = json_array();
  for (int c = 0; c < checkpoints; c++) json_array_append_new(curves, search_curve_json(data, arm, c));
  json_t *out =
      json_pack("{s:o, s:i, s:o, s:o}", "checkpoints", curves, "bounds", search_bounds(data, arm),
                "elo_per_doubling_of_training", band_json(stats_band(training, seeds)),
                "search_doublings_per_training_doubling", band_json(stats_ratio(training, search, seeds)));
  const json_t *last = json_array_get(curves, (size_t)checkpoints - 1);
  static const char *const slopes[] = {"elo_per_doubling", "value_kept_per_doubling"};
  for (int k = 0; k < 2; k++) json_object_set(out, slopes[k], json_object_get(last, slopes[k]));
  free(training), free(search);
  return out;
}

/* --- an arm, and an arm against the first --- */

static json_t *final_json(const CompareData *data, int arm) {
  const CompareDesign *design = &data->experiment->design;
  int seeds = design->settings.seeds;
  double *values = memory_new((size_t)seeds, sizeof *values);
  json_t *out = json_object();
  for (int f = 0; f < COMPARE_FIELDS; f++) {
    compare_data_at(data, arm, (CompareField)f, design->unit, compare_data_end(data, design->unit), values);
    json_object_set_new(out, compare_field_name((CompareField)f),
                        band_json(within((CompareField)f, stats_band(values, seeds))));
  }
  free(values);
  return out;
}

static json_t *arm_json(const CompareData *data, int a) {
  const Experiment *experiment = data->experiment;
  const CompareArm *arm = &experiment->design.arms[a];
  json_t *runs = json_array();
  for (int r = a; r < experiment->run_count; r += experiment->design.arm_count)
    json_array_append_new(runs, run_json(data, r));
  return json_pack("{s:s, s:s, s:s?, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "name", arm->name, "base",
                   arm->base, "other_network", compare_other_network(experiment->design.arms, arm),
                   "imitation", arm->kind == ARM_BOOTSTRAP_IMITATION, "selfplay", arm->selfplay, "final",
                   final_json(data, a), "curves", curves_json(data, a), "generalisation",
                   generalisation_json(data, a), "search", search_json(data, a), "runs", runs);
}

/* differences[seed][grid] of the arm over the first one; returns the seeds in which both have run. */
static int differences_of(const CompareData *data, int arm, CompareField field, double end, double *out) {
  const CompareDesign *design = &data->experiment->design;
  int seeds = design->settings.seeds, kept = 0;
  double *own = memory_new((size_t)seeds, sizeof *own), *base = memory_new((size_t)seeds, sizeof *base);
  for (int k = 0; k < COMPARE_GRID; k++) {
    double budget = end * k / (COMPARE_GRID - 1);
    compare_data_at(data, arm, field, design->unit, budget, own);
    compare_data_at(data, 0, field, design->unit, budget, base);
    for (int s = 0, at = 0; s < seeds; s++)
      if (data->last[s * design->arm_count] >= 0 && data->last[s * design->arm_count + arm] >= 0) {
        out[at++ * COMPARE_GRID + k] = own[s] - base[s];
        kept = at;
      }
  }
  free(own), free(base);
  return kept;
}

static json_t *crossover_json(const StatsCrossover *crossover) {
  static const char *const words[] = {"never ahead", "crossed", "not within this budget"};
  return json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o}", "mean", words[crossover->mean], "at",
                   field_real(crossover->at), "low", field_real(crossover->low), "high",
                   field_real(crossover->high), "high_is_beyond", isinf(crossover->high), "share_not_within",
                   field_real(crossover->not_within), "share_never_ahead",
                   field_real(crossover->never_ahead));
}

static void bands_of_columns(const double *values, int seeds, StatsBand *out) {
  double *column = memory_new((size_t)seeds + 1, sizeof *column);
  for (int k = 0; k < COMPARE_GRID; k++) {
    for (int s = 0; s < seeds; s++) column[s] = values[s * COMPARE_GRID + k];
    out[k] = stats_band(column, seeds);
  }
  free(column);
}

/* An arm's accuracy on random positions less the first arm's; and how much more than the first arm's it falls
 * from the run's own positions to random ones. */
static void put_brittleness(const CompareData *data, int arm, json_t *out) {
  const CompareDesign *design = &data->experiment->design;
  int seeds = design->settings.seeds, random = data->experiment->run_count;
  double *lead = memory_new((size_t)seeds, sizeof *lead), *gap = memory_new((size_t)seeds, sizeof *gap);
  for (int s = 0; s < seeds; s++) {
    int own = s * design->arm_count + arm, base = s * design->arm_count;
    lead[s] = share_of(data, own, random) - share_of(data, base, random);
    gap[s] = share_of(data, own, own) - share_of(data, base, base) - lead[s];
  }
  json_object_set_new(out, "random_value_kept", band_json(stats_band(lead, seeds)));
  json_object_set_new(out, "gap_random", band_json(stats_band(gap, seeds)));
  free(lead), free(gap);
}

static json_t *comparison_json(const CompareData *data, int arm) {
  const CompareDesign *design = &data->experiment->design;
  double end = compare_data_end(data, design->unit), grid[COMPARE_GRID];
  size_t n = (size_t)design->settings.seeds;
  double *differences = memory_new(n * COMPARE_GRID, sizeof *differences),
         *finals = memory_new(n, sizeof *finals);
  StatsBand bands[COMPARE_GRID];
  json_t *elo[3] = {json_array(), json_array(), json_array()};
  for (int k = 0; k < COMPARE_GRID; k++) grid[k] = end * k / (COMPARE_GRID - 1);
  int seeds = differences_of(data, arm, FIELD_ELO, end, differences);
  bands_of_columns(differences, seeds, bands);
  for (int k = 0; k < COMPARE_GRID; k++) append_band(elo, bands[k]);
  for (int s = 0; s < seeds; s++) finals[s] = differences[s * COMPARE_GRID + COMPARE_GRID - 1];
  StatsCrossover crossover =
      stats_crossover(differences, seeds, grid, COMPARE_GRID, RESAMPLES, design->settings.first_seed);
  json_t *out = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i}", "arm", design->arms[arm].name, "over",
                          design->arms[0].name, "budget", grid_json(end), "elo", lists_json(elo), "crossover",
                          crossover_json(&crossover), "final_elo", band_json(bands[COMPARE_GRID - 1]),
                          "probability_ahead", field_real(stats_positive(finals, seeds)), "seeds", seeds);
  differences_of(data, arm, FIELD_SEARCH_VALUE_KEPT, end, differences);
  bands_of_columns(differences, seeds, bands);
  json_object_set_new(out, "final_search_value_kept", band_json(bands[COMPARE_GRID - 1]));
  put_brittleness(data, arm, out);
  free(differences), free(finals);
  return out;
}

static json_t *best_json(const CompareData *data) {
  const CompareDesign *design = &data->experiment->design;
  int seeds = design->settings.seeds, arms = design->arm_count, whole = 0;
  double *values = memory_new((size_t)(seeds * arms), sizeof *values),
         *share = memory_new((size_t)arms, sizeof *share);
  double *column = memory_new((size_t)seeds, sizeof *column);
  bool missing = false;
  for (int a = 0; a < arms; a++) {
    compare_data_at(data, a, FIELD_ELO, design->unit, compare_data_end(data, design->unit), column);
    for (int s = 0; s < seeds; s++)
      values[s * arms + a] = column[s], missing = missing || !isfinite(column[s]);
  }
  whole = missing || seeds < arms ? 0 : seeds; /* fewer seeds leave some arms no chance whatever they show */
  stats_best(values, whole, arms, RESAMPLES, design->settings.first_seed, share);
  json_t *out = json_object();
  for (int a = 0; a < arms; a++) json_object_set_new(out, design->arms[a].name, field_real(share[a]));
  free(values), free(share), free(column);
  return out;
}

static bool same_teacher(const RunConfig *a, const RunConfig *b) {
  return a->imitation_teacher == b->imitation_teacher && a->imitation_random == b->imitation_random &&
         (a->imitation_teacher != TEACHER_ALPHABETA || a->imitation_depth == b->imitation_depth) &&
         (a->imitation_teacher != TEACHER_MCTS || a->imitation_playouts == b->imitation_playouts);
}

/* Whose teacher agreement is measured with, where the arms' are not all the same, and whose are others. */
static void put_teachers(const CompareDesign *design, int teacher, json_t *out) {
  Buffer others = {0};
  for (int a = 0; teacher >= 0 && a < design->arm_count; a++)
    if (design->arms[a].kind == ARM_BOOTSTRAP_IMITATION &&
        !same_teacher(&design->arms[a].config, &design->arms[teacher].config))
      buffer_printf(&others, "%s%s", others.size ? ", " : "", design->arms[a].name);
  if (others.size) {
    json_object_set_new(out, "teacher_of", json_string(design->arms[teacher].name));
    json_object_set_new(out, "other_teachers", json_stringn((const char *)others.data, others.size));
  }
  buffer_free(&others);
}

/* Of the first arm, every key; how others differ the design says. */
static void put_configuration(const RunConfig *config, json_t *out) {
  json_t *keys = json_object();
  for (size_t i = 0; i < run_config_table.count; i++) {
    char value[CONFIG_TEXT_MAX];
    config_value(&run_config_table.keys[i], config, value);
    json_object_set_new(keys, run_config_table.keys[i].name, json_string(value));
  }
  json_object_set_new(out, "configuration", keys);
}

static json_t *head_json(const CompareData *data) {
  const CompareDesign *design = &data->experiment->design;
  Buffer text = {0};
  compare_design_print(design, &text);
  json_t *out = json_pack("{s:s, s:s, s:s, s:f, s:i, s:I, s:i, s:i, s:s, s:s, s:s%}", "game",
                          design->game->name, "title", design->game->title, "unit",
                          compare_unit_keys[design->unit], "budget", design->budget, "seeds",
                          design->settings.seeds, "first_seed", (json_int_t)design->settings.first_seed,
                          "visits", design->settings.visits, "games", data->games, "version", version_text(),
                          "features", simd_features(), "design", (const char *)text.data, text.size);
  buffer_free(&text);
  json_t *fixed = json_object();
  for (int f = 0; f < data->pool.fixed_count; f++)
    json_object_set_new(fixed, data->pool.names[f], field_real(data->fixed_elo[f]));
  json_object_set_new(out, "fixed_opponents", fixed);
  bool finished = true;
  for (int r = 0; r < data->experiment->run_count; r++)
    finished = finished && data->experiment->runs[r].finished;
  json_object_set_new(out, "finished", json_boolean(finished));
  if (data->sets_unknown.message[0])
    json_object_set_new(out, "generalisation_unknown", json_string(data->sets_unknown.message));
  put_teachers(design, compare_teacher_arm(data->experiment), out);
  put_configuration(&design->arms[0].config, out);
  return out;
}

json_t *compare_result(const CompareData *data) {
  const CompareDesign *design = &data->experiment->design;
  json_t *arms = json_array(), *comparisons = json_array(), *verdict, *limits;
  for (int a = 0; a < design->arm_count; a++) json_array_append_new(arms, arm_json(data, a));
  for (int a = 1; a < design->arm_count; a++) json_array_append_new(comparisons, comparison_json(data, a));
  json_t *result = json_pack("{s:o, s:o, s:o, s:o}", "experiment", head_json(data), "arms", arms,
                             "comparisons", comparisons, "probability_best", best_json(data));
  compare_verdict(result, &verdict, &limits);
  json_object_set_new(result, "verdict", verdict);
  json_object_set_new(result, "limits", limits);
  return result;
}

bool compare_result_save(const Experiment *experiment, const json_t *result, Error *err) {
  char path[FILE_PATH_MAX], *text = json_dumps(result, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
  experiment_path(experiment, "result.json", path);
  bool done = file_write(path, text, strlen(text), err);
  free(text);
  return done;
}
