/* selfplay elo PLAYER|RUN...: one table of all players of a game. */
#include "arena/elo.h"
#include "arena/export.h"
#include "arena/record.h"
#include "base/fields.h"
#include "base/memory.h"
#include "cli/arena_options.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_GAMES = 60, DEFAULT_RESAMPLES = 200, KEY_DB = 256, KEY_RESAMPLES, KEY_EXPORT };

typedef struct Options {
  CliCommon common;
  char **spellings;
  int count, games, resamples;
  const char *db, *export;
} Options;

static const struct argp_option option_table[] = {
    {"games", 'n', "N", 0,
     "Least number of recorded games that each player named shall have against the others (default 60)", 0},
    {"db", KEY_DB, "FILE", 0, "The ratings file (default " CLI_DEFAULT_DB ")", 0},
    {"resamples", KEY_RESAMPLES, "N", 0, "Bootstrap resamples of opening pairs, 0 for none (default 200)", 0},
    {"export", KEY_EXPORT, "FILE", 0,
     "Write all recorded games of the game: as SGF where FILE ends in .sgf, else with PGN headers, which "
     "rating tools "
     "read (BayesElo, Ordo)",
     0},
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
  case KEY_DB:
    options->db = arg;
    return 0;
  case KEY_RESAMPLES:
    options->resamples = cli_parse_int(state, "--resamples", arg, 0, 100000);
    return 0;
  case KEY_EXPORT:
    options->export = arg;
    return 0;
  case ARGP_KEY_ARGS:
    options->spellings = state->argv + state->next;
    options->count = state->argc - state->next;
    return 0;
  case ARGP_KEY_END:
    if (options->games && !options->count)
      cli_usage_error("--games is for players to be named; there are none");
    if (!options->games) options->games = DEFAULT_GAMES;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void show_progress(void *context, const EloProgress *progress) {
  char note[2 * 40];
  snprintf(note, sizeof note, "%.32s - %.32s", progress->a->name, progress->b->name);
  cli_progress_show(context, "elo", progress->games_done, progress->games_total, note);
}

/* All named players once each, the reference in front. */
static int open_players(const Options *options, Player **players) {
  int count = 0;
  players[count++] = cli_new_player(elo_reference(options->common.game), &options->common);
  for (int k = 0; k < options->count; k++) {
    Player *player = cli_new_player(options->spellings[k], &options->common);
    bool known = false;
    for (int i = 0; i < count; i++)
      known = known || (strcmp(players[i]->name, player->name) == 0 && players[i]->hash == player->hash);
    if (known)
      player_free(player);
    else
      players[count++] = player;
  }
  return count;
}

static EloPlayed play_missing(const Options *options, Store *store) {
  Player **players = memory_new((size_t)options->count + 1, sizeof *players);
  int count = open_players(options, players);
  EloPlayed played = {0};
  Error err;
  CliProgress bar = cli_progress_new(10);
  const EloOptions elo = {.games = options->games,
                          .seed = options->common.seed,
                          .progress = show_progress,
                          .context = &bar,
                          .stop = cli_stop_flag()};
  cli_stop_politely();
  bool fine = count < 2 || elo_play(store, players, count, &elo, &played, &err);
  cli_progress_clear(&bar);
  for (int i = 0; i < count; i++) player_free(players[i]);
  free(players);
  if (!fine && !err.message[0])
    cli_fail("stopped; %d games were recorded, the same command goes on", played.games);
  if (!fine) cli_fail_by(&err);
  signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL); /* rating has nothing to lose */
  if (played.exhausted)
    cli_note(
        "some pairings have met on every balanced opening of %s, so there are fewer games than asked for",
        options->common.game->title);
  return played;
}

/* The name, with the network's hash where another network goes by the same name. */
static void shown_name(const StoreResults *results, int i, char text[STORE_NAME_MAX + 16]) {
  const StorePlayer *player = &results->players[i];
  bool ambiguous = false;
  for (int j = 0; j < results->player_count; j++)
    ambiguous = ambiguous || (j != i && strcmp(results->players[j].name, player->name) == 0);
  if (ambiguous)
    snprintf(text, STORE_NAME_MAX + 16, "%s#%08x", player->name, player->hash);
  else
    snprintf(text, STORE_NAME_MAX + 16, "%s", player->name);
}

