#include "base/memory.h"
#include "base/rng.h"
#include "games/connect4.h"
#include "games/connect4_bits.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(games, .timeout = HANG_SECONDS);

enum { STATE_BYTES = 16 };

/* A set of keys, open addressing; 0 marks an empty slot. */
typedef struct KeySet {
  uint64_t *slots;
  size_t mask, count;
} KeySet;

static KeySet keyset_new(int log2_slots) {
  size_t slots = (size_t)1 << log2_slots;
  return (KeySet){.slots = memory_new(slots, sizeof(uint64_t)), .mask = slots - 1};
}

/* False where the key was there already. */
static bool keyset_add(KeySet *set, uint64_t key) {
  cr_assert_neq(key, 0);
  for (size_t i = key & set->mask;; i = (i + 1) & set->mask) {
    if (set->slots[i] == key) return false;
    if (set->slots[i]) continue;
    cr_assert_lt(set->count, set->mask);
    set->slots[i] = key;
    set->count++;
    return true;
  }
}

typedef struct Tally {
  int games, by_player[2], drawn;
} Tally;

static void play_all(const void *state, Tally *tally, KeySet *seen) {
  const Game *game = game_find("tictactoe");
  float value;
  keyset_add(seen, game->key(state));
  if (game->over(state, &value)) {
    tally->games++;
    if (value == 0)
      tally->drawn++;
    else
      tally->by_player[value > 0 ? game->to_move(state) : 1 - game->to_move(state)]++;
    return;
  }
  int moves[GAME_MOVES_MAX];
  int count = game->legal(state, moves);
  for (int i = 0; i < count; i++) {
    char child[STATE_BYTES];
    memcpy(child, state, game->state_size);
    game->play(child, moves[i]);
    play_all(child, tally, seen);
  }
}

Test(games, tictactoe_has_255168_games_and_5478_positions) {
  char start[STATE_BYTES];
  Tally tally = {0};
  KeySet seen = keyset_new(14);
  game_find("tictactoe")->init(start);
  play_all(start, &tally, &seen);
  cr_assert_eq(tally.games, 255168);
  cr_assert_eq(tally.by_player[0], 131184);
  cr_assert_eq(tally.by_player[1], 77904);
  cr_assert_eq(tally.drawn, 46080);
  cr_assert_eq(seen.count, 5478);
  free(seen.slots);
}

/* Replaces positions[0..count) by their distinct successors; returns how many there are. */
static size_t next_ply(Connect4 **positions, size_t count) {
  Connect4 *next = memory_new(count * C4_COLS, sizeof *next);
  KeySet seen = keyset_new(count > 400000 ? 23 : 20);
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    int moves[GAME_MOVES_MAX];
    int legal = game_connect4.legal(&(*positions)[i], moves);
    for (int m = 0; m < legal; m++) {
      Connect4 child = (*positions)[i];
      game_connect4.play(&child, moves[m]);
      if (keyset_add(&seen, game_connect4.key(&child))) next[found++] = child;
    }
  }
  free(seen.slots);
  free(*positions);
  *positions = next;
  return found;
}

Test(games, connect4_distinct_positions_by_ply) {
  const size_t expected[] = {7, 49, 238, 1120, 4263, 16422, 54859, 184275, 558186, 1662623};
  Connect4 *positions = memory_new(1, sizeof *positions);
  size_t count = 1;
  for (size_t ply = 0; ply < sizeof expected / sizeof *expected; ply++) {
    count = next_ply(&positions, count);
    cr_assert_eq(count, expected[ply], "ply %zu: %zu positions", ply + 1, count);
  }
  free(positions);
}

Test(games, connect4_perft) {
  const uint64_t expected[] = {1, 7, 49, 343, 2401, 16807, 117649, 823536, 5673234, 39394572};
  Connect4 start;
  game_connect4.init(&start);
  for (int depth = 0; depth < 10; depth++)
    cr_assert_eq(game_perft(&game_connect4, &start, depth), expected[depth]);
}

static Connect4 connect4_after(const char *line) {
  Connect4 state;
  Error err = {.message = ""};
  game_connect4.init(&state);
  cr_assert(game_play_line(&game_connect4, &state, line, &err), "%s", err.message);
  return state;
}

Test(games, connect4_sees_four_in_every_direction) {
  const char *won[] = {"1212121", "1122334", "12234334544", "76654554344", "71727 2 7"};
  for (size_t i = 0; i < sizeof won / sizeof *won; i++) {
    Connect4 state = connect4_after(won[i]);
    float value = 0;
    cr_assert(game_connect4.over(&state, &value), "%s", won[i]);
    cr_assert_eq(value, -1);
  }
}

Test(games, connect4_lines_do_not_wrap_round_the_edge) {
  /* Row 6 of a column and row 1 of the next are two bits apart: the one between is never set. */
  uint64_t stones = UINT64_C(7) << 3 | UINT64_C(1) << 7;
  cr_assert_not(connect4_has_four(stones));
  /* Nor is the fourth of the bottom row's 5, 6, 7 to be found in column 1. */
  cr_assert_not(connect4_has_four(C4_BOTTOM >> 28 << 28 | 1 << 1 | 1));
  cr_assert(connect4_has_four(UINT64_C(15) << 2));
}

