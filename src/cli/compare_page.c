#include "cli/compare_page.h"

#include "base/fields.h"
#include "base/memory.h"
#include "cli/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What curves can be shown against: a key of "curves", and how it is labelled. */
typedef struct Axis {
  const char *key, *button, *label;
  double scale;
} Axis;

static const Axis axes[] = {
    {"cpu_seconds", "CPU time", "CPU minutes, everything counted", 1.0 / 60},
    {"flops", "compute", "TFLOP, everything counted", 1e-12},
    {"games", "games", "games, the teacher's included", 1},
};
enum { AXES = sizeof axes / sizeof *axes };

typedef struct CurveFigure {
  const char *key, *title, *y_label, *caption;
  double scale;
} CurveFigure;

static const CurveFigure curve_figures[] = {
    {"elo", "Elo", "Elo, mcts:1000 is 0",
     "All networks in one rating pool: mean over seeds with its 95% band (Student's t). Before a bootstrap "
     "stage is over "
     "its arm plays with the initial weights.",
     1},
    {"search_value_kept", "Accuracy with search", "value kept, %",
     "Positions in which the move keeps the result by the exact solver, with the pool's visits.", 100},
    {"value_kept", "Accuracy of the policy alone", "value kept, %", "The same without search.", 100},
    {"best_score", "Best moves of the policy", "best scores, %",
     "Positions in which the policy's move also wins soonest or loses latest.", 100},
    {"log_loss", "Log loss of the value head", "nats",
     "Of the win/draw/loss head against the exact solver; 1.1 is to know nothing.", 1},
    {"solver_top1", "Agreement with perfect play", "first choices, %",
     "How often the network's first choice is one of the solver's best moves.", 100},
    {"teacher_top1", "Agreement with the teacher", "first choices, %",
     "How often the network's first choice is one of the teacher's.", 100},
    {"teacher_kl", "Divergence from the teacher", "nats",
     "KL(teacher || network) on a fixed set of positions.", 1},
    {"solver_kl", "Divergence from perfect play", "nats",
     "KL(solver || network); the solver's policy is uniform over the best moves.", 1},
    {"start_kl", "Policy moved from its start", "nats",
     "KL(first network || network): where imitation left it, or the initial weights.", 1},
    {"start_distance", "Weights moved from their start", "share of the norm",
     "Euclidean distance of the weights from the run's first network, relative to its norm.", 1},
    {"policy_entropy", "Entropy of the policy", "nats",
     "Mean over the positions on which it is compared with others.", 1},
    {"opening_entropy", "Diversity of openings", "nats",
     "Entropy of the positions after 4 plies of games without random moves.", 1},
    {"unique_share", "Unique positions", "% of an iteration",
     "Share of an iteration's positions that are distinct.", 100},
};
enum { CURVES = sizeof curve_figures / sizeof *curve_figures };

