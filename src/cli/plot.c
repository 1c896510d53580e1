#include "cli/plot.h"

#include "base/memory.h"
#include "cli/markup.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { WIDTH = 440, TITLE = 20, MARKERS = 8 }; /* markers on a line, so that they do not run together */

/* gnuplot is given these colours, #0s000s for style s, and plot_svg() puts classes in their place. */
static const char *const point_types[PLOT_STYLES] = {"7", "5", "9", "13", "11", "15"};
static const char *const dashes[PLOT_STYLES] = {"1",     "(12,4)", "(12,4,2,4)",
                                                "(5,3)", "(2,3)",  "(12,3,2,3,2,3)"};

const char *plot_css(void) {
  return ".s0{color:#0072b2}.s1{color:#bf4600}.s2{color:#007a5a}.s3{color:#a5478d}.s4{color:#876300}.s5{"
         "color:#555}"
         "@media(prefers-color-scheme:dark){.s0{color:#58b4ec}.s1{color:#f28b4e}.s2{color:#2fc99b}.s3{color:#"
         "e59ccb}"
         ".s4{color:#e8bb2e}.s5{color:#bbb}}";
}

PlotSeries plot_series_new(const char *title, int style, int count, bool intervals) {
  size_t n = count > 0 ? (size_t)count : 1;
  PlotSeries series = {
      .style = style, .x = memory_new(n, sizeof(double)), .y = memory_new(n, sizeof(double))};
  if (intervals) {
    series.low = memory_new(n, sizeof(double));
    series.high = memory_new(n, sizeof(double));
  }
  snprintf(series.title, sizeof series.title, "%s", title);
  return series;
}

void plot_series_free(PlotSeries *series, int count) {
  for (int s = 0; s < count; s++) {
    free(series[s].x);
    free(series[s].y);
    free(series[s].low);
    free(series[s].high);
  }
}

static bool point_shown(const Plot *plot, const PlotSeries *series, int i) {
  return isfinite(series->y[i]) && isfinite(series->x[i]) && !(plot->log_x && series->x[i] <= 0);
}

static bool series_empty(const Plot *plot, const PlotSeries *series) {
  for (int i = 0; i < series->count; i++)
    if (point_shown(plot, series, i)) return false;
  return true;
}

bool plot_empty(const Plot *plot) {
  for (int s = 0; s < plot->count; s++)
    if (!series_empty(plot, &plot->series[s])) return false;
  return true;
}

/* A string of gnuplot's: in single quotes, where nothing but the quote is special. */
static void put_string(FILE *script, const char *text) {
  fputc('\'', script);
  for (; *text; text++) {
    if (*text == '\'') fputc('\'', script);
    fputc((unsigned char)*text < ' ' ? ' ' : *text, script);
  }
  fputc('\'', script);
}

static void put_label(FILE *script, const char *command, const char *text) {
  fprintf(script, "set %s ", command);
  put_string(script, text);
  fputc('\n', script);
}

static void put_data(FILE *script, const Plot *plot, int s) {
  const PlotSeries *series = &plot->series[s];
  fprintf(script, "$d%d << EOD\n", s);
  for (int i = 0; i < series->count; i++) {
    if (!point_shown(plot, series, i)) {
      fprintf(script, "\n"); /* a gap in the line */
      continue;
    }
    double low = series->low ? series->low[i] : NAN, high = series->high ? series->high[i] : NAN;
    bool interval = isfinite(low) && isfinite(high);
    fprintf(script, "%.9g %.9g %.9g %.9g\n", series->x[i], series->y[i], interval ? low : series->y[i],
            interval ? high : series->y[i]);
  }
  fprintf(script, "EOD\n");
}