/* The squares that complete a four, against trying each empty square in turn, on boards filled at random. */
Test(games, connect4_winning_squares_agree_with_trying_each) {
  Rng rng = rng_make(1, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 20000; trial++) {
    uint64_t stones = rng_u64(&rng) & rng_u64(&rng) & C4_BOARD, others = rng_u64(&rng) & C4_BOARD & ~stones;
    /* As in play, what lies under a stone is filled: every column is a stack. */
    for (int i = 0; i < C4_ROWS; i++) others |= (stones | others) >> 1 & C4_BOARD & ~stones;
    uint64_t wins = c4_wins(stones, stones | others);
    for (uint64_t left = C4_BOARD & ~(stones | others); left; left &= left - 1) {
      uint64_t square = left & -left;
      if (connect4_has_four(stones)) break;
      cr_assert_eq((wins & square) != 0, connect4_has_four(stones | square));
    }
  }
}

/* True where some line of four through the empty square is open to `who` (1 the mover) and holds so many of
 * that side's stones; by coordinates. */
static bool on_open_line(const Connect4 *c, int row, int col, int who, int held) {
  static const int directions[4][2] = {{0, 1}, {1, 0}, {1, 1}, {1, -1}};
  int mover = 1 + game_connect4.to_move(c), side = who ? mover : 3 - mover;
  for (int d = 0; d < 4; d++) {
    for (int start = -3; start <= 0; start++) {
      int own = 0, blocked = 0;
      for (int i = start; i < start + 4; i++) {
        int r = row + i * directions[d][0], s = col + i * directions[d][1];
        bool off = r < 0 || r >= C4_ROWS || s < 0 || s >= C4_COLS;
        int piece = off ? 3 - side : game_connect4.piece(c, r, s);
        own += piece == side;
        blocked += piece == 3 - side;
      }
      if (!blocked && own == held) return true;
    }
  }
  return false;
}

Test(games, connect4_feature_planes_agree_with_looking_along_each_line) {
  Rng rng = rng_make(2, RNG_TEST, 0, 0);
  float planes[7][C4_ROWS][C4_COLS], value;
  int moves[C4_COLS], set = 0;
  cr_assert_eq(game_connect4.feature_planes, 7);
  for (int game = 0; game < 100; game++) {
    Connect4 c;
    for (game_connect4.init(&c); !game_connect4.over(&c, &value);) {
      game_connect4.encode_features(&c, &planes[0][0][0]);
      for (int plane = 0; plane < 6; plane++)
        for (int row = 0; row < C4_ROWS; row++)
          for (int col = 0; col < C4_COLS; col++) {
            bool expected = !game_connect4.piece(&c, row, col) &&
                            on_open_line(&c, row, col, plane % 2 == 0, 3 - plane / 2);
            cr_assert_eq(planes[plane][row][col], (float)expected);
            set += expected;
          }
      for (int row = 0; row < C4_ROWS; row++)
        for (int col = 0; col < C4_COLS; col++)
          cr_assert_eq(planes[6][row][col], (float)(game_connect4.to_move(&c) == row % 2));
      int count = game_connect4.legal(&c, moves);
      game_connect4.play(&c, moves[rng_below(&rng, (uint32_t)count)]);
    }
  }
  cr_assert_gt(set, 10000);
}

Test(games, connect4_mirror_reverses_columns) {
  for (int square = 0; square < C4_COLS * C4_STRIDE; square++) {
    int image = (C4_COLS - 1 - square / C4_STRIDE) * C4_STRIDE + square % C4_STRIDE;
    cr_assert_eq(c4_mirror(UINT64_C(1) << square), UINT64_C(1) << image);
  }
}

Test(games, tictactoe_names_and_board) {
  const Game *game = game_find("tictactoe");
  char state[STATE_BYTES];
  Error err = {.message = ""};
  Buffer text = {0};
  game->init(state);
  cr_assert(game_play_line(game, state, "a1, B2 c3", &err), "%s", err.message);
  game_print_board(game, state, &text);
  buffer_put(&text, "", 1);
  cr_assert_str_eq((char *)text.data, " 3 . . X\n 2 . O .\n 1 X . .\n   a b c\n");
  buffer_free(&text);
}

Test(games, connect4_board) {
  Connect4 state = connect4_after("4453");
  Buffer text = {0};
  game_print_board(&game_connect4, &state, &text);
  buffer_put(&text, "", 1);
  cr_assert_str_eq((char *)text.data, ". . . . . . .\n. . . . . . .\n. . . . . . .\n. . . . . . .\n"
                                      ". . . O . . .\n. . O X X . .\n1 2 3 4 5 6 7\n");
  buffer_free(&text);
}

Test(games, errors_of_a_line_name_the_move_and_its_place) {
  Connect4 state;
  Error err = {.message = ""};
  game_connect4.init(&state);
  cr_assert_not(game_play_line(&game_connect4, &state, "4 4 8", &err));
  cr_assert(strstr(err.message, "move 3, '8'"), "%s", err.message);
  cr_assert_not(game_play_line(&game_connect4, &state, "4444444", &err));
  cr_assert(strstr(err.message, "move 7, '4': illegal"), "%s", err.message);
  cr_assert_not(game_play_line(&game_connect4, &state, "12121212", &err));
  cr_assert(strstr(err.message, "move 8, '2': the game is already over"), "%s", err.message);
  cr_assert_eq(state.all, 0);
}

Test(games, registry_finds_by_name) {
  for (int i = 0; i < game_count(); i++) cr_assert_eq(game_find(game_at(i)->name), game_at(i));
  cr_assert_null(game_find("no such game"));
}

Test(games, heuristic_prefers_the_better_side) {
  Connect4 ahead = connect4_after("33445"); /* three in a row, open at both ends: second to move is lost */
  cr_assert_lt(game_connect4.heuristic(&ahead), 0);
  Connect4 wins = connect4_after("334451");
  cr_assert_gt(game_connect4.heuristic(&wins), 0.5);
}
