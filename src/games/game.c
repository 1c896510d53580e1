#include "games/game.h"

#include <assert.h>
#include <string.h>

void game_symmetry_planes(const Game *game, int s, const float *in, float *out) {
  int squares = game->rows * game->cols;
  for (int square = 0; square < squares; square++) {
    int image = game->symmetry_square(s, square);
    for (int plane = 0; plane < game->planes; plane++)
      out[plane * squares + image] = in[plane * squares + square];
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

static bool names_are_single(const Game *game) {
  char text[GAME_MOVE_TEXT];
  for (int move = 0; move < game->moves; move++) {
    game->print_move(move, text);
    if (strlen(text) != 1) return false;
  }
  return true;
}

/* Bytes of the move name at the front of `text`, which is no separator and not the end. */
static size_t name_length(const char *text, bool single) {
  return single ? 1 : strcspn(text, " \t\r\n,");
}

/* Plays the line onto `work`; keeps its moves where `moves` is not NULL. */
static bool walk_line(const Game *game, void *work, const char *line, int *moves, int max, int *count,
                      Error *err) {
  bool single = names_are_single(game);
  int number = 1;
  for (const char *at = line + strspn(line, " \t\r\n,"); *at; at += strspn(at, " \t\r\n,"), number++) {
    size_t length = name_length(at, single);
    char name[GAME_MOVE_TEXT] = "";
    if (length < sizeof name) memcpy(name, at, length);
    int shown = length < 40 ? (int)length : 40;
    int move = *name ? game->parse_move(name) : -1;
    if (move < 0) {
      char example[GAME_MOVE_TEXT];
      game->print_move(game->moves / 2, example);
      return error_set(err, "move %d, '%.*s': no move of %s has this name; moves look like '%s'", number,
                       shown, at, game->title, example);
    }
    float value;
    if (game->over(work, &value))
      return error_set(err, "move %d, '%.*s': the game is already over before it", number, shown, at);
    if (!game_is_legal(game, work, move))
      return error_set(err, "move %d, '%.*s': illegal in this position", number, shown, at);
    if (moves && *count == max) return error_set(err, "the line is longer than %d moves", max);
    if (moves) moves[(*count)++] = move;
    game->play(work, move);
    at += length;
  }
  return true;
}

bool game_play_line(const Game *game, void *state, const char *line, Error *err) {
  _Alignas(64) unsigned char work[GAME_STATE_MAX];
  memcpy(work, state, game->state_size);
  if (!walk_line(game, work, line, NULL, 0, NULL, err)) return false;
  memcpy(state, work, game->state_size);
  return true;
}

bool game_read_line(const Game *game, const char *line, int *moves, int max, int *count, Error *err) {
  _Alignas(64) unsigned char work[GAME_STATE_MAX];
  game->init(work);
  *count = 0;
  return walk_line(game, work, line, moves, max, count, err);
}

/* Where moves are columns, a column is called as its move; otherwise by letter. */
static void column_name(const Game *game, int col, char *text) {
  if (game->moves == game->cols) {
    game->print_move(col, text);
  } else {
    text[0] = (char)('a' + col);
    text[1] = 0;
  }
}

void game_print_board(const Game *game, const void *state, Buffer *out) {
  bool columns_only = game->moves == game->cols;
  for (int row = game->rows - 1; row >= 0; row--) {
    if (!columns_only) buffer_printf(out, "%2d ", row + 1);
    for (int col = 0; col < game->cols; col++)
      buffer_printf(out, "%s%c", col ? " " : "", ".XO"[game->piece(state, row, col)]);
    buffer_printf(out, "\n");
  }
  if (!columns_only) buffer_printf(out, "   ");
  for (int col = 0; col < game->cols; col++) {
    char text[GAME_MOVE_TEXT];
    column_name(game, col, text);
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
