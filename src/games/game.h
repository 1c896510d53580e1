/* A game, as everything above this layer sees it: a constant struct of facts and functions.
 *
 * Two players, alternate turns, perfect information, no chance. A state is a flat struct of `state_size`
 * bytes that holds no pointers, is owned by the caller and is copied with memcpy; padding bytes are zero, so
 * that equal positions with equal history are equal bytes.
 *
 * THE SIGN RULE: every value is seen from the player to move: +1 that player wins, 0 draw, -1 that player
 * loses.
 *
 * Adding a game: write one .c file that defines `const Game game_NAME`, add NAME to the list in registry.c,
 * and run `make test`: the conformance suite (tests/test_conformance.c) then checks it like all others. */
#ifndef GAMES_GAME_H
#define GAMES_GAME_H

#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  GAME_STATE_MAX = 256, /* bytes; no state is larger */
  GAME_MOVES_MAX = 512, /* no game has more move numbers */
  GAME_MOVE_TEXT = 16,  /* bytes that hold any printed move */
};

typedef struct Game {
  const char *name;       /* as typed: "connect4" */
  const char *title;      /* as shown: "Connect Four (7 x 6)" */
  size_t state_size;      /* bytes, at most GAME_STATE_MAX */
  int planes, rows, cols; /* of encode(); row 0 is the bottom row where a board has one */
  int feature_planes;     /* of encode_features(); 0 where it is NULL */
  int moves;              /* moves are numbered 0 .. moves-1; the policy has this many entries. Either each is
                             a column (game_moves_are_columns), or move row * cols + col plays on that square,
                             and those that play on no square follow */
  int pass;               /* the move that passes, legal only where nothing else is; 0: the game has none */
  int max_plies;          /* no game is longer */
  int symmetries;         /* board symmetries, the identity (number 0) included */
  const char *player[2];  /* what a person calls the first and second player: "yellow", "red" */

  /* Writes the starting position. */
  void (*init)(void *state);
  /* Legal moves in ascending order into moves[0..GAME_MOVES_MAX); returns how many; 0 exactly when the game
   * is over. */
  int (*legal)(const void *state, int *moves);
  /* Plays a legal move (an illegal one is a caller's bug). */
  void (*play)(void *state, int move);
  /* True where the game is over; then *value is its value for the player to move. */
  bool (*over)(const void *state, float *value);
  /* True where the player to move can win with this very move. Optional: NULL where the game has no quicker
   * way than trying every move. */
  bool (*wins_at_once)(const void *state);
  /* The legal moves after which the opponent cannot win at once, ascending, into moves[]; returns how many.
   * Asked only where the player to move cannot win at once and a move is left after this one. Optional,
   * beside wins_at_once, for games of alternate turns that end by a win or after max_plies and no other way:
   * a quicker way than trying every move. */
  int (*safe_moves)(const void *state, int *moves);
  /* 0 where the first player is to move, else 1. */
  int (*to_move)(const void *state);
  /* Moves played since the start. */
  int (*ply)(const void *state);
  /* The network's input: planes[planes][rows][cols], seen from the player to move. */
  void (*encode)(const void *state, float *planes);
  /* More input, planes[feature_planes][rows][cols], made by hand for networks that take it (game_encode()):
   * what is the same as the board and easier to learn from, such as the lines that the rules speak of
   * (feature planes; D. Silver et al., "Mastering the game of Go with deep neural networks and tree search",
   * 2016, extended data table 2). Optional: NULL. */
  void (*encode_features)(const void *state, float *planes);
  /* A 64-bit key: equal for equal positions, different otherwise but for chance. */
  uint64_t (*key)(const void *state);
  /* Where symmetry s takes square row * cols + col of the encoding, and move m. The identity is s = 0. The
   * same permutation is applied to every plane. */
  int (*symmetry_square)(int s, int square);
  int (*symmetry_move)(int s, int move);
  /* Writes the position that symmetry s makes of `in`: its encoding is the symmetric image of in's encoding,
   * its legal moves the images of in's. s = 0 copies. Optional: where it is NULL, symmetric positions count
   * as different ones. `out` is not `in`. */
  void (*symmetry_state)(int s, const void *in, void *out);
  /* Writes a short move name, at most GAME_MOVE_TEXT bytes with its NUL. */
  void (*print_move)(int move, char *text);
  /* Reads what print_move wrote, in any case; -1 where it is no move's name. Legality is not checked. */
  int (*parse_move)(const char *text);
  /* Static guess in (-1, 1) for the player to move, for alpha-beta teachers and opponents. Never +-1, which
   * belong to finished games. */
  float (*heuristic)(const void *state);
  /* What stands on a square: 0 empty, 1 the first player's piece, 2 the second player's. */
  int (*piece)(const void *state, int row, int col);
} Game;

