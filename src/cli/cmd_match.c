/* selfplay match A B: one pairing. */
#include "arena/match.h"
#include "arena/record.h"
#include "base/fields.h"
#include "cli/arena_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  DEFAULT_GAMES = 100,
  SPRT_GAMES = 2000,
  KEY_SPRT = 256,
  KEY_NORMALIZED,
  KEY_ALPHA,
  KEY_BETA,
  KEY_RECORD,
  KEY_NO_RECORD,
  KEY_DB,
  KEY_OPENINGS
};

typedef struct Options {
  CliCommon common;
  const char *players[2];
  int games;                      /* 0: not given */
  bool sequential, record, alike; /* alike: a player against itself */
  const char *sprt_only;          /* an option that means nothing without --sprt */
  Sprt sprt;
  const char *db, *openings;
} Options;

static const struct argp_option option_table[] = {
    {"games", 'n', "N", 0,
     "Games to play, an even number: each opening is played with both colours (default 100; with --sprt the "
     "most to "
     "play, default as many as there are openings, up to 2,000 games)",
     0},
    {"openings", KEY_OPENINGS, "FILE", 0,
     "Openings, one line of moves each, `-' for the first position (default: the game's shipped ones)", 0},
    {"sprt", KEY_SPRT, "ELO0,ELO1", 0,
     "Stop as soon as a sequential probability ratio test decides between these Elo differences of A over B",
     0},
    {"normalized", KEY_NORMALIZED, NULL, 0, "The --sprt bounds are normalized Elo (default: logistic)", 0},
    {"alpha", KEY_ALPHA, "P", 0, "Chance to accept ELO1 where ELO0 is true (default 0.05)", 0},
    {"beta", KEY_BETA, "P", 0, "Chance to accept ELO0 where ELO1 is true (default 0.05)", 0},
    {"record", KEY_RECORD, NULL, 0, "Record the games for `selfplay elo' (default)", 0},
    {"no-record", KEY_NO_RECORD, NULL, 0, "Do not record them", 0},
    {"db", KEY_DB, "FILE", 0, "The ratings file (default " CLI_DEFAULT_DB ")", 0},
    {0},
};

static void parse_sprt(struct argp_state *state, const char *text, Sprt *sprt) {
  const char *comma = strchr(text, ',');
  char first[64];
  if (!comma || comma - text >= (int)sizeof first)
    cli_usage_error("--sprt needs two Elo differences, as in --sprt 0,30; not '%.40s'", text);
  snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
  sprt->elo0 = cli_parse_real(state, "--sprt", first, -2000, 2000);
  sprt->elo1 = cli_parse_real(state, "--sprt", comma + 1, -2000, 2000);
  if (!(sprt->elo0 < sprt->elo1))
    cli_usage_error("--sprt: the first Elo difference must be below the second");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  Options *options = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    cli_share_input(state);
    return 0;
  case 'n':
    options->games = cli_parse_int(state, "--games", arg, 2, 1000000);
    if (options->games % 2) cli_usage_error("--games must be even: each opening is played with both colours");
    return 0;
  case KEY_OPENINGS:
    options->openings = arg;
    return 0;
  case KEY_SPRT:
    options->sequential = true;
    parse_sprt(state, arg, &options->sprt);
    return 0;
  case KEY_NORMALIZED:
    options->sprt.scale = SPRT_NORMALIZED;
    options->sprt_only = "--normalized";
    return 0;
  case KEY_ALPHA:
    options->sprt.alpha = cli_parse_real(state, "--alpha", arg, 1e-6, 0.49);
    options->sprt_only = "--alpha";
    return 0;
  case KEY_BETA:
    options->sprt.beta = cli_parse_real(state, "--beta", arg, 1e-6, 0.49);
    options->sprt_only = "--beta";
    return 0;
  case KEY_RECORD:
    options->record = true;
    return 0;
  case KEY_NO_RECORD:
    options->record = false;
    return 0;
  case KEY_DB:
    options->db = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 2) return ARGP_ERR_UNKNOWN;
    options->players[state->arg_num] = arg;
    return 0;
  case ARGP_KEY_END:
    if (state->arg_num < 2)
      cli_usage_error("match needs two players, as in: selfplay match run:demo mcts:1000");
    if (options->sprt_only && !options->sequential)
      cli_usage_error("%s needs --sprt ELO0,ELO1", options->sprt_only);
    if (options->sprt.scale == SPRT_NORMALIZED &&
        fmax(fabs(options->sprt.elo0), fabs(options->sprt.elo1)) > SPRT_NORMALIZED_MOST)
      cli_usage_error("--sprt: with --normalized both bounds lie within %d Elo", SPRT_NORMALIZED_MOST);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void show_progress(void *context, const MatchProgress *progress) {
  char note[96];
  const Score *score = progress->score;
  if (score->wins + score->draws + score->losses == 0)
    snprintf(note, sizeof note, "%d moves in running games", progress->moves_done);
  else
    snprintf(note, sizeof note, "+%d =%d -%d  LLR %.2f", score->wins, score->draws, score->losses,
             progress->llr);
  cli_progress_show(context, "match", progress->games_done, progress->games_total, note);
}