/* The clauses of `plot` for the intervals and for the values. */
static void put_series(FILE *script, const Plot *plot, int s, const char *separator) {
  const PlotSeries *series = &plot->series[s];
  int style = (series->style % PLOT_STYLES + PLOT_STYLES) % PLOT_STYLES;
  char colour[48];
  snprintf(colour, sizeof colour, "lc rgb '#%02x00%02x'", style + 1, style + 1);
  fputs(separator, script);
  if (series->low && series->kind == PLOT_LINE)
    fprintf(script, "$d%d using 1:3:4 with filledcurves %s notitle, ", s, colour);
  if (series->low && series->kind == PLOT_POINTS)
    fprintf(script, "$d%d using 1:3:(0):($4-$3) with vectors nohead lw 1.5 %s notitle, ", s, colour);
  fprintf(script, "$d%d using 1:2 with ", s);
  if (series->kind == PLOT_POINTS)
    fprintf(script, "points pt %s ps 0.6 %s", point_types[style], colour);
  else if (series->kind == PLOT_BASELINE)
    fprintf(script, "lines lw 1.5 dt (1.5,3) %s", colour);
  else
    fprintf(script, "linespoints lw 2 dt %s pt %s ps 0.5 pointinterval %d %s", dashes[style],
            point_types[style], 1 + (series->count - 1) / MARKERS, colour);
  if (series->title[0]) {
    fprintf(script, " title ");
    put_string(script, series->title);
  } else {
    fprintf(script, " notitle");
  }
}

typedef struct Range {
  double low, high, step; /* between tics */
} Range;

static void range_add(Range *range, double value) {
  if (!isfinite(value)) return;
  range->low = fmin(range->low, value);
  range->high = fmax(range->high, value);
}

/* A step of 1, 2 or 5 times a power of ten, so that there are about five tics. */
static void range_finish(Range *range, bool whole_steps) {
  double width = range->high - range->low;
  if (!(width > 0)) {
    width = fabs(range->high) > 0 ? fabs(range->high) : 1;
    range->low -= width / 2;
    range->high += width / 2;
  }
  double power = pow(10, floor(log10(width / 5))), steps = width / 5 / power;
  range->step = power * (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10);
  if (!whole_steps) return;
  range->low = range->step * floor(range->low / range->step);
  range->high = range->step * ceil(range->high / range->step);
}

static void find_ranges(const Plot *plot, Range *x, Range *y) {
  *x = *y = (Range){INFINITY, -INFINITY, 1};
  for (int s = 0; s < plot->count; s++) {
    const PlotSeries *series = &plot->series[s];
    for (int i = 0; i < series->count; i++) {
      if (!point_shown(plot, series, i)) continue;
      range_add(x, series->x[i]);
      range_add(y, series->y[i]);
      if (series->low) range_add(y, series->low[i]);
      if (series->high) range_add(y, series->high[i]);
    }
  }
  range_finish(x, false);
  range_finish(y, true);
  if (plot->y_low < plot->y_high) y->low = plot->y_low, y->high = plot->y_high;
}

static int height_of(const Plot *plot) {
  int legend = 0;
  for (int s = 0; s < plot->count; s++)
    legend += plot->series[s].title[0] && !series_empty(plot, &plot->series[s]);
  return 270 + 18 * legend;
}

static void put_script(FILE *script, const Plot *plot, bool with_title) {
  Range x, y;
  find_ranges(plot, &x, &y);
  fprintf(
      script,
      "set terminal svg size %d,%d dynamic font 'sans-serif,13' background rgb '#ffffff00' noenhanced\n"
      "set encoding utf8\nset border 3 lw 0.6\nset tics nomirror out scale 0.5\nset grid lw 0.5 dt (1,3)\n"
      "set key outside above left reverse Left maxcols 1 samplen 3 width 2\n"
      "set style fill transparent solid 0.2 noborder\nset pointintervalbox 0\n"
      "set yrange [%.9g:%.9g]\nset ytics %.9g\n",
      WIDTH, height_of(plot) + (with_title ? TITLE : 0), y.low, y.high, y.step);
  if (plot->log_x)
    fprintf(script, "set logscale x\n");
  else
    fprintf(script, "set xrange [%.9g:%.9g]\nset xtics %.9g\n", x.low, x.high, x.step);
  if (with_title) put_label(script, "title", plot->title);
  put_label(script, "xlabel", plot->x_label);
  put_label(script, "ylabel", plot->y_label);
  for (int s = 0; s < plot->count; s++) put_data(script, plot, s);
  const char *separator = "plot ";
  for (int s = 0; s < plot->count; s++) {
    if (series_empty(plot, &plot->series[s])) continue;
    put_series(script, plot, s, separator);
    separator = ", ";
  }
  fputc('\n', script);
}

static void read_all(FILE *file, Buffer *out) {
  char piece[4096];
  size_t size;
  rewind(file);
  while ((size = fread(piece, 1, sizeof piece, file)) > 0) buffer_put(out, piece, size);
  buffer_put(out, "", 1);
}

