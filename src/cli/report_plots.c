/* The figures of a report: which numbers, against which axes. */
#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A quantity of the log, beside what it is measured against. */
typedef struct LogFigure {
  const char *id, *title, *y_label, *caption;
  const char *key, *name;           /* name: in the legend, where there is a second key */
  const char *second, *second_name; /* drawn as a baseline; NULL = none */
  double y_low, y_high;
} LogFigure;

static const LogFigure log_figures[] = {
    {"policy-loss", "Policy loss", "nats",
     "Cross-entropy between the search's policy and the network's on each iteration's new positions, before "
     "the network has "
     "learnt from them. Below the dotted line it knows more than the best constant prediction.",
     "loss_policy", "network", "loss_policy_baseline", "best constant", 0, 0},
    {"value-loss", "Value loss", "nats",
     "Cross-entropy of the win/draw/loss prediction on the same new positions. Above the dotted line the "
     "value head is worse "
     "than the best constant prediction.",
     "loss_value", "network", "loss_value_baseline", "best constant", 0, 0},
    {"calibration-error", "Calibration error of the value", "win - loss",
     "Mean distance between predicted and observed result over ten bins of the prediction; 0 is honest.",
     "value_calibration_error", "", NULL, NULL, 0, 0},
    {"entropy", "Entropy of the policies", "nats",
     "How undecided the search's policy (the target of learning) and the network's own are. A target that "
     "falls quickly to 0 "
     "leaves nothing to explore.",
     "target_entropy", "search", "policy_entropy", "network", 0, 0},
    {"game-length", "Length of self-play games", "plies", "Plies of a game, random opening moves included.",
     "game_length", "", NULL, NULL, 0, 0},
    {"first-wins", "Games won by the first player", "games of an iteration",
     "Of the games of each iteration; drawn ones dotted.", "first_wins", "first wins", "draws", "drawn", 0,
     0},
    {"reuse", "Sample reuse", "samples for each new position",
     "Training samples drawn for each new position; much reuse over-fits the value head.", "sample_reuse", "",
     NULL, NULL, 0, 0},
    {"unique", "Distinct positions", "positions of an iteration",
     "Distinct positions among an iteration's own; the dotted line counts repeated ones too.",
     "unique_positions", "distinct", "positions", "all", 0, 0},
    {"proven", "Proven positions", "positions of an iteration",
     "Positions whose value the search proved, which then replaces the game's outcome; where a proof ends "
     "the game, "
     "one each. The dotted line counts all positions.",
     "proven_positions", "proven", "positions", "all", 0, 0},
    {"speed", "Speed of self-play", "evaluations per second",
     "Network evaluations per second of self-play, on the machine of the run and beside whatever else it had "
     "to do.",
     "evaluations_per_second", "", NULL, NULL, 0, 0},
};
enum { LOG_FIGURES = sizeof log_figures / sizeof *log_figures };

static double axis_value(const Report *report, int r, int iteration, ReportAxis axis) {
  double x = report_x(&report->runs[r], iteration, axis);
  return axis == REPORT_COMPUTE ? x / report_unit(report) : x;
}

static PlotSeries log_series(const Report *report, int r, const char *key, ReportAxis axis) {
  const ReportRun *run = &report->runs[r];
  int count = (int)json_array_size(run->log);
  PlotSeries series = plot_series_new(run->label, r, count, false);
  for (int i = 0; i < count; i++) {
    series.x[i] = axis_value(report, r, i + 1, axis);
    series.y[i] = report_number(json_array_get(run->log, (size_t)i), key);
  }
  series.count = count;
  return series;
}

static void name_series(PlotSeries *series, const char *label, const char *what) {
  enum { WHAT_MOST = 60 };
  int most = (int)sizeof series->title - 1, length = what ? (int)strlen(what) : 0;
  if (length > WHAT_MOST) length = WHAT_MOST;
  if (length)
    snprintf(series->title, sizeof series->title, "%.*s: %.*s", most - 2 - length, label, length, what);
  else
    snprintf(series->title, sizeof series->title, "%s", label);
}

