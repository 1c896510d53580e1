/* selfplay report RUN...: the runs' curves side by side, as one self-contained HTML page, and for other
 * programs. */
#include "base/memory.h"
#include "cli/arena_options.h"
#include "cli/export_file.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_DB = 256, KEY_CSV, KEY_TENSORBOARD, KEY_SVG };

typedef struct Options {
  CliCommon common;
  const char *names[REPORT_RUNS], *output, *db, *csv, *tensorboard, *svg;
  int count;
} Options;

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "The page (default report.html)", 0},
    {"db", KEY_DB, "FILE", 0, "Ratings file (default " CLI_DEFAULT_DB ")", 0},
    {"csv", KEY_CSV, "DIR", 0, "All series as CSV too: iterations, imitation, accuracy, elo, calibration", 0},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0,
     "All scalars as event files too, for `tensorboard --logdir DIR'", 0},
    {"svg", KEY_SVG, "DIR", 0, "The plots as SVG files too; overview.svg holds strength and losses in one",
     0},
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
  case KEY_CSV:
    options->csv = arg;
    return 0;
  case KEY_TENSORBOARD:
    options->tensorboard = arg;
    return 0;
  case KEY_SVG:
    options->svg = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (options->count == REPORT_RUNS) cli_usage_error("a report takes at most %d runs", REPORT_RUNS);
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
    .doc = "Runs of one game side by side: key figures, and plots of losses, Elo, accuracy, calibration, "
           "entropies and game "
           "length against iterations, compute and time, as one HTML page that loads nothing."
           "\v"
           "Elo is plotted where `selfplay elo run:NAME@ITERATION ...' has rated networks of the runs.\n"
           "JSON: {\"game\", \"answer\", \"runs\": [{\"name\", \"folder\", \"arm\", \"seed\", \"version\", "
           "\"log\", "
           "\"imitation\", \"accuracy\": [{\"iteration\", \"flops\", \"minutes\", \"value_kept\", \"low\", "
           "\"high\"}], "
           "\"elo\": [{\"options\", \"points\": [{..., \"elo\", \"low\", \"high\"}]}]}]}"};

static void put_option(Buffer *out, const char *name, const char *value) {
  if (!value) return;
  buffer_printf(out, " %s", name);
  cli_put_word(out, value);
}

/* The command with every option that decides what comes out. */
static Buffer command_of(const Options *options) {
  Buffer out = {0};
  buffer_printf(&out, "selfplay report");
  for (int r = 0; r < options->count; r++) cli_put_word(&out, options->names[r]);
  put_option(&out, "--db", options->db);
  put_option(&out, "--output", options->output);
  put_option(&out, "--csv", options->csv);
  put_option(&out, "--tensorboard", options->tensorboard);
  put_option(&out, "--svg", options->svg);
  buffer_put(&out, "", 1);
  return out;
}

int cmd_report(int argc, char **argv) {
  Options options = {.common = cli_common_defaults(), .output = "report.html"};
  argp_parse(&parser, argc, argv, 0, NULL, &options);
  if (options.db && !file_exists(options.db)) cli_fail("--db: %s: no such ratings file", options.db);
  if (!options.db) options.db = CLI_DEFAULT_DB;
  Error err;
  if (!file_may_write(options.output, &err)) cli_fail_by(&err);
  export_make_folder(options.csv), export_make_folder(options.tensorboard), export_make_folder(options.svg);
  Report *report = memory_new(1, sizeof *report);
  report_gather(report, options.names, options.count, options.db, options.common.threads);
  Buffer command = command_of(&options);
  report_write_page(report, (const char *)command.data, options.output);
  cli_note("wrote %s", options.output);
  if (options.csv) report_write_csv(report, options.csv);
  if (options.tensorboard) report_write_tensorboard(report, options.tensorboard);
  if (options.svg) report_write_svg(report, options.svg);
  if (options.common.json) cli_print_json(report_json(report));
  buffer_free(&command);
  report_free(report);
  free(report);
  return 0;
}
