/* Reading and measuring what a report shows. */
#include "arena/accuracy.h"
#include "base/fields.h"
#include "base/memory.h"
#include "cli/arena_options.h"
#include "cli/report.h"
#include "net/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *report_axis_label(const Report *report, ReportAxis axis) {
  static const char *const compute[] = {"compute (GFLOP)", "compute (TFLOP)", "compute (PFLOP)"};
  return axis == REPORT_ITERATION ? "iteration"
         : axis == REPORT_COMPUTE ? compute[report->unit]
                                  : "time (minutes)";
}

double report_unit(const Report *report) {
  static const double units[] = {1e9, 1e12, 1e15};
  return units[report->unit];
}

double report_number(const json_t *line, const char *key) {
  return field_number(line, key);
}

const json_t *report_last(const ReportRun *run) {
  return json_array_get(run->log, json_array_size(run->log) - 1);
}

double report_x(const ReportRun *run, int iteration, ReportAxis axis) {
  const json_t *line = json_array_get(run->log, iteration > 0 ? (size_t)iteration - 1 : 0);
  if (axis == REPORT_ITERATION) return iteration;
  if (!line) return NAN; /* the cost is logged with the first iteration */
  double before = axis == REPORT_COMPUTE ? report_number(line, "flops") : report_number(line, "seconds");
  double total = report_number(line, axis == REPORT_COMPUTE ? "flops_total" : "seconds_total");
  if (iteration == 0) total = fmax(0, total - before);
  return axis == REPORT_COMPUTE ? total : total / 60;
}

static void open_run(Report *report, const char *name) {
  ReportRun *run = &report->runs[report->count];
  Error err;
  if (!run_open(name, &run->info, &err)) cli_fail_by(&err);
  if (report->count && run->info.game != report->game)
    cli_usage_error("%s is a run of %s, %s of %s; a report takes runs of one game", name,
                    run->info.game->name, report->runs[0].info.folder, report->game->name);
  report->game = run->info.game;
  for (int r = 0; r < report->count; r++)
    if (strcmp(report->runs[r].info.folder, run->info.folder) == 0)
      cli_usage_error("%s is named twice", name);
  if (!(run->log = run_log(&run->info, &err)) || !(run->imitation = run_imitation_log(&run->info, &err)))
    cli_fail_by(&err);
  if (run->info.iterations < 0)
    cli_fail("%s: it has no network yet, so there is nothing to report; train it further", run->info.folder);
  char path[FILE_PATH_MAX];
  run_network_path(&run->info, 0, path);
  Net *first = net_load(path, run->info.game->name, NULL, NULL, &err);
  if (!first) cli_fail_by(&err);
  run->first_hash = net_hash(first);
  net_free(first);
  report->count++;
}

static void label_runs(Report *report) {
  for (int r = 0; r < report->count; r++) {
    ReportRun *run = &report->runs[r];
    bool unique = true;
    for (int k = 0; k < report->count; k++)
      unique = unique && (k == r || strcmp(report->runs[k].info.name, run->info.name) != 0);
    const char *folder = run->info.folder;
    size_t length = strlen(folder), most = REPORT_LABEL - 1;
    const char *end = folder + (length > most ? length - most : 0);
    while (((unsigned char)*end & 0xc0) == 0x80) end++; /* within a character of UTF-8 */
    snprintf(run->label, sizeof run->label, "%s", unique ? run->info.name : end);
  }
}

/* The network alone, at a few iterations, the first and the last among them. */
static void measure_accuracy(ReportRun *run, Positions *positions, int threads) {
  CliProgress bar = cli_progress_new(10);
  run->accuracy = memory_new(REPORT_CHECKPOINTS, sizeof *run->accuracy);
  for (int i = 0; i < REPORT_CHECKPOINTS; i++) {
    int iteration = (int)((int64_t)run->info.iterations * i / (REPORT_CHECKPOINTS - 1));
    if (i && iteration == run->accuracy[run->accuracy_count - 1].iteration) continue;
    cli_progress_show(&bar, "accuracy", i, REPORT_CHECKPOINTS, run->label);
    char path[FILE_PATH_MAX], spelling[FILE_PATH_MAX + 32];
    run_network_path(&run->info, iteration, path);
    snprintf(spelling, sizeof spelling, "net:%s,visits=0", path);
    Accuracy accuracy;
    Error err;
    Player *player = player_new(spelling, run->info.game, threads, &err);
    bool done = player && accuracy_measure(player, positions, 1, NULL, NULL, &accuracy, &err);
    player_free(player);
    if (!done) {
      cli_progress_clear(&bar);
      cli_fail_by(&err);
    }
    const AccuracyRate *kept = &accuracy.moves.value_kept;
    run->accuracy[run->accuracy_count++] = (ReportPoint){iteration, kept->share, kept->low, kept->high, -1};
  }
  cli_progress_clear(&bar);
}

