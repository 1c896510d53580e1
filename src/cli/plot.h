/* Line plots as SVG text, drawn by gnuplot. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include "base/error.h"
#include "base/file.h"

typedef struct PlotSeries {
  char title[96];
  int colour;  /* index into the palette */
  bool dashed; /* for baselines */
  bool band;   /* low and high are set */
  int count;
  double *x, *y, *low, *high; /* [count]; low and high NULL without a band */
} PlotSeries;

/* Appends one <svg> element without fixed size, whose axes and text follow the page's text colour. False
 * where gnuplot is missing or fails. */
bool plot_svg(const char *title, const char *x_label, const char *y_label, const PlotSeries *series,
              int count, Buffer *out, Error *err);

#endif