static void print_text(const Options *options, const EloTable *table) {
  const StoreResults *results = &table->results;
  int width = 6;
  char name[STORE_NAME_MAX + 16];
  bool separated = false, apart = false;
  for (int i = 0; i < results->player_count; i++) {
    shown_name(results, i, name);
    if ((int)strlen(name) > width) width = (int)strlen(name);
  }
  printf("%s: %d games; %s is 0\n", options->common.game->title, results->count,
         elo_reference(options->common.game));
  printf("%-*s  %6s  %-16s %-16s %8s %6s %6s %6s %6s %6s\n", width, "player", "Elo", "95% interval",
         "bootstrap", "BayesElo", "Ordo", "games", "won", "drawn", "lost");
  for (int k = 0; k < results->player_count; k++) {
    int i = table->order[k];
    const Rating *r = &table->ratings->ratings[i];
    char elo[16], low[16], high[16], bayes[16], ordo[16], interval[40], bootstrap[40] = "-";
    shown_name(results, i, name);
    cli_format_elo(r->elo, elo), cli_format_elo(r->low, low), cli_format_elo(r->high, high);
    snprintf(interval, sizeof interval, "[%s, %s]%s", low, high, r->separated ? "*" : "");
    if (isfinite(r->bootstrap_low)) {
      cli_format_elo(r->bootstrap_low, low), cli_format_elo(r->bootstrap_high, high);
      snprintf(bootstrap, sizeof bootstrap, "[%s, %s]", low, high);
    }
    cli_format_elo(r->elo_rao_kupper, bayes), cli_format_elo(r->elo_logistic, ordo);
    printf("%-*s  %6s  %-16s %-16s %8s %6s %6d %6d %6d %6d\n", width, name, elo,
           r->connected ? interval : "-", bootstrap, bayes, ordo, r->wins + r->draws + r->losses, r->wins,
           r->draws, r->losses);
    separated = separated || r->separated;
    apart = apart || !r->connected;
  }
  if (separated)
    printf(
        "* these games do not bound the rating (all won against the reference's group, say): it rests on a "
        "prior of half\n"
        "  a game a pairing, and is a bound rather than a measurement\n");
  printf("BayesElo, Ordo: the same games by the models of these programs, whose scales are others\n");
  if (apart) printf("- no chain of games links this player to the reference\n");
  cli_flush();
}

static json_t *player_json(const StorePlayer *player, const Rating *r) {
  char hash[16];
  snprintf(hash, sizeof hash, "%08x", player->hash);
  return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:i,s:i,s:i,s:b,s:b}", "player", player->name,
                   "hash", hash, "elo", field_real(r->elo), "low", field_real(r->low), "high",
                   field_real(r->high), "elo_logistic", field_real(r->elo_logistic), "elo_rao_kupper",
                   field_real(r->elo_rao_kupper), "bootstrap_low", field_real(r->bootstrap_low),
                   "bootstrap_high", field_real(r->bootstrap_high), "games", r->wins + r->draws + r->losses,
                   "wins", r->wins, "draws", r->draws, "losses", r->losses, "connected", r->connected,
                   "separated", r->separated);
}

/* `games` are on record. */
static void print_json(const Options *options, const EloTable *table, int games, const EloPlayed *played) {
  const StoreResults *results = &table->results;
  json_t *players = json_array();
  bool fine = true;
  for (int k = 0; k < results->player_count; k++) {
    int i = table->order[k];
    json_t *player = player_json(&results->players[i], &table->ratings->ratings[i]);
    fine = json_array_append_new(players, player) == 0 && fine; /* a name may not be UTF-8 */
  }
  const RatingTable *ratings = table->ratings; /* none where nothing can be rated */
  json_t *root = json_pack("{s:s,s:s,s:i,s:i,s:o,s:o,s:o}", "game", options->common.game->name, "reference",
                           elo_reference(options->common.game), "games", games, "played", played->games,
                           "draw_parameter", field_real(ratings ? ratings->nu : NAN), "draw_elo",
                           field_real(ratings ? ratings->draw_elo : NAN), "players", players);
  cli_print_json(fine ? root : NULL);
}

int cmd_elo(int argc, char **argv) {
  static const struct argp argp = {.options = option_table,
                                   .parser = parse,
                                   .args_doc = "[PLAYER|RUN...]",
                                   .children = cli_usual_options,
                                   .help_filter = cli_help_players,
                                   .doc = "Plays what is missing between these players and the reference "
                                          "(mcts:1000, rated 0), records it, rates all "
                                          "games recorded so far by one Bradley-Terry model with draws, and "
                                          "prints one table. Without players: the "
                                          "table of what is recorded."
                                          "\v"};
  Options options = {.common = cli_common_defaults(), .resamples = DEFAULT_RESAMPLES, .db = CLI_DEFAULT_DB};
  argp_parse(&argp, argc, argv, 0, NULL, &options);
  cli_settle_game(&options.common, (const char *const *)options.spellings, options.count);
  if (!options.count && !file_exists(options.db))
    cli_fail("%s: no such ratings file; `selfplay match' records games in one, and so do players named here",
             options.db);
  Error err;
  if (options.export && !file_may_write(options.export, &err)) cli_fail_by(&err);
  Store *store = cli_open_store(options.db);
  EloPlayed played = {0};
  if (options.count) played = play_missing(&options, store);
  EloTable table;
  int exported = 0;
  if (options.export && !export_games(store, options.common.game, export_format_of(options.export),
                                      options.export, &exported, &err))
    cli_fail_by(&err);
  if (options.export) cli_note("%s: %d games", options.export, exported);
  bool rated = elo_rate(store, options.common.game, options.resamples, options.common.seed, &table, &err);
  if (!rated && !options.export) cli_fail_by(&err);
  if (!rated) cli_note("no ratings: %s", err.message);
  if (options.common.json)
    print_json(&options, &table, rated ? table.results.count : exported, &played);
  else if (rated)
    print_text(&options, &table);
  elo_table_free(&table);
  store_close(store);
  return 0;
}
