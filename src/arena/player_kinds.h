/* The makers of players, for player.c's table alone; everybody else calls player_new(). */
#ifndef ARENA_PLAYER_KINDS_H
#define ARENA_PLAYER_KINDS_H

#include "arena/player.h"
#include "base/file.h"

enum { PLAYER_DEFAULT_VISITS = 200, PLAYER_PROBE_MAX = 1000000 };
/* c_scale of Gumbel's sigma(q) = (c_visit + most visits) c_scale q (mcts/search.h). Half of what self-play
 * has, since sigma grows with the visits, of which players have more; by measurement (docs/explorations.md).
 */
#define PLAYER_DEFAULT_SCALE 0.5

/* A spelling taken apart. */
typedef struct PlayerRequest {
  const Game *game;
  int threads;
  char argument[FILE_PATH_MAX]; /* behind the colon: "demo@12", "1000"; empty where there is none */
  int number;                   /* the argument as a number, for kinds that take one */
  int visits;                   /* options, for networks */
  int search;                   /* SearchKind */
  int solve;                    /* SearchConfig.solve */
  int probe;                    /* SearchConfig.probe_nodes */
  int images;                   /* of net_evaluator_new() */
  int precision;                /* PlanPrecision */
  double temperature;
  double scale; /* SearchConfig.gumbel_scale */
} PlayerRequest;

typedef Player *PlayerMaker(const PlayerRequest *request, Error *err);

PlayerMaker player_make_run, player_make_net; /* player_net.c */
PlayerMaker player_make_random, player_make_alphabeta, player_make_solver,
    player_make_human;        /* player_basic.c */
PlayerMaker player_make_mcts; /* player_mcts.c */
PlayerMaker player_make_gtp;  /* player_gtp.c */

/* A Player whose name is formatted; NULL with a message where that is too long. `self` stays the caller's
 * then. */
Player *player_shell(const PlayerRequest *request, void *self, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
