/* selfplay play [PLAYER]: a person against a player in the terminal. */
#include "cli/arena_options.h"
#include "cli/keys.h"
#include "cli/play.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 512 };

typedef struct Options {
  CliCommon common;
  const char *player, *moves, *side;
  int visits, level; /* 0 where not given */
  bool ascii;
} Options;

static const struct argp_option option_table[] = {
    {"moves", 'm', "LINE", 0, "Begin after these moves", 0},
    {"visits", 'v', "N", 0, "Simulations a move (default: the player's own; 800 for the shipped network)", 0},
    {"level", 'l', "N", 0, "Of a network: 1 plays like a beginner, 10 is the full engine", 0},
    {"side", 'S', "SIDE", 0, "first or second: the side you take (default first)", 0},
    {"ascii", 'a', 0, 0, "Plain letters instead of discs and colour", 0},
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
    options->visits = cli_parse_int(state, "--visits", arg, 1, PLAYER_VISITS_MAX);
    return 0;
  case 'l':
    options->level = cli_parse_int(state, "--level", arg, 1, 10);
    return 0;
  case 'a':
    options->ascii = true;
    return 0;
  case 'S':
    if (strcmp(arg, "first") != 0 && strcmp(arg, "second") != 0)
      cli_usage_error("--side needs first or second, not '%.60s'", arg);
    options->side = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 1) return ARGP_ERR_UNKNOWN;
    options->player = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {
    {&cli_game_argp, 0, 0, 0}, {&cli_threads_argp, 0, 0, 0}, {&cli_seed_argp, 0, 0, 0}, {0}};
static const struct argp parser = {
    .options = option_table,
    .parser = parse,
    .children = children,
    .args_doc = "[PLAYER]",
    .help_filter = cli_help_players,
    .doc = "Play against PLAYER (default: the shipped network); `human' makes it two people.\v"
           "In a terminal: a move's digit, or arrows and Enter, or m and a move's name; u undo, h hint, s "
           "swap sides, v set the "
           "engine's visits, "
           "i show what it thinks, n new game, q quit, ? help. "
           "From a pipe: moves by name and the words undo, hint, swap, visits N, info, new, quit."};

static void rebuild(Session *session) {
  session->game->init(session->state);
  for (int i = 0; i < session->count; i++) session->game->play(session->state, session->moves[i]);
}

/* A person whose only move is to pass, as in Othello, need not say so. */
static bool person_must_pass(const Session *session) {
  const Game *game = session->game;
  return game->pass > 0 && !play_engine_to_move(session) && game_is_legal(game, session->state, game->pass);
}

static PlayerQuery current_query(const Session *session) {
  return (PlayerQuery){session->state, session->moves, session->count,
                       rng_make(session->seed, RNG_PLAYER, 0, (uint32_t)session->count)};
}

static void play_move(Session *session, int move) {
  session->moves[session->count++] = move;
  session->game->play(session->state, move);
}

/* The engine's move in this position, whoever is to play it. */
static int ask_engine(Session *session) {
  Error err;
  PlayerQuery query = current_query(session);
  int move;
  bool fine;
  session->analysed = false;
  if (session->engine->analyze) {
    fine = session->engine->analyze(session->engine, &query, session->visits, session->analysis, &err);
    move = session->analysis->move;
    session->analysed = fine;
    session->analysed_side = session->game->to_move(session->state);
  } else {
    fine = session->engine->choose(session->engine, &query, 1, &move, &err);
  }
  if (!fine) cli_fail_by(&err);
  return move;
}

static void engine_moves(Session *session) {
  char name[GAME_MOVE_TEXT], engine[PLAYER_NAME_MAX];
  int move = ask_engine(session);
  session->game->print_move(move, name);
  play_engine_name(session, engine, sizeof engine);
  snprintf(session->message, sizeof session->message, "%.150s plays %s", engine, name);
  play_move(session, move);
}

static void person_passes(Session *session) {
  const char *who = session->game->player[session->game->to_move(session->state)];
  size_t used = strlen(session->message);
  play_move(session, session->game->pass);
  snprintf(session->message + used, sizeof session->message - used, "%s%s has no move and passes",
           used ? "; " : "", who);
}

/* Takes back the person's last choice, and the engine's answers to it. */
static void undo(Session *session) {
  if (!session->count) {
    snprintf(session->message, sizeof session->message, "nothing to undo");
    return;
  }
  do {
    session->count--;
    rebuild(session);
  } while (session->count > 0 && (play_engine_to_move(session) || person_must_pass(session)));
  session->analysed = false;
  snprintf(session->message, sizeof session->message, "taken back");
}

