/* What the commands share: failing, options, the terminal, progress, JSON.
 *
 * A command is `int cmd_NAME(int argc, char **argv)` and returns the exit code: 0 done, 1 the job failed, 2
 * wrong usage. argv[0] is "selfplay NAME", so that argp's own messages read well. Results go to stdout, all
 * else to stderr.
 *
 * Options by glibc's argp. A command's input struct begins with a CliCommon, and its argp takes the shared
 * options that it wants as children:
 *
 *   typedef struct Options { CliCommon common; int games; } Options;
 *
 *   static error_t parse(int key, char *arg, struct argp_state *state) {
 *     Options *options = state->input;
 *     switch (key) {
 *     case ARGP_KEY_INIT: cli_share_input(state); return 0;
 *     case 'n': options->games = cli_parse_int(state, "--games", arg, 1, 1000000); return 0;
 *     default: return ARGP_ERR_UNKNOWN;
 *     }
 *   }
 *   static const struct argp argp = {.options = table, .parser = parse, .children = cli_usual_options};
 *
 *   Options options = {.common = cli_common_defaults(), .games = 100};
 *   argp_parse(&argp, argc, argv, 0, NULL, &options);
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/error.h"
#include "games/game.h"
#include "selfplay/run_config.h"

#include <argp.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { EXIT_JOB_FAILED = 1, EXIT_WRONG_USAGE = 2 };

/* One line "selfplay: ..." on stderr, then exit 1. */
_Noreturn void cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with exit 2, for options and names that make no sense. */
_Noreturn void cli_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An Error's message and its exit status of these two. */
_Noreturn void cli_fail_by(const Error *err);
/* One line "selfplay: ..." on stderr; goes on. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on SIGINT and SIGTERM set the flag, for work that then ends where nothing is lost; asked twice the
 * program ends at once, which harms no file. */
void cli_stop_politely(void);
const volatile sig_atomic_t *cli_stop_flag(void);

/* Appends a blank and the word, quoted where a shell needs it. */
void cli_put_word(Buffer *out, const char *word);

typedef struct CliCommon {
  const Game *game; /* --game; Connect Four where not given */
  bool game_given;
  int threads;   /* --threads; all cores this process may use where not given */
  uint64_t seed; /* --seed; 1 where not given */
  bool seed_given;
  bool json; /* --json */
} CliCommon;

CliCommon cli_common_defaults(void);
/* For ARGP_KEY_INIT: hands the command's own input (which begins with a CliCommon) to all children. */
void cli_share_input(struct argp_state *state);
extern const struct argp cli_game_argp, cli_threads_argp, cli_seed_argp, cli_json_argp;
extern const struct argp_child cli_usual_options[]; /* all four of them */

/* The values of --set, in their order; they stay argv's. */
typedef struct CliSets {
  const char *words[256];
  int count;
} CliSets;

/* A usage error where there are too many. */
void cli_sets_add(CliSets *sets, const char *word);
/* False with a message at the first that is no KEY=VALUE of a run's configuration. */
bool cli_sets_apply(const CliSets *sets, RunConfig *config, Error *err);

/* Values of options; anything else than a number in [min, max] is a usage error that names the option. */
int cli_parse_int(const struct argp_state *state, const char *option, const char *text, int min, int max);
double cli_parse_real(const struct argp_state *state, const char *option, const char *text, double min,
                      double max);
uint64_t cli_parse_seed(const struct argp_state *state, const char *option, const char *text);
/* "N" or "N,M" with 0 <= N <= M <= max, first and last ply (N twice where there is no M). */
void cli_parse_plies(const struct argp_state *state, const char *option, const char *text, int max,
                     int plies[2]);
/* A game's name; a usage error that lists all games where there is no such game. */
const Game *cli_parse_game(const struct argp_state *state, const char *text);
/* "net:FILE" of the game's shipped network; false where there is none. Writes at most `size` bytes. */
bool cli_shipped_network(const Game *game, char *out, size_t size);
/* Spelling of the player to meet where none is named: the shipped network of the game, or plain MCTS with a
 * note on stderr where none is shipped. Writes at most `size` bytes. */
void cli_default_player(const Game *game, int visits, char *out, size_t size);

/* The object, indented, and a line feed on stdout; releases it. A failed write ends the program with exit 1.
 */
void cli_print_json(json_t *object);
/* Flushes stdout and ends the program with exit 1 where that fails (a full disk, a closed pipe). */
void cli_flush(void);

/* The terminal. */
bool cli_is_terminal(FILE *stream);
/* A terminal that is not "dumb", and NO_COLOR (no-color.org) is not set. */
bool cli_colour_allowed(FILE *stream);
/* 24-bit colours: COLORTERM says truecolor or 24bit. */
bool cli_true_colour(void);
/* Columns of the terminal, 80 where it is none. */
int cli_width(FILE *stream);

/* A progress bar on stderr: redrawn in place, at most ten times a second, in a terminal; elsewhere one plain
 * line every `plain_seconds` (0: nothing at all). */
typedef struct CliProgress {
  double plain_seconds;
  double drawn; /* clock_wall() then; 0 before the first call */
  bool terminal, visible;
} CliProgress;

CliProgress cli_progress_new(double plain_seconds);
/* `done` of `total` (> 0); `label` in front of the bar, `note` behind it (either may be ""). */
void cli_progress_show(CliProgress *progress, const char *label, double done, double total, const char *note);
/* Wipes the bar, so that an ordinary line can be printed. */
void cli_progress_clear(CliProgress *progress);

/* The commands. */
int cmd_accuracy(int argc, char **argv);
int cmd_analyze(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_elo(int argc, char **argv);
int cmd_games(int argc, char **argv);
int cmd_make_data(int argc, char **argv);
int cmd_match(int argc, char **argv);
int cmd_play(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_targets(int argc, char **argv);
int cmd_train(int argc, char **argv);

#endif
