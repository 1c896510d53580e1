/* selfplay compare: a controlled comparison of ways of learning. */
#include "arena/compare_result.h"
#include "base/clock.h"
#include "cli/compare_export.h"
#include "cli/compare_page.h"
#include "cli/compare_text.h"
#include "cli/export_file.h"

#include <stdlib.h>
#include <string.h>

enum {
  KEY_ARMS = 256,
  KEY_SEEDS,
  KEY_BUDGET,
  KEY_DESIGN,
  KEY_SET,
  KEY_OUT,
  KEY_PRINT,
  KEY_NO_TRAIN,
  KEY_JOBS,
  KEY_SVG,
  KEY_CSV,
  KEY_TENSORBOARD
};

typedef struct Options {
  CliCommon common;
  const char *arms, *design, *folder, *seeds, *budget, *svg, *csv, *tensorboard;
  CliSets sets;
  int jobs;
  bool print, no_train;
} Options;

static const struct argp_option option_table[] = {
    {"arms", KEY_ARMS, "ARM,ARM...", 0,
     "The ways of learning to compare, the first being the one that others are compared with (default "
     "from-scratch,bootstrap-imitation)",
     0},
    {"seeds", KEY_SEEDS, "N", 0, "Runs of each arm (default 3)", 0},
    {"budget", KEY_BUDGET, "AMOUNT", 0,
     "Of each run: 20m, 1h, 90s of processor time, 1e15flop, 1e6evals or 5000games (default 20m)", 0},
    {"design", KEY_DESIGN, "FILE", 0, "Read all of this from a design file (docs/compare.md)", 0},
    {"set", KEY_SET, "KEY=VALUE", 0,
     "Set a key of the design, or a configuration key of all arms; may be repeated", 0},
    {"out", KEY_OUT, "DIR", 0,
     "The experiment's folder (default runs/compare-GAME). The same command continues it", 0},
    {"jobs", KEY_JOBS, "N", 0,
     "Runs trained at once, which share the threads (default 1); faster where there are many cores", 0},
    {"no-train", KEY_NO_TRAIN, 0, 0, "Measure what has been trained so far", 0},
    {"svg", KEY_SVG, "DIR", 0, "The report's plots as SVG files too", 0},
    {"csv", KEY_CSV, "DIR", 0, "The numbers as CSV files too: measured networks, bands over seeds, search",
     0},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0,
     "The measured networks as scalar event files of TensorBoard too", 0},
    {"print-design", KEY_PRINT, 0, 0, "Print the resolved design as a design file, and stop", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case KEY_ARMS:
    options->arms = arg;
    return 0;
  case KEY_SEEDS:
    options->seeds = arg;
    return 0;
  case KEY_BUDGET:
    options->budget = arg;
    return 0;
  case KEY_DESIGN:
    options->design = arg;
    return 0;
  case KEY_SET:
    cli_sets_add(&options->sets, arg);
    return 0;
  case KEY_OUT:
    options->folder = arg;
    return 0;
  case KEY_JOBS:
    options->jobs = cli_parse_int(state, "--jobs", arg, 1, 1024);
    return 0;
  case KEY_SVG:
    options->svg = arg;
    return 0;
  case KEY_CSV:
    options->csv = arg;
    return 0;
  case KEY_TENSORBOARD:
    options->tensorboard = arg;
    return 0;
  case KEY_NO_TRAIN:
    options->no_train = true;
    return 0;
  case KEY_PRINT:
    options->print = true;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static char *help_filter(int key, const char *text, void *input) {
  (void)input;
  if (key != ARGP_KEY_HELP_EXTRA) return (char *)text;
  Buffer help = {0};
  buffer_printf(&help, "Built-in arms:\n");
  compare_arms_help(&help);
  buffer_put(&help, "", 1);
  char *copy = strdup((const char *)help.data);
  buffer_free(&help);
  return copy;
}

static const struct argp parser = {.options = option_table,
                                   .parser = parse,
                                   .children = cli_usual_options,
                                   .help_filter = help_filter,
                                   .doc = "Compares ways of learning at one budget over several seeds: "
                                          "trains them in turns, rates networks of all runs "
                                          "in one pool, measures them by the exact solver, and says what the "
                                          "numbers show and what they do not.\v"};

static bool is_key(const ConfigTable *table, const char *assignment) {
  char name[128];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(assignment, "= "), assignment);
  return config_find(table, name) != NULL;
}

