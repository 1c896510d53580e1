/* selfplay report RUN...: the runs' curves side by side, as one self-contained HTML page. */
#include "arena/accuracy.h"
#include "arena/elo.h"
#include "base/memory.h"
#include "base/version.h"
#include "cli/arena_options.h"
#include "cli/html.h"
#include "cli/plot.h"
#include "selfplay/run.h"

#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 12, CHECKPOINTS = 8, KEY_DB = 256 };

typedef struct Options {
  CliCommon common;
  const char *names[RUNS_MAX], *output, *db;
  int count;
} Options;

typedef struct Report {
  Options *options;
  RunInfo runs[RUNS_MAX];
  json_t *logs[RUNS_MAX];     /* an object an iteration */
  json_t *accuracy[RUNS_MAX]; /* {"iteration", "value_kept", "low", "high"} of chosen checkpoints, network
                                 alone */
  json_t *elo[RUNS_MAX];      /* {"iteration", "elo", "low", "high"} of rated checkpoints */
  Buffer html;
} Report;

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "The page (default report.html)", 0},
    {"db", KEY_DB, "FILE", 0, "Ratings file (default " CLI_DEFAULT_DB ")", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case 'o':
    options->output = arg;
    return 0;
  case KEY_DB:
    options->db = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (options->count == RUNS_MAX) cli_usage_error("a report takes at most %d runs", RUNS_MAX);
    options->names[options->count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (!options->count) cli_usage_error("name at least one run (selfplay report --help)");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_threads_argp, 0, 0, 0}, {&cli_json_argp, 0, 0, 0}, {0}};
static const struct argp parser = {
    .options = option_table,
    .parser = parse,
    .children = children,
    .args_doc = "RUN...",
    .doc = "Plots of runs against iterations, compute and time, as one HTML page.\v"
           "JSON: {\"runs\": [{\"name\", \"arm\", \"seed\", \"log\", \"accuracy\", \"elo\"}]}: the numbers "
           "behind the "
           "plots."};

