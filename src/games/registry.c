#include "games/game.h"

#include <string.h>

/* The games, one line each: `NAME` stands for `const Game game_NAME`, which the game's own file defines. */
#define GAMES(EACH)                                                                                          \
  EACH(tictactoe)                                                                                            \
  EACH(connect4)                                                                                             \
  EACH(othello6)                                                                                             \
  EACH(othello)

#define DECLARED(name) extern const Game game_##name;
GAMES(DECLARED)

#define LISTED(name) &game_##name,
static const Game *const games[] = {GAMES(LISTED)};

int game_count(void) {
  return (int)(sizeof games / sizeof *games);
}

const Game *game_at(int index) {
  return games[index];
}

const Game *game_find(const char *name) {
  for (int i = 0; i < game_count(); i++)
    if (strcmp(games[i]->name, name) == 0) return games[i];
  return NULL;
}
