#include "cli/plot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Readable on white and on near-black, and told apart by the colour-blind (M. Okabe and K. Ito). */
static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
enum { COLOURS = sizeof palette / sizeof *palette };

/* In single quotes gnuplot takes all but a quote as it stands: no escapes, no `commands`. */
static void put_title(FILE *script, const char *title) {
  fprintf(script, " title '");
  for (const char *at = title; *at; at++) fprintf(script, *at == '\'' ? "''" : "%c", *at);
  fprintf(script, "' noenhanced");
}

static void write_script(FILE *script, const char *title, const char *x_label, const char *y_label,
                         const PlotSeries *series, int count) {
  fprintf(script,
          "set terminal svg size 480,300 dynamic font 'sans-serif,12' background rgb '#ffffff00'\n"
          "set title \"%s\"\nset xlabel \"%s\"\nset ylabel \"%s\"\nset key outside below horizontal\nset "
          "grid lw 0.3\n"
          "set style fill transparent solid 0.2 noborder\nset encoding utf8\n",
          title, x_label, y_label);
  for (int s = 0; s < count; s++) {
    fprintf(script, "$d%d << EOD\n", s);
    for (int i = 0; i < series[s].count; i++)
      fprintf(script, "%.9g %.9g %.9g %.9g\n", series[s].x[i], series[s].y[i],
              series[s].band ? series[s].low[i] : series[s].y[i],
              series[s].band ? series[s].high[i] : series[s].y[i]);
    fprintf(script, "EOD\n");
  }
  fprintf(script, "plot ");
  for (int s = 0; s < count; s++) {
    const char *colour = palette[series[s].colour % COLOURS];
    if (series[s].band)
      fprintf(script, "%s$d%d using 1:3:4 with filledcurves lc rgb '%s' notitle", s ? ", " : "", s, colour);
    fprintf(script, "%s$d%d using 1:2 with %s lw 2 %s lc rgb '%s'", s || series[s].band ? ", " : "", s,
            series[s].count < 12 && !series[s].dashed ? "linespoints pt 7 ps 0.4" : "lines",
            series[s].dashed ? "dt 2" : "", colour);
    put_title(script, series[s].title);
  }
  fprintf(script, "\n");
}

/* Leaves out the XML declaration, and lets black be the page's text colour. */
static void append_svg(const Buffer *svg, Buffer *out) {
  const char *text = (const char *)svg->data, *start = strstr(text, "<svg");
  for (const char *at = start; at && *at;) {
    if (strncmp(at, "'black'", 7) == 0 || strncmp(at, "\"black\"", 7) == 0) {
      buffer_printf(out, "\"currentColor\"");
      at += 7;
    } else if (strncmp(at, "rgb(  0,   0,   0)", 18) == 0) {
      buffer_printf(out, "currentColor");
      at += 18;
    } else {
      buffer_put(out, at++, 1);
    }
  }
}

bool plot_svg(const char *title, const char *x_label, const char *y_label, const PlotSeries *series,
              int count, Buffer *out, Error *err) {
  char path[] = "/tmp/selfplay-plot-XXXXXX", command[128];
  int fd = mkstemp(path);
  FILE *script = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!script) return error_set(err, "%s: cannot write the plot's script: %s", path, strerror(errno));
  write_script(script, title, x_label, y_label, series, count);
  fclose(script);
  snprintf(command, sizeof command, "gnuplot %s 2>/dev/null", path);
  Buffer svg = {0};
  FILE *pipe = popen(command, "r");
  char piece[4096];
  size_t size;
  while (pipe && (size = fread(piece, 1, sizeof piece, pipe)) > 0) buffer_put(&svg, piece, size);
  int status = pipe ? pclose(pipe) : -1;
  unlink(path);
  buffer_put(&svg, "", 1);
  bool done = status == 0 && strstr((const char *)svg.data, "</svg>");
  if (done)
    append_svg(&svg, out);
  else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    error_set(err, "gnuplot is missing; install it (Debian: gnuplot-nox) to draw reports");
  else
    error_set(err, "gnuplot failed to draw '%s'", title);
  buffer_free(&svg);
  return done;
}
