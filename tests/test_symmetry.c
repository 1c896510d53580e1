#include "base/memory.h"
#include "base/rng.h"
#include "games/game.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct State {
  uint64_t words[GAME_STATE_MAX / sizeof(uint64_t)];
} State;

/* Calls `check` at every position of some random games. */
static void at_random_positions(const Game *game, void (*check)(const Game *game, const State *state)) {
  for (uint32_t trial = 0; trial < 30; trial++) {
    Rng rng = rng_make(5, RNG_TEST, 0, trial);
    State state = {{0}};
    int moves[GAME_MOVES_MAX], count;
    game->init(&state);
    while ((count = game->legal(&state, moves)) > 0) {
      check(game, &state);
      game->play(&state, moves[rng_below(&rng, (uint32_t)count)]);
    }
    check(game, &state);
  }
}

static void check_encoding(const Game *game, const State *state, const State *image, int s) {
  int count = game->planes + game->feature_planes;
  size_t size = (size_t)(count * game->rows * game->cols);
  float *planes = memory_new(3 * size, sizeof *planes);
  game_encode(game, count, state, planes);
  game_symmetry_planes(game, s, count, planes, planes + size);
  game_encode(game, count, image, planes + 2 * size);
  cr_assert_arr_eq(planes + size, planes + 2 * size, size * sizeof *planes, "%s, symmetry %d", game->name, s);
  free(planes);
}

static void check_moves(const Game *game, const State *state, const State *image, int s) {
  int moves[GAME_MOVES_MAX], images[GAME_MOVES_MAX];
  int count = game->legal(state, moves);
  cr_assert_eq(game->legal(image, images), count);
  for (int i = 0; i < count; i++) {
    State played = *state, image_played = *image, played_image = {{0}};
    int move = game->symmetry_move(s, moves[i]);
    cr_assert(game_is_legal(game, image, move));
    game->play(&played, moves[i]);
    game->play(&image_played, move);
    game->symmetry_state(s, &played, &played_image);
    cr_assert_arr_eq(&played_image, &image_played, game->state_size, "%s, symmetry %d, move %d", game->name,
                     s, moves[i]);
  }
}

static void check_images(const Game *game, const State *state) {
  for (int s = 0; s < game->symmetries; s++) {
    State image = {{0}};
    float value = 0, image_value = 0;
    game->symmetry_state(s, state, &image);
    if (s == 0) cr_assert_arr_eq(&image, state, game->state_size);
    cr_assert_eq(game->over(&image, &image_value), game->over(state, &value));
    cr_assert_eq(value, image_value);
    check_encoding(game, state, &image, s);
    check_moves(game, state, &image, s);
  }
}

/* All images of a position have one canonical position and key, and that one is its own. */
static void check_canonical(const Game *game, const State *state) {
  State canonical = {{0}};
  uint64_t key;
  int made_by = game_canonical(game, state, &canonical, &key);
  cr_assert_eq(key, game->key(&canonical));
  State again = {{0}};
  cr_assert_eq(game_canonical(game, &canonical, &again, NULL), 0);
  cr_assert_arr_eq(&again, &canonical, game->state_size);
  if (!game->symmetry_state) return;
  game->symmetry_state(made_by, state, &again);
  cr_assert_arr_eq(&again, &canonical, game->state_size);
  for (int s = 0; s < game->symmetries; s++) {
    State image = {{0}};
    game->symmetry_state(s, state, &image);
    game_canonical(game, &image, &again, NULL);
    cr_assert_arr_eq(&again, &canonical, game->state_size, "%s, symmetry %d", game->name, s);
  }
}

Test(symmetry, states_turn_as_their_encodings_and_moves) {
  for (int i = 0; i < game_count(); i++)
    if (game_at(i)->symmetry_state) at_random_positions(game_at(i), check_images);
}

Test(symmetry, one_position_stands_for_all_its_images) {
  for (int i = 0; i < game_count(); i++) at_random_positions(game_at(i), check_canonical);
}

/* A game without the function has no images but itself. */
Test(symmetry, without_images_of_states_each_stands_for_itself) {
  Game game = *game_find("connect4");
  game.symmetry_state = NULL;
  at_random_positions(&game, check_canonical);
  State state = {{0}}, canonical = {{0}};
  game.init(&state);
  for (int move = 0; move < 2; move++) game.play(&state, move);
  uint64_t key;
  cr_assert_eq(game_canonical(&game, &state, &canonical, &key), 0);
  cr_assert_eq(key, game.key(&state));
  cr_assert_arr_eq(&canonical, &state, game.state_size);
}
