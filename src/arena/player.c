#include "arena/player.h"

#include "arena/player_kinds.h"
#include "base/memory.h"
#include "selfplay/run.h"
#include "mcts/probe.h"
#include "net/plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Argument { ARGUMENT_NONE, ARGUMENT_NUMBER, ARGUMENT_TEXT, ARGUMENT_NETWORK } Argument;

typedef struct PlayerKind {
  const char *name;
  Argument argument; /* NETWORK: text, then options */
  int least, most;   /* of a number */
  PlayerMaker *make;
  const char *example;
} PlayerKind;

static const PlayerKind kinds[] = {
    {"run", ARGUMENT_NETWORK, 0, 0, player_make_run, "run:NAME@12,visits=200"},
    {"net", ARGUMENT_NETWORK, 0, 0, player_make_net, "net:FILE,visits=200"},
    {"random", ARGUMENT_NONE, 0, 0, player_make_random, "random"},
    {"mcts", ARGUMENT_NUMBER, 1, PLAYER_VISITS_MAX, player_make_mcts, "mcts:1000"},
    {"alphabeta", ARGUMENT_NUMBER, 1, 40, player_make_alphabeta, "alphabeta:4"},
    {"solver", ARGUMENT_NONE, 0, 0, player_make_solver, "solver"},
    {"human", ARGUMENT_NONE, 0, 0, player_make_human, "human"},
    {"gtp", ARGUMENT_TEXT, 0, 0, player_make_gtp, "gtp:COMMAND"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char help[] = "Players:\n"
                           "  run:NAME@12,visits=200  iteration 12 of a run; without @ the newest\n"
                           "  net:FILE,visits=200     a network file\n"
                           "  random                  uniform over legal moves\n"
                           "  mcts:1000               plain tree search, 1000 random playouts a move\n"
                           "  alphabeta:4             alpha-beta of depth 4 with the game's heuristic\n"
                           "  solver                  exact play, where the game has a solver\n"
                           "  human                   a person; in `selfplay play' only\n"
                           "  gtp:COMMAND             an engine that speaks the Go Text Protocol; each of\n"
                           "                          its answers may take two minutes\n"
                           "Options of networks, each after a comma: visits=N (0: the policy alone, no\n"
                           "search; default 200), search=gumbel|puct (how matches search; default\n"
                           "gumbel; `play' and `analyze' show a puct search, whose visits say something\n"
                           "of every move, and move by it where T is 0), scale=S (weight of values\n"
                           "beside priors in gumbel: c_scale; default 0.5), temperature=T (default 0),\n"
                           "solve=on|off (proofs in the tree; default on), probe=N (most moves played by\n"
                           "the rules alone at a leaf for such proofs; default 2000), images=N (mean of\n"
                           "the network's answers to so many symmetric images; default 1),\n"
                           "precision=float32|int8|fastest (of the network's arithmetic; default\n"
                           "float32), level=1..10 (for people: 1 is a beginner, 10 the full engine).\n"
                           "A run's folder or a .net file may stand alone.\n";

const char *player_help(void) {
  return help;
}

static const PlayerKind *find_kind(const char *word, size_t length) {
  for (int i = 0; i < KINDS; i++)
    if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, word, length) == 0) return &kinds[i];
  return NULL;
}

static bool unknown_kind(const char *word, size_t length, Error *err) {
  char known[200] = "";
  for (int i = 0; i < KINDS; i++) {
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", kinds[i].name);
  }
  return error_set(err, "no run or .net file is called '%.*s', and no kind of player; there are: %s",
                   (int)(length < 60 ? length : 60), word, known);
}

static bool parse_whole(const char *text, int least, int most, int *out) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < least || value > most) return false;
  *out = (int)value;
  return true;
}

static bool parse_real(const char *text, double least, double most, double *out) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= least && value <= most)) return false;
  *out = value;
  return true;
}

/* Strength for people: the network alone with ever less noise, then ever more search. */
static const struct {
  int visits;
  double temperature;
} levels[] = {{0, 4},    {0, 2},     {0, 1},   {0, 0.5}, {8, 0.5},
              {25, 0.3}, {50, 0.15}, {100, 0}, {200, 0}, {800, 0}};
enum { LEVELS = sizeof levels / sizeof *levels };

