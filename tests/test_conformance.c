/* What every game must fulfil (games/game.h), checked along random games. */
#include "base/rng.h"
#include "games/game.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(conformance, .timeout = HANG_SECONDS);

enum { PLAYOUTS = 150, PLANES_MAX = 64 * 64, LINE_MOVES = 4096 };

typedef struct Playout {
  const Game *game;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[LINE_MOVES], count;
} Playout;

static void expect_sound_moves(const Game *game, const void *state, const int *moves, int count) {
  float value;
  cr_assert_eq(count == 0, game->over(state, &value), "%s", game->name);
  for (int i = 0; i < count; i++) {
    cr_assert(moves[i] >= 0 && moves[i] < game->moves);
    cr_assert(i == 0 || moves[i] > moves[i - 1], "%s: moves are not ascending", game->name);
    cr_assert(game_is_legal(game, state, moves[i]));
    if (game->pass > 0 && moves[i] == game->pass) cr_assert_eq(count, 1, "%s passes by choice", game->name);
  }
}

static int plane_count(const Game *game) {
  return game->planes + game->feature_planes;
}

static void expect_sound_position(const Game *game, const void *state, int ply) {
  float planes[PLANES_MAX], heuristic = game->heuristic(state);
  int squares = game->rows * game->cols;
  uint64_t copy[GAME_STATE_MAX / sizeof(uint64_t)];
  cr_assert_eq(game->ply(state), ply);
  cr_assert_eq(game->to_move(state), ply & 1, "%s: turns do not alternate", game->name);
  cr_assert(heuristic > -1 && heuristic < 1, "%s: heuristic %g", game->name, heuristic);
  cr_assert_eq(game->feature_planes > 0, game->encode_features != NULL);
  cr_assert(plane_count(game) * squares <= PLANES_MAX);
  for (int i = 0; i < plane_count(game) * squares; i++) planes[i] = NAN;
  game_encode(game, plane_count(game), state, planes);
  for (int i = 0; i < plane_count(game) * squares; i++) cr_assert(isfinite(planes[i]));
  for (int square = 0; square < squares; square++) {
    int piece = game->piece(state, square / game->cols, square % game->cols);
    cr_assert(piece >= 0 && piece <= 2);
  }
  memcpy(copy, state, game->state_size);
  cr_assert_eq(game->key(copy), game->key(state));
}

/* The quicker ways, where there are any, say what trying every move says. */
static void expect_quick_ways_agree(const Game *game, const void *state, const int *moves, int count) {
  if (!game->wins_at_once || count == 0) return;
  int safe[GAME_MOVES_MAX], quick[GAME_MOVES_MAX], safe_count = 0;
  bool wins = false;
  for (int i = 0; i < count; i++) {
    uint64_t after[GAME_STATE_MAX / sizeof(uint64_t)];
    float value;
    memcpy(after, state, game->state_size);
    game->play(after, moves[i]);
    if (game->over(after, &value))
      wins |= value == -1;
    else if (!game->wins_at_once(after))
      safe[safe_count++] = moves[i];
  }
  cr_assert_eq(game->wins_at_once(state), wins, "%s", game->name);
  if (!game->safe_moves || wins || game->ply(state) + 1 >= game->max_plies) return;
  cr_assert_eq(game->safe_moves(state, quick), safe_count, "%s", game->name);
  cr_assert_eq(memcmp(quick, safe, (size_t)safe_count * sizeof *safe), 0, "%s", game->name);
}

static void play_randomly(Playout *playout, Rng *rng) {
  const Game *game = playout->game;
  game->init(playout->state);
  playout->count = 0;
  for (;;) {
    int moves[GAME_MOVES_MAX], count = game->legal(playout->state, moves);
    expect_sound_moves(game, playout->state, moves, count);
    expect_sound_position(game, playout->state, playout->count);
    expect_quick_ways_agree(game, playout->state, moves, count);
    if (count == 0) break;
    uint64_t key = game->key(playout->state);
    int move = moves[rng_below(rng, (uint32_t)count)];
    game->play(playout->state, move);
    playout->moves[playout->count++] = move;
    cr_assert_neq(game->key(playout->state), key);
    cr_assert_leq(playout->count, game->max_plies, "%s is longer than it says", game->name);
  }
  float value = 9;
  cr_assert(game->over(playout->state, &value));
  cr_assert(value == -1 || value == 0 || value == 1);
}

/* The same game from its record: with all moves, without its passes, and with the names run together. */
static void expect_record_reads_back(const Playout *playout) {
  const Game *game = playout->game;
  static const char *const separators[] = {" ", ", ", ""};
  for (int k = 0; k < 4; k++) {
    Buffer line = {0};
    for (int i = 0; i < playout->count; i++) {
      char name[GAME_MOVE_TEXT];
      if (k == 3 && game->pass > 0 && playout->moves[i] == game->pass) continue;
      game->print_move(playout->moves[i], name);
      cr_assert(strlen(name) > 0 && !strpbrk(name, " \t\r\n,#"));
      buffer_printf(&line, "%s%s", i ? separators[k % 3] : "", name);
    }
    buffer_put(&line, "", 1);
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
    int moves[LINE_MOVES], count;
    Error err = {.message = ""};
    game->init(state);
    cr_assert(game_play_line(game, state, (char *)line.data, &err), "%s: %s: %s", game->name, line.data,
              err.message);
    cr_assert_eq(memcmp(state, playout->state, game->state_size), 0);
    cr_assert(game_read_line(game, (char *)line.data, moves, LINE_MOVES, &count, &err));
    cr_assert_eq(count, playout->count);
    cr_assert_eq(memcmp(moves, playout->moves, (size_t)count * sizeof *moves), 0);
    buffer_free(&line);
  }
}