static PlotSeries point_series(const Report *report, int r, const ReportPoint *points, int count,
                               ReportAxis axis) {
  PlotSeries series = plot_series_new(report->runs[r].label, r, count, true);
  for (int i = 0; i < count; i++) {
    series.x[i] = axis_value(report, r, points[i].iteration, axis);
    series.y[i] = points[i].value;
    series.low[i] = points[i].low;
    series.high[i] = points[i].high;
  }
  series.count = count;
  return series;
}

static int log_axis(const Report *report, const LogFigure *figure, ReportAxis axis, PlotSeries *out) {
  int count = 0;
  for (int r = 0; r < report->count; r++) {
    const ReportRun *run = &report->runs[r];
    out[count] = log_series(report, r, figure->key, axis);
    name_series(&out[count++], run->label, figure->name);
    if (!figure->second) continue;
    out[count] = log_series(report, r, figure->second, axis);
    out[count].kind = PLOT_BASELINE;
    name_series(&out[count++], run->label, figure->second_name);
  }
  return count;
}

static int elo_axis(const Report *report, ReportAxis axis, PlotSeries *out) {
  int count = 0;
  for (int r = 0; r < report->count; r++)
    for (int c = 0; c < report->runs[r].elo_count && c < 2;
         c++) { /* the longest two: more would hide each other */
      const ReportCurve *curve = &report->runs[r].elo[c];
      out[count] = point_series(report, r, curve->points, curve->count, axis);
      if (curve->count == 1 || c) out[count].kind = PLOT_POINTS;
      name_series(&out[count++], report->runs[r].label, curve->options);
    }
  return count;
}

static int accuracy_axis(const Report *report, ReportAxis axis, PlotSeries *out) {
  int count = 0;
  for (int r = 0; r < report->count; r++)
    if (report->runs[r].accuracy_count)
      out[count++] = point_series(report, r, report->runs[r].accuracy, report->runs[r].accuracy_count, axis);
  return count;
}

static void describe(const Report *report, ReportFigure *figure, const char *y_label, ReportAxis axis,
                     int series, double y_low, double y_high) {
  Plot *plot = &figure->plots[axis];
  static const char *const suffixes[REPORT_AXES] = {"iteration", "compute", "time"};
  snprintf(figure->ids[axis], sizeof figure->ids[axis], "%s-%s", figure->id, suffixes[axis]);
  *plot = (Plot){.id = figure->ids[axis],
                 .title = figure->title,
                 .description = figure->descriptions[axis],
                 .x_label = report_axis_label(report, axis),
                 .y_label = y_label,
                 .y_low = y_low,
                 .y_high = y_high,
                 .axis = (int)axis + 1,
                 .series = figure->series[axis],
                 .count = series};
  char *text = figure->descriptions[axis];
  size_t size = sizeof figure->descriptions[axis], used = 0;
  text[0] = 0;
  for (int s = 0; s < series && used + 1 < size; s++) {
    const PlotSeries *one = &plot->series[s];
    if (one->count)
      used += (size_t)snprintf(text + used, size - used, "%s%s from %.4g to %.4g", s ? "; " : "", one->title,
                               one->y[0], one->y[one->count - 1]);
    if (used > size) used = size - 1;
  }
}

/* The last iteration's bins of predicted against observed. */
static void calibration_figure(const Report *report, ReportFigure *out) {
  out->id = "calibration";
  out->title = "Calibration of the value";
  out->caption = "Observed against predicted result (win - loss for the player to move) of the last "
                 "iteration's new positions, in "
                 "ten bins; on the dotted line predictions come true.";
  for (int r = 0; r < report->count; r++) {
    const json_t *bins = json_object_get(report_last(&report->runs[r]), "value_calibration"), *bin;
    size_t i;
    PlotSeries *series = &out->series[0][r];
    *series = plot_series_new(report->runs[r].label, r, (int)json_array_size(bins), false);
    json_array_foreach(bins, i, bin) {
      if (report_number(bin, "count") <= 0) continue;
      series->x[series->count] = report_number(bin, "predicted");
      series->y[series->count++] = report_number(bin, "observed");
    }
  }
  PlotSeries *diagonal = &out->series[0][report->count];
  *diagonal = plot_series_new("honest", PLOT_STYLES - 1, 2, false);
  diagonal->kind = PLOT_BASELINE;
  diagonal->count = 2;
  diagonal->x[0] = diagonal->y[0] = -1;
  diagonal->x[1] = diagonal->y[1] = 1;
  describe(report, out, "observed", 0, report->count + 1, -1, 1);
  out->plots[0].x_label = "predicted";
  out->plots[0].axis = 0;
  out->plots[0].id = out->id;
  out->count = 1;
}