static void hint(Session *session) {
  char name[GAME_MOVE_TEXT];
  if (!session->engine || play_over(session)) {
    snprintf(session->message, sizeof session->message, "nobody can give a hint here");
    return;
  }
  if (session->keys) {
    snprintf(session->message, sizeof session->message, "thinking about a hint ...");
    play_show(session);
  }
  session->game->print_move(ask_engine(session), name);
  snprintf(session->message, sizeof session->message, "hint: %s", name);
}

/* A word from the person; false at the end of the input. */
static bool ask(Session *session, const char *prompt, char word[WORD_MAX]) {
  return session->keys ? keys_ask(prompt, word, WORD_MAX) : keys_read_word(word, WORD_MAX);
}

static bool counts_visits(const Player *engine) {
  return engine && engine->analyze && (engine->network || engine->visits);
}

/* False at the end of a terminal's input; a pipe must name a number. */
static bool set_visits(Session *session) {
  char word[WORD_MAX], *end;
  bool counts = counts_visits(session->engine);
  if (!counts)
    snprintf(session->message, sizeof session->message, "there are no visits to set: %s",
             session->engine ? "this player does not search by simulations" : "here are two people");
  if (!counts && session->keys) return true;
  if (!ask(session, "visits a move", word) && session->keys) return false;
  if (!word[0] && session->keys) return true;
  long visits = strtol(word, &end, 10);
  if (visits < 1 || visits > PLAYER_VISITS_MAX || *end) {
    snprintf(session->message, sizeof session->message,
             "visits need a whole number from 1 to %d, not '%.40s'", PLAYER_VISITS_MAX, word);
    if (!session->keys) cli_fail("%s", session->message);
    return true;
  }
  if (!counts) return true;
  session->visits = (int)visits;
  snprintf(session->message, sizeof session->message, "the engine now takes %ld visits a move", visits);
  return true;
}

static void move_cursor(Session *session, int rows, int cols) {
  const Game *game = session->game;
  session->cursor_row = (session->cursor_row + rows + game->rows) % game->rows;
  session->cursor_col = (session->cursor_col + cols + game->cols) % game->cols;
}

/* On a move that is legal, where the board's middle may not be. */
static void place_cursor(Session *session) {
  const Game *game = session->game;
  int moves[GAME_MOVES_MAX];
  session->cursor_col = game->cols / 2;
  if (game_moves_are_columns(game) || play_over(session)) return;
  game->legal(session->state, moves);
  if (moves[0] >= game->rows * game->cols) return;
  session->cursor_row = moves[0] / game->cols;
  session->cursor_col = moves[0] % game->cols;
}

/* A move by name or by the cursor. False where a pipe named an illegal one. */
static bool try_move(Session *session, const char *word) {
  const Game *game = session->game;
  bool columns = game_moves_are_columns(game);
  int move = strcmp(word, "enter") == 0 && session->keys
                 ? (columns ? session->cursor_col : session->cursor_row * game->cols + session->cursor_col)
                 : game->parse_move(word);
  if (play_over(session)) {
    snprintf(session->message, sizeof session->message, "the game is over; %s begins a new one",
             session->keys ? "n" : "new");
    return session->keys;
  }
  if (move >= 0 && game_is_legal(game, session->state, move)) {
    play_move(session, move);
    return true;
  }
  char name[GAME_MOVE_TEXT];
  if (move >= 0) game->print_move(move, name);
  if (move < 0)
    snprintf(session->message, sizeof session->message,
             "'%.40s' is neither a move nor a command; `%s' lists them", word, session->keys ? "?" : "help");
  else
    snprintf(session->message, sizeof session->message, "%s is illegal here", name);
  return false;
}

static const char help_text[] = "arrows and Enter: move   m: move by its name\n"
                                "u: undo   h: hint   s: swap sides   n: new game   q: quit\n"
                                "v: the engine's visits   i: what the engine thinks, on and off";
static const char piped_help_text[] = "a move by its name, undo, hint, swap, visits N, info, new, quit";