static bool set_option(CompareDesign *design, const char *key, const char *value, Error *err) {
  char line[CONFIG_TEXT_MAX + 32], origin[40];
  if (!value) return true;
  snprintf(line, sizeof line, "%s=%s", key, value);
  snprintf(origin, sizeof origin, "--%s", key);
  return config_set(&compare_table, &design->settings, line, origin, err);
}

/* False where an arm has a value of its own for the key that is to be set for all: which it should have could
 * only be guessed. */
static bool is_common(const CompareDesign *design, const char *set, Error *err) {
  char name[128], common[CONFIG_TEXT_MAX], own[CONFIG_TEXT_MAX];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(set, "= "), set);
  const ConfigKey *key = config_find(&run_config_table, name);
  for (int a = 0; key && a < design->arm_count; a++) {
    config_value(key, &design->common, common), config_value(key, &design->arms[a].config, own);
    if (strcmp(common, own) != 0)
      return error_usage(err, "--set %s: arm '%s' has its own, %s; leave one of the two out", name,
                         design->arms[a].name, own);
  }
  return true;
}

static bool set_all(CompareDesign *design, const char *set, Error *err) {
  if (!is_common(design, set, err) || !compare_set_key(&design->common, set, "--set", err)) return false;
  for (int a = 0; a < design->arm_count; a++)
    if (!compare_set_key(&design->arms[a].config, set, "--set", err)) return false;
  return true;
}

static bool is_of_experiment(const char *set) {
  return is_key(&compare_table, set) && strncmp(set, "game", 4) != 0;
}

/* Keys of all arms come before the arms that are built from them. */
static bool apply_sets(const Options *options, CompareDesign *design, Error *err) {
  for (int i = 0; i < options->sets.count; i++) {
    const char *set = options->sets.words[i];
    bool own = is_of_experiment(set);
    if (!(own ? config_set(&compare_table, &design->settings, set, "--set", err) : set_all(design, set, err)))
      return false;
  }
  return true;
}

static bool add_arms(const Options *options, const char *arms, CompareDesign *design, Error *err) {
  if (!compare_design_add(design, arms, err)) return false;
  for (int i = 0; i < options->sets.count; i++)
    if (!is_of_experiment(options->sets.words[i]) && !is_common(design, options->sets.words[i], err))
      return false;
  return true;
}

static bool resolve(const Options *options, const char *folder, CompareDesign *design, Error *err) {
  char path[FILE_PATH_MAX], seed[32];
  snprintf(path, sizeof path, "%.*s/design.ini", FILE_PATH_MAX - 20, folder);
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->common.seed);
  const char *file = options->design ? options->design : options->arms || !file_exists(path) ? NULL : path;
  if (options->design && options->arms) return error_usage(err, "give --design or --arms, not both");
  if (!compare_design_new(options->common.game->name, design, err)) return false;
  if (file && !compare_design_read(file, design, err)) return false;
  if (file && options->common.game_given && design->game != options->common.game)
    return error_set(err, "%s: is of %s, not of %s", file, design->game->title, options->common.game->title);
  const char *arms = options->arms ? options->arms : "from-scratch,bootstrap-imitation";
  bool fine = set_option(design, "seeds", options->seeds, err) &&
              set_option(design, "budget", options->budget, err) &&
              (!options->common.seed_given || set_option(design, "first_seed", seed, err)) &&
              apply_sets(options, design, err) && (file || add_arms(options, arms, design, err)) &&
              compare_design_finish(design, err);
  if (!fine && !file) err->usage = true; /* nothing but the command line can be wrong then */
  return fine;
}

static void train(Experiment *experiment, const Options *options, CompareTable *table) {
  const CompareEvents events = {
      .context = table, .notice = compare_table_notice, .progress = compare_table_progress};
  Error err;
  bool fine = experiment_train(experiment, options->jobs, options->common.threads / options->jobs, &events,
                               cli_stop_flag(), &err);
  compare_table_end(table);
  if (fine) return;
  if (err.message[0]) cli_fail_by(&err);
  cli_note("stopped; the same command continues %s", experiment->folder);
  exit(EXIT_JOB_FAILED);
}

