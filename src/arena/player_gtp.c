/* An engine over a pipe. The position is sent anew with every question, so that one engine can serve many
 * games; what random numbers it uses is its own affair. The first player of a game is black, the second
 * white. */
#include "arena/gtp.h"
#include "arena/player_kinds.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ANSWER_SECONDS 120.0

static bool set_position(Gtp *gtp, const Game *game, const PlayerQuery *query, Error *err) {
  char answer[GTP_ANSWER_MAX];
  if (!gtp_ask(gtp, answer, err, "clear_board")) return false;
  for (int i = 0; i < query->move_count; i++) {
    char move[GAME_MOVE_TEXT];
    game->print_move(query->moves[i], move);
    if (!gtp_ask(gtp, answer, err, "play %c %s", i % 2 ? 'w' : 'b', move)) return false;
  }
  return true;
}

static bool gtp_choose(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err) {
  const Game *game = player->game;
  for (int i = 0; i < count; i++) {
    char answer[GTP_ANSWER_MAX];
    const PlayerQuery *query = &queries[i];
    if (!set_position(player->self, game, query, err)) return false;
    if (!gtp_ask(player->self, answer, err, "genmove %c", query->move_count % 2 ? 'w' : 'b')) return false;
    if (strcasecmp(answer, "resign") == 0)
      return error_set(err,
                       "%.100s: the engine resigns, and games are played to their end; switch that off in it",
                       player->name);
    moves[i] = game->parse_move(answer);
    if (moves[i] < 0 || !game_is_legal(game, query->state, moves[i]))
      return error_set(err, "%.100s: asked for a move, the engine says '%.60s', which is no legal move",
                       player->name, answer);
  }
  return true;
}

static void gtp_release(Player *player) {
  gtp_free(player->self);
}

Player *player_make_gtp(const PlayerRequest *request, Error *err) {
  Player *player = player_shell(request, NULL, err, "gtp:%s", request->argument);
  if (!player) return NULL;
  Gtp *gtp = player->self = gtp_new(request->argument, ANSWER_SECONDS, err);
  player->release = gtp_release;
  if (!gtp) return player_free(player), NULL;
  player->choose = gtp_choose;
  /* A refusal is no failure: engines of a single board need no size. */
  char answer[GTP_ANSWER_MAX];
  Error ignored;
  if (request->game->rows == request->game->cols)
    (void)gtp_ask(gtp, answer, &ignored, "boardsize %d", request->game->rows);
  return player;
}