/* Does what the word says. False ends the session. */
static bool obey(Session *session, const char *word) {
  static const char *const words[] = {"undo", "hint", "swap", "visits", "info",
                                      "new",  "quit", "help", "move"};
  static const char letters[] = "uhsvinq?m";
  char name[WORD_MAX];
  char command = 0;
  if (strcmp(word, "redraw") == 0 && session->keys) return true;
  if (session->keys && word[0] && !word[1] && strchr(letters, word[0])) command = word[0];
  for (int i = 0; i < 9; i++)
    if (strcmp(word, words[i]) == 0) command = letters[i];
  if (strcmp(word, "?") == 0) command = '?';
  session->message[0] = 0;
  switch (command) {
  case 'u':
    undo(session);
    return true;
  case 'h':
    hint(session);
    return true;
  case 's':
    session->human = 1 - session->human;
    return true;
  case 'v':
    return set_visits(session);
  case 'i':
    session->info = !session->info;
    return true;
  case 'n':
    session->count = 0;
    session->analysed = false;
    rebuild(session);
    return true;
  case 'q':
    return false;
  case '?':
    snprintf(session->message, sizeof session->message, "%s%s",
             session->keys && game_moves_are_columns(session->game) ? "a digit, or " : "",
             session->keys ? help_text : piped_help_text);
    return true;
  case 'm':
    if (!ask(session, "move", name)) return false;
    if (!name[0]) return true;
    word = name;
    break;
  default:
    break;
  }
  if (strcmp(word, "left") == 0)
    move_cursor(session, 0, -1);
  else if (strcmp(word, "right") == 0)
    move_cursor(session, 0, 1);
  else if (strcmp(word, "up") == 0)
    move_cursor(session, 1, 0);
  else if (strcmp(word, "down") == 0)
    move_cursor(session, -1, 0);
  else if (word[0] && !try_move(session, word) && !session->keys)
    cli_fail("%s", session->message);
  return true;
}

static void answer(Session *session) {
  while (play_engine_to_move(session) || person_must_pass(session)) {
    if (play_engine_to_move(session))
      engine_moves(session);
    else
      person_passes(session);
    play_show(session);
  }
}

/* Moves may be run together in a pipe, as in every other line of moves ("4455", "f5d6"). */
static bool is_run_of_moves(const Game *game, const char *word) {
  size_t used;
  if (game->parse_move(word) >= 0) return false;
  for (; *word; word += used)
    if (game_leading_move(game, word, strlen(word), &used) < 0) return false;
  return true;
}

/* Does what one word of the input says, and lets the engine answer. False ends the session. */
static bool take_word(Session *session, const char *word) {
  bool run = !session->keys && is_run_of_moves(session->game, word);
  char name[WORD_MAX];
  do {
    size_t used = strlen(word);
    if (run) game_leading_move(session->game, word, used, &used);
    snprintf(name, sizeof name, "%.*s", (int)used, word);
    word += used;
    if (!obey(session, name)) return false;
    play_show(session);
    answer(session);
  } while (*word);
  return true;
}

static void converse(Session *session) {
  char word[WORD_MAX];
  play_show(session);
  answer(session);
  do {
    bool more = session->keys ? keys_read(word, sizeof word) : keys_read_word(word, sizeof word);
    if (!more) return;
  } while (take_word(session, word));
}

int cmd_play(int argc, char **argv) {
  Options options = {.common = cli_common_defaults(), .moves = "", .side = "first"};
  argp_parse(&parser, argc, argv, 0, NULL, &options);
  cli_settle_game(&options.common, &options.player, 1);
  char fallback[FILE_PATH_MAX + 32];
  if (!options.player) {
    cli_default_player(options.common.game, 800, fallback, sizeof fallback);
    options.player = fallback;
  }
  char leveled[FILE_PATH_MAX + 64];
  if (options.level && !player_is_network(options.player))
    cli_usage_error("--level is for networks, not for %s", options.player);
  if (options.level) {
    snprintf(leveled, sizeof leveled, "%s,level=%d", options.player, options.level);
    options.player = leveled;
  }
  Session *session = calloc(1, sizeof *session);
  Error err;
  session->game = options.common.game;
  session->human = strcmp(options.side, "second") == 0;
  session->visits = options.visits;
  session->seed = options.common.seed;
  session->level = options.level;
  session->style = board_style(stdout, options.ascii);
  session->analysis = calloc(1, sizeof *session->analysis);
  if (!game_read_line(session->game, options.moves, session->moves, PLAY_MOVES, &session->count, &err))
    cli_usage_error("--moves: %s", err.message);
  rebuild(session);
  place_cursor(session);
  if (strcmp(options.player, "human") != 0) session->engine = cli_new_player(options.player, &options.common);
  if (options.visits && !counts_visits(session->engine))
    cli_usage_error("--visits: %s does not search by simulations", options.player);
  session->keys = cli_is_terminal(stdout) && keys_open();
  converse(session);
  keys_close();
  player_free(session->engine);
  free(session->analysis);
  free(session);
  return 0;
}
