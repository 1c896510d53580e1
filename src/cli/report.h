/* Report: what a few runs of one game have to say, gathered once, then shown as a page, as CSV, as
 * TensorBoard events and as JSON. Every number comes from the runs' files, from the ratings file, or from
 * `selfplay accuracy` on the runs' networks. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "arena/elo.h"
#include "cli/cli.h"
#include "cli/plot.h"
#include "selfplay/run.h"

enum { REPORT_RUNS = 12, REPORT_CHECKPOINTS = 8, REPORT_LABEL = 96 };

/* A figure of one network of a run, with its 95 % interval. */
typedef struct ReportPoint {
  int iteration;
  double value, low, high;
  int player; /* of Report.ratings; -1 where it is no rating */
} ReportPoint;

/* Ratings of one run's networks that search alike: "visits=200". */
typedef struct ReportCurve {
  char options[STORE_NAME_MAX];
  ReportPoint *points; /* by iteration */
  int count;
} ReportCurve;

typedef struct ReportRun {
  RunInfo info;
  char label[REPORT_LABEL]; /* the run's name; its folder where two runs go by one name */
  json_t *log, *imitation;  /* run_log(), run_imitation_log() */
  uint32_t first_hash;      /* of network 0, which no line of the log names */
  ReportPoint
      *accuracy; /* value kept by the network alone on the built-in set; NULL without a solver's set */
  int accuracy_count;
  ReportCurve *elo; /* by the number of points, longest first */
  int elo_count;
} ReportRun;

typedef struct Report {
  const Game *game;
  ReportRun runs[REPORT_RUNS];
  int count;
  const char *db;
  int unit;   /* of compute: 0 GFLOP, 1 TFLOP, 2 PFLOP */
  bool rated; /* `ratings` is filled in */
  EloTable ratings;
} Report;

/* Reads the runs and the ratings (a ratings file that does not exist is none) and measures the accuracy of up
 * to REPORT_CHECKPOINTS networks a run. Ends the program with a clear line where a run cannot be read. */
void report_gather(Report *report, const char *const *names, int count, const char *db, int threads);
void report_free(Report *report);

/* A number of a log line; NaN where the key is missing. */
double report_number(const json_t *line, const char *key);
/* What a curve can be drawn against. */
typedef enum ReportAxis { REPORT_ITERATION, REPORT_COMPUTE, REPORT_TIME, REPORT_AXES } ReportAxis;
/* Label of an axis with its unit; compute in GFLOP, TFLOP or PFLOP as fits the longest run. */
const char *report_axis_label(const Report *report, ReportAxis axis);
/* Floating-point operations of that unit. */
double report_unit(const Report *report);
/* x of a network: its iteration, the floating-point operations or the minutes spent until it was there.
 * Iteration 0 is the network before self-play, which for imitation has cost something already. */
double report_x(const ReportRun *run, int iteration, ReportAxis axis);
/* The last log line; NULL where no iteration is finished. */
const json_t *report_last(const ReportRun *run);

/* All plots of the report, for report_page.c and --svg: a figure has the same quantity against each axis. */
typedef struct ReportFigure {
  const char *id, *title, *caption;
  Plot plots[REPORT_AXES];
  PlotSeries series[REPORT_AXES][4 * REPORT_RUNS];
  char ids[REPORT_AXES][48], descriptions[REPORT_AXES][256];
  int count; /* of plots; 0 where there are no data */
} ReportFigure;

enum { REPORT_FIGURES = 14 };
/* Figure number k (0 .. REPORT_FIGURES - 1); release it with report_figure_free(). */
void report_figure(const Report *report, int k, ReportFigure *out);
void report_figure_free(ReportFigure *figure);

/* Writers; they end the program with a clear line on failure. `command` is the one that makes the page again.
 */
void report_write_page(const Report *report, const char *command, const char *path);
void report_write_svg(const Report *report, const char *folder);
void report_write_csv(const Report *report, const char *folder);
void report_write_tensorboard(const Report *report, const char *folder);
json_t *report_json(const Report *report);
/* The answer in one sentence. */
void report_answer(const Report *report, Buffer *out);

#endif