static const char *verdict_name(SprtVerdict verdict) {
  return verdict == SPRT_H0 ? "H0" : verdict == SPRT_H1 ? "H1" : "undecided";
}

static json_t *sprt_json(const Options *options, const MatchResult *result) {
  if (!options->sequential) return json_null();
  double lower, upper;
  sprt_bounds(&options->sprt, &lower, &upper);
  return json_pack("{s:f,s:f,s:s,s:f,s:f,s:f,s:s}", "elo0", options->sprt.elo0, "elo1", options->sprt.elo1,
                   "scale", options->sprt.scale == SPRT_NORMALIZED ? "normalized" : "logistic", "llr",
                   result->llr, "lower", lower, "upper", upper, "verdict", verdict_name(result->verdict));
}

static void print_json(const Options *options, Player *const players[2], const MatchResult *result,
                       int recorded) {
  ScoreSummary summary = score_summary(&result->score);
  const Score *score = &result->score;
  json_t *pairs = json_array();
  for (int k = 0; k < SCORE_OUTCOMES; k++) json_array_append_new(pairs, json_integer(score->pairs[k]));
  cli_print_json(json_pack(
      "{s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:f,s:o,s:o,s:o,s:f,s:o,s:o,s:o}", "game", options->common.game->name,
      "a", players[0]->name, "b", players[1]->name, "games", result->count, "distinct", result->distinct,
      "wins", score->wins, "draws", score->draws, "losses", score->losses, "score", summary.mean, "elo",
      field_real(summary.elo), "elo_low", field_real(summary.low), "elo_high", field_real(summary.high),
      "superiority", summary.superiority, "pairs", pairs, "sprt", sprt_json(options, result), "recorded",
      options->record ? json_integer(recorded) : json_null()));
}

static void print_text(const Options *options, Player *const players[2], const MatchResult *result,
                       int recorded) {
  ScoreSummary summary = score_summary(&result->score);
  const Score *score = &result->score;
  char elo[16], low[16], high[16];
  cli_format_elo(summary.elo, elo), cli_format_elo(summary.low, low), cli_format_elo(summary.high, high);
  printf("A: %s\nB: %s\n", players[0]->name, players[1]->name);
  printf("%d games from %d openings, each with both colours (%d distinct games)\n", result->count,
         summary.pairs, result->distinct);
  printf("A won %d, drew %d, lost %d: %.1f%% of the points\n", score->wins, score->draws, score->losses,
         100 * summary.mean);
  printf("Ptnml(0-2): %d, %d, %d, %d, %d (openings by the points that A made of their two games)\n",
         score->pairs[0], score->pairs[1], score->pairs[2], score->pairs[3], score->pairs[4]);
  printf("Elo difference %s, 95%% interval [%s, %s]; LOS (likelihood that A is stronger) %.1f%%\n", elo, low,
         high, 100 * summary.superiority);
  if (options->sequential) {
    double lower, upper;
    sprt_bounds(&options->sprt, &lower, &upper);
    printf("SPRT: LLR %.2f (%.2f, %.2f) [%g, %g]%s Elo: %s\n", result->llr, lower, upper, options->sprt.elo0,
           options->sprt.elo1, options->sprt.scale == SPRT_NORMALIZED ? " normalized" : "",
           result->verdict == SPRT_CONTINUE ? "undecided"
           : result->verdict == SPRT_H1     ? "H1 accepted"
                                            : "H0 accepted");
  }
  if (options->record)
    printf("recorded in %s: %d new game%s%s\n", options->db, recorded, recorded == 1 ? "" : "s",
           recorded < result->count ? " (the others were there already)" : "");
  else if (options->alike)
    printf("not recorded: a player against itself says nothing of strength\n");
  cli_flush();
}