/* All games, in registry order. */
int game_count(void);
const Game *game_at(int index);
/* By name; NULL where there is none. */
const Game *game_find(const char *name);

/* True where a network may take so many planes: those of encode(), with the feature_planes or without. */
bool game_has_planes(const Game *game, int planes);
/* The input of a network that takes so many, which game_has_planes(): out[planes][rows][cols]. */
void game_encode(const Game *game, int planes, const void *state, float *out);
/* The symmetric images, in[planes][rows][cols] -> out, and policy[moves] -> out, which does not overlap. */
void game_symmetry_planes(const Game *game, int s, int planes, const float *in, float *out);
void game_symmetry_policy(const Game *game, int s, const float *in, float *out);
/* The way back: undoes game_symmetry_policy(). */
void game_symmetry_policy_back(const Game *game, int s, const float *in, float *out);
/* One position to stand for all symmetric ones: into *canonical goes the image with the smallest key (of
 * equal ones that of the lowest symmetry). Returns the symmetry s that made it, so that move m of `state` is
 * move symmetry_move(s, m) there; *key (may be NULL) receives its key. A canonical position is its own
 * canonical image with s = 0, as is any position of a game without symmetry_state. */
int game_canonical(const Game *game, const void *state, void *canonical, uint64_t *key);

/* True where the move is legal in the position. */
bool game_is_legal(const Game *game, const void *state, int move);
/* True where every move's name is one character, so that a line of them needs no blanks. */
bool game_moves_are_single(const Game *game);
/* The move whose name the word of `length` bytes begins with, by the longest such name; -1 where there is
 * none. *used receives the bytes of its name. */
int game_leading_move(const Game *game, const char *word, size_t length, size_t *used);
/* Plays a line of move names onto `state`: names may be separated by blanks or commas, or run together
 * ("4453", "f5d6c3"). A pass may be left out, as game records do. An illegal or unknown move is an error that
 * names it and its place; the state is then unchanged. */
bool game_play_line(const Game *game, void *state, const char *line, Error *err);
/* Reads a line from the starting position into moves[0..max); *count receives its length. Errors as above. */
bool game_read_line(const Game *game, const char *line, int *moves, int max, int *count, Error *err);
/* True where moves are columns, onto which a piece falls. */
bool game_moves_are_columns(const Game *game);
/* Squares on which nothing stands. */
int game_empty_squares(const Game *game, const void *state);
/* What people call a column, and a row (of a game whose moves are squares), as moves do: at most
 * GAME_MOVE_TEXT bytes. */
void game_column_name(const Game *game, int col, char *text);
void game_row_name(const Game *game, int row, char *text);
/* Appends the board as plain text, top row first, with column names, one line a row. */
void game_print_board(const Game *game, const void *state, Buffer *out);
/* Names the rules: a checksum of what is legal, and how it ends, along 64 fixed random games. Games whose
 * rules differ anywhere that such play comes have another one. */
uint32_t game_rules_hash(const Game *game);
/* Move sequences of exactly `depth` plies from `state` (perft); games that end before are not counted. */
uint64_t game_perft(const Game *game, const void *state, int depth);

#endif