/* One "key=value" of a network player. */
static bool parse_option(const char *option, PlayerRequest *request, Error *err) {
  if (strncmp(option, "visits=", 7) == 0) {
    if (parse_whole(option + 7, 0, PLAYER_VISITS_MAX, &request->visits)) return true;
    return error_set(err, "visits= needs a whole number from 0 to %d, not '%.40s'", PLAYER_VISITS_MAX,
                     option + 7);
  }
  if (strncmp(option, "search=", 7) == 0) {
    request->search = strcmp(option + 7, "gumbel") == 0 ? SEARCH_GUMBEL : SEARCH_PUCT;
    if (request->search == SEARCH_GUMBEL || strcmp(option + 7, "puct") == 0) return true;
    return error_set(err, "search= needs puct or gumbel, not '%.40s'", option + 7);
  }
  if (strncmp(option, "temperature=", 12) == 0) {
    if (parse_real(option + 12, 0, 100, &request->temperature)) return true;
    return error_set(err, "temperature= needs a number from 0 to 100, not '%.40s'", option + 12);
  }
  if (strncmp(option, "solve=", 6) == 0) {
    request->solve = strcmp(option + 6, "on") == 0;
    if (request->solve || strcmp(option + 6, "off") == 0) return true;
    return error_set(err, "solve= needs on or off, not '%.40s'", option + 6);
  }
  if (strncmp(option, "probe=", 6) == 0) {
    if (parse_whole(option + 6, 0, PLAYER_PROBE_MAX, &request->probe)) return true;
    return error_set(err, "probe= needs a whole number from 0 to %d, not '%.40s'", PLAYER_PROBE_MAX,
                     option + 6);
  }
  if (strncmp(option, "images=", 7) == 0) {
    if (parse_whole(option + 7, 1, request->game->symmetries, &request->images)) return true;
    return error_set(err, "images= needs a whole number from 1 to %d, the symmetries of %s, not '%.40s'",
                     request->game->symmetries, request->game->title, option + 7);
  }
  if (strncmp(option, "scale=", 6) == 0) {
    if (parse_real(option + 6, 0, 100, &request->scale)) return true;
    return error_set(err, "scale= needs a number from 0 to 100, not '%.40s'", option + 6);
  }
  if (strncmp(option, "precision=", 10) == 0) {
    for (int i = 0; plan_precision_names[i]; i++)
      if (strcmp(option + 10, plan_precision_names[i]) == 0)
        return request->precision = (int)plan_precision_here((PlanPrecision)i), true;
    return error_set(err, "precision= needs float32, int8 or fastest, not '%.40s'", option + 10);
  }
  if (strncmp(option, "level=", 6) == 0) {
    int level;
    if (!parse_whole(option + 6, 1, LEVELS, &level))
      return error_set(err, "level= needs a whole number from 1 to %d, not '%.40s'", LEVELS, option + 6);
    request->visits = levels[level - 1].visits;
    request->temperature = levels[level - 1].temperature;
    return true;
  }
  return error_set(
      err,
      "unknown option '%.60s'; there are visits=, search=, scale=, temperature=, solve=, probe=, images=, "
      "precision=, level=",
      option);
}

/* Whether a run has this name, with or without @ITERATION. */
static bool is_run(const char *name) {
  char word[FILE_PATH_MAX], folder[FILE_PATH_MAX], record[FILE_PATH_MAX + 16];
  snprintf(word, sizeof word, "%s", name);
  char *at = strrchr(word, '@');
  if (at) *at = 0;
  if (!word[0]) return false;
  run_resolve(word, folder);
  snprintf(record, sizeof record, "%s/run.json", folder);
  return file_exists(record);
}

/* Where the options begin, or the end: behind the name, which may hold commas itself. */
static size_t name_length(const char *text) {
  char name[FILE_PATH_MAX];
  for (size_t n = strcspn(text, ","); n < sizeof name; n += 1 + strcspn(text + n + 1, ",")) {
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    if (file_exists(name) || is_run(name)) return n;
    if (!text[n]) break;
  }
  return strcspn(text, ",");
}

static bool parse_network(PlayerRequest *request, Error *err) {
  char *comma = request->argument + name_length(request->argument);
  if (!*comma) comma = NULL;
  while (comma) {
    *comma = 0;
    char *option = comma + 1;
    comma = strchr(option, ',');
    if (comma) *comma = 0;
    bool fine = parse_option(option, request, err);
    if (!fine) return false;
  }
  if (request->search != SEARCH_GUMBEL && request->scale != PLAYER_DEFAULT_SCALE)
    return error_set(err, "scale= is of search=gumbel");
  if (!request->argument[0]) return error_set(err, "which one? nothing stands behind the colon");
  return true;
}

