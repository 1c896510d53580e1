/* Othello's rules against a second implementation that shares nothing with them: an array of squares and a
 * walk in eight directions. */
#include "base/file.h"
#include "base/rng.h"
#include "games/othello.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(othello, .timeout = HANG_SECONDS);

typedef struct Naive {
  int side;
  char at[8][8]; /* [row from the top][col]: 'b', 'w' or 0 */
  char mover;
} Naive;

static char opposite(char colour) {
  return colour == 'b' ? 'w' : 'b';
}

static Naive naive_start(int side) {
  Naive board = {.side = side, .mover = 'b'};
  int a = side / 2 - 1, b = side / 2;
  board.at[a][a] = board.at[b][b] = 'w';
  board.at[a][b] = board.at[b][a] = 'b';
  return board;
}

/* Flips of a move in all directions; applies them where `apply`. */
static int naive_flips(Naive *board, int row, int col, bool apply) {
  int flips = 0;
  if (board->at[row][col]) return 0;
  for (int dr = -1; dr <= 1; dr++)
    for (int dc = -1; dc <= 1; dc++) {
      int length = 1;
      for (;; length++) {
        int r = row + length * dr, c = col + length * dc;
        if (r < 0 || c < 0 || r >= board->side || c >= board->side || !board->at[r][c]) length = 0;
        if (!length || board->at[r][c] == board->mover) break;
      }
      if ((!dr && !dc) || length < 2) continue;
      flips += length - 1;
      for (int k = 1; apply && k < length; k++) board->at[row + k * dr][col + k * dc] = board->mover;
    }
  return flips;
}

static int naive_moves(Naive *board) {
  int count = 0;
  for (int r = 0; r < board->side; r++)
    for (int c = 0; c < board->side; c++) count += naive_flips(board, r, c, false) > 0;
  return count;
}

static bool naive_can_answer(const Naive *board) {
  Naive turned = *board;
  turned.mover = opposite(board->mover);
  return naive_moves(&turned) > 0;
}

static uint64_t naive_perft(Naive *board, int depth) {
  uint64_t sum = 0;
  if (depth == 0) return 1;
  for (int r = 0; r < board->side; r++)
    for (int c = 0; c < board->side; c++) {
      Naive child = *board;
      if (!naive_flips(&child, r, c, true)) continue;
      child.at[r][c] = board->mover;
      child.mover = opposite(board->mover);
      sum += naive_perft(&child, depth - 1);
    }
  if (sum || naive_moves(board) || !naive_can_answer(board)) return sum;
  Naive passed = *board;
  passed.mover = opposite(board->mover);
  return naive_perft(&passed, depth - 1);
}

static const Game *const sizes[] = {&game_othello6, &game_othello};

/* Games of `depth` plies, and those that ended before. */
static uint64_t count_lines(const Game *game, const void *state, int depth, uint64_t *ended) {
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves);
  uint64_t sum = 0;
  if (depth == 0) return 1;
  *ended += count == 0;
  if (depth == 1) return (uint64_t)count;
  for (int i = 0; i < count; i++) {
    Othello child = *(const Othello *)state;
    game->play(&child, moves[i]);
    sum += count_lines(game, &child, depth - 1, ended);
  }
  return sum;
}

/* Published counts (A. Bik, "Reversi perft"), which go on counting the games that end at the ninth ply. */
Test(othello, perft_of_8x8_is_as_published) {
  const uint64_t expected[] = {1, 4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288};
  Othello start;
  game_othello.init(&start);
  for (int depth = 0; depth <= 9; depth++)
    cr_assert_eq(game_perft(&game_othello, &start, depth), expected[depth], "depth %d", depth);
  uint64_t ended = 0, count = count_lines(&game_othello, &start, 10, &ended);
  cr_assert_eq(count + ended, 24571284);
  cr_assert_eq(ended, 228);
}