/* The iteration of a player called run:NAME@ITERATION,OPTIONS that is this run's, and its options; -1 where
 * it is not. The network's hash decides, since a name may have had another network behind it. */
static int iteration_of(const ReportRun *run, const StorePlayer *player, const char **options) {
  const char *at = strrchr(player->name, '@'), *comma = at ? strchr(at, ',') : NULL;
  if (strncmp(player->name, "run:", 4) != 0 || !at) return -1;
  char name[STORE_NAME_MAX];
  snprintf(name, sizeof name, "%.*s", (int)(at - player->name - 4), player->name + 4);
  const char *slash = strrchr(name, '/');
  int iteration = atoi(at + 1);
  if (strcmp(slash ? slash + 1 : name, run->info.name) != 0 || iteration > run->info.iterations) return -1;
  const json_t *line = iteration ? json_array_get(run->log, (size_t)iteration - 1) : NULL;
  if (iteration && !line) return -1;
  uint32_t hash = line ? (uint32_t)report_number(line, "network_hash") : run->first_hash;
  if (hash != player->hash) return -1;
  *options = comma ? comma + 1 : "";
  return iteration;
}

static ReportCurve *curve_of(ReportRun *run, const char *options, int most) {
  for (int c = 0; c < run->elo_count; c++)
    if (strcmp(run->elo[c].options, options) == 0) return &run->elo[c];
  run->elo = memory_grow(run->elo, (size_t)run->elo_count, (size_t)run->elo_count + 1, sizeof *run->elo);
  ReportCurve *curve = &run->elo[run->elo_count++];
  *curve = (ReportCurve){.points = memory_new((size_t)most, sizeof(ReportPoint))};
  snprintf(curve->options, sizeof curve->options, "%s", options);
  return curve;
}

static int by_iteration(const void *a, const void *b) {
  return ((const ReportPoint *)a)->iteration - ((const ReportPoint *)b)->iteration;
}

static int by_length(const void *a, const void *b) {
  return ((const ReportCurve *)b)->count - ((const ReportCurve *)a)->count;
}

static void find_ratings(Report *report, ReportRun *run) {
  int players = report->ratings.results.player_count;
  for (int i = 0; i < players; i++) {
    const Rating *rating = &report->ratings.ratings->ratings[i];
    const char *options;
    int iteration = iteration_of(run, &report->ratings.results.players[i], &options);
    if (iteration < 0 || !rating->connected) continue;
    ReportCurve *curve = curve_of(run, options, players);
    curve->points[curve->count++] = (ReportPoint){iteration, rating->elo, rating->low, rating->high, i};
  }
  for (int c = 0; c < run->elo_count; c++)
    qsort(run->elo[c].points, (size_t)run->elo[c].count, sizeof(ReportPoint), by_iteration);
  if (run->elo) qsort(run->elo, (size_t)run->elo_count, sizeof *run->elo, by_length);
}

void report_gather(Report *report, const char *const *names, int count, const char *db, int threads) {
  Error err;
  *report = (Report){.db = db};
  for (int i = 0; i < count; i++) open_run(report, names[i]);
  label_runs(report);
  for (int r = 0; r < report->count; r++)
    while (report->unit < 2 &&
           report_number(report_last(&report->runs[r]), "flops_total") >= 1000 * report_unit(report))
      report->unit++;
  Positions *positions;
  if (!positions_find(report->game, &positions, &err)) cli_fail_by(&err);
  for (int r = 0; positions && r < report->count; r++) measure_accuracy(&report->runs[r], positions, threads);
  positions_free(positions);
  if (!file_exists(db)) return;
  Store *store = cli_open_store(db);
  report->rated = elo_rate(store, report->game, 0, 1, &report->ratings, &err);
  if (!report->rated) cli_note("no ratings: %s", err.message);
  store_close(store);
  for (int r = 0; report->rated && r < report->count; r++) find_ratings(report, &report->runs[r]);
}

void report_free(Report *report) {
  for (int r = 0; r < report->count; r++) {
    ReportRun *run = &report->runs[r];
    json_decref(run->log);
    json_decref(run->imitation);
    free(run->accuracy);
    for (int c = 0; c < run->elo_count; c++) free(run->elo[c].points);
    free(run->elo);
  }
  if (report->rated) elo_table_free(&report->ratings);
}
