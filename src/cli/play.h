/* A session of `selfplay play`, and how it is shown. */
#ifndef CLI_PLAY_H
#define CLI_PLAY_H

#include "arena/player.h"
#include "cli/board.h"

enum { PLAY_MOVES = 1024 };

typedef struct Session {
  const Game *game;
  Player *engine; /* NULL: two people */
  BoardStyle style;
  bool keys, info; /* single keys in a terminal; show what the engine thinks */
  int human;       /* side of the person */
  int visits;      /* simulations a move; 0 = the player's own */
  int level;       /* 0 = none was asked for */
  uint64_t seed;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[PLAY_MOVES], count;
  int cursor_row, cursor_col;
  PlayerAnalysis *analysis;
  bool analysed;     /* there is one */
  int analysed_side; /* whose move it was about: the engine's last one, or the person's next (a hint) */
  char message[512];
} Session;

bool play_over(const Session *session);
bool play_engine_to_move(const Session *session);
/* Clears the terminal and draws everything; from a pipe, prints it beneath what came before. */
void play_show(const Session *session);
/* The engine's name without folders and options, to be read rather than typed. */
void play_engine_name(const Session *session, char *text, size_t size);

#endif
