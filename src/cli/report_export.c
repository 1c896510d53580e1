/* The report's numbers for other programs: CSV, TensorBoard, SVG, JSON. */
#include "cli/arena_options.h"
#include "base/fields.h"
#include "base/memory.h"
#include "cli/export_file.h"
#include "cli/report.h"
#include "cli/tensorboard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The figures that say most in one file: strength and losses against compute. */
static void write_overview(const Report *report, const char *folder) {
  enum { FIRST = 4 };
  ReportFigure *figures = memory_new(FIRST, sizeof *figures);
  const Plot *plots[FIRST];
  int count = 0;
  char path[FILE_PATH_MAX];
  Error err;
  for (int k = 0; k < FIRST; k++) {
    report_figure(report, k, &figures[k]);
    if (figures[k].count && !plot_empty(&figures[k].plots[REPORT_COMPUTE]))
      plots[count++] = &figures[k].plots[REPORT_COMPUTE];
  }
  export_join(path, folder, "overview.svg");
  if (count && !plot_write(plots, count, 2, path, &err)) cli_fail_by(&err);
  for (int k = 0; k < FIRST; k++) report_figure_free(&figures[k]);
  free(figures);
}

void report_write_svg(const Report *report, const char *folder) {
  ReportFigure *figure = memory_new(1, sizeof *figure);
  export_make_folder(folder);
  write_overview(report, folder);
  for (int k = 0; k < REPORT_FIGURES; k++) {
    report_figure(report, k, figure);
    for (int p = 0; p < figure->count; p++) {
      char path[FILE_PATH_MAX], name[80];
      Error err;
      snprintf(name, sizeof name, "%s.svg", figure->plots[p].id);
      export_join(path, folder, name);
      const Plot *plot = &figure->plots[p];
      if (!plot_empty(plot) && !plot_write(&plot, 1, 1, path, &err)) cli_fail_by(&err);
    }
    report_figure_free(figure);
  }
  free(figure);
}

static const json_t *lines_of(const ReportRun *run, bool imitation) {
  return imitation ? run->imitation : run->log;
}

/* Every key that is a number in some line of some run, in the order in which they come. */
static json_t *columns_of(const Report *report, bool imitation) {
  json_t *columns = json_object(), *line, *value;
  const char *key;
  size_t i;
  for (int r = 0; r < report->count; r++) {
    json_array_foreach(lines_of(&report->runs[r], imitation), i, line) {
      json_object_foreach(line, key, value) if (json_is_number(value))
          json_object_set_new(columns, key, json_null());
    }
  }
  return columns;
}

/* One row an object. */
static Buffer csv_of_logs(const Report *report, bool imitation) {
  Buffer out = {0};
  const char *key;
  json_t *columns = columns_of(report, imitation), *line, *ignored;
  if (json_object_size(columns)) {
    buffer_printf(&out, "run,arm,seed");
    json_object_foreach(columns, key, ignored) buffer_printf(&out, ",%s", key);
    buffer_printf(&out, "\n");
  }
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    size_t i;
    json_array_foreach(lines_of(run, imitation), i, line) {
      csv_text(&out, run->label);
      buffer_printf(&out, ",%s,%llu",
                    run->info.arm == ARM_FROM_SCRATCH ? "from-scratch" : "bootstrap-imitation",
                    (unsigned long long)run->info.seed);
      json_object_foreach(columns, key, ignored) csv_number(&out, report_number(line, key));
      buffer_printf(&out, "\n");
    }
  }
  json_decref(columns);
  return out;
}

static void csv_points(Buffer *out, const ReportRun *run, const char *options, const ReportPoint *points,
                       int count) {
  for (int i = 0; i < count; i++) {
    csv_text(out, run->label);
    if (options) {
      buffer_printf(out, ",");
      csv_text(out, options);
    }
    for (ReportAxis axis = 0; axis < REPORT_AXES; axis++)
      csv_number(out, report_x(run, points[i].iteration, axis));
    csv_number(out, points[i].value);
    csv_number(out, points[i].low);
    csv_number(out, points[i].high);
    buffer_printf(out, "\n");
  }
}

static void csv_calibration(Buffer *out, const ReportRun *run) {
  for (size_t i = 0; i < json_array_size(run->log); i++) {
    const json_t *line = json_array_get(run->log, i), *bins = json_object_get(line, "value_calibration");
    for (size_t b = 0; b < json_array_size(bins); b++) {
      const json_t *bin = json_array_get(bins, b);
      if (report_number(bin, "count") <= 0) continue;
      csv_text(out, run->label);
      csv_number(out, report_number(line, "iteration"));
      csv_number(out, report_number(bin, "predicted"));
      csv_number(out, report_number(bin, "observed"));
      csv_number(out, report_number(bin, "count"));
      buffer_printf(out, "\n");
    }
  }
}