static bool parse_argument(const PlayerKind *kind, const char *rest, PlayerRequest *request, Error *err) {
  if (kind->argument == ARGUMENT_NONE) {
    if (!*rest) return true;
    return error_set(err, "'%s' takes nothing behind its name", kind->name);
  }
  if (*rest != ':') return error_set(err, "'%s' needs more, as in %s", kind->name, kind->example);
  if ((size_t)snprintf(request->argument, sizeof request->argument, "%s", rest + 1) >=
      sizeof request->argument)
    return error_set(err, "longer than %zu bytes", sizeof request->argument - 1);
  if (kind->argument == ARGUMENT_NETWORK) return parse_network(request, err);
  if (kind->argument == ARGUMENT_TEXT) {
    if (request->argument[0]) return true;
    return error_set(err, "nothing stands behind the colon; it should be as in %s", kind->example);
  }
  if (parse_whole(request->argument, kind->least, kind->most, &request->number)) return true;
  return error_set(err, "'%s' needs a whole number from %d to %d, as in %s", kind->name, kind->least,
                   kind->most, kind->example);
}

/* A word without kind may be the folder of a run, or a network file: then the text behind "run:" or "net:".
 */
static const PlayerKind *guess_kind(const char *spelling) {
  char word[FILE_PATH_MAX];
  snprintf(word, sizeof word, "%.*s", (int)name_length(spelling), spelling);
  size_t length = strlen(word);
  if (length > 4 && strcmp(word + length - 4, ".net") == 0 && file_exists(word)) return find_kind("net", 3);
  return is_run(word) ? find_kind("run", 3) : NULL;
}

static Player *make(const char *spelling, const Game *game, int threads, Error *err) {
  PlayerRequest request = {.game = game,
                           .threads = threads,
                           .visits = PLAYER_DEFAULT_VISITS,
                           .search = SEARCH_GUMBEL,
                           .scale = PLAYER_DEFAULT_SCALE,
                           .solve = 1,
                           .probe = PROBE_NODES,
                           .images = 1};
  size_t length = strcspn(spelling, ":,");
  const PlayerKind *kind = find_kind(spelling, length), *guessed = kind ? NULL : guess_kind(spelling);
  char whole[FILE_PATH_MAX];
  snprintf(whole, sizeof whole, ":%s", spelling);
  const char *rest = kind ? spelling + length : whole;
  if (!kind) kind = guessed;
  bool fine = kind ? parse_argument(kind, rest, &request, err) : unknown_kind(spelling, length, err);
  err->usage = !fine;
  return fine ? kind->make(&request, err) : NULL;
}

bool player_is_network(const char *spelling) {
  const PlayerKind *kind = find_kind(spelling, strcspn(spelling, ":,"));
  if (!kind) kind = guess_kind(spelling);
  return kind && kind->argument == ARGUMENT_NETWORK;
}

const Game *player_game(const char *spelling) {
  size_t length = strcspn(spelling, ":,");
  const PlayerKind *kind = find_kind(spelling, length);
  const char *name = kind && spelling[length] ? spelling + length + 1 : spelling;
  char word[FILE_PATH_MAX], game[64] = "";
  if (!kind) kind = guess_kind(spelling);
  if (!kind || kind->argument != ARGUMENT_NETWORK) return NULL;
  snprintf(word, sizeof word, "%.*s", (int)name_length(name), name);
  Error unread;
  if (kind->make == player_make_net) {
    net_free(net_load(word, NULL, game, NULL, &unread));
    return game[0] ? game_find(game) : NULL;
  }
  char *at = strrchr(word, '@');
  if (at) *at = 0;
  RunInfo *run = memory_new(1, sizeof *run);
  const Game *found = run_open(word, run, &unread) ? run->game : NULL;
  free(run);
  return found;
}

Player *player_new(const char *spelling, const Game *game, int threads, Error *err) {
  assert(threads >= 1);
  Player *player = make(spelling, game, threads, err);
  if (!player) error_prefix(err, "player '%.200s'", spelling);
  return player;
}

void player_free(Player *player) {
  if (!player) return;
  if (player->release) player->release(player);
  free(player);
}

Player *player_shell(const PlayerRequest *request, void *self, Error *err, const char *format, ...) {
  Player *player = memory_new(1, sizeof *player);
  player->game = request->game;
  player->self = self;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(player->name, sizeof player->name, format, args);
  va_end(args);
  if (length < (int)sizeof player->name) return player;
  error_set(err, "its name would be longer than %zu bytes; give the file or run a shorter path",
            sizeof player->name - 1);
  free(player);
  return NULL;
}
