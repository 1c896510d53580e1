/* selfplay analyze PLAYER --moves LINE: what a player thinks of a position. */
#include "cli/arena_options.h"
#include "cli/board.h"
#include "cli/show_analysis.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_MOVES = 1024 };

typedef struct Options {
  CliCommon common;
  const char *player, *moves;
  int visits; /* -1: not given */
} Options;

static const struct argp_option option_table[] = {
    {"moves", 'm', "LINE", 0, "Moves from the starting position, as 4455 or f5d6c3 (default: none)", 0},
    {"visits", 'v', "N", 0,
     "Simulations of a network, 0 for it alone (default: the player's own; 800 for the shipped one)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case 'm':
    options->moves = arg;
    return 0;
  case 'v':
    options->visits = cli_parse_int(state, "--visits", arg, 0, PLAYER_VISITS_MAX);
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 1) return ARGP_ERR_UNKNOWN;
    options->player = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse,
    .children = cli_usual_options,
    .args_doc = "[PLAYER]",
    .help_filter = cli_help_players,
    .doc = "Value, policy, visits and principal variation of a position, for the player to move.\v"
           "Without PLAYER the shipped network looks. JSON: {\"game\", \"player\", \"moves\", \"to_move\", "
           "\"value\", "
           "\"wdl\": {\"win\", \"draw\", \"loss\"}, \"proven\": null or -1, 0, 1, \"network\": {\"value\", "
           "\"wdl\"} (null where there is none), \"visits\", \"best\", "
           "\"pv\": "
           "[...], \"children\": [{\"move\", \"prior\", \"visits\", \"value\", \"bounds\": "
           "[least, most]}]}; values in [-1, 1], null (- on the board) where a move was not looked at."};

int cmd_analyze(int argc, char **argv) {
  Options options = {.common = cli_common_defaults(), .moves = "", .visits = -1};
  argp_parse(&parser, argc, argv, 0, NULL, &options);
  cli_settle_game(&options.common, &options.player, 1);
  const Game *game = options.common.game;
  char fallback[FILE_PATH_MAX + 32];
  if (!options.player) {
    cli_default_player(game, 800, fallback, sizeof fallback);
    options.player = fallback;
  }
  char searched[FILE_PATH_MAX + 64];
  if (options.visits >= 0) {
    if (!player_is_network(options.player))
      cli_usage_error("--visits is for networks; %.200s says its own budget in its name", options.player);
    snprintf(searched, sizeof searched, "%s,visits=%d", options.player, options.visits);
    options.player = searched;
  }
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[LINE_MAX_MOVES], count;
  float value;
  Error err;
  game->init(state);
  if (!game_read_line(game, options.moves, moves, LINE_MAX_MOVES, &count, &err))
    cli_usage_error("--moves: %s", err.message);
  for (int i = 0; i < count; i++) game->play(state, moves[i]);
  if (game->over(state, &value))
    cli_usage_error("--moves: the game is over after this line; there is nothing to analyse");
  Player *player = cli_new_player(options.player, &options.common);
  if (!player->analyze)
    cli_usage_error("%s: this kind of player has nothing to show; run:, net:, mcts: and solver have",
                    player->name);
  PlayerAnalysis *analysis = calloc(1, sizeof *analysis);
  PlayerQuery query = {state, moves, count, rng_make(options.common.seed, RNG_PLAYER, 0, 0)};
  if (!player->analyze(player, &query, 0, analysis, &err)) cli_fail_by(&err);
  if (options.common.json) {
    json_t *root = json_pack("{s:s, s:s, s:s, s:s}", "game", game->name, "player", player->name, "moves",
                             options.moves, "to_move", game->player[game->to_move(state)]);
    json_t *rest = show_analysis_json(game, analysis);
    json_object_update(root, rest);
    json_decref(rest);
    cli_print_json(root);
  } else {
    BoardStyle style = board_style(stdout, false);
    board_draw(stdout, &style, game, state, count ? moves[count - 1] : -1, -1, -1);
    printf("%s to move; %s\n", game->player[game->to_move(state)], player->name);
    show_analysis(stdout, game, analysis, style.unicode, cli_width(stdout));
  }
  free(analysis);
  player_free(player);
  return 0;
}
