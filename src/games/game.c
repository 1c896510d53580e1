#include "games/game.h"

#include "base/rng.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

bool game_has_planes(const Game *game, int planes) {
  return planes == game->planes || planes == game->planes + game->feature_planes;
}

void game_encode(const Game *game, int planes, const void *state, float *out) {
  assert(game_has_planes(game, planes));
  game->encode(state, out);
  if (planes > game->planes) game->encode_features(state, out + game->planes * game->rows * game->cols);
}

void game_symmetry_planes(const Game *game, int s, int planes, const float *in, float *out) {
  int squares = game->rows * game->cols;
  for (int square = 0; square < squares; square++) {
    int image = game->symmetry_square(s, square);
    for (int plane = 0; plane < planes; plane++) out[plane * squares + image] = in[plane * squares + square];
  }
}

void game_symmetry_policy(const Game *game, int s, const float *in, float *out) {
  for (int move = 0; move < game->moves; move++) out[game->symmetry_move(s, move)] = in[move];
}

void game_symmetry_policy_back(const Game *game, int s, const float *in, float *out) {
  for (int move = 0; move < game->moves; move++) out[move] = in[s ? game->symmetry_move(s, move) : move];
}

int game_canonical(const Game *game, const void *state, void *canonical, uint64_t *key) {
  uint64_t image[GAME_STATE_MAX / sizeof(uint64_t)], best = game->key(state);
  int best_symmetry = 0, symmetries = game->symmetry_state ? game->symmetries : 1;
  memcpy(canonical, state, game->state_size);
  for (int s = 1; s < symmetries; s++) {
    game->symmetry_state(s, state, image);
    uint64_t image_key = game->key(image);
    if (image_key >= best) continue;
    best = image_key;
    best_symmetry = s;
    memcpy(canonical, image, game->state_size);
  }
  if (key) *key = best;
  return best_symmetry;
}

bool game_is_legal(const Game *game, const void *state, int move) {
  int moves[GAME_MOVES_MAX];
  int count = game->legal(state, moves);
  for (int i = 0; i < count; i++)
    if (moves[i] == move) return true;
  return false;
}

bool game_moves_are_single(const Game *game) {
  char text[GAME_MOVE_TEXT];
  for (int move = 0; move < game->moves; move++) {
    game->print_move(move, text);
    if (strlen(text) != 1) return false;
  }
  return true;
}

int game_leading_move(const Game *game, const char *word, size_t length, size_t *used) {
  char name[GAME_MOVE_TEXT];
  for (*used = length < sizeof name ? length : sizeof name - 1; *used > 0; --*used) {
    memcpy(name, word, *used);
    name[*used] = 0;
    int move = game->parse_move(name);
    if (move >= 0) return move;
  }
  return -1;
}

static bool must_pass(const Game *game, const void *state) {
  return game->pass > 0 && game_is_legal(game, state, game->pass);
}

/* A line being played. */
typedef struct Walk {
  const Game *game;
  void *state;
  int *moves; /* receives the moves; NULL where nobody asked */
  int max, *count;
} Walk;

static bool step(const Walk *walk, int move, Error *err) {
  if (walk->moves && *walk->count == walk->max)
    return error_set(err, "the line is longer than %d moves", walk->max);
  if (walk->moves) walk->moves[(*walk->count)++] = move;
  walk->game->play(walk->state, move);
  return true;
}

static bool unknown_move(const Game *game, int number, const char *word, int shown, Error *err) {
  char example[GAME_MOVE_TEXT];
  game->print_move(game->moves / 2, example);
  return error_set(err, "move %d, '%.*s': no move of %s has this name; moves look like '%s'", number, shown,
                   word, game->title, example);
}

static bool walk_line(const Walk *walk, const char *line, Error *err) {
  static const char separators[] = " \t\r\n,";
  const Game *game = walk->game;
  bool single = game_moves_are_single(game);
  int number = 1;
  for (const char *at = line + strspn(line, separators); *at; at += strspn(at, separators), number++) {
    size_t length = strcspn(at, separators), used;
    int move = game_leading_move(game, at, single ? 1 : length, &used);
    int shown = (int)(move >= 0 ? used : single ? 1 : length < 40 ? length : 40);
    while ((at[shown] & 0xC0) == 0x80) shown++; /* no half of a character */
    if (move < 0) return unknown_move(game, number, at, shown, err);
    float value;
    if (game->over(walk->state, &value))
      return error_set(err, "move %d, '%.*s': the game is already over before it", number, shown, at);
    if (move != game->pass && must_pass(game, walk->state) && !step(walk, game->pass, err)) return false;
    if (!game_is_legal(game, walk->state, move))
      return error_set(err, "move %d, '%.*s': illegal in this position", number, shown, at);
    if (!step(walk, move, err)) return false;
    at += used;
  }
  return true;
}