static Openings *choose_openings(const Options *options) {
  Error err;
  const Game *game = options->common.game;
  int most = options->sequential ? SPRT_GAMES : DEFAULT_GAMES;
  uint64_t seed = options->common.seed;
  Openings *openings = options->games == 0
                           ? openings_up_to(game, options->openings, most / 2, seed, &err)
                           : openings_new(game, options->openings, options->games / 2, seed, &err);
  if (!openings) cli_fail_by(&err);
  return openings;
}

int cmd_match(int argc, char **argv) {
  static const struct argp argp = {
      .options = option_table,
      .parser = parse,
      .args_doc = "A B",
      .children = cli_usual_options,
      .help_filter = cli_help_players,
      .doc = "Plays A against B from balanced openings, each with both colours, and prints wins, draws, "
             "losses, the "
             "Elo difference with its 95% interval (from the pairs), and the likelihood that A is stronger."
             "\v"};
  Options options = {.common = cli_common_defaults(),
                     .record = true,
                     .sprt = {.alpha = 0.05, .beta = 0.05},
                     .db = CLI_DEFAULT_DB};
  argp_parse(&argp, argc, argv, 0, NULL, &options);
  cli_settle_game(&options.common, options.players, 2);
  Player *players[2];
  for (int k = 0; k < 2; k++) players[k] = cli_new_player(options.players[k], &options.common);
  if (strcmp(players[0]->name, players[1]->name) == 0 && players[0]->hash == players[1]->hash)
    options.record = false, options.alike = true;
  /* A file that cannot be written should not be found out after an hour's play. */
  Store *store = options.record ? cli_open_store(options.db) : NULL;
  Openings *openings = choose_openings(&options);
  CliProgress bar = cli_progress_new(10);
  const MatchOptions match = {.seed = options.common.seed,
                              .sprt = options.sequential ? &options.sprt : NULL,
                              .progress = show_progress,
                              .context = &bar,
                              .stop = cli_stop_flag()};
  cli_stop_politely();
  MatchResult result;
  Error err;
  int recorded = 0;
  bool fine = match_play(players[0], players[1], openings, &match, &result, &err);
  cli_progress_clear(&bar);
  Error late; /* games before one that failed count all the same */
  bool kept = !store || result.count == 0 ||
              record_match(store, players[0], players[1], openings, &result, &recorded, &late);
  if (!fine && result.count == 0) {
    for (int k = 0; k < 2; k++) player_free(players[k]);
    if (!err.message[0]) cli_fail("stopped before the first games were over");
    cli_fail_by(&err);
  }
  if (!kept) options.record = false;
  if (options.common.json)
    print_json(&options, players, &result, recorded);
  else
    print_text(&options, players, &result, recorded);
  if (!fine || !kept) {
    for (int k = 0; k < 2; k++) player_free(players[k]);
    bool stopped = !fine && !err.message[0];
    if (stopped && kept) cli_fail("stopped after %d games", result.count);
    cli_fail_by(fine || stopped ? &late : &err);
  }
  match_result_free(&result);
  openings_free(openings);
  store_close(store);
  for (int k = 0; k < 2; k++) player_free(players[k]);
  return 0;
}
