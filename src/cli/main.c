/* The dispatcher: `selfplay COMMAND ...`, or training where the first word is one of its options. */
#include "base/text.h"
#include "base/version.h"
#include "cli/libraries.h"
#include "cli/cli.h"

#include <locale.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>

typedef struct Command {
  const char *name;
  int (*run)(int argc, char **argv);
} Command;

static const Command commands[] = {
    {"train", cmd_train}, {"play", cmd_play},         {"analyze", cmd_analyze}, {"match", cmd_match},
    {"elo", cmd_elo},     {"accuracy", cmd_accuracy}, {"report", cmd_report},   {"make-data", cmd_make_data},
    {"bench", cmd_bench}, {"games", cmd_games},       {"compare", cmd_compare}, {"targets", cmd_targets},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char overview[] =
    "Teaches a network a two-player game by self-play search, from scratch or "
    "after a start from expert games, and "
    "measures how strong it is."
    "\v"
    "Training:\n"
    "  selfplay --from-scratch                    from random play\n"
    "  selfplay --bootstrap-imitation[=SOURCE]    fitted to expert games first\n"
    "  (`train' in front is optional; `selfplay train --help' lists the options)\n"
    "\n"
    "Commands:\n"
    "  play       play against a network or another player in the terminal\n"
    "  analyze    value, policy, visits and principal variation of a position\n"
    "  match      two players against each other\n"
    "  elo        rate players and runs in one table\n"
    "  accuracy   how often a player's move is right, by the exact solver\n"
    "  targets    how right what self-play teaches is, by the exact solver\n"
    "  compare    ways of learning at one budget over several seeds, with intervals\n"
    "  report     one HTML page with the plots of runs\n"
    "  make-data  make openings, test positions, the book of Connect Four\n"
    "  bench      measure speed\n"
    "  games      what can be played\n"
    "\n"
    "`selfplay COMMAND --help' says all of a command.\n"
    "Exit codes: 0 done, 1 the job failed, 2 wrong usage.";

static error_t parse_top(int key, char *arg, struct argp_state *state) {
  (void)arg, (void)state;
  return key == ARGP_KEY_ARG ? 0 : ARGP_ERR_UNKNOWN;
}

static const struct argp top = {.parser = parse_top, .args_doc = "COMMAND [OPTION...]", .doc = overview};

static void print_version(FILE *stream, struct argp_state *state) {
  (void)state;
  fprintf(stream, "selfplay %s\n", version_text());
}

static const Command *find_command(const char *word) {
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i].name, word) == 0) return &commands[i];
  return NULL;
}

_Noreturn static void unknown_command(const char *word) {
  const char *best = NULL;
  for (int i = 0, least = TEXT_FAR; i < COMMANDS; i++) {
    int miss = text_miss(word, commands[i].name);
    if (miss < least) least = miss, best = commands[i].name;
  }
  if (best)
    cli_usage_error("unknown command '%.60s'; the nearest is '%s' (selfplay --help lists all)", word, best);
  cli_usage_error("unknown command '%.60s'; selfplay --help lists all", word);
}

/* Options that the program itself answers; any other leading option belongs to training. */
static bool is_top_option(const char *word) {
  static const char *const own[] = {"--help", "-?", "--usage", "--version", "-V"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcmp(word, own[i]) == 0) return true;
  return false;
}

/* -h is what many people try first, and no command gives it another meaning. */
static void accept_h(int argc, char **argv) {
  static char help[] = "--help";
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "-h") == 0) argv[i] = help;
}

/* `selfplay help [COMMAND]' is `selfplay [COMMAND] --help'. */
static void accept_help_word(int *argc, char **argv) {
  static char help[] = "--help";
  if (strcmp(argv[1], "help") != 0) return;
  if (*argc > 2) argv[1] = argv[2];
  argv[*argc > 2 ? 2 : 1] = help;
  if (*argc > 3) *argc = 3;
}

static int run_command(const Command *command, int argc, char **argv) {
  char name[40];
  snprintf(name, sizeof name, "selfplay %s", command->name);
  argv[0] = name; /* argp's messages begin with it */
  int code = command->run(argc, argv);
  cli_flush();
  return code;
}

int main(int argc, char **argv) {
  libraries_set_up(argv);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, with a message, like a full disk */
  setlocale(LC_CTYPE, "");  /* not LC_NUMERIC: numbers in files and JSON keep their point */
  argp_err_exit_status = EXIT_WRONG_USAGE;
  argp_program_version_hook = print_version;
  char name[] = "selfplay";
  if (argc < 2) {
    argp_help(&top, stderr, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, name);
    return EXIT_WRONG_USAGE;
  }
  accept_h(argc, argv);
  accept_help_word(&argc, argv);
  if (is_top_option(argv[1])) {
    argv[0] = name;
    argp_parse(&top, argc, argv, ARGP_IN_ORDER, NULL, NULL);
    return 0;
  }
  if (argv[1][0] == '-') return run_command(find_command("train"), argc, argv);
  const Command *command = find_command(argv[1]);
  if (!command) unknown_command(argv[1]);
  return run_command(command, argc - 1, argv + 1);
}