static double item(const json_t *list, size_t k) {
  const json_t *value = json_array_get(list, k);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* x[] against lists {mean, low, high}; intervals only where every point has one. */
static PlotSeries band_series(const char *title, int style, const json_t *x, double x_scale,
                              const json_t *lists, double y_scale) {
  int n = (int)json_array_size(x);
  const json_t *mean = json_object_get(lists, "mean"), *low = json_object_get(lists, "low"),
               *high = json_object_get(lists, "high");
  bool intervals = n > 0 && isfinite(item(low, (size_t)n - 1));
  PlotSeries series = plot_series_new(title, style, n, intervals);
  for (size_t k = 0; k < (size_t)n; k++) {
    double at[3] = {y_scale * item(mean, k), y_scale * item(low, k), y_scale * item(high, k)};
    if (!isfinite(at[0])) continue;
    int i = series.count++;
    series.x[i] = x_scale * item(x, k);
    series.y[i] = at[0];
    if (!intervals) continue;
    series.low[i] = isfinite(at[1]) ? at[1] : at[0];
    series.high[i] = isfinite(at[2]) ? at[2] : at[0];
  }
  return series;
}

static bool put_curves(Page *page, const json_t *arms, const CurveFigure *figure, Error *err) {
  size_t count = json_array_size(arms), a;
  const json_t *arm;
  Plot plots[AXES];
  PlotSeries *series[AXES];
  char ids[AXES][64];
  for (int x = 0; x < AXES; x++) {
    series[x] = memory_new(count, sizeof(PlotSeries));
    json_array_foreach(arms, a, arm) {
      const json_t *curves = json_object_get(json_object_get(arm, "curves"), axes[x].key);
      series[x][a] = band_series(field_text(arm, "name"), (int)a, json_object_get(curves, "budget"),
                                 axes[x].scale, json_object_get(curves, figure->key), figure->scale);
    }
    snprintf(ids[x], sizeof ids[x], "%s-%s", figure->key, axes[x].button);
    for (char *at = ids[x]; *at; at++)
      if (*at == '_' || *at == ' ') *at = '-';
    plots[x] = (Plot){.id = ids[x],
                      .title = figure->title,
                      .description = figure->caption,
                      .x_label = axes[x].label,
                      .y_label = figure->y_label,
                      .axis = x + 1,
                      .series = series[x],
                      .count = (int)count};
  }
  bool any = false, fine = true;
  for (int x = 0; x < AXES; x++) any = any || !plot_empty(&plots[x]);
  if (any) fine = page_figure(page, figure->caption, plots, AXES, err);
  for (int x = 0; x < AXES; x++) {
    plot_series_free(series[x], (int)count);
    free(series[x]);
  }
  return fine;
}

/* One plot that does not depend on the reader's choice of axis. */
static bool put_plot(Page *page, Plot *plot, PlotSeries *series, int count, Error *err) {
  plot->series = series, plot->count = count;
  bool fine = plot_empty(plot) || page_figure(page, plot->description, plot, 1, err);
  plot_series_free(series, count);
  free(series);
  return fine;
}

static bool put_head_start(Page *page, const json_t *result, Error *err) {
  const json_t *comparisons = json_object_get(result, "comparisons"), *comparison;
  const char *unit = field_text(json_object_get(result, "experiment"), "unit");
  size_t count = json_array_size(comparisons), i;
  double scale = 1;
  const char *label = unit;
  for (int x = 0; x < AXES; x++)
    if (strcmp(axes[x].key, unit) == 0) scale = axes[x].scale, label = axes[x].label;
  PlotSeries *series = memory_new(count + 1, sizeof *series);
  char title[96];
  json_array_foreach(comparisons, i, comparison) {
    snprintf(title, sizeof title, "%.40s over %.40s", field_text(comparison, "arm"),
             field_text(comparison, "over"));
    series[i] = band_series(title, (int)i + 1, json_object_get(comparison, "budget"), scale,
                            json_object_get(comparison, "elo"), 1);
  }
  Plot plot = {
      .id = "head-start",
      .title = "Head start",
      .description =
          "Difference of Elo over the first arm at each budget, within seeds, with its 95% band. Where "
          "the band holds zero no difference is shown.",
      .x_label = label,
      .y_label = "Elo"};
  return put_plot(page, &plot, series, (int)count, err);
}

/* The curves of an arm at a search checkpoint. */
static const json_t *search_of(const json_t *arm, size_t checkpoint) {
  return json_array_get(json_object_get(json_object_get(arm, "search"), "checkpoints"), checkpoint);
}

static bool put_search_plot(Page *page, const json_t *arms, size_t checkpoint, const CurveFigure *figure,
                            const char *id, Error *err) {
  size_t count = json_array_size(arms), a;
  const json_t *arm;
  PlotSeries *series = memory_new(count, sizeof *series);
  json_array_foreach(arms, a, arm) {
    const json_t *search = search_of(arm, checkpoint);
    series[a] = band_series(field_text(arm, "name"), (int)a, json_object_get(search, "visits"), 1,
                            json_object_get(search, figure->key), figure->scale);
  }
  Plot plot = {.id = id,
               .title = figure->title,
               .description = figure->caption,
               .x_label = "visits a move",
               .y_label = figure->y_label,
               .log_x = true};
  return put_plot(page, &plot, series, (int)count, err);
}

/* --- tables --- */

static void put_band(Page *page, const json_t *band, int digits, double scale) {
  double mean = scale * field_number(band, "mean"), low = scale * field_number(band, "low"),
         high = scale * field_number(band, "high");
  if (!isfinite(mean))
    page_cell(page, "–");
  else if (!isfinite(low))
    page_cell(page, "%.*f", digits, mean);
  else
    page_cell(page, "%.*f [%.*f, %.*f]", digits, mean, digits, low, digits, high);
}

typedef struct Column {
  const char *heading, *key;
  int digits;
  double scale;
} Column;

static void put_table(Page *page, const json_t *arms, const char *caption, const char *group,
                      const Column *columns, int count) {
  const char *headings[8] = {"arm"};
  const json_t *arm;
  size_t a;
  for (int c = 0; c < count; c++) headings[c + 1] = columns[c].heading;
  page_table(page, caption, headings, count + 1);
  json_array_foreach(arms, a, arm) {
    page_row(page, field_text(arm, "name"));
    for (int c = 0; c < count; c++)
      put_band(page, json_object_get(json_object_get(arm, group), columns[c].key), columns[c].digits,
               columns[c].scale);
  }
  page_table_end(page);
}

static void put_gain(Page *page, const json_t *gain) {
  double elo = field_number(gain, "elo");
  if (isfinite(elo))
    page_cell(page, "%+.0f [%+.0f, %+.0f]", elo, field_number(gain, "low"), field_number(gain, "high"));
  else
    page_cell(page, "–");
}

static void put_gains(Page *page, const json_t *arms) {
  const json_t *arm, *run;
  size_t a, r;
  page_table(page, "Elo gained from each run's first network to its last",
             (const char *[]){"run", "by games inside the run", "against fixed opponents"}, 3);
  json_array_foreach(arms, a, arm) json_array_foreach(json_object_get(arm, "runs"), r, run) {
    page_row(page, field_text(run, "run"));
    put_gain(page, json_object_get(run, "gain_inside"));
    put_gain(page, json_object_get(run, "gain_fixed"));
  }
  page_table_end(page);
  page_text(page, "A run that has only learnt to beat itself gains inside and not outside.");
}

static void put_sentences(Page *page, const char *id, const char *heading, const json_t *list) {
  const json_t *line;
  size_t i;
  page_section(page, id, heading);
  json_array_foreach(list, i, line) page_item(page, "%s", json_string_value(line));
}

static void put_comparisons(Page *page, const json_t *result, bool finished) {
  const json_t *comparison;
  size_t i;
  page_table(page, finished ? "At the end of the budget, over the first arm" : "So far, over the first arm",
             (const char *[]){"arm", "Elo", "probability that it is ahead", "of being the best of all"}, 4);
  json_array_foreach(json_object_get(result, "comparisons"), i, comparison) {
    page_row(page, field_text(comparison, "arm"));
    put_band(page, json_object_get(comparison, "final_elo"), 0, 1);
    double ahead = field_number(comparison, "probability_ahead"),
           best = field_number(json_object_get(result, "probability_best"), field_text(comparison, "arm"));
    if (isfinite(ahead))
      page_cell(page, "%.2f", ahead);
    else
      page_cell(page, "–");
    if (isfinite(best))
      page_cell(page, "%.2f", best);
    else
      page_cell(page, "–");
  }
  page_table_end(page);
}

static void put_figures(Page *page, const json_t *result) {
  static const Column columns[] = {{"Elo", "elo", 0, 1},
                                   {"value kept with search, %", "search_value_kept", 1, 100},
                                   {"value kept by the policy, %", "value_kept", 1, 100},
                                   {"KL from the solver, nats", "solver_kl", 2, 1}};
  page_section(page, "figures", "Key figures");
  bool finished = json_is_true(json_object_get(json_object_get(result, "experiment"), "finished"));
  put_table(page, json_object_get(result, "arms"),
            finished ? "At the end of the budget: mean over seeds [95%]"
                     : "So far, at the budget of the run furthest behind: mean over seeds [95%]",
            "final", columns, 4);
  put_comparisons(page, result, finished);
}

static bool put_plots(Page *page, const json_t *result, Error *err) {
  const json_t *arms = json_object_get(result, "arms");
  const char *labels[AXES], *unit = field_text(json_object_get(result, "experiment"), "unit");
  int first = 1;
  if (strcmp(unit, "evaluations") == 0) unit = "flops"; /* the same but for a factor */
  for (int x = 0; x < AXES; x++) {
    labels[x] = axes[x].button;
    if (strcmp(axes[x].key, unit) == 0) first = x + 1;
  }
  page_section(page, "plots", "Along the budget");
  if (!put_head_start(page, result, err)) return false;
  page_axes(page, labels, AXES, first);
  for (int f = 0; f < CURVES; f++)
    if (!put_curves(page, arms, &curve_figures[f], err)) return false;
  return true;
}

static bool put_search_plots(Page *page, const json_t *arms, size_t checkpoint, Error *err) {
  static const CurveFigure figures[] = {
      {"elo", "Elo by visits", "Elo, mcts:1000 is 0", "At other budgets of search", 1},
      {"value_kept", "Accuracy by visits", "value kept, %", "By the exact solver", 100}};
  double share = field_number(search_of(json_array_get(arms, 0), checkpoint), "checkpoint");
  for (size_t f = 0; f < sizeof figures / sizeof *figures; f++) {
    char title[80], caption[200], id[40];
    snprintf(title, sizeof title, "%s, networks at %g%% of the budget", figures[f].title, 100 * share);
    snprintf(caption, sizeof caption,
             "%s, the networks nearest to %g%% of the budget: mean over seeds with its 95%% interval.",
             figures[f].caption, 100 * share);
    snprintf(id, sizeof id, "search-%s-%zu", f ? "accuracy" : "elo", checkpoint + 1);
    CurveFigure figure = figures[f];
    figure.title = title, figure.caption = caption;
    if (!put_search_plot(page, arms, checkpoint, &figure, id, err)) return false;
  }
  return true;
}

static bool put_search(Page *page, const json_t *arms, Error *err) {
  static const Column slopes[] = {
      {"Elo for a doubling of visits (last networks)", "elo_per_doubling", 0, 1},
      {"Elo for a doubling of training", "elo_per_doubling_of_training", 0, 1},
      {"doublings of visits worth one of training", "search_doublings_per_training_doubling", 2, 1}};
  const json_t *first = json_array_get(arms, 0);
  if (!json_array_size(json_object_get(search_of(first, 0), "visits"))) return true;
  page_section(page, "search", "Test-time search");
  for (size_t c = 0; search_of(first, c); c++)
    if (!put_search_plots(page, arms, c, err)) return false;
  put_table(page, arms, "Slopes: mean over seeds [95%]", "search", slopes, 3);
  return true;
}

static bool put_generalisation_plot(Page *page, const json_t *arms, Error *err) {
  static const char *const sets[] = {"own", "others", "random", "teacher"};
  enum { SETS = sizeof sets / sizeof *sets };
  size_t count = json_array_size(arms), a;
  const json_t *arm;
  PlotSeries *series = memory_new(count + 1, sizeof *series);
  json_array_foreach(arms, a, arm) {
    const json_t *shares = json_object_get(arm, "generalisation");
    series[a] = plot_series_new(field_text(arm, "name"), (int)a, SETS, true);
    series[a].kind = PLOT_POINTS;
    for (int k = 0; k < SETS; k++) {
      const json_t *band = json_object_get(shares, sets[k]);
      double mean = 100 * field_number(band, "mean"), low = 100 * field_number(band, "low"),
             high = 100 * field_number(band, "high");
      if (!isfinite(mean)) continue;
      int i = series[a].count++;
      series[a].x[i] = k + 1 + 0.5 * ((double)a - (double)(count - 1) / 2) / (double)count;
      series[a].y[i] = mean;
      series[a].low[i] = isfinite(low) ? low : mean, series[a].high[i] = isfinite(high) ? high : mean;
    }
  }
  Plot plot = {.id = "generalisation",
               .title = "Accuracy by kind of position",
               .description =
                   "Value kept by the last networks' policies on 1 their own late positions, 2 other arms', "
                   "3 random ones, 4 the teacher's: mean over seeds with its 95% interval.",
               .x_label = "1 own, 2 other arms', 3 random, 4 the teacher's",
               .y_label = "value kept, %"};
  return put_plot(page, &plot, series, (int)count, err);
}

static bool put_generalisation(Page *page, const json_t *arms, Error *err) {
  static const Column columns[] = {{"own late positions", "own", 1, 100},
                                   {"other arms'", "others", 1, 100},
                                   {"random", "random", 1, 100},
                                   {"the teacher's", "teacher", 1, 100},
                                   {"gap, own - random", "gap_random", 1, 100},
                                   {"gap, own - others'", "gap_others", 1, 100}};
  page_section(page, "generalisation", "Generalisation");
  if (!put_generalisation_plot(page, arms, err)) return false;
  put_table(page, arms, "Value kept by the last networks' policies, %: mean over seeds [95%]",
            "generalisation", columns, 6);
  page_text(
      page,
      "The positions come from games played anew; those that occur, or an image of them, in what any run of "
      "the experiment has learnt from are left out.");
  return true;
}

static void put_settings(Page *page, const json_t *experiment) {
  page_section(page, "settings", "Settings, versions and seeds");
  page_text(page, "%s; %.0f seeds from %.0f on; %.0f rated games at %.0f visits; selfplay %s on %s.",
            field_text(experiment, "title"), field_number(experiment, "seeds"),
            field_number(experiment, "first_seed"), field_number(experiment, "games"),
            field_number(experiment, "visits"), field_text(experiment, "version"),
            field_text(experiment, "features"));
  page_fold(page, "The design");
  char *copy = strdup(field_text(experiment, "design")), *rest = copy, *line;
  while ((line = strsep(&rest, "\n")))
    if (*line) page_item(page, "`%s`", line);
  free(copy);
  page_fold_end(page);
  page_fold(page, "The first arm's configuration, every key; the others differ as the design says");
  const char *key;
  json_t *value;
  json_object_foreach(json_object_get(experiment, "configuration"), key, value)
      page_item(page, "`%s = %s`", key, json_string_value(value));
  page_fold_end(page);
}

static bool any_imitation(const json_t *arms) {
  const json_t *arm;
  size_t a;
  json_array_foreach(arms, a, arm) if (json_is_true(json_object_get(arm, "imitation"))) return true;
  return false;
}

bool compare_page_write(const json_t *result, const char *command, const char *path, const char *svg,
                        Error *err) {
  const json_t *experiment = json_object_get(result, "experiment"), *arms = json_object_get(result, "arms");
  const json_t *verdict = json_object_get(result, "verdict");
  const char *answer = json_string_value(json_array_get(verdict, 0));
  char title[160];
  snprintf(title, sizeof title, "%s: %s", field_text(experiment, "title"),
           any_imitation(arms) ? "does imitation help?" : "which way of learning is ahead?");
  Page *page = page_new(title);
  page_svg(page, svg);
  page_lead(page, "At one budget, everything counted: which way of learning is ahead, and how sure is that?",
            answer ? answer : "Nothing has been measured yet.");
  put_sentences(page, "verdict", "What the numbers say", verdict);
  put_sentences(page, "limits", "What they cannot say", json_object_get(result, "limits"));
  put_figures(page, result);
  bool fine = put_plots(page, result, err);
  fine = fine && put_generalisation(page, arms, err) && put_search(page, arms, err);
  if (fine) {
    page_section(page, "gains", "Seen from inside and from outside");
    put_gains(page, arms);
    put_settings(page, experiment);
    fine = page_write(page, command, path, err);
  }
  page_free(page);
  return fine;
}
