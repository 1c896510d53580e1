#include "cli/play.h"

#include "cli/cli.h"
#include "cli/show_analysis.h"

#include <stdio.h>
#include <string.h>

bool play_over(const Session *session) {
  float value;
  return session->game->over(session->state, &value);
}

bool play_engine_to_move(const Session *session) {
  return session->engine && !play_over(session) && session->game->to_move(session->state) != session->human;
}

void play_engine_name(const Session *session, char *text, size_t size) {
  const char *name = session->engine->name;
  bool file = strncmp(name, "net:", 4) == 0 || strncmp(name, "run:", 4) == 0;
  const char *colon = strchr(name, ':'), *start = name, *comma = strrchr(name, ',');
  if (file) start = colon + 1;
  for (const char *at = start; file && *at && *at != ','; at++)
    if (*at == '/') start = at + 1;
  int length = file && comma && comma > start ? (int)strcspn(start, ",") : (int)strlen(start);
  snprintf(text, size, "%.*s", length, start);
}

static void put_side(const Session *session, int side) {
  board_piece(stdout, &session->style, session->game, side + 1);
  fputs(session->game->player[side], stdout);
}

/* Who plays whom. */
static void put_players(const Session *session) {
  char name[PLAYER_NAME_MAX];
  if (!session->engine) {
    put_side(session, 0);
    printf("  against ");
    put_side(session, 1);
    printf(", two people\n");
    return;
  }
  play_engine_name(session, name, sizeof name);
  printf("you:");
  put_side(session, session->human);
  printf("   %s:", name);
  put_side(session, 1 - session->human);
  if (session->level) printf(", level %d", session->level);
  int visits = session->visits ? session->visits : session->engine->visits;
  if (session->engine->analyze && visits) printf(", %d visits a move", visits);
  printf("\n");
}

static void put_analysis(const Session *session) {
  char name[PLAYER_NAME_MAX] = "engine";
  const char *side = session->game->player[session->analysed_side];
  if (session->engine) play_engine_name(session, name, sizeof name);
  if (!session->analysed) {
    printf("%s has not thought about this game yet; h asks it for a hint\n", name);
    return;
  }
  if (session->analysed_side == session->human)
    printf("%s about your move, as %s sees it:\n", name, side);
  else
    printf("%s before its move, as %s sees it:\n", name, side);
  show_analysis(stdout, session->game, session->analysis, session->style.unicode, cli_width(stdout));
}

static void put_result(const Session *session) {
  float value = 0;
  session->game->over(session->state, &value);
  int mover = session->game->to_move(session->state), winner = value > 0 ? mover : 1 - mover;
  char name[PLAYER_NAME_MAX] = "";
  if (session->engine) play_engine_name(session, name, sizeof name);
  if (value == 0)
    printf("Draw.");
  else if (!session->engine)
    printf("%s wins.", session->game->player[winner]);
  else
    printf("%s wins: %s.", session->game->player[winner], winner == session->human ? "you" : name);
  printf("%s\n", session->keys ? "   n new game   u undo   q quit" : "");
}

void play_show(const Session *session) {
  const Game *game = session->game;
  if (session->keys) printf("\033[H\033[2J");
  int last = session->count ? session->moves[session->count - 1] : -1;
  bool choosing = session->keys && !play_over(session), columns = game_moves_are_columns(game);
  printf("%s\n", game->title);
  board_draw(stdout, &session->style, game, session->state, last, columns ? -1 : session->cursor_row,
             choosing ? session->cursor_col : -1);
  put_players(session);
  if (session->info && session->engine) put_analysis(session);
  if (session->message[0]) printf("%s\n", session->message);
  if (play_over(session)) {
    put_result(session);
  } else {
    printf("%s to move", game->player[game->to_move(session->state)]);
    printf("%s\n", play_engine_to_move(session) ? ", thinking ..." : session->keys ? "   (? help)" : "");
  }
  fflush(stdout);
}
