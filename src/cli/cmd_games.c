/* selfplay games: what can be played. */
#include "cli/cli.h"

static const struct argp_child children[] = {{&cli_json_argp, 0, 0, 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  (void)arg;
  if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
  cli_share_input(state);
  return 0;
}

static const struct argp parser = {
    .parser = parse,
    .children = children,
    .doc =
        "Lists the games.\v"
        "JSON: {\"games\": [{\"name\", \"title\", \"rows\", \"cols\", \"moves\", \"max_plies\", "
        "\"symmetries\", "
        "\"config\", \"weights\"}]}, where config and weights say whether a file of that kind is shipped."};

static bool shipped(const char *format, const Game *game) {
  char relative[96], path[FILE_PATH_MAX];
  Error err;
  snprintf(relative, sizeof relative, format, game->name);
  return file_find_shipped(relative, path, &err);
}

int cmd_games(int argc, char **argv) {
  CliCommon common = cli_common_defaults();
  argp_parse(&parser, argc, argv, 0, NULL, &common);
  json_t *list = json_array();
  if (!common.json)
    printf("%-12s %-24s %-7s %6s %8s  %s\n", "name", "title", "board", "moves", "plies", "shipped");
  for (int i = 0; i < game_count(); i++) {
    const Game *game = game_at(i);
    bool config = shipped("configs/%s.conf", game), weights = shipped("weights/%s.net", game);
    json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:b}", "name", game->name,
                                          "title", game->title, "rows", game->rows, "cols", game->cols,
                                          "moves", game->moves, "max_plies", game->max_plies, "symmetries",
                                          game->symmetries, "config", config, "weights", weights));
    if (!common.json)
      printf("%-12s %-24s %d x %-3d %6d %8d  %s%s%s\n", game->name, game->title, game->rows, game->cols,
             game->moves, game->max_plies, config ? "configuration" : "", config && weights ? ", " : "",
             weights ? "weights" : "");
  }
  if (common.json)
    cli_print_json(json_pack("{s:o}", "games", list));
  else
    json_decref(list);
  return 0;
}
