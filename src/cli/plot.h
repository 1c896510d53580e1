/* Plots as SVG, drawn by gnuplot.
 *
 *   PlotSeries series[] = {{.title = "from scratch", .style = 0, .count = n, .x = x, .y = y, .low = low,
 * .high = high}}; Plot plot = {.id = "elo", .title = "Elo", .description = "...", .x_label = "TFLOP",
 * .y_label = "Elo", .series = series, .count = 1}; plot_svg(&plot, &html, &err);           inside a page that
 * carries plot_css() plot_write((const Plot *[]){&plot}, 1, 1, "elo.svg", &err);    a file of its own
 *
 * Series are told apart by colour, by marker and by dashes, so that no one of the three is needed; the
 * colours are M. Okabe and K. Ito's for the colour-blind, shifted to a contrast of at least 3 to 1 on white
 * and on near-black. They are CSS classes: a plot follows the reader's light or dark theme, and its text the
 * page's. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include "base/error.h"
#include "base/file.h"

enum { PLOT_STYLES = 6 };

typedef enum PlotKind {
  PLOT_LINE,     /* line with some markers, and a band where there are intervals */
  PLOT_BASELINE, /* thin dotted line without markers, for what the series of the same style is measured
                    against */
  PLOT_POINTS,   /* markers alone, with error bars where there are intervals */
} PlotKind;

typedef struct PlotSeries {
  char title[96]; /* in the legend; "" = not listed */
  PlotKind kind;
  int style; /* which colour, marker and dashes: the same arm has the same one in all plots; taken modulo
                PLOT_STYLES */
  int count;
  double *x, *y;      /* [count]; a y that is not finite is a gap */
  double *low, *high; /* [count], the ends of the 95 % intervals; both NULL where there are none */
} PlotSeries;

typedef struct Plot {
  const char *id;          /* unique in the page: letters, digits and '-' */
  const char *title;       /* above the plot */
  const char *description; /* one sentence for those who cannot see it: what is plotted, and what it shows */
  const char *x_label, *y_label;
  bool log_x;           /* points at x <= 0 are left out */
  double y_low, y_high; /* the range shown; both 0 = as the data need */
  int axis;             /* which of page_axes() it belongs to, from 1; 0 = always shown */
  const PlotSeries *series;
  int count;
} Plot;

/* Series with room for `count` points (series.count is 0 then: the caller counts up), and with room for
 * intervals. */
PlotSeries plot_series_new(const char *title, int style, int count, bool intervals);
void plot_series_free(PlotSeries *series, int count);
/* No series has a point that can be shown; such a plot cannot be drawn. */
bool plot_empty(const Plot *plot);
/* Appends one <svg> that scales to its container's width. False with a message where gnuplot is missing or
 * fails. */
bool plot_svg(const Plot *plot, Buffer *out, Error *err);
/* Writes plots, none of them empty, side by side in rows of `columns` as one SVG file that carries its style.
 */
bool plot_write(const Plot *const *plots, int count, int columns, const char *path, Error *err);
/* The style sheet that plot_svg() needs. */
const char *plot_css(void);

#endif