bool game_play_line(const Game *game, void *state, const char *line, Error *err) {
  _Alignas(64) unsigned char work[GAME_STATE_MAX];
  memcpy(work, state, game->state_size);
  const Walk walk = {.game = game, .state = work};
  if (!walk_line(&walk, line, err)) return false;
  memcpy(state, work, game->state_size);
  return true;
}

bool game_read_line(const Game *game, const char *line, int *moves, int max, int *count, Error *err) {
  _Alignas(64) unsigned char work[GAME_STATE_MAX];
  game->init(work);
  *count = 0;
  const Walk walk = {.game = game, .state = work, .moves = moves, .max = max, .count = count};
  return walk_line(&walk, line, err);
}

bool game_moves_are_columns(const Game *game) {
  return game->moves == game->cols;
}

int game_empty_squares(const Game *game, const void *state) {
  int empty = 0;
  for (int row = 0; row < game->rows; row++)
    for (int col = 0; col < game->cols; col++) empty += game->piece(state, row, col) == 0;
  return empty;
}

/* A square's name is its column's letters and its row's number. */
static size_t letters(const char *name) {
  return strcspn(name, "0123456789");
}

void game_column_name(const Game *game, int col, char *text) {
  game->print_move(col, text);
  if (!game_moves_are_columns(game)) text[letters(text)] = 0;
}

void game_row_name(const Game *game, int row, char *text) {
  char name[GAME_MOVE_TEXT];
  game->print_move(row * game->cols, name);
  strcpy(text, name + letters(name));
}

void game_print_board(const Game *game, const void *state, Buffer *out) {
  bool columns_only = game_moves_are_columns(game);
  char text[GAME_MOVE_TEXT];
  for (int row = game->rows - 1; row >= 0; row--) {
    if (!columns_only) {
      game_row_name(game, row, text);
      buffer_printf(out, "%2s ", text);
    }
    for (int col = 0; col < game->cols; col++)
      buffer_printf(out, "%s%c", col ? " " : "", ".XO"[game->piece(state, row, col)]);
    buffer_printf(out, "\n");
  }
  if (!columns_only) buffer_printf(out, "   ");
  for (int col = 0; col < game->cols; col++) {
    game_column_name(game, col, text);
    buffer_printf(out, "%s%s", col ? " " : "", text);
  }
  buffer_printf(out, "\n");
}

uint64_t game_perft(const Game *game, const void *state, int depth) {
  assert(depth >= 0);
  if (depth == 0) return 1;
  int moves[GAME_MOVES_MAX];
  int count = game->legal(state, moves);
  if (depth == 1) return (uint64_t)count;
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) {
    _Alignas(64) unsigned char child[GAME_STATE_MAX];
    memcpy(child, state, game->state_size);
    game->play(child, moves[i]);
    sum += game_perft(game, child, depth - 1);
  }
  return sum;
}

uint32_t game_rules_hash(const Game *game) {
  uLong sum = crc32(0, NULL, 0);
  for (uint32_t g = 0; g < 64; g++) {
    Rng rng = rng_make(1, RNG_RULES, 0, g);
    _Alignas(64) unsigned char state[GAME_STATE_MAX];
    int32_t moves[GAME_MOVES_MAX];
    int count;
    float value = 0;
    game->init(state);
    while ((count = game->legal(state, moves)) > 0) {
      sum = crc32(sum, (const Bytef *)moves, (uInt)count * (uInt)sizeof *moves);
      game->play(state, moves[rng_below(&rng, (uint32_t)count)]);
    }
    game->over(state, &value);
    int32_t end[2] = {(int32_t)value, game->to_move(state)};
    sum = crc32(sum, (const Bytef *)end, sizeof end);
  }
  return (uint32_t)sum;
}
