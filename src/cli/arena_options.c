#include "cli/arena_options.h"

#include <math.h>
#include <string.h>

void cli_settle_game(CliCommon *common, const char *const *spellings, int count) {
  for (int i = 0; i < count && !common->game_given; i++) {
    const Game *game = spellings[i] ? player_game(spellings[i]) : NULL;
    if (game) common->game = game, common->game_given = true;
  }
}

Player *cli_new_player(const char *spelling, const CliCommon *common) {
  Error err;
  if (strcmp(spelling, "human") == 0) cli_usage_error("human: a person can be asked in `selfplay play' only");
  Player *player = player_new(spelling, common->game, common->threads, &err);
  if (!player) cli_fail_by(&err);
  return player;
}

Store *cli_open_store(const char *path) {
  Error err;
  Store *store = store_open(path, &err);
  if (!store) cli_fail_by(&err);
  return store;
}

char *cli_help_players(int key, const char *text, void *input) {
  (void)input;
  return key == ARGP_KEY_HELP_EXTRA ? strdup(player_help())
                                    : (char *)text; /* argp frees what is not `text` */
}

void cli_format_elo(double elo, char text[16]) {
  if (isnan(elo))
    snprintf(text, 16, "-");
  else if (isinf(elo))
    snprintf(text, 16, elo > 0 ? "+inf" : "-inf");
  else
    snprintf(text, 16, "%+.0f", elo);
}