Test(othello, perft_agrees_with_the_naive_rules) {
  for (int k = 0; k < 2; k++) {
    Othello start;
    Naive naive = naive_start(sizes[k]->rows);
    sizes[k]->init(&start);
    for (int depth = 1; depth <= 7; depth++)
      cr_assert_eq(game_perft(sizes[k], &start, depth), naive_perft(&naive, depth), "depth %d", depth);
  }
}

static void expect_same_position(const Game *game, const Othello *state, Naive *naive) {
  for (int row = 0; row < game->rows; row++)
    for (int col = 0; col < game->cols; col++) {
      int piece = game->piece(state, row, col);
      cr_assert_eq("\0bw"[piece], naive -> at[game->rows - 1 - row][col]);
    }
  cr_assert_eq("bw"[game->to_move(state)], naive -> mover);
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves), expected = naive_moves(naive);
  if (expected) {
    cr_assert_eq(count, expected);
    for (int i = 0; i < count; i++) {
      char name[GAME_MOVE_TEXT];
      game->print_move(moves[i], name);
      cr_assert(naive_flips(naive, name[1] - '1', name[0] - 'a', false) > 0);
    }
  } else if (naive_can_answer(naive)) {
    cr_assert_eq(count, 1);
    cr_assert_eq(moves[0], game->pass);
  } else {
    cr_assert_eq(count, 0);
  }
}

static void naive_play(Naive *naive, const char *name) {
  if (strcmp(name, "pass") != 0) {
    naive_flips(naive, name[1] - '1', name[0] - 'a', true);
    naive->at[name[1] - '1'][name[0] - 'a'] = naive->mover;
  }
  naive->mover = opposite(naive->mover);
}

static int naive_lead(const Naive *naive, char colour) {
  int lead = 0;
  for (int i = 0; i < 64; i++)
    lead += naive->at[i / 8][i % 8] ? naive->at[i / 8][i % 8] == colour ? 1 : -1 : 0;
  return lead;
}

Test(othello, whole_games_agree_with_the_naive_rules) {
  int passes = 0, early = 0;
  for (int k = 0; k < 2; k++)
    for (uint32_t i = 0; i < 2000; i++) {
      const Game *game = sizes[k];
      Rng rng = rng_make(31, RNG_TEST, (uint32_t)k, i);
      Othello state;
      Naive naive = naive_start(game->rows);
      int moves[GAME_MOVES_MAX], count;
      game->init(&state);
      while (expect_same_position(game, &state, &naive), (count = game->legal(&state, moves)) > 0) {
        char name[GAME_MOVE_TEXT];
        int move = moves[rng_below(&rng, (uint32_t)count)];
        passes += move == game->pass;
        game->print_move(move, name);
        game->play(&state, move);
        naive_play(&naive, name);
      }
      float value;
      int lead = naive_lead(&naive, naive.mover);
      cr_assert(game->over(&state, &value));
      cr_assert_eq(value, (lead > 0) - (lead < 0));
      early += __builtin_popcountll(state.mover | state.other) < game->rows * game->cols;
    }
  cr_assert(passes > 1000 && early > 20, "%d passes, %d full boards missed", passes, early);
}

/* The image of a position is a position with the image's moves, for all eight symmetries, although four of
 * them do not keep the start. */
Test(othello, symmetry_maps_moves_and_flips) {
  for (int k = 0; k < 2; k++)
    for (uint32_t i = 0; i < 50; i++) {
      const Game *game = sizes[k];
      Rng rng = rng_make(32, RNG_TEST, (uint32_t)k, i);
      int edge = (8 - game->rows) / 2, moves[GAME_MOVES_MAX], count;
      Othello state;
      game->init(&state);
      while ((count = game->legal(&state, moves)) > 0) {
        int move = moves[rng_below(&rng, (uint32_t)count)];
        for (int s = 0; s < game->symmetries; s++) {
          Othello images[2] = {{.ply = state.ply}, {.ply = state.ply + 1}}, next = state;
          game->play(&next, move);
          const Othello *from[2] = {&state, &next};
          for (int square = 0; square < game->rows * game->cols; square++) {
            int image = game->symmetry_square(s, square);
            int bit = 8 * (square / game->rows + edge) + square % game->rows + edge;
            int to = 8 * (image / game->rows + edge) + image % game->rows + edge;
            for (int j = 0; j < 2; j++) {
              images[j].mover |= (from[j]->mover >> bit & 1) << to;
              images[j].other |= (from[j]->other >> bit & 1) << to;
            }
          }
          cr_assert(game_is_legal(game, &images[0], game->symmetry_move(s, move)));
          game->play(&images[0], game->symmetry_move(s, move));
          cr_assert_eq(memcmp(&images[0], &images[1], sizeof state), 0);
        }
        game->play(&state, move);
      }
    }
}