static double number(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

/* x of an iteration: its number, its compute so far, or its time so far. */
typedef enum Axis { AXIS_ITERATION, AXIS_COMPUTE, AXIS_TIME, AXES } Axis;
static const char *const axis_labels[] = {"iteration", "compute (10^{12} floating-point operations)",
                                          "minutes"};

static double axis_value(const json_t *line, Axis axis) {
  if (axis == AXIS_COMPUTE) return number(line, "flops_total") / 1e12;
  if (axis == AXIS_TIME) return number(line, "seconds_total") / 60;
  return number(line, "iteration");
}

/* The log line of an iteration; NULL where it has none. */
static const json_t *line_of(const Report *report, int run, int iteration) {
  return iteration > 0 ? json_array_get(report->logs[run], (size_t)iteration - 1) : NULL;
}

static PlotSeries new_series(int count, bool band) {
  size_t n = (size_t)count + 1;
  return (PlotSeries){.band = band,
                      .x = memory_new(n, sizeof(double)),
                      .y = memory_new(n, sizeof(double)),
                      .low = band ? memory_new(n, sizeof(double)) : NULL,
                      .high = band ? memory_new(n, sizeof(double)) : NULL};
}

static PlotSeries log_series(const Report *report, int run, const char *key, Axis axis) {
  PlotSeries series = new_series((int)json_array_size(report->logs[run]), false);
  size_t i;
  const json_t *line;
  json_array_foreach(report->logs[run], i, line) {
    series.x[series.count] = axis_value(line, axis);
    series.y[series.count++] = number(line, key);
  }
  series.colour = run;
  snprintf(series.title, sizeof series.title, "%s", report->runs[run].name);
  return series;
}

static PlotSeries checkpoint_series(const Report *report, int run, const json_t *points, const char *key,
                                    Axis axis) {
  PlotSeries series = new_series((int)json_array_size(points), true);
  size_t i;
  const json_t *point;
  json_array_foreach(points, i, point) {
    int iteration = (int)number(point, "iteration");
    const json_t *line = line_of(report, run, iteration);
    if (!line && iteration > 0) continue;
    series.x[series.count] = line ? axis_value(line, axis) : 0;
    series.y[series.count] = number(point, key);
    series.low[series.count] = number(point, "low");
    series.high[series.count++] = number(point, "high");
  }
  series.colour = run;
  snprintf(series.title, sizeof series.title, "%s", report->runs[run].name);
  return series;
}

static void free_series(PlotSeries *series, int count) {
  for (int i = 0; i < count; i++) {
    free(series[i].x);
    free(series[i].y);
    free(series[i].low);
    free(series[i].high);
  }
}

/* A table of the last values, for those who cannot see the plot. */
static void put_table(Report *report, const char *caption, const PlotSeries *series, int count) {
  buffer_printf(&report->html,
                "<details><summary>%s as numbers</summary><table><tr><th>series<th>first<th>middle<th>last",
                caption);
  for (int s = 0; s < count; s++) {
    if (!series[s].count) continue;
    int last = series[s].count - 1;
    buffer_printf(&report->html, "<tr><td>");
    html_put_text(&report->html, series[s].title);
    buffer_printf(&report->html, "<td>%.4g<td>%.4g<td>%.4g", series[s].y[0], series[s].y[last / 2],
                  series[s].y[last]);
  }
  buffer_printf(&report->html, "</table></details>\n");
}

static void put_plots(Report *report, const char *title, const char *y_label,
                      int (*collect)(const Report *, Axis, PlotSeries *)) {
  buffer_printf(&report->html, "<section><h2>%s</h2><div class=plots>\n", title);
  for (Axis axis = 0; axis < AXES; axis++) {
    PlotSeries series[2 * RUNS_MAX];
    Error err;
    int count = collect(report, axis, series);
    buffer_printf(&report->html, "<figure role=img aria-label=\"%s against %s\">", title, axis_labels[axis]);
    if (!plot_svg(title, axis_labels[axis], y_label, series, count, &report->html, &err))
      cli_fail("%s", err.message);
    buffer_printf(&report->html, "</figure>\n");
    if (axis == AXES - 1) {
      buffer_printf(&report->html, "</div>");
      put_table(report, title, series, count);
    }
    free_series(series, count);
  }
  buffer_printf(&report->html, "</section>\n");
}

static int with_baseline(const Report *report, Axis axis, const char *key, const char *baseline,
                         PlotSeries *out) {
  int count = 0;
  for (int r = 0; r < report->options->count; r++) {
    out[count++] = log_series(report, r, key, axis);
    out[count] = log_series(report, r, baseline, axis);
    out[count].dashed = true;
    snprintf(out[count].title, sizeof out[count].title, "%.60s, best constant", report->runs[r].name);
    count++;
  }
  return count;
}

static int collect_policy(const Report *report, Axis axis, PlotSeries *out) {
  return with_baseline(report, axis, "loss_policy", "loss_policy_baseline", out);
}

static int collect_value(const Report *report, Axis axis, PlotSeries *out) {
  return with_baseline(report, axis, "loss_value", "loss_value_baseline", out);
}

static int collect_length(const Report *report, Axis axis, PlotSeries *out) {
  for (int r = 0; r < report->options->count; r++) out[r] = log_series(report, r, "game_length", axis);
  return report->options->count;
}

static int collect_speed(const Report *report, Axis axis, PlotSeries *out) {
  for (int r = 0; r < report->options->count; r++)
    out[r] = log_series(report, r, "evaluations_per_second", axis);
  return report->options->count;
}

static int collect_checkpoints(const Report *report, Axis axis, json_t *const *points, const char *key,
                               PlotSeries *out) {
  int count = 0;
  for (int r = 0; r < report->options->count; r++)
    if (json_array_size(points[r])) out[count++] = checkpoint_series(report, r, points[r], key, axis);
  return count;
}

static int collect_accuracy(const Report *report, Axis axis, PlotSeries *out) {
  return collect_checkpoints(report, axis, report->accuracy, "value_kept", out);
}

static int collect_elo(const Report *report, Axis axis, PlotSeries *out) {
  return collect_checkpoints(report, axis, report->elo, "elo", out);
}

/* The network alone on the built-in set, at a few iterations: a second or two. */
static void measure_accuracy(Report *report, int r) {
  const RunInfo *run = &report->runs[r];
  Error err;
  report->accuracy[r] = json_array();
  Positions *positions = positions_shipped(run->game, &err);
  if (!positions) return; /* a game without a solver */
  int last = -1;
  for (int i = 0; i < CHECKPOINTS; i++) {
    int iteration = run->iterations * i / (CHECKPOINTS - 1);
    if (iteration == last) continue;
    last = iteration;
    char path[FILE_PATH_MAX], spelling[FILE_PATH_MAX + 32];
    run_network_path(run, iteration, path);
    snprintf(spelling, sizeof spelling, "net:%s,visits=0", path);
    Accuracy accuracy;
    Player *player = player_new(spelling, run->game, report->options->common.threads, &err);
    if (!player || !accuracy_measure(player, positions, 1, NULL, NULL, &accuracy, &err))
      cli_fail("%s", err.message);
    json_array_append_new(report->accuracy[r],
                          json_pack("{s:i, s:f, s:f, s:f}", "iteration", iteration, "value_kept",
                                    accuracy.moves.value_kept.share, "low", accuracy.moves.value_kept.low,
                                    "high", accuracy.moves.value_kept.high));
    player_free(player);
  }
  positions_free(positions);
}

static int by_iteration(const void *a, const void *b) {
  double x = number(*(json_t *const *)a, "iteration"), y = number(*(json_t *const *)b, "iteration");
  return (x > y) - (x < y);
}

/* Rated players called run:NAME@ITERATION,... */
static void find_ratings(Report *report, int r, const EloTable *table) {
  json_t *found[1024];
  int count = 0;
  for (int i = 0; i < table->results.player_count && count < 1024; i++) {
    const char *name = table->results.players[i].name, *at = strrchr(name, '@'), *slash;
    const Rating *rating = &table->ratings->ratings[i];
    if (strncmp(name, "run:", 4) != 0 || !at || !rating->connected) continue;
    char run[STORE_NAME_MAX];
    snprintf(run, sizeof run, "%.*s", (int)(at - name - 4), name + 4);
    slash = strrchr(run, '/');
    if (strcmp(slash ? slash + 1 : run, report->runs[r].name) != 0) continue;
    found[count++] = json_pack("{s:s, s:i, s:f, s:f, s:f}", "player", name, "iteration", atoi(at + 1), "elo",
                               rating->elo, "low", rating->low, "high", rating->high);
  }
  qsort(found, (size_t)count, sizeof *found, by_iteration);
  for (int i = 0; i < count; i++) json_array_append_new(report->elo[r], found[i]);
}

static void read_ratings(Report *report) {
  Error err;
  EloTable table;
  for (int r = 0; r < report->options->count; r++) report->elo[r] = json_array();
  if (!file_exists(report->options->db)) return;
  Store *store = cli_open_store(report->options->db);
  if (elo_rate(store, report->runs[0].game, 0, 1, &table, &err)) {
    for (int r = 0; r < report->options->count; r++) find_ratings(report, r, &table);
    elo_table_free(&table);
  }
  store_close(store);
}

static bool any(json_t *const *lists, int count) {
  for (int i = 0; i < count; i++)
    if (json_array_size(lists[i])) return true;
  return false;
}

static void put_cell(Buffer *html, const char *element, const char *text) {
  buffer_printf(html, "<%s>", element);
  html_put_text(html, text);
}

static void put_settings(Report *report) {
  Buffer *html = &report->html;
  int count = report->options->count;
  buffer_printf(html, "<section><h2>Runs and settings</h2><div class=scroll><table><tr><th>");
  for (int r = 0; r < count; r++) put_cell(html, "th", report->runs[r].name);
  buffer_printf(html, "<tr><td>arm");
  for (int r = 0; r < count; r++)
    buffer_printf(html, "<td>%s",
                  report->runs[r].arm == ARM_FROM_SCRATCH ? "from scratch" : "imitation first");
  buffer_printf(html, "<tr><td>seed");
  for (int r = 0; r < count; r++) buffer_printf(html, "<td>%llu", (unsigned long long)report->runs[r].seed);
  buffer_printf(html, "<tr><td>iterations");
  for (int r = 0; r < count; r++) buffer_printf(html, "<td>%d", report->runs[r].iterations);
  buffer_printf(html, "<tr><td>version");
  for (int r = 0; r < count; r++) put_cell(html, "td", report->runs[r].version);
  for (size_t k = 0; k < run_config_table.count; k++) {
    buffer_printf(html, "<tr><td>%s", run_config_table.keys[k].name);
    for (int r = 0; r < count; r++) {
      char text[CONFIG_TEXT_MAX];
      config_value(&run_config_table.keys[k], &report->runs[r].config, text);
      put_cell(html, "td", text);
    }
  }
  buffer_printf(html, "</table></div></section>\n");
}

static const char page_head[] =
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
    "<title>selfplay report</title><style>:root{color-scheme:light dark}body{font:16px/1.5 "
    "system-ui,sans-serif;"
    "max-width:96rem;margin:auto;padding:1rem;color:#222;background:#fff}.plots{display:grid;"
    "grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1rem}figure{margin:0}"
    "svg{width:100%;height:auto}table{border-collapse:collapse}td,th{padding:.2rem .7rem;text-align:left;"
    "border-bottom:1px solid #8886}.scroll{overflow-x:auto}code{background:#8882;padding:.1rem .3rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}</style>\n<main>\n";

static void write_page(Report *report) {
  Buffer *html = &report->html;
  int count = report->options->count;
  buffer_printf(html, "%s<h1>%s: %d run%s</h1>\n", page_head, report->runs[0].game->title, count,
                count > 1 ? "s" : "");
  if (any(report->elo, count))
    put_plots(report, "Elo (95% band)", "Elo", collect_elo);
  else {
    buffer_printf(html,
                  "<section><h2>Elo</h2><p>No rated players of these runs yet: <code>selfplay elo run:");
    html_put_text(html, report->options->names[0]);
    buffer_printf(html, "</code> plays what is needed.</section>\n");
  }
  if (any(report->accuracy, count))
    put_plots(report, "Value kept by the network alone (95% band)", "share of positions", collect_accuracy);
  put_plots(report, "Policy loss on new positions", "nats", collect_policy);
  put_plots(report, "Value loss on new positions", "nats", collect_value);
  put_plots(report, "Game length", "plies", collect_length);
  put_plots(report, "Speed of self-play", "evaluations per second", collect_speed);
  put_settings(report);
  buffer_printf(html, "<footer><p>Made by <code>selfplay report");
  for (int r = 0; r < count; r++) {
    buffer_printf(html, " ");
    html_put_text(html, report->options->names[r]);
  }
  buffer_printf(html, "</code>, version %s.</footer></main></html>\n", version_text());
}

static void print_numbers(const Report *report) {
  json_t *runs = json_array();
  for (int r = 0; r < report->options->count; r++)
    json_array_append_new(
        runs, json_pack("{s:s, s:s, s:I, s:O, s:O, s:O}", "name", report->runs[r].name, "arm",
                        report->runs[r].arm == ARM_FROM_SCRATCH ? "from-scratch" : "bootstrap-imitation",
                        "seed", (json_int_t)report->runs[r].seed, "log", report->logs[r], "accuracy",
                        report->accuracy[r], "elo", report->elo[r]));
  cli_print_json(json_pack("{s:o}", "runs", runs));
}

int cmd_report(int argc, char **argv) {
  Options options = {.common = cli_common_defaults(), .output = "report.html", .db = CLI_DEFAULT_DB};
  argp_parse(&parser, argc, argv, 0, NULL, &options);
  Report *report = memory_new(1, sizeof *report);
  Error err;
  report->options = &options;
  for (int r = 0; r < options.count; r++) {
    if (!run_open(options.names[r], &report->runs[r], &err)) cli_fail("%s", err.message);
    if (report->runs[r].game != report->runs[0].game)
      cli_fail("%s is a run of %s, %s of %s; a report takes runs of one game", options.names[r],
               report->runs[r].game->name, options.names[0], report->runs[0].game->name);
    if (!(report->logs[r] = run_log(&report->runs[r], &err))) cli_fail("%s", err.message);
    if (!json_array_size(report->logs[r])) cli_fail("%s: no iteration is finished yet", options.names[r]);
    measure_accuracy(report, r);
  }
  read_ratings(report);
  write_page(report);
  if (!file_write(options.output, report->html.data, report->html.size, &err)) cli_fail("%s", err.message);
  if (options.common.json)
    print_numbers(report);
  else
    fprintf(stderr, "selfplay: wrote %s\n", options.output);
  for (int r = 0; r < options.count; r++) {
    json_decref(report->logs[r]);
    json_decref(report->accuracy[r]);
    json_decref(report->elo[r]);
  }
  buffer_free(&report->html);
  free(report);
  return 0;
}
