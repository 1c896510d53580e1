/* selfplay make-data openings|positions|book: remakes the shipped files of openings, test positions and
 * solved openings. For developers. */
#include "arena/openings.h"
#include "arena/positions_exact.h"
#include "cli/cli.h"
#include "games/connect4_book.h"
#include "games/exact.h"

#include <string.h>

enum {
  KEY_PLIES = 256,
  KEY_LIMIT,
  KEY_LONGER,
  KEY_ALL,
  DEFAULT_OPENINGS = 500,
  DEFAULT_POSITIONS = 1000,
  PLIES_MAX = 400,
  BOOK_LOG2_BYTES = 33
};

typedef struct Options {
  CliCommon common;
  const char *kind, *output;
  int count, limit, longer_than;
  bool all;
  int plies[2]; /* -1: not given */
} Options;

static const struct argp_option option_table[] = {
    {"count", 'n', "N", 0, "How many (default 500 openings, 1000 positions)", 0},
    {"plies", KEY_PLIES, "N[,M]", 0,
     "Moves of an opening (default 10); first and last ply of positions (default: those of the game's "
     "shipped positions, as 12,35 in Connect Four)",
     0},
    {"limit", KEY_LIMIT, "S", 0,
     "Openings: the largest exact score, either way, that counts as balanced (default 2); for games whose "
     "solver "
     "does not reach the opening, hundredths of alpha-beta's value (default 10)",
     0},
    {"longer-than", KEY_LONGER, "N", 0, "Positions from which best play goes on for more than N moves", 0},
    {"all", KEY_ALL, NULL, 0,
     "Positions: also those that test nothing, since a move wins at once or every move leads to the "
     "same value; other people's benchmarks have them",
     0},
    {"output", 'o', "FILE", 0, "Where to write", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case 'n':
    options->count = cli_parse_int(state, "--count", arg, 1, 1000000);
    return 0;
  case KEY_PLIES:
    cli_parse_plies(state, "--plies", arg, PLIES_MAX, options->plies);
    return 0;
  case KEY_LIMIT:
    options->limit = cli_parse_int(state, "--limit", arg, 0, 100);
    return 0;
  case KEY_LONGER:
    options->longer_than = cli_parse_int(state, "--longer-than", arg, 1, PLIES_MAX);
    return 0;
  case KEY_ALL:
    options->all = true;
    return 0;
  case 'o':
    options->output = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 1) return ARGP_ERR_UNKNOWN;
    if (strcmp(arg, "openings") != 0 && strcmp(arg, "positions") != 0 && strcmp(arg, "book") != 0)
      cli_usage_error("make-data makes openings, positions or a book, not '%.40s'", arg);
    options->kind = arg;
    return 0;
  case ARGP_KEY_END:
    if (!options->kind) cli_usage_error("make-data needs to know what: openings, positions or book");
    if (options->longer_than && strcmp(options->kind, "positions") != 0)
      cli_usage_error("--longer-than is for positions alone, not with '%s'", options->kind);
    if (options->all && strcmp(options->kind, "positions") != 0)
      cli_usage_error("--all is for positions alone, not with '%s'", options->kind);
    if (!options->output) cli_usage_error("make-data needs --output FILE");
    if (strcmp(options->kind, "book") == 0 && (options->count || options->plies[0] >= 0))
      cli_usage_error("a book has all positions of eight plies: --count and --plies are not for it");
    if (strcmp(options->kind, "book") == 0 && options->common.seed_given)
      cli_usage_error("a book has nothing random: no --seed is for it");
    if (options->limit >= 0 && strcmp(options->kind, "openings") != 0)
      cli_usage_error("--limit is for openings alone, not with '%s'", options->kind);
    if (strcmp(options->kind, "positions") == 0 && options->plies[0] == 0)
      cli_usage_error("--plies: positions are reached by at least one move");
    if (strcmp(options->kind, "openings") == 0 && options->plies[1] != options->plies[0])
      cli_usage_error("openings have one length: --plies N");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void show_progress(void *context, int found, int wanted) {
  cli_progress_show(context, "make-data", found, wanted, "");
}

static bool make_openings(const Options *options, CliProgress *bar, Error *err) {
  const Game *game = options->common.game;
  int plies = options->plies[0] >= 0 ? options->plies[0] : 10;
  int count = options->count ? options->count : DEFAULT_OPENINGS;
  int limit = options->limit >= 0 ? options->limit : exact_exists(game, true) ? 2 : 10;
  if (plies > OPENING_PLIES_MAX)
    cli_usage_error("--plies: an opening has at most %d moves, not %d", OPENING_PLIES_MAX, plies);
  return openings_make(game, count, plies, limit, options->common.seed, options->common.threads,
                       options->output, show_progress, bar, err);
}

static bool make_positions(const Options *options, CliProgress *bar, Error *err) {
  const Game *game = options->common.game;
  int plies[2] = {options->plies[0], options->plies[1]};
  if (plies[0] < 0 && exact_exists(game, false)) exact_test_plies(game, plies);
  const PositionsPlan plan = {.count = options->count ? options->count : DEFAULT_POSITIONS,
                              .first_ply = plies[0] >= 0 ? plies[0] : 0,
                              .last_ply = plies[1] >= 0 ? plies[1] : 0,
                              .longer_than = options->longer_than,
                              .all = options->all,
                              .depth = 4,
                              .random_share = 0.3,
                              .seed = options->common.seed,
                              .threads = options->common.threads};
  return positions_make_exact(game, &plan, options->output, show_progress, bar, err);
}

static bool make_book(const Options *options, CliProgress *bar, Error *err) {
  if (options->common.game != &game_connect4)
    return error_usage(err, "there are solved openings of %s alone, not of %s", game_connect4.title,
                       options->common.game->title);
  return connect4_book_make(options->output, BOOK_LOG2_BYTES, options->common.threads, show_progress, bar,
                            err);
}

static bool make(const Options *options, CliProgress *bar, Error *err) {
  if (strcmp(options->kind, "book") == 0) return make_book(options, bar, err);
  return strcmp(options->kind, "openings") == 0 ? make_openings(options, bar, err)
                                                : make_positions(options, bar, err);
}

int cmd_make_data(int argc, char **argv) {
  static const struct argp argp = {
      .options = option_table,
      .parser = parse,
      .args_doc = "openings|positions|book",
      .children = cli_usual_options,
      .doc = "Makes the balanced openings of matches, by the exact solver the "
             "positions of `selfplay accuracy' (2 GiB of memory where any is earlier "
             "than 12 plies), or the book of who wins each "
             "position of Connect Four's first eight plies (8 GiB of memory; "
             "killed, it goes on from its file). The "
             "shipped texts say in their first lines how they were made."};
  Options options = {.common = cli_common_defaults(), .limit = -1, .plies = {-1, -1}};
  argp_parse(&argp, argc, argv, 0, NULL, &options);
  Error err;
  if (!file_may_write(options.output, &err)) cli_fail_by(&err);
  CliProgress bar = cli_progress_new(10);
  bool fine = make(&options, &bar, &err);
  cli_progress_clear(&bar);
  if (!fine) cli_fail_by(&err);
  if (options.common.json)
    cli_print_json(json_pack("{s:s,s:s}", "kind", options.kind, "output", options.output));
  else
    cli_note("%s written", options.output);
  return 0;
}
