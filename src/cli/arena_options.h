/* What the commands match, elo and accuracy share. */
#ifndef CLI_ARENA_OPTIONS_H
#define CLI_ARENA_OPTIONS_H

#include "arena/player.h"
#include "arena/store.h"
#include "cli/cli.h"

#define CLI_DEFAULT_DB "runs/ratings.sqlite"

/* Where --game was not given: the game of the first of these players that is a run or a network file. */
void cli_settle_game(CliCommon *common, const char *const *spellings, int count);
/* The player, which is no person, or the end of the program with its message. */
Player *cli_new_player(const char *spelling, const CliCommon *common);
Store *cli_open_store(const char *path);
/* For an argp's help_filter: --help ends with the kinds of players. */
char *cli_help_players(int key, const char *text, void *input);
/* "+123", "-45", "+inf" into text[16]. */
void cli_format_elo(double elo, char text[16]);

#endif
