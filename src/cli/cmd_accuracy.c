/* selfplay accuracy PLAYER: how close to perfect play, by exact scores. */
#include "arena/accuracy.h"
#include "cli/arena_options.h"

#include <string.h>

enum { KEY_POSITIONS = 256, SPELLING_MAX = FILE_PATH_MAX + 64 };

typedef struct Options {
  CliCommon common;
  const char *player, *positions;
  int visits; /* -1: not given */
} Options;

static const struct argp_option option_table[] = {
    {"visits", 'v', "N", 0,
     "Simulations a move of the network's search (default: the player's own, else 200)", 0},
    {"positions", KEY_POSITIONS, "FILE", 0,
     "Positions as lines `MOVES S1,S2,...' with the exact score of each move for the player to move, `.' "
     "where illegal "
     "(default: the built-in set of the game)",
     0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case 'v':
    options->visits = cli_parse_int(state, "--visits", arg, 0, 10000000);
    return 0;
  case KEY_POSITIONS:
    options->positions = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 1) return ARGP_ERR_UNKNOWN;
    options->player = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

typedef struct Bar {
  CliProgress progress;
  const char *label;
} Bar;

static void show_progress(void *context, int done, int total) {
  Bar *bar = context;
  cli_progress_show(&bar->progress, bar->label, done, total, "positions");
}

static Accuracy measure(Player *player, const Positions *positions, const Options *options,
                        const char *label) {
  Accuracy accuracy;
  Error err;
  Bar bar = {cli_progress_new(10), label};
  bool fine = accuracy_measure(player, positions, options->common.seed, show_progress, &bar, &accuracy, &err);
  cli_progress_clear(&bar.progress);
  if (!fine) {
    player_free(player);
    cli_fail_by(&err);
  }
  return accuracy;
}

static json_t *interval_json(double low, double high) {
  return json_pack("[f,f]", low, high);
}

static json_t *side_json(const Accuracy *accuracy) {
  const AccuracyRate *kept = &accuracy->moves.value_kept, *best = &accuracy->moves.best_score;
  return json_pack("{s:f,s:f,s:o,s:o}", "value_kept", kept->share, "best_score", best->share,
                   "value_kept_interval", interval_json(kept->low, kept->high), "best_score_interval",
                   interval_json(best->low, best->high));
}

static void print_json(const Options *options, const char *name, const Accuracy *network,
                       const Accuracy *search, int visits, int positions) {
  json_t *network_json = json_null(), *search_json = json_null();
  if (network) {
    network_json = side_json(network);
    json_object_set_new(network_json, "log_loss", json_real(network->log_loss));
    json_object_set_new(network_json, "log_loss_interval",
                        interval_json(network->log_loss_low, network->log_loss_high));
  }
  if (search) {
    search_json = side_json(search);
    json_object_set_new(search_json, "visits", json_integer(visits));
  }
  cli_print_json(json_pack("{s:s,s:s,s:i,s:o,s:o}", "game", options->common.game->name, "player", name,
                           "positions", positions, "network", network_json, "search", search_json));
}

static void print_side(const char *label, const Accuracy *accuracy) {
  const AccuracyRate *kept = &accuracy->moves.value_kept, *best = &accuracy->moves.best_score;
  printf("%-24s value kept %5.1f%% [%.1f, %.1f]   best score %5.1f%% [%.1f, %.1f]", label, 100 * kept->share,
         100 * kept->low, 100 * kept->high, 100 * best->share, 100 * best->low, 100 * best->high);
  if (accuracy->has_log_loss)
    printf("   log loss %.3f [%.3f, %.3f]", accuracy->log_loss, accuracy->log_loss_low,
           accuracy->log_loss_high);
  printf("\n");
}

static void print_text(const char *name, const Accuracy *network, const Accuracy *search, int visits,
                       const char *source, int positions) {
  char label[64];
  printf("%s on %d positions of %s, 95%% intervals in brackets\n", name, positions, source);
  if (network) print_side("network alone", network);
  if (visits > 0)
    snprintf(label, sizeof label, "search, %d visits", visits);
  else
    snprintf(label, sizeof label, "moves");
  if (search) print_side(label, search);
  cli_flush();
}

int cmd_accuracy(int argc, char **argv) {
  static const struct argp argp = {
      .options = option_table,
      .parser = parse,
      .args_doc = "[PLAYER]",
      .children = cli_usual_options,
      .help_filter = cli_help_players,
      .doc =
          "How often the player's move keeps the game-theoretic value (win, draw, loss), how often it is a "
          "best-scoring one, and the log loss of the network's win/draw/loss estimate in nats, on positions "
          "scored "
          "by an exact solver; for the network alone and with search. Without a player: the shipped network."
          "\v"};
  Options options = {.common = cli_common_defaults(), .visits = -1};
  argp_parse(&argp, argc, argv, 0, NULL, &options);
  cli_settle_game(&options.common, &options.player, 1);
  char spelling[SPELLING_MAX], changed[SPELLING_MAX + 32];
  if (options.player)
    snprintf(spelling, sizeof spelling, "%s", options.player);
  else
    cli_default_player(options.common.game, options.visits >= 0 ? options.visits : 200, spelling,
                       sizeof spelling);
  Error err;
  Positions *positions = options.positions ? positions_read(options.common.game, options.positions, &err)
                                           : positions_shipped(options.common.game, &err);
  if (!positions) cli_fail_by(&err);
  Player *player = cli_new_player(spelling, &options.common), *alone = NULL;
  if (!player->network && options.visits >= 0)
    cli_usage_error("--visits is for networks; %s says its own budget in its name", player->name);
  if (player->network && options.visits >= 0 && options.visits != player->visits) {
    player_free(player);
    snprintf(changed, sizeof changed, "%s,visits=%d", spelling, options.visits);
    player = cli_new_player(changed, &options.common);
  }
  if (player->network) {
    snprintf(changed, sizeof changed, "%s,visits=0", spelling);
    alone = cli_new_player(changed, &options.common);
  }
  Accuracy network = {0}, search = {0};
  bool searches = !player->network || player->visits > 0;
  if (alone) network = measure(alone, positions, &options, "network alone");
  if (searches) search = measure(player, positions, &options, "with search");
  if (options.common.json)
    print_json(&options, player->name, alone ? &network : NULL, searches ? &search : NULL, player->visits,
               positions->count);
  else
    print_text(player->name, alone ? &network : NULL, searches ? &search : NULL, player->visits,
               options.positions ? options.positions : "the built-in set", positions->count);
  positions_free(positions);
  player_free(player);
  player_free(alone);
  return 0;
}
