/* selfplay --from-scratch, selfplay --bootstrap-imitation: train a run, or continue it. */
#include "base/clock.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "selfplay/run.h"

#include <stdlib.h>
#include <string.h>

enum {
  KEY_SCRATCH = 256,
  KEY_IMITATION,
  KEY_CONFIG,
  KEY_SET,
  KEY_RUN,
  KEY_ITERATIONS,
  KEY_MINUTES,
  KEY_PRINT
};

typedef struct Options {
  CliCommon common;
  bool scratch, imitation, print_config;
  const char *source, *config, *run;
  CliSets sets;
  int iterations;
  double minutes;
} Options;

static const struct argp_option option_table[] = {
    {"from-scratch", KEY_SCRATCH, 0, 0, "Pure reinforcement learning from random play", 0},
    {"bootstrap-imitation", KEY_IMITATION, "SOURCE", OPTION_ARG_OPTIONAL,
     "Fit the network to expert games first, then discard them (imitation.keep). SOURCE: a file of game "
     "records, one a "
     "line; without it the built-in teacher plays (imitation.*)",
     0},
    {"config", KEY_CONFIG, "FILE", 0, "Configuration (default: the game's shipped configs/GAME.conf)", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "Set one configuration key; may be repeated", 0},
    {"run", KEY_RUN, "DIR", 0, "The run's folder (default runs/GAME-ARM-SEED). The same command continues it",
     0},
    {"iterations", KEY_ITERATIONS, "N", 0, "Train for N iterations in all", 0},
    {"minutes", KEY_MINUTES, "M", 0,
     "Train for M minutes of wall-clock time in all; each of the two, given alone, sets the other's limit "
     "aside",
     0},
    {"print-config", KEY_PRINT, 0, 0, "Print the resolved configuration with every key's meaning, and stop",
     0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case KEY_SCRATCH:
    options->scratch = true;
    return 0;
  case KEY_IMITATION:
    options->imitation = true;
    options->source = arg ? arg : "";
    return 0;
  case KEY_CONFIG:
    options->config = arg;
    return 0;
  case KEY_SET:
    cli_sets_add(&options->sets, arg);
    return 0;
  case KEY_RUN:
    options->run = arg;
    return 0;
  case KEY_ITERATIONS:
    options->iterations = cli_parse_int(state, "--iterations", arg, 1, 1000000);
    return 0;
  case KEY_MINUTES:
    options->minutes = cli_parse_real(state, "--minutes", arg, 0.01, 1e6);
    return 0;
  case KEY_PRINT:
    options->print_config = true;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse,
    .children = cli_usual_options,
    .doc = "Trains a network by self-play, with one line an iteration on stderr.\v"
           "With --json, the last iteration's log line is printed as one object (its keys: docs/files.md). "
           "A run that was stopped or killed goes on from its last whole shard when the same command is "
           "given again."};

typedef struct Display {
  CliProgress bar;
  const char *folder;
  json_t *last;
  bool header;
} Display;

static void on_notice(void *context, const char *message) {
  Display *display = context;
  cli_progress_clear(&display->bar);
  cli_note("%s", message);
}

static void on_progress(void *context, const RunProgress *progress) {
  static const char *const stages[] = {"expert games", "imitation", "self-play", "learning"};
  Display *display = context;
  char label[64], note[64] = "", left[CLOCK_TEXT];
  if (progress->stage >= STAGE_SELFPLAY)
    snprintf(label, sizeof label, "iteration %d %s", progress->iteration, stages[progress->stage]);
  else
    snprintf(label, sizeof label, "%s", stages[progress->stage]);
  if (progress->seconds_left >= 0) {
    clock_format(progress->seconds_left, left);
    snprintf(note, sizeof note, "%s left", left);
  }
  cli_progress_show(&display->bar, label, (double)progress->done, (double)progress->total, note);
}

static double real(const json_t *line, const char *key) {
  return json_number_value(json_object_get(line, key));
}

static void on_imitation(void *context, const json_t *epoch) {
  Display *display = context;
  cli_progress_clear(&display->bar);
  fprintf(
      stderr,
      "imitation epoch %2.0f: held-out policy loss %.3f (constant %.3f), value loss %.3f (constant %.3f), "
      "value error %.3f, move match top 1 %.1f%%, top 3 %.1f%%%s\n",
      real(epoch, "epoch"), real(epoch, "loss_policy"), real(epoch, "loss_policy_baseline"),
      real(epoch, "loss_value"), real(epoch, "loss_value_baseline"), real(epoch, "value_mse"),
      100 * real(epoch, "move_match_top1"), 100 * real(epoch, "move_match_top3"),
      json_is_true(json_object_get(epoch, "best")) ? ", best so far" : "");
}

static void on_iteration(void *context, const json_t *line) {
  Display *display = context;
  char left[CLOCK_TEXT];
  cli_progress_clear(&display->bar);
  if (!display->header)
    fprintf(
        stderr,
        "iter  games positions unique proven length  policy (const)   value (const)  calib. entropy target "
        " evals/s reuse  left\n");
  display->header = true;
  clock_format(real(line, "seconds_left"), left);
  fprintf(stderr,
          "%4.0f %6.0f %9.0f %5.1f%% %5.1f%% %6.1f  %.3f  (%.3f)   %.3f  (%.3f)  %.3f  %.3f   %.3f  %7.0f  "
          "%4.1f  %s\n",
          real(line, "iteration"), real(line, "games"), real(line, "positions"),
          100 * real(line, "unique_positions") / (real(line, "positions") + 1e-9),
          100 * real(line, "proven_positions") / (real(line, "positions") + 1e-9), real(line, "game_length"),
          real(line, "loss_policy"), real(line, "loss_policy_baseline"), real(line, "loss_value"),
          real(line, "loss_value_baseline"), real(line, "value_calibration_error"),
          real(line, "policy_entropy"), real(line, "target_entropy"), real(line, "evaluations_per_second"),
          real(line, "sample_reuse"), real(line, "seconds_left") < 0 ? "-" : left);
  json_decref(display->last);
  display->last = json_deep_copy(line);
}

/* Of a run that had reached its limit already. */
static void show_finished(Display *display, const RunConfig *config) {
  RunInfo *run = memory_new(1, sizeof *run);
  Error err;
  json_t *log = run_open(display->folder, run, &err) ? run_log(run, &err) : NULL;
  display->last = json_incref(json_array_get(log, json_array_size(log) - 1));
  json_decref(log);
  bool counted = config->iterations && run->iterations >= config->iterations;
  free(run);
  if (display->last)
    cli_note("%s has reached its limit, %s %g; a larger one goes on", display->folder,
             counted ? "--iterations" : "--minutes", counted ? config->iterations : config->minutes);
}

static void resolve_config(const Options *options, RunConfig *config) {
  Error err;
  bool fine;
  if (options->config) {
    config_defaults(&run_config_table, config);
    fine = config_read(&run_config_table, config, options->config, &err);
  } else {
    fine = run_config_shipped(options->common.game, config, &err);
  }
  if (!fine || !cli_sets_apply(&options->sets, config, &err)) cli_fail_by(&err);
  if (!options->config && strcmp(config->game, options->common.game->name) != 0)
    cli_usage_error("--set: game is chosen by --game %s, which brings its configuration", config->game);
  if (options->common.game_given && strcmp(config->game, options->common.game->name) != 0)
    cli_usage_error("%s: is a configuration of %s, not of %s; give the right --config or --game",
                    options->config ? options->config : "--set", config->game, options->common.game->name);
  /* A limit given on the command line replaces the configuration's of the other kind. */
  if (options->iterations) config->iterations = options->iterations, config->minutes = 0;
  if (options->minutes > 0) {
    config->minutes = options->minutes;
    if (!options->iterations) config->iterations = 0;
  }
  if (run_config_valid(config, &err)) return;
  err.usage = !options->config; /* the shipped ones are valid by themselves */
  cli_fail_by(&err);
}

static int print_config(const RunConfig *config) {
  Buffer text = {0};
  config_print(&run_config_table, config, true, &text);
  fwrite(text.data, 1, text.size, stdout);
  buffer_free(&text);
  return 0;
}

int cmd_train(int argc, char **argv) {
  Options options = {.common = cli_common_defaults(), .source = ""};
  argp_parse(&parser, argc, argv, 0, NULL, &options);
  RunRequest request = {
      .source = options.source, .seed = options.common.seed, .threads = options.common.threads};
  resolve_config(&options, &request.config);
  if (options.print_config) return print_config(&request.config);
  if (options.scratch == options.imitation)
    cli_usage_error("give one of --from-scratch and --bootstrap-imitation (selfplay train --help)");
  request.game = game_find(request.config.game);
  request.arm = options.scratch ? ARM_FROM_SCRATCH : ARM_BOOTSTRAP_IMITATION;
  char folder[FILE_PATH_MAX];
  if (options.run)
    snprintf(folder, sizeof folder, "%s", options.run);
  else
    snprintf(folder, sizeof folder, "runs/%s-%s-%llu", request.game->name,
             options.scratch ? "scratch" : "imitation", (unsigned long long)request.seed);
  request.folder = folder;

  Display display = {.bar = cli_progress_new(30), .folder = folder};
  RunEvents events = {.context = &display,
                      .notice = on_notice,
                      .progress = on_progress,
                      .imitation = on_imitation,
                      .iteration = on_iteration};
  cli_stop_politely();
  Error err;
  fprintf(stderr, "run %s: %s, %s, seed %llu\n", folder, request.game->title,
          options.scratch ? "from scratch" : "bootstrapped by imitation", (unsigned long long)request.seed);
  bool done = run_train(&request, &events, cli_stop_flag(), &err);
  cli_progress_clear(&display.bar);
  if (!done) cli_fail_by(&err);
  if (*cli_stop_flag()) cli_note("stopped; the same command continues %s", folder);
  if (!*cli_stop_flag() && !display.last) show_finished(&display, &request.config);
  if (options.common.json)
    cli_print_json(display.last ? json_incref(display.last) : json_object());
  else if (!*cli_stop_flag())
    fprintf(stderr, "done: play against it with  selfplay play run:%s\n", folder);
  json_decref(display.last);
  return *cli_stop_flag() ? EXIT_JOB_FAILED : 0;
}