/* A failure with the first line of what gnuplot said. */
static bool failed(FILE *messages, Error *err) {
  char line[160] = "";
  rewind(messages);
  while (fgets(line, sizeof line, messages) && line[strspn(line, " \t\n^")] == 0) continue;
  line[strcspn(line, "\n")] = 0;
  return error_set(err, "gnuplot failed: %s", line[0] ? line : "it said nothing");
}

/* Runs gnuplot on the script; files rather than pipes, so that neither side can wait for the other. */
static bool run_gnuplot(FILE *script, FILE *svg, FILE *messages, Error *err) {
  char program[] = "gnuplot", no_user_settings[] = "-d", from_stdin[] = "-";
  char *const argv[] = {program, no_user_settings, from_stdin, NULL};
  posix_spawn_file_actions_t actions;
  pid_t child;
  int status = 0;
  rewind(script);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(script), 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(svg), 1);
  posix_spawn_file_actions_adddup2(&actions, fileno(messages), 2);
  int reason = posix_spawnp(&child, program, &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (reason == ENOENT)
    return error_set(err, "gnuplot is missing; install it (Debian: gnuplot-nox) to draw plots");
  if (reason) return error_set(err, "cannot start gnuplot: %s", strerror(reason));
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return error_set(err, "cannot wait for gnuplot: %s", strerror(errno));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? true : failed(messages, err);
}

static bool draw(const Plot *plot, bool with_title, Buffer *svg, Error *err) {
  FILE *script = tmpfile(), *drawn = tmpfile(), *messages = tmpfile();
  bool done = script && drawn && messages;
  if (!done) error_set(err, "cannot make a temporary file for gnuplot: %s", strerror(errno));
  if (done) {
    put_script(script, plot, with_title);
    done = fflush(script) == 0 && run_gnuplot(script, drawn, messages, err);
    read_all(drawn, svg);
    if (done && !strstr((const char *)svg->data, "</svg>"))
      done = error_set(err, "gnuplot drew no plot of '%s'", plot->title);
  }
  if (script) fclose(script);
  if (drawn) fclose(drawn);
  if (messages) fclose(messages);
  return done;
}

/* What of gnuplot's text is put differently. `class=%d` stands for the class of a style. */
typedef struct Rewrite {
  const char *from, *to;
} Rewrite;

static const Rewrite rewrites[] = {
    {"<g fill=\"none\" color=\"black\" stroke=\"currentColor\"", "<g fill=\"none\" stroke=\"currentColor\""},
    {"xlink:href=", "href="},
    {"fill=\"black\"", "fill=\"currentColor\""},
    {"stroke=\"black\"", "stroke=\"currentColor\""},
    {"stroke='black'", "stroke=\"currentColor\""},
    {"stroke='gray'", "stroke=\"currentColor\" stroke-opacity=\"0.4\""},
    {" font-family=\"sans-serif\"", ""},
};
enum { REWRITES = sizeof rewrites / sizeof *rewrites };

/* "stroke='rgb(  2,   0,   2)'", "fill = '...'" or "color='...'" at `at`: its length, and the style; 0 where
 * it is none. */
static size_t match_colour(const char *at, const char **attribute, int *style) {
  static const char *const attributes[] = {"stroke=", "fill = ", "color="};
  static const char *const names[] = {" stroke=\"currentColor\"", " fill=\"currentColor\"", ""};
  for (int a = 0; a < 3; a++) {
    size_t length = strlen(attributes[a]);
    int red, green, blue, size = 0;
    if (strncmp(at, attributes[a], length) != 0) continue;
    if (sscanf(at + length, "%*1['\"]rgb(%d,%d,%d)%*1['\"]%n", &red, &green, &blue, &size) < 3 || !size)
      continue;
    if (green != 0 || red != blue || red < 1 || red > PLOT_STYLES) continue;
    *attribute = names[a];
    *style = red - 1;
    return length + (size_t)size;
  }
  return 0;
}

