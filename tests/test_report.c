#include "base/file.h"
#include "cli/page.h"
#include "cli/tensorboard.h"
#include "browser.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs a shell command; what it writes to stdout and stderr goes to *out as text. Returns its exit code. */
static int shell(Buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int shell(Buffer *out, const char *format, ...) {
  char command[4096], piece[4096];
  va_list args;
  va_start(args, format);
  command[0] = '(';
  int length = vsnprintf(command + 1, sizeof command - 8, format, args);
  va_end(args);
  cr_assert(length > 0 && (size_t)length < sizeof command - 8);
  strcat(command, ") 2>&1");
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  size_t size;
  while ((size = fread(piece, 1, sizeof piece, pipe)) > 0) buffer_put(out, piece, size);
  buffer_put(out, "", 1);
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *binary(void) {
  const char *path = getenv("SELFPLAY_BIN");
  return path ? path : "build/selfplay";
}

static char *read_text(const char *folder, const char *name) {
  char path[FILE_PATH_MAX];
  Buffer text = {0};
  Error err;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  cr_assert(file_read(path, &text, &err), "%s", err.message);
  buffer_put(&text, "", 1);
  return (char *)text.data;
}

/* Two small runs and the page of a report on them; with `all`, everything else that a report can write too.
 */
static char *make_report(const char *folder, bool all) {
  Buffer out = {0};
  static const char *const arms[] = {"from-scratch", "bootstrap-imitation"};
  for (int a = 0; a < 2; a++)
    cr_assert_eq(
        shell(&out,
              "%s --%s --run '%s/<%s>' --set net.blocks=1 --set net.channels=8 --set search.visits=4 --set "
              "selfplay.games=16 --set imitation.games=40 --set imitation.depth=1 --set imitation.epochs=2 "
              "--set learner.batch=64 --set selfplay.random_plies=4 --iterations 3 --threads 1",
              binary(), arms[a], folder, arms[a]),
        0, "%s", (char *)out.data);
  buffer_free(&out);
  cr_assert_eq(shell(&out,
                     "cd %s && B=$OLDPWD/%s && case %s in /*) B=%s;; esac && \"$B\" elo "
                     "'run:./<from-scratch>@1,visits=2' 'run:./<from-scratch>@3,visits=2' "
                     "'run:./<bootstrap-imitation>@3,visits=2' random --games 4 --threads 1 --db r.sqlite",
                     folder, binary(), binary(), binary()),
               0, "%s", (char *)out.data);
  buffer_free(&out);
  char exports[512] = "";
  if (all)
    snprintf(exports, sizeof exports,
             "--csv %s/csv --tensorboard %s/events --svg %s/svg --json >%s/report.json", folder, folder,
             folder, folder);
  cr_assert_eq(
      shell(&out,
            "%s report '%s/<from-scratch>' '%s/<bootstrap-imitation>' --threads 1 --db %s/r.sqlite -o "
            "%s/page.html %s",
            binary(), folder, folder, folder, folder, exports),
      0, "%s", (char *)out.data);
  buffer_free(&out);
  return read_text(folder, "page.html");
}

/* Every element is closed, in order. */
static void check_tags(const char *html) {
  static const char *const empty[] = {"meta", "link", "input", "rect", "path", "use", "polygon", "circle"};
  char stack[64][24];
  int depth = 0;
  for (const char *at = strchr(html, '<'); at; at = strchr(at + 1, '<')) {
    if (at[1] == '!') continue;
    char name[24] = "";
    bool closing = at[1] == '/';
    cr_assert_eq(sscanf(at + 1 + closing, "%23[a-zA-Z0-9]", name), 1, "%.60s", at);
    const char *end = strchr(at, '>');
    cr_assert(end, "%.60s", at);
    if (closing) {
      cr_assert(depth > 0 && strcmp(stack[depth - 1], name) == 0, "</%s> closes <%s>", name,
                depth ? stack[depth - 1] : "");
      depth--;
      continue;
    }
    bool closed = end[-1] == '/';
    for (size_t i = 0; i < 3 && !closed; i++) closed = strcmp(name, empty[i]) == 0;
    if (closed) continue;
    cr_assert_lt(depth, 64);
    strcpy(stack[depth++], name);
  }
  cr_assert_eq(depth, 0, "<%s> is left open", stack[depth ? depth - 1 : 0]);
}

/* Nothing that a browser would fetch: links stay in the page, and no style or script loads anything. */
static void check_closed_world(const char *html) {
  static const char *const forbidden[] = {"http:",   "https:", "//",      "url(",   "@import",
                                          "<script", "src=",   "<iframe", "<object"};
  for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
    const char *at = strstr(html, forbidden[i]);
    cr_assert_null(at, "'%s' in the page: %.80s", forbidden[i], at ? at : "");
  }
  for (const char *at = strstr(html, "href="); at; at = strstr(at + 5, "href="))
    cr_assert(at[6] == '#' || strncmp(at + 6, "data:,\"", 7) == 0, "%.60s", at);
}

/* Every id once; every reference to one that is there. */
static void check_ids(const char *html) {
  for (const char *at = strstr(html, " id="); at; at = strstr(at + 4, " id=")) {
    char id[80], quoted[100];
    cr_assert_eq(sscanf(at + 5, "%79[^'\"]", id), 1);
    for (int q = 0; q < 2; q++) {
      snprintf(quoted, sizeof quoted, q ? " id='%s'" : " id=\"%s\"", id);
      cr_assert_null(strstr(at + 4, quoted), "id %s twice", id);
    }
  }
  for (const char *at = strstr(html, "href='#"); at; at = strstr(at + 7, "href='#")) {
    char id[80], wanted[100];
    cr_assert_eq(sscanf(at + 7, "%79[^']", id), 1);
    snprintf(wanted, sizeof wanted, "id='%s'", id);
    cr_assert(strstr(html, wanted), "no %s", id);
  }
}

Test(report, crc32c_of_the_standard) {
  uint8_t bytes[32];
  cr_assert_eq(tensorboard_crc("123456789", 9), 0xe3069283u);
  /* RFC 3720, B.4 */
  memset(bytes, 0, 32);
  cr_assert_eq(tensorboard_crc(bytes, 32), 0x8a9136aau);
  memset(bytes, 0xff, 32);
  cr_assert_eq(tensorboard_crc(bytes, 32), 0x62a8ab43u);
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
  cr_assert_eq(tensorboard_crc(bytes, 32), 0x46dd794eu);
}

typedef struct Event {
  double wall_time;
  uint64_t step;
  char version[32], tag[160];
  float value;
  bool has_value;
} Event;

static uint64_t get_varint(Buffer *in) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    uint8_t byte;
    cr_assert(shift < 64 && buffer_get(in, &byte, 1));
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

/* Reads the fields of one message of the three; messages within are read in turn. */
static void get_message(Buffer *in, size_t end, int level, Event *out) {
  while (in->position < end) {
    uint64_t key = get_varint(in), field = key >> 3, wire = key & 7;
    char *text = level == 0 ? out->version : out->tag;
    size_t room = level == 0 ? sizeof out->version : sizeof out->tag;
    if (wire == 1) {
      cr_assert(level == 0 && field == 1 && buffer_get(in, &out->wall_time, 8));
    } else if (wire == 0) {
      cr_assert(level == 0 && field == 2);
      out->step = get_varint(in);
    } else if (wire == 5) {
      cr_assert(level == 2 && field == 2 && buffer_get(in, &out->value, 4));
      out->has_value = true;
    } else {
      cr_assert_eq(wire, 2);
      size_t length = get_varint(in);
      if ((level == 0 && field == 5) || (level == 1 && field == 1)) {
        get_message(in, in->position + length, level + 1, out);
        continue;
      }
      cr_assert((level == 0 && field == 3) || (level == 2 && field == 1));
      cr_assert(length < room && buffer_get(in, text, length));
      text[length] = 0;
    }
  }
  cr_assert_eq(in->position, end);
}

/* The next record, its checksums verified; false at the end of the file. */
static bool get_event(Buffer *in, Event *out) {
  uint64_t length;
  uint32_t found, crc;
  if (in->position == in->size) return false;
  *out = (Event){0};
  cr_assert(buffer_get(in, &length, 8) && buffer_get(in, &found, 4));
  crc = tensorboard_crc(&length, 8);
  cr_assert_eq(found, ((crc >> 15) | (crc << 17)) + 0xa282ead8u);
  cr_assert(in->position + length + 4 <= in->size);
  crc = tensorboard_crc(in->data + in->position, length);
  get_message(in, in->position + length, 0, out);
  cr_assert(buffer_get(in, &found, 4));
  cr_assert_eq(found, ((crc >> 15) | (crc << 17)) + 0xa282ead8u);
  return true;
}

Test(report, tensorboard_events_read_back) {
  TensorBoard events = tensorboard_new();
  tensorboard_scalar(&events, "group/loss", 7, 90.5, 1.25);
  tensorboard_scalar(&events, "group/nothing", 8, 91, NAN);
  tensorboard_scalar(&events, "group/large", 300000, 1e6, -3e10);
  Buffer bytes = tensorboard_finish(&events);
  Event event;
  cr_assert(get_event(&bytes, &event));
  cr_assert_str_eq(event.version, "brain.Event:2");
  cr_assert_not(event.has_value);
  cr_assert(get_event(&bytes, &event));
  cr_assert_str_eq(event.tag, "group/loss");
  cr_assert(event.step == 7 && event.wall_time == 90.5 && event.value == 1.25f);
  cr_assert(get_event(&bytes, &event));
  cr_assert_str_eq(event.tag, "group/large");
  cr_assert(event.step == 300000 && event.value == -3e10f);
  cr_assert_not(get_event(&bytes, &event));
  buffer_free(&bytes);
}

Test(report, plots_escape_titles_and_refuse_emptiness) {
  double x[] = {1, 2, 3}, y[] = {0.5, NAN, 0.7}, low[] = {0.4, NAN, 0.6}, high[] = {0.6, NAN, 0.9};
  PlotSeries series[] = {
      {.title = "it's <a> & _b_ \"c\"", .count = 3, .x = x, .y = y, .low = low, .high = high},
      {.title = "points",
       .kind = PLOT_POINTS,
       .style = 1,
       .count = 3,
       .x = x,
       .y = y,
       .low = low,
       .high = high},
      {.title = "base", .kind = PLOT_BASELINE, .style = 8, .count = 1, .x = x, .y = y}};
  Plot plot = {.id = "p", .title = "<T>", .x_label = "it's x", .y_label = "y", .series = series, .count = 3};
  Buffer svg = {0};
  Error err;
  cr_assert(plot_svg(&plot, &svg, &err), "%s", err.message);
  buffer_put(&svg, "", 1);
  const char *text = (const char *)svg.data;
  check_tags(text);
  check_ids(text);
  cr_assert(strstr(text, "it&#39;s x") || strstr(text, "it's x"));
  cr_assert(strstr(text, "&amp; _b_"));
  cr_assert_null(strstr(text, "<a>"));
  cr_assert(strstr(text, "class=\"s0\"") && strstr(text, "class=\"s1\"") && strstr(text, "class=\"s2\""));
  cr_assert_null(strstr(text, "rgb("));
  cr_assert_null(strstr(text, "black"));
  cr_assert_null(strstr(text, "white"));
  buffer_free(&svg);
  plot.log_x = true;
  x[0] = x[2] = -1;
  cr_assert(plot_empty(&plot));
  cr_assert_not(plot_svg(&plot, &svg, &err));
  cr_assert(strstr(err.message, "nothing to plot"));
  buffer_free(&svg);
}

Test(report, without_gnuplot_says_what_to_install) {
  double x[] = {1, 2};
  PlotSeries series = {.count = 2, .x = x, .y = x};
  Plot plot = {.id = "p", .title = "t", .x_label = "x", .y_label = "y", .series = &series, .count = 1};
  Buffer svg = {0};
  Error err;
  setenv("PATH", "/nonexistent", 1);
  cr_assert_not(plot_svg(&plot, &svg, &err));
  cr_assert(strstr(err.message, "gnuplot-nox"), "%s", err.message);
  buffer_free(&svg);
}

Test(report, pages_are_well_formed_whatever_the_text) {
  char folder[FOLDER_MAX], path[96];
  double x[] = {1, 2};
  PlotSeries series = {.title = "</svg>", .count = 2, .x = x, .y = x};
  Plot plots[] = {
      {.id = "a", .title = "A", .x_label = "x", .y_label = "y", .axis = 1, .series = &series, .count = 1},
      {.id = "b", .title = "B", .x_label = "x", .y_label = "y", .axis = 2, .series = &series, .count = 1}};
  Error err;
  folder_make(folder);
  Page *page = page_new("<b>\"title\"");
  page_lead(page, "a `code` <q>", "open `code");
  page_section(page, "one", "<h>");
  page_item(page, "%s", "<li>");
  page_item(page, "two");
  page_table(page, "cap", (const char *[]){"a", "b"}, 2);
  page_row(page, "<r>");
  page_cell(page, "%d", 1);
  page_row(page, "s");
  page_cell(page, "&");
  page_table_end(page);
  page_axes(page, (const char *[]){"x", "y"}, 2, 1);
  cr_assert(page_figure(page, "`c` <d>", plots, 1, &err), "%s", err.message);
  cr_assert(page_figure(page, "e", plots + 1, 1, &err), "%s", err.message);
  page_fold(page, "more");
  page_text(page, "text");
  page_fold_end(page);
  page_section(page, "two", "Two");
  page_command(page, "a 'b' <c>");
  snprintf(path, sizeof path, "%s/page.html", folder);
  cr_assert(page_write(page, "selfplay 'x'", path, &err), "%s", err.message);
  page_free(page);
  char *html = read_text(folder, "page.html");
  check_tags(html);
  check_ids(html);
  check_closed_world(html);
  cr_assert(strstr(html, "open <code>code</code>"));
  cr_assert_null(strstr(html, "<q>"));
  free(html);
  folder_remove(folder);
}

/* Column `name` of line `row` (0 = the first after the headings) of a CSV file without quoted fields. */
static double csv_value(const char *csv, const char *name, int row) {
  int column = 0;
  for (const char *at = csv; strncmp(at, name, strlen(name)) != 0 || !strchr(",\n", at[strlen(name)]);
       column++) {
    at = strpbrk(at, ",\n");
    cr_assert(at && *at == ',', "no column %s", name);
    at++;
  }
  const char *line = csv;
  for (int i = 0; i <= row; i++) cr_assert(line = strchr(line, '\n') + 1);
  for (; column; column--) line = strchr(line, ',') + 1;
  return atof(line);
}

Test(report, numbers_are_those_of_the_runs, .timeout = 300) {
  char folder[FOLDER_MAX], text[64];
  folder_make(folder);
  char *html = make_report(folder, true), *csv = read_text(folder, "csv/iterations.csv"),
       *json = read_text(folder, "report.json");
  check_tags(html);
  check_ids(html);
  check_closed_world(html);
  json_t *root = json_loads(strstr(json, "{\n"), 0, NULL), *run, *line;
  size_t r, i;
  int row = 0, checked = 0;
  cr_assert(root);
  json_array_foreach(json_object_get(root, "runs"), r, run)
      json_array_foreach(json_object_get(run, "log"), i, line) {
    double value = json_number_value(json_object_get(line, "loss_policy"));
    cr_assert_float_eq(csv_value(csv, "loss_policy", row), value, 1e-8);
    cr_assert_float_eq(csv_value(csv, "flops_total", row),
                       json_number_value(json_object_get(line, "flops_total")), 1e3);
    row++;
    if (i + 1 < json_array_size(json_object_get(run, "log"))) continue;
    snprintf(text, sizeof text, "<td>%.3f (%.3f)</td>", value,
             json_number_value(json_object_get(line, "loss_policy_baseline")));
    cr_assert(strstr(html, text), "%s", text);
  }
  cr_assert_eq(row, 6);
  /* The event files hold the same numbers. */
  char path[FILE_PATH_MAX];
  Buffer bytes = {0};
  Error err;
  Event event;
  snprintf(path, sizeof path, "%s/events/<from-scratch>/events.out.tfevents.0000000000.selfplay", folder);
  cr_assert(file_read(path, &bytes, &err), "%s", err.message);
  while (get_event(&bytes, &event))
    if (strcmp(event.tag, "selfplay/loss_policy") == 0) {
      cr_assert_float_eq(event.value, csv_value(csv, "loss_policy", (int)event.step - 1), 1e-6);
      checked++;
    }
  cr_assert_eq(checked, 3);
  buffer_free(&bytes);
  /* Two rated networks of one run, one of the other; the same figures for `selfplay elo`. */
  json_t *elo = json_object_get(json_array_get(json_object_get(root, "runs"), 0), "elo");
  cr_assert_eq(json_array_size(elo), 1);
  cr_assert_eq(json_array_size(json_object_get(json_array_get(elo, 0), "points")), 2);
  static const char *const wanted[] = {
      "&lt;from-scratch&gt;",  "id=\"elo-compute-t\"",      "id=\"calibration-t\"", "id=\"imitation-loss-t\"",
      "selfplay report &#39;", "prefers-color-scheme:dark", "Skip to the content"};
  for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
    cr_assert(strstr(html, wanted[k]), "%s", wanted[k]);
  char *svg = read_text(folder, "svg/elo-iteration.svg");
  check_tags(svg);
  free(svg);
  svg = read_text(folder, "svg/overview.svg");
  check_tags(svg);
  check_ids(svg);
  free(svg);
  json_decref(root);
  free(html), free(csv), free(json);
  folder_remove(folder);
}

Test(report, says_what_is_wrong) {
  Buffer out = {0};
  cr_assert_eq(shell(&out, "%s report", binary()), 2);
  cr_assert(strstr((char *)out.data, "name at least one run"), "%s", (char *)out.data);
  buffer_free(&out);
  cr_assert_eq(shell(&out, "%s report /nonexistent/run", binary()), 1);
  cr_assert(strstr((char *)out.data, "no run.json"), "%s", (char *)out.data);
  buffer_free(&out);
}

Test(report, renders_in_a_browser, .timeout = 600) {
  const char *browser = browser_find();
  if (!browser) cr_skip_test(BROWSER_MISSING);
  char folder[FOLDER_MAX];
  folder_make(folder);
  Buffer dom = {0}, log = {0};
  browser_check_log(browser, folder); /* first that the log would show a refused request at all */
  free(make_report(folder, false));
  browser_open(browser, folder, "page.html", &dom, &log);
  const char *text = (const char *)dom.data;
  cr_assert(strstr(text, "<h1>Connect Four"));
  cr_assert(strstr(text, "</footer>"));
  int plots = 0;
  for (const char *at = strstr(text, "<svg "); at; at = strstr(at + 5, "<svg ")) plots++;
  cr_assert_geq(plots, 30);
  cr_assert_null(strstr((char *)log.data, "CONSOLE"), "%s", (char *)log.data);
  buffer_free(&dom), buffer_free(&log);
  folder_remove(folder);
}
