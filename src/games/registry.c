#include "games/connect4.h"
#include "games/othello.h"
#include "games/tictactoe.h"

#include <string.h>

static const Game *const games[] = {&game_tictactoe, &game_connect4, &game_othello6, &game_othello};

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