static void imitation_figure(const Report *report, ReportFigure *out, const char *key, const char *baseline) {
  int count = 0;
  for (int r = 0; r < report->count; r++) {
    const json_t *epochs = report->runs[r].imitation;
    int n = (int)json_array_size(epochs);
    if (!n) continue;
    for (int b = 0; b < (baseline ? 2 : 1); b++) {
      PlotSeries *series = &out->series[0][count++];
      *series = plot_series_new("", r, n, false);
      series->kind = b ? PLOT_BASELINE : PLOT_LINE;
      name_series(series, report->runs[r].label, !baseline ? "" : b ? "best constant" : "network");
      for (int i = 0; i < n; i++) {
        series->x[i] = report_number(json_array_get(epochs, (size_t)i), "epoch");
        series->y[i] = report_number(json_array_get(epochs, (size_t)i), b ? baseline : key);
      }
      series->count = n;
    }
  }
  if (!count) return;
  describe(report, out, baseline ? "nats" : "share of moves", 0, count, 0, 0);
  out->plots[0].x_label = "pass over the expert games";
  out->plots[0].axis = 0;
  out->plots[0].id = out->id;
  out->count = 1;
}

static void checkpoint_figure(const Report *report, ReportFigure *out, bool elo) {
  out->id = elo ? "elo" : "accuracy";
  out->title = elo ? "Elo" : "Value kept by the network alone";
  out->caption =
      elo ? "Ratings of the runs' networks with 95% intervals, all in one table with every recorded game; "
            "the "
            "reference player is at 0."
          : "Share of the built-in positions in which the network's first choice, without search, keeps the "
            "game-theoretic result by the exact solver, with Wilson's 95% intervals.";
  for (ReportAxis axis = 0; axis < REPORT_AXES; axis++) {
    PlotSeries *series = out->series[axis];
    int count = elo ? elo_axis(report, axis, series) : accuracy_axis(report, axis, series);
    if (count) describe(report, out, elo ? "Elo" : "share of positions", axis, count, 0, 0);
    out->count = count ? REPORT_AXES : 0;
  }
}

static void log_figure(const Report *report, ReportFigure *out, const LogFigure *figure) {
  out->id = figure->id;
  out->title = figure->title;
  out->caption = figure->caption;
  for (ReportAxis axis = 0; axis < REPORT_AXES; axis++)
    describe(report, out, figure->y_label, axis, log_axis(report, figure, axis, out->series[axis]),
             figure->y_low, figure->y_high);
  out->count = REPORT_AXES;
}

void report_figure(const Report *report, int k, ReportFigure *out) {
  memset(out, 0, sizeof *out);
  if (k < 2) {
    checkpoint_figure(report, out, k == 0);
  } else if (k < 2 + LOG_FIGURES) {
    log_figure(report, out, &log_figures[k - 2]);
  } else if (k == 2 + LOG_FIGURES) {
    calibration_figure(report, out);
  } else if (k == 3 + LOG_FIGURES) {
    out->id = "imitation-loss";
    out->title = "Imitation: policy loss on held-out games";
    out->caption = "The bootstrap stage: cross-entropy with the expert's moves in the held-out tenth of the "
                   "expert games.";
    imitation_figure(report, out, "loss_policy", "loss_policy_baseline");
  } else {
    out->id = "imitation-match";
    out->title = "Imitation: moves that match the expert's";
    out->caption = "Share of held-out positions in which the network's first choice is the expert's move.";
    imitation_figure(report, out, "move_match_top1", NULL);
  }
}

void report_figure_free(ReportFigure *figure) {
  for (int p = 0; p < figure->count; p++) plot_series_free(figure->series[p], figure->plots[p].count);
}