static void encode_image(const Game *game, const void *state, int s, float *image) {
  float planes[PLANES_MAX];
  game_encode(game, plane_count(game), state, planes);
  game_symmetry_planes(game, s, plane_count(game), planes, image);
}

/* Where a symmetry leaves the start as it is, the image of a game is a game, and its positions are images. */
static void expect_images_are_games(const Playout *playout) {
  const Game *game = playout->game;
  size_t bytes = (size_t)(plane_count(game) * game->rows * game->cols) * sizeof(float);
  for (int s = 0; s < game->symmetries; s++) {
    uint64_t plain[GAME_STATE_MAX / sizeof(uint64_t)], turned[GAME_STATE_MAX / sizeof(uint64_t)];
    float image[PLANES_MAX], planes[PLANES_MAX];
    game->init(plain);
    game->init(turned);
    encode_image(game, plain, s, image);
    game_encode(game, plane_count(game), turned, planes);
    if (memcmp(image, planes, bytes) != 0) continue;
    for (int i = 0; i < playout->count; i++) {
      int move = game->symmetry_move(s, playout->moves[i]);
      cr_assert(game_is_legal(game, turned, move), "%s: symmetry %d", game->name, s);
      game->play(plain, playout->moves[i]);
      game->play(turned, move);
      encode_image(game, plain, s, image);
      game_encode(game, plane_count(game), turned, planes);
      cr_assert_eq(memcmp(image, planes, bytes), 0, "%s: symmetry %d", game->name, s);
    }
    float value, of_image;
    cr_assert(game->over(plain, &value) && game->over(turned, &of_image));
    cr_assert_eq(value, of_image);
  }
}

Test(conformance, random_games_keep_the_rules_of_the_interface) {
  for (int g = 0; g < game_count(); g++) {
    Playout playout = {.game = game_at(g)};
    cr_assert_leq(playout.game->state_size, GAME_STATE_MAX);
    cr_assert(playout.game->moves <= GAME_MOVES_MAX && playout.game->pass < playout.game->moves);
    for (uint32_t i = 0; i < PLAYOUTS; i++) {
      Rng rng = rng_make(21, RNG_TEST, (uint32_t)g, i);
      play_randomly(&playout, &rng);
      expect_record_reads_back(&playout);
      if (i < 20) expect_images_are_games(&playout);
    }
  }
}

Test(conformance, symmetries_are_a_group_of_permutations) {
  for (int g = 0; g < game_count(); g++) {
    const Game *game = game_at(g);
    int squares = game->rows * game->cols;
    cr_assert_geq(game->symmetries, 1);
    for (int square = 0; square < squares; square++) cr_assert_eq(game->symmetry_square(0, square), square);
    for (int move = 0; move < game->moves; move++) cr_assert_eq(game->symmetry_move(0, move), move);
    for (int s = 0; s < game->symmetries; s++) {
      bool undone = false;
      for (int t = 0; t < game->symmetries; t++) {
        bool inverse = true;
        for (int square = 0; square < squares; square++)
          inverse &= game->symmetry_square(t, game->symmetry_square(s, square)) == square;
        for (int move = 0; move < game->moves; move++)
          inverse &= game->symmetry_move(t, game->symmetry_move(s, move)) == move;
        undone |= inverse;
      }
      cr_assert(undone, "%s: nothing undoes symmetry %d", game->name, s);
      if (game->pass > 0) cr_assert_eq(game->symmetry_move(s, game->pass), game->pass);
    }
  }
}

Test(conformance, names_of_moves_read_back_in_any_case) {
  for (int g = 0; g < game_count(); g++) {
    const Game *game = game_at(g);
    for (int move = 0; move < game->moves; move++) {
      char name[GAME_MOVE_TEXT];
      game->print_move(move, name);
      cr_assert_eq(game->parse_move(name), move);
      for (char *c = name; *c; c++) *c = (char)toupper((unsigned char)*c);
      cr_assert_eq(game->parse_move(name), move, "%s: %s", game->name, name);
    }
    static const char *const wrong[] = {"", "?", "0", "z9", "a0", "-1", "pas", "a1a", "é"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) cr_assert_eq(game->parse_move(wrong[k]), -1);
  }
}

/* One line a row of the board, and one with the names of the columns; of squares, the names are their moves'.
 */
Test(conformance, boards_name_rows_and_columns_as_moves_do) {
  for (int g = 0; g < game_count(); g++) {
    const Game *game = game_at(g);
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
    Buffer text = {0};
    game->init(state);
    game_print_board(game, state, &text);
    int lines = 0;
    for (size_t i = 0; i < text.size; i++) lines += text.data[i] == '\n';
    cr_assert_eq(lines, game->rows + 1);
    buffer_free(&text);
    for (int square = 0; square < game->rows * game->cols && !game_moves_are_columns(game); square++) {
      char column[GAME_MOVE_TEXT], row[GAME_MOVE_TEXT], name[2 * GAME_MOVE_TEXT];
      game_column_name(game, square % game->cols, column);
      game_row_name(game, square / game->cols, row);
      snprintf(name, sizeof name, "%s%s", column, row);
      cr_assert_eq(game->parse_move(name), square, "%s: %s", game->name, name);
    }
  }
}