void report_write_csv(const Report *report, const char *folder) {
  export_make_folder(folder);
  Buffer text = csv_of_logs(report, false);
  if (text.size) export_write(folder, "iterations.csv", &text);
  if ((text = csv_of_logs(report, true)).size) export_write(folder, "imitation.csv", &text);
  Buffer accuracy = {0}, elo = {0}, calibration = {0};
  buffer_printf(&accuracy, "run,iteration,flops,minutes,value_kept,low,high\n");
  buffer_printf(&elo, "run,options,iteration,flops,minutes,elo,low,high\n");
  buffer_printf(&calibration, "run,iteration,predicted,observed,count\n");
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    csv_points(&accuracy, run, NULL, run->accuracy, run->accuracy_count);
    for (int c = 0; c < run->elo_count; c++)
      csv_points(&elo, run, run->elo[c].options, run->elo[c].points, run->elo[c].count);
    csv_calibration(&calibration, run);
  }
  export_write(folder, "accuracy.csv", &accuracy);
  export_write(folder, "elo.csv", &elo);
  export_write(folder, "calibration.csv", &calibration);
}

/* The wall-clock time of an event: TensorBoard wants one, and runs keep how long they took rather than when.
 */
static double event_time(const ReportRun *run, int iteration) {
  return 60 * report_x(run, iteration, REPORT_TIME);
}

static void put_points(TensorBoard *events, const ReportRun *run, const char *tag, const ReportPoint *points,
                       int count) {
  static const char *const parts[] = {"", "_low", "_high"};
  for (int i = 0; i < count; i++)
    for (int k = 0; k < 3; k++) {
      char full[160];
      snprintf(full, sizeof full, "%s%s", tag, parts[k]);
      double value = k == 0 ? points[i].value : k == 1 ? points[i].low : points[i].high;
      tensorboard_scalar(events, full, points[i].iteration, event_time(run, points[i].iteration), value);
    }
}

static void put_lines(TensorBoard *events, const ReportRun *run, const json_t *lines, const char *group,
                      const char *step) {
  size_t i;
  json_t *line;
  const char *key;
  json_t *value;
  json_array_foreach(lines, i, line) {
    json_object_foreach(line, key, value) {
      char tag[160];
      if (!json_is_number(value) || strcmp(key, step) == 0) continue;
      snprintf(tag, sizeof tag, "%s/%s", group, key);
      int number = (int)report_number(line, step);
      tensorboard_scalar(events, tag, number, step[0] == 'i' ? event_time(run, number) : number,
                         json_number_value(value));
    }
  }
}

void report_write_tensorboard(const Report *report, const char *folder) {
  export_make_folder(folder);
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    TensorBoard events = tensorboard_new();
    put_lines(&events, run, run->imitation, "imitation", "epoch");
    put_lines(&events, run, run->log, "selfplay", "iteration");
    put_points(&events, run, "strength/value_kept", run->accuracy, run->accuracy_count);
    for (int c = 0; c < run->elo_count; c++) {
      char tag[STORE_NAME_MAX + 16];
      snprintf(tag, sizeof tag, "strength/elo%s%s", run->elo[c].options[0] ? "," : "", run->elo[c].options);
      put_points(&events, run, tag, run->elo[c].points, run->elo[c].count);
    }
    char label[REPORT_LABEL];
    snprintf(label, sizeof label, "%s", run->label);
    for (char *c = label; *c; c++)
      if (*c == '/') *c = '_'; /* a folder that goes by its path */
    export_events(folder, label, &events);
  }
}

static json_t *points_json(const ReportRun *run, const char *key, const ReportPoint *points, int count) {
  json_t *array = json_array();
  for (int i = 0; i < count; i++)
    json_array_append_new(array,
                          json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "iteration", points[i].iteration,
                                    "flops", field_real(report_x(run, points[i].iteration, REPORT_COMPUTE)),
                                    "minutes", field_real(report_x(run, points[i].iteration, REPORT_TIME)),
                                    key, field_real(points[i].value), "low", field_real(points[i].low),
                                    "high", field_real(points[i].high)));
  return array;
}

static json_t *run_json(const ReportRun *run) {
  json_t *elo = json_array();
  for (int c = 0; c < run->elo_count; c++)
    json_array_append_new(elo, json_pack("{s:s, s:o}", "options", run->elo[c].options, "points",
                                         points_json(run, "elo", run->elo[c].points, run->elo[c].count)));
  const char *arm = run->info.arm == ARM_FROM_SCRATCH ? "from-scratch" : "bootstrap-imitation";
  return json_pack("{s:s, s:s, s:s, s:I, s:s, s:O, s:O, s:o, s:o}", "name", run->label, "folder",
                   run->info.folder, "arm", arm, "seed", (json_int_t)run->info.seed, "version",
                   run->info.version, "log", run->log, "imitation", run->imitation, "accuracy",
                   points_json(run, "value_kept", run->accuracy, run->accuracy_count), "elo", elo);
}

json_t *report_json(const Report *report) {
  json_t *runs = json_array();
  bool fine = true;
  for (int r = 0; r < report->count; r++)
    fine = json_array_append_new(runs, run_json(&report->runs[r])) == 0 && fine; /* a name may not be UTF-8 */
  Buffer answer = {0};
  report_answer(report, &answer);
  json_t *root = json_pack("{s:s, s:s, s:o}", "game", report->game->name, "answer", (const char *)answer.data,
                           "runs", runs);
  buffer_free(&answer);
  if (fine) return root;
  json_decref(root);
  return NULL;
}
