/* selfplay targets [NETWORK]: how right what self-play would teach it is, by exact scores. */
#include "arena/targets.h"
#include "base/fields.h"
#include "base/file.h"
#include "cli/arena_options.h"
#include "games/exact.h"

#include <math.h>
#include <string.h>

enum {
  KEY_SET = 256,
  KEY_POSITIONS,
  KEY_PLIES,
  SPELLING_MAX = FILE_PATH_MAX + 64,
  PLIES_MAX = TARGETS_BAND_PLIES * TARGETS_BANDS_MAX - 1
};

typedef struct Options {
  CliCommon common;
  const char *network;
  CliSets sets;
  int games, per_ply;
  int plies[2]; /* -1: not given */
} Options;

static const struct argp_option option_table[] = {
    {"games", 'n', "N", 0, "Games of self-play (default 2048)", 0},
    {"positions", KEY_POSITIONS, "N", 0, "Positions judged of each ply, at most (default 200)", 0},
    {"plies", KEY_PLIES, "N[,M]", 0,
     "Plies of the positions judged (default: those of the game's test positions; in Connect Four 0,7 are "
     "quick too, 8,11 slow)",
     0},
    {"set", KEY_SET, "KEY=VALUE", 0,
     "A key of search.* or selfplay.*, learner.value_mix or learner.value_lambda; may be repeated", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case 'n':
    options->games = cli_parse_int(state, "--games", arg, 1, 1000000);
    return 0;
  case KEY_POSITIONS:
    options->per_ply = cli_parse_int(state, "--positions", arg, 1, 1000000);
    return 0;
  case KEY_PLIES:
    cli_parse_plies(state, "--plies", arg, PLIES_MAX, options->plies);
    return 0;
  case KEY_SET:
    cli_sets_add(&options->sets, arg);
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 1) return ARGP_ERR_UNKNOWN;
    options->network = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* What else a configuration says decides nothing here. */
static bool is_of_selfplay(const char *set) {
  return strncmp(set, "search.", 7) == 0 || strncmp(set, "selfplay.", 9) == 0 ||
         strncmp(set, "learner.value_mix=", 18) == 0 || strncmp(set, "learner.value_lambda=", 21) == 0;
}

/* Random plies as the network's next iteration has them; by any iteration's random streams, so that networks
 * are compared by the same games. */
static bool settle_beginnings(const Player *player, RunConfig *config, Error *err) {
  if (config->late_after <= 0) return true;
  if (player_iteration(player) < 0)
    return error_usage(err, "selfplay.late_after: a network by itself has no iteration; name a run's, "
                            "run:NAME@ITERATION, or set selfplay.random_plies instead");
  config->random_plies = run_config_random_plies(config, player_iteration(player) + 1);
  config->late_after = 0;
  return true;
}

/* The run's own configuration, else the shipped one; then the keys that were set. */
static RunConfig resolve_config(const Player *player, const Options *options) {
  RunConfig config;
  Error err;
  bool fine = true;
  if (player_trained_by(player))
    config = *player_trained_by(player);
  else
    fine = run_config_shipped(player->game, &config, &err);
  for (int i = 0; fine && i < options->sets.count; i++)
    if (!is_of_selfplay(options->sets.words[i]))
      fine = error_usage(
          &err,
          "--set %s: only search.*, selfplay.*, learner.value_mix and learner.value_lambda make targets",
          options->sets.words[i]);
  fine = fine && settle_beginnings(player, &config, &err); /* first, so that --set has the last word */
  fine = fine && cli_sets_apply(&options->sets, &config, &err) && run_config_valid(&config, &err) &&
         settle_beginnings(player, &config, &err);
  if (!fine) cli_fail_by(&err);
  return config;
}

static void show_progress(void *context, int done, int total) {
  cli_progress_show(context, "against the solver", done, total, "positions");
}

static json_t *figure_json(const TargetsFigure *figure) {
  return json_pack("{s:o,s:o}", "mean", field_real(figure->mean), "half_interval", field_real(figure->half));
}

static json_t *band_json(const TargetsBand *band) {
  json_t *object = json_pack("{s:[i,i],s:i,s:i}", "plies", band->first_ply, band->last_ply, "positions",
                             band->positions, "games", band->games);
  for (int kind = 0; kind < TARGETS_KINDS; kind++)
    json_object_set_new(object, targets_kind_names[kind], figure_json(&band->figures[kind]));
  return object;
}

static void print_json(const Targets *targets, const char *name, const RunConfig *config) {
  json_t *bands = json_array();
  for (int b = 0; b < targets->band_count; b++) json_array_append_new(bands, band_json(&targets->bands[b]));
  const ShardStats *stats = &targets->stats;
  cli_print_json(json_pack("{s:s,s:s,s:I,s:I,s:i,s:I,s:f,s:o}", "game", config->game, "network", name,
                           "games", (json_int_t)stats->games, "positions", (json_int_t)stats->positions,
                           "unique_positions", targets->unique, "evaluations", (json_int_t)stats->evaluations,
                           "core_seconds", targets->core_seconds, "bands", bands));
}

static void print_figure(const TargetsFigure *figure, bool share) {
  char half[16] = "";
  double scale = share ? 100 : 1;
  if (isfinite(figure->half)) snprintf(half, sizeof half, "+-%.*f", share ? 1 : 3, scale * figure->half);
  char text[32];
  snprintf(text, sizeof text, share ? "%.1f%% %s" : "%.3f %s", scale * figure->mean, half);
  printf("%-16s", text);
}

static void print_text(const Targets *targets, const char *name) {
  const ShardStats *stats = &targets->stats;
  double positions = fmax((double)stats->positions, 1);
  printf(
      "%s plays itself: %lld games, %lld positions, %.1f%% of them unique; %.1f evaluations and %.2f ms of "
      "a core for each\n",
      name, (long long)stats->games, (long long)stats->positions, 100 * targets->unique / positions,
      (double)stats->evaluations / positions, 1000 * targets->core_seconds / positions);
  int judged = 0;
  for (int b = 0; b < targets->band_count; b++) judged += targets->bands[b].positions;
  if (!judged) {
    printf("none of them is of these plies and within the solver's reach\n");
    cli_flush();
    return;
  }
  printf("95%% intervals, a game's positions being one observation\n");
  printf("%16s  %-48s  %-16s%s\n", "", "squared error of the value, -1 to 1, as in the", "game ends",
         "policy target: share of ...");
  printf("%7s  %7s  %-16s%-16s%-16s  %-16s%-16s%s\n", "plies", "judged", "value target", "search alone",
         "outcome", "as it should", "moves that keep", "best that keeps");
  for (int b = 0; b < targets->band_count; b++) {
    const TargetsBand *band = &targets->bands[b];
    if (!band->positions) continue;
    char plies[24];
    snprintf(plies, sizeof plies, "%d-%d", band->first_ply, band->last_ply);
    printf("%7s  %7d  ", plies, band->positions);
    print_figure(&band->figures[TARGETS_VALUE_ERROR], false);
    print_figure(&band->figures[TARGETS_SEARCH_ERROR], false);
    print_figure(&band->figures[TARGETS_OUTCOME_ERROR], false);
    printf("  ");
    print_figure(&band->figures[TARGETS_OUTCOME_EXACT], true);
    print_figure(&band->figures[TARGETS_POLICY_MASS], true);
    print_figure(&band->figures[TARGETS_MOVE_KEPT], true);
    printf("\n");
  }
  cli_flush();
}

int cmd_targets(int argc, char **argv) {
  static const struct argp argp = {
      .options = option_table,
      .parser = parse,
      .args_doc = "[NETWORK]",
      .children = cli_usual_options,
      .doc = "How right the policy and value targets are that self-play of this network makes: games as a "
             "training would play them, their positions judged by the exact solver. NETWORK is run:NAME, "
             "run:NAME@ITERATION or net:FILE (default: the shipped network); it plays by its run's "
             "configuration, or the shipped one, and --set on top.\v"};
  Options options = {.common = cli_common_defaults(), .games = 2048, .per_ply = 200, .plies = {-1, -1}};
  argp_parse(&argp, argc, argv, 0, NULL, &options);
  cli_settle_game(&options.common, &options.network, 1);
  const Game *game = options.common.game;
  Error err;
  if (!exact_ready(game, &err)) cli_fail_by(&err);
  char shipped[SPELLING_MAX], spelling[SPELLING_MAX + 32];
  if (!options.network && !cli_shipped_network(game, shipped, sizeof shipped))
    cli_usage_error("no network of %s is shipped; name one: run:NAME, run:NAME@ITERATION or net:FILE",
                    game->title);
  const char *word = options.network ? options.network : shipped;
  if (!player_is_network(word))
    cli_usage_error("'%.200s' is no network: run:NAME, run:NAME@ITERATION or net:FILE", word);
  if (options.network && strrchr(word, ',') && strchr(strrchr(word, ','), '='))
    cli_usage_error("'%.200s': how self-play searches is said by --set, as in --set search.visits=48", word);
  if (options.plies[0] < 0) exact_test_plies(game, options.plies);

  Player *player = cli_new_player(word, &options.common);
  RunConfig config = resolve_config(player, &options);
  player_free(player);
  snprintf(spelling, sizeof spelling, "%s,precision=%s", word, plan_precision_names[config.precision]);
  player = cli_new_player(spelling, &options.common);

  TargetsPlan plan = {.game = game,
                      .config = &config,
                      .plan = player_plan(player),
                      .games = options.games,
                      .first_ply = options.plies[0],
                      .last_ply = options.plies[1],
                      .per_ply = options.per_ply,
                      .seed = options.common.seed,
                      .threads = options.common.threads};
  static Targets targets;
  CliProgress bar = cli_progress_new(10);
  bool fine = targets_measure(&plan, show_progress, &bar, &targets, &err);
  cli_progress_clear(&bar);
  if (!fine) cli_fail_by(&err);
  if (options.common.json)
    print_json(&targets, word, &config);
  else
    print_text(&targets, word);
  player_free(player);
  return 0;
}