/* Length of what is dropped at `at`: groups without content, titles that only number the series, filters. */
static size_t match_dropped(const char *at) {
  if (strncmp(at, "<g fill=\"none\" color=", 21) == 0) {
    const char *end = strchr(at, '\n');
    if (end && strncmp(end, "\n</g>\n", 6) == 0) return (size_t)(end - at) + 6;
  }
  const char *end = NULL;
  if (strncmp(at, "<filter ", 8) == 0) end = strstr(at, "</filter>\n");
  if (end) return (size_t)(end - at) + 10;
  if (strncmp(at, "<title>gnuplot", 14) == 0) end = strstr(at, "</title>");
  return end ? (size_t)(end - at) + 8 : 0;
}

/* gnuplot's drawing with classes for colours, ids unique to the plot, and nothing that draws nothing. */
static void put_body(const char *text, const char *id, Buffer *out) {
  while (*text) {
    const char *attribute;
    int style;
    size_t size = match_dropped(text);
    if (!size && (size = match_colour(text, &attribute, &style)))
      buffer_printf(out, "class=\"s%d\"%s", style, attribute);
    for (int r = 0; !size && r < REWRITES; r++) {
      if (strncmp(text, rewrites[r].from, strlen(rewrites[r].from)) != 0) continue;
      size = strlen(rewrites[r].from);
      buffer_put(out, rewrites[r].to, strlen(rewrites[r].to));
    }
    if (!size && strncmp(text, "gnuplot_", 8) == 0) size = 8, buffer_printf(out, "%s-", id);
    if (!size && strncmp(text, "gpPt", 4) == 0) size = 4, buffer_printf(out, "%s-m", id);
    if (!size && strncmp(text, "gpDot", 5) == 0) size = 5, buffer_printf(out, "%s-dot", id);
    if (!size) buffer_put(out, text, 1);
    text += size ? size : 1;
  }
}

static int full_height(const Plot *plot, bool with_title) {
  return height_of(plot) + (with_title ? TITLE : 0);
}

/* One <svg> element with these further attributes. */
static bool put_svg(const Plot *plot, bool with_title, const char *attributes, Buffer *out, Error *err) {
  Buffer drawn = {0};
  const char *id = plot->id;
  if (plot_empty(plot)) return error_set(err, "there is nothing to plot of '%s'", plot->title);
  bool done = draw(plot, with_title, &drawn, err);
  char *start = done ? strstr((char *)drawn.data, "<g id=\"gnuplot_canvas\">") : NULL;
  char *end = done ? strstr((char *)drawn.data, "</svg>") : NULL;
  if (done && !(start && end && start < end))
    done = error_set(err, "gnuplot's drawing of '%s' is not understood", plot->title);
  if (done) {
    *end = 0;
    buffer_printf(
        out,
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\" font-family=\"sans-serif\"%s>",
        WIDTH, full_height(plot, with_title), id, id, attributes);
    buffer_printf(out, "<title id=\"%s-t\">", id);
    markup_text(out, plot->title);
    buffer_printf(out, ", against ");
    markup_text(out, plot->x_label);
    buffer_printf(out, "</title><desc id=\"%s-d\">", id);
    markup_text(out, plot->description ? plot->description : plot->title);
    buffer_printf(out, "</desc>\n");
    put_body(start, id, out);
    buffer_printf(out, "</svg>\n");
  }
  buffer_free(&drawn);
  return done;
}

bool plot_svg(const Plot *plot, Buffer *out, Error *err) {
  return put_svg(plot, false, "", out, err);
}

bool plot_write(const Plot *const *plots, int count, int columns, const char *path, Error *err) {
  Buffer svg = {0}, panels = {0};
  int top = 0, row = 0;
  bool done = true;
  for (int p = 0; done && p < count; p++) {
    char place[96];
    int height = full_height(plots[p], true);
    snprintf(place, sizeof place, " x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", p % columns * WIDTH, top,
             WIDTH, height);
    done = put_svg(plots[p], true, place, &panels, err);
    if (height > row) row = height;
    if (p % columns == columns - 1 || p == count - 1) top += row, row = 0;
  }
  int width = WIDTH * (count < columns ? count : columns);
  buffer_printf(
      &svg,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n"
      "<style>svg{color:#222;background:#fff}@media(prefers-color-scheme:dark){svg{color:#ddd;background:#"
      "16181d}}%s"
      "</style>\n",
      width, top, width, top, plot_css());
  buffer_put(&svg, panels.data, panels.size);
  buffer_printf(&svg, "</svg>\n");
  done = done && file_write(path, svg.data, svg.size, err);
  buffer_free(&svg);
  buffer_free(&panels);
  return done;
}
