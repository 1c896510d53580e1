#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_line(const char *format, va_list args) {
  fflush(stdout); /* so that messages stand where they belong when both streams are one */
  fprintf(stderr, "selfplay: ");
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
}

void cli_fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_line(format, args);
  va_end(args);
  exit(EXIT_JOB_FAILED);
}

void cli_usage_error(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_line(format, args);
  va_end(args);
  exit(EXIT_WRONG_USAGE);
}

static volatile sig_atomic_t stop_requested;

static void on_signal(int number) {
  (void)number;
  if (stop_requested) _exit(130);
  stop_requested = 1;
}

void cli_stop_politely(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

const volatile sig_atomic_t *cli_stop_flag(void) {
  return &stop_requested;
}

void cli_fail_by(const Error *err) {
  if (err->usage) cli_usage_error("%s", err->message);
  cli_fail("%s", err->message);
}

void cli_note(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_line(format, args);
  va_end(args);
}

CliCommon cli_common_defaults(void) {
  return (CliCommon){.game = game_find("connect4"), .threads = omp_get_num_procs(), .seed = 1};
}

void cli_share_input(struct argp_state *state) {
  /* Where glibc adds its own --help, the root is a wrapper without parser whose first child is the command's
   * argp. */
  const struct argp *own = state->root_argp;
  if (!own->parser && own->children) own = own->children[0].argp;
  const struct argp_child *children = own->children;
  for (int i = 0; children && children[i].argp; i++) state->child_inputs[i] = state->input;
}

int cli_parse_int(const struct argp_state *state, const char *option, const char *text, int min, int max) {
  char *end;
  (void)state;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (end == text || *end || errno || value < min || value > max)
    cli_usage_error("%s needs a whole number from %d to %d, not '%.60s'", option, min, max, text);
  return (int)value;
}

double cli_parse_real(const struct argp_state *state, const char *option, const char *text, double min,
                      double max) {
  char *end;
  (void)state;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= min && value <= max))
    cli_usage_error("%s needs a number from %g to %g, not '%.60s'", option, min, max, text);
  return value;
}

uint64_t cli_parse_seed(const struct argp_state *state, const char *option, const char *text) {
  char *end;
  (void)state;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (end == text || *end || errno || text[0] == '-' || value > INT64_MAX)
    cli_usage_error("%s needs a whole number from 0 to %lld, not '%.60s'", option, (long long)INT64_MAX,
                    text);
  return value;
}

void cli_parse_plies(const struct argp_state *state, const char *option, const char *text, int max,
                     int plies[2]) {
  char first[32];
  const char *comma = strchr(text, ',');
  snprintf(first, sizeof first, "%.*s", comma ? (int)(comma - text) : 31, text);
  plies[0] = cli_parse_int(state, option, first, 0, max);
  plies[1] = comma ? cli_parse_int(state, option, comma + 1, plies[0], max) : plies[0];
}

const Game *cli_parse_game(const struct argp_state *state, const char *text) {
  (void)state;
  const Game *game = game_find(text);
  if (game) return game;
  char names[400] = "";
  for (int i = 0; i < game_count(); i++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", game_at(i)->name);
  }
  cli_usage_error("there is no game '%.60s'; the games are: %s", text, names);
}

static error_t parse_game(int key, char *arg, struct argp_state *state) {
  CliCommon *common = state->input;
  if (key != 'g') return ARGP_ERR_UNKNOWN;
  common->game = cli_parse_game(state, arg);
  common->game_given = true;
  return 0;
}

static error_t parse_threads(int key, char *arg, struct argp_state *state) {
  if (key != 't') return ARGP_ERR_UNKNOWN;
  ((CliCommon *)state->input)->threads = cli_parse_int(state, "--threads", arg, 1, 1024);
  return 0;
}

static error_t parse_seed(int key, char *arg, struct argp_state *state) {
  CliCommon *common = state->input;
  if (key != 's') return ARGP_ERR_UNKNOWN;
  common->seed = cli_parse_seed(state, "--seed", arg);
  common->seed_given = true;
  return 0;
}

static error_t parse_json(int key, char *arg, struct argp_state *state) {
  (void)arg;
  if (key != 'j') return ARGP_ERR_UNKNOWN;
  ((CliCommon *)state->input)->json = true;
  return 0;
}

static const struct argp_option game_options[] = {
    {"game", 'g', "GAME", 0, "The game (default connect4; `selfplay games' lists them)", 0}, {0}};
static const struct argp_option threads_options[] = {
    {"threads", 't', "N", 0, "Threads (default: all cores this process may use)", 0}, {0}};
static const struct argp_option seed_options[] = {
    {"seed", 's', "N", 0, "Seed of all randomness (default 1)", 0}, {0}};
static const struct argp_option json_options[] = {{"json", 'j', 0, 0, "One JSON object on stdout", 0}, {0}};
const struct argp cli_game_argp = {.options = game_options, .parser = parse_game};
const struct argp cli_threads_argp = {.options = threads_options, .parser = parse_threads};
const struct argp cli_seed_argp = {.options = seed_options, .parser = parse_seed};
const struct argp cli_json_argp = {.options = json_options, .parser = parse_json};
const struct argp_child cli_usual_options[] = {{&cli_game_argp, 0, 0, 0},
                                               {&cli_threads_argp, 0, 0, 0},
                                               {&cli_seed_argp, 0, 0, 0},
                                               {&cli_json_argp, 0, 0, 0},
                                               {0}};

void cli_sets_add(CliSets *sets, const char *word) {
  const int most = sizeof sets->words / sizeof *sets->words;
  if (sets->count == most) cli_usage_error("more than %d --set options; write them into a file", most);
  sets->words[sets->count++] = word;
}

bool cli_sets_apply(const CliSets *sets, RunConfig *config, Error *err) {
  for (int i = 0; i < sets->count; i++)
    if (!config_set(&run_config_table, config, sets->words[i], "--set", err)) return false;
  return true;
}

bool cli_shipped_network(const Game *game, char *out, size_t size) {
  char relative[96], path[FILE_PATH_MAX];
  Error err;
  snprintf(relative, sizeof relative, "weights/%s.net", game->name);
  bool found = file_find_shipped(relative, path, &err);
  if (found) snprintf(out, size, "net:%s", path);
  return found;
}

void cli_default_player(const Game *game, int visits, char *out, size_t size) {
  if (cli_shipped_network(game, out, size)) {
    size_t used = strlen(out);
    snprintf(out + used, size - used, ",visits=%d", visits);
    return;
  }
  snprintf(out, size, "mcts:1000");
  cli_note("no network of %s is shipped; playing mcts:1000", game->name);
}

void cli_flush(void) {
  if (fflush(stdout) != 0 || ferror(stdout)) cli_fail("cannot write to standard output: %s", strerror(errno));
}

void cli_print_json(json_t *object) {
  if (!object || json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0)
    cli_fail("cannot write this as JSON: a name in it is not UTF-8, or standard output is full");
  putchar('\n');
  json_decref(object);
  cli_flush();
}

void cli_put_word(Buffer *out, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@+%";
  if (word[0] && !word[strspn(word, plain)]) {
    buffer_printf(out, " %s", word);
    return;
  }
  buffer_printf(out, " '");
  for (; *word; word++) buffer_printf(out, *word == '\'' ? "'\\''" : "%c", *word);
  buffer_printf(out, "'");
}