static void show_doing(void *context, const char *what, int done, int total) {
  cli_progress_show(context, what, done, total > 0 ? total : 1, "");
}

static json_t *measure(const Experiment *experiment, const Options *options) {
  CompareData data;
  CliProgress bar = cli_progress_new(30);
  Error err;
  const CompareWatch watch = {.doing = show_doing, .context = &bar, .stop = cli_stop_flag()};
  bool fine = compare_data_collect(experiment, options->common.threads, &watch, &data, &err);
  cli_progress_clear(&bar);
  json_t *result = fine ? compare_result(&data) : NULL;
  compare_data_free(&data);
  if (!fine && !err.message[0]) {
    cli_note("stopped; the same command continues %s", experiment->folder);
    exit(EXIT_JOB_FAILED);
  }
  if (!fine || !compare_result_save(experiment, result, &err)) cli_fail_by(&err);
  return result;
}

/* A page without plots would be none; the numbers are kept all the same, but not where plots were asked for.
 */
static void write_page(const Experiment *experiment, const json_t *result, const char *svg) {
  char path[FILE_PATH_MAX];
  Buffer command = {0};
  Error err;
  experiment_path(experiment, "design.ini", path);
  buffer_printf(&command, "selfplay compare --design");
  cli_put_word(&command, path);
  buffer_printf(&command, " --out");
  cli_put_word(&command, experiment->folder);
  experiment_path(experiment, "report.html", path);
  buffer_put(&command, "", 1);
  if (compare_page_write(result, (const char *)command.data, path, svg, &err))
    cli_note("the report: %s", path);
  else if (svg)
    cli_fail_by(&err);
  else
    cli_note("no report: %s", err.message);
  buffer_free(&command);
}

static void name_folder(const Options *options, const Game *game, char folder[FILE_PATH_MAX]) {
  if (options->folder)
    snprintf(folder, FILE_PATH_MAX, "%s", options->folder);
  else
    snprintf(folder, FILE_PATH_MAX, "runs/compare-%s", game->name);
}

int cmd_compare(int argc, char **argv) {
  Options options = {.common = cli_common_defaults(), .jobs = 1};
  argp_parse(&parser, argc, argv, 0, NULL, &options);
  char folder[FILE_PATH_MAX];
  CompareDesign design;
  Experiment experiment;
  Error err;
  if (options.jobs > options.common.threads)
    cli_usage_error("--jobs %d: more than the %d threads; give --threads %d", options.jobs,
                    options.common.threads, options.jobs);
  name_folder(&options, options.common.game, folder);
  if (!resolve(&options, folder, &design, &err)) cli_fail_by(&err);
  if (options.design) name_folder(&options, design.game, folder);
  if (options.print) {
    Buffer text = {0};
    compare_design_print(&design, &text);
    fwrite(text.data, 1, text.size, stdout);
    buffer_free(&text);
    compare_design_free(&design);
    return 0;
  }
  char made[FILE_PATH_MAX + 16];
  snprintf(made, sizeof made, "%s/design.ini", folder);
  if (options.no_train && !file_exists(made))
    cli_fail("%s: no experiment to measure; without --no-train one is made", folder);
  if (!experiment_open(folder, &design, &experiment, &err)) cli_fail_by(&err);
  export_make_folder(options.csv), export_make_folder(options.tensorboard), export_make_folder(options.svg);
  cli_stop_politely();
  CompareTable table = compare_table_new();
  if (!options.no_train) train(&experiment, &options, &table);
  json_t *result = measure(&experiment, &options);
  write_page(&experiment, result, options.svg);
  if (options.csv) compare_write_csv(result, options.csv);
  if (options.tensorboard) compare_write_tensorboard(result, options.tensorboard);
  if (options.common.json)
    cli_print_json(json_incref(result));
  else
    compare_print_text(&experiment, result);
  json_decref(result);
  experiment_free(&experiment);
  return 0;
}