Test(othello, board_has_rank_one_on_top) {
  Othello state;
  Buffer text = {0};
  Error err = {.message = ""};
  game_othello.init(&state);
  cr_assert(game_play_line(&game_othello, &state, "f5d6C3", &err), "%s", err.message);
  game_print_board(&game_othello, &state, &text);
  buffer_put(&text, "", 1);
  cr_assert_str_eq((char *)text.data, " 1 . . . . . . . .\n 2 . . . . . . . .\n 3 . . X . . . . .\n"
                                      " 4 . . . X X . . .\n 5 . . . O X X . .\n 6 . . . O . . . .\n"
                                      " 7 . . . . . . . .\n 8 . . . . . . . .\n   a b c d e f g h\n");
  buffer_free(&text);
}

Test(othello, heuristic_likes_discs_moves_and_corners) {
  Othello even;
  game_othello6.init(&even);
  cr_assert_eq(game_othello6.heuristic(&even), 0);
  /* Black in a corner, white without a move. */
  Othello corner = {.mover = UINT64_C(1) << 9, .other = UINT64_C(1) << 10};
  cr_assert_gt(game_othello6.heuristic(&corner), 0.3);
  Othello turned = {.mover = corner.other, .other = corner.mover};
  cr_assert_eq(game_othello6.heuristic(&turned), -game_othello6.heuristic(&corner));
}

/* A line of the data: "1977 34-30 f5d6..."; the loser's empty squares count for the winner. */
static void expect_game(char *line, long number) {
  int black, white, discs[2];
  char *moves = strrchr(line, ' ');
  cr_assert(moves && sscanf(line, "%*d %d-%d", &black, &white) == 2, "line %ld: %s", number, line);
  Othello state;
  Error err = {.message = ""};
  float value;
  game_othello.init(&state);
  cr_assert(game_play_line(&game_othello, &state, moves, &err), "line %ld: %s", number, err.message);
  if (!game_othello.over(&state, &value)) return; /* resigned, or time ran out: the score was agreed on */
  discs[0] = __builtin_popcountll(state.mover), discs[1] = __builtin_popcountll(state.other);
  if (game_othello.to_move(&state)) {
    int swap = discs[0];
    discs[0] = discs[1], discs[1] = swap;
  }
  int empty = 64 - discs[0] - discs[1];
  if (discs[0] != discs[1])
    discs[discs[1] > discs[0]] += empty;
  else
    discs[0] += empty / 2, discs[1] += empty / 2;
  cr_assert(discs[0] == black && discs[1] == white, "line %ld: %d-%d, not %d-%d", number, discs[0], discs[1],
            black, white);
}

/* Games between people, where this machine has them: 121,897 of the WTHOR base. */
Test(othello, games_of_people_replay_to_their_scores) {
  const char *path = getenv("SELFPLAY_OTHELLO_GAMES");
  if (!path) path = "../shared/data/othello/wthor_games.txt.gz";
  if (!file_exists(path)) cr_skip_test("%s is not here", path);
  Buffer text = {0};
  Error err = {.message = ""};
  cr_assert(file_read(path, &text, &err), "%s", err.message);
  buffer_put(&text, "", 1);
  long number = 0;
  for (char *rest = (char *)text.data, *line; (line = strsep(&rest, "\n"));)
    if (*line && *line != '#') expect_game(line, ++number);
  cr_assert_gt(number, 1000);
  buffer_free(&text);
}
