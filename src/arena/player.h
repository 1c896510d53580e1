/* Player: whatever picks a move. Spelled as text, so that every command takes the same names:
 *
 *   run:NAME@12,visits=200   iteration 12 of a run (a folder, or a name under runs/); without @ the newest
 *   net:FILE,visits=200      a network file
 *   random                   uniform over legal moves
 *   mcts:1000                plain MCTS, uniform priors, 1000 random playouts a move
 *   alphabeta:4              alpha-beta of depth 4 with the game's heuristic, ties broken at random
 *   solver                   exact play (best score, or any move that keeps the value while
 *                            a book of the opening knows no more; ties at random)
 *   human                    a person; only `selfplay play` can ask one
 *   gtp:COMMAND              another engine over a pipe, speaking the Go Text Protocol
 *
 * Options after a comma, for networks: visits=N (0 = the network's policy alone, no search; default 200),
 * search=gumbel|puct (default gumbel; analysing is always by puct), scale=S (Gumbel's c_scale, default 0.5),
 * temperature=T (default 0), solve=on|off (default on: proven values are carried up the tree), probe=N (with
 * solve: moves that mcts/probe.h may play at a leaf; default 2000), images=N (the mean of the network's
 * answers to so many symmetric images of a position, for N times the work; default 1), precision=
 * float32|int8|fastest (default float32; net/plan.h), level=1..10 (visits and temperature for a person to
 * play against: 1 is a beginner, 10 the full engine). Of options that set the same thing the last one counts.
 * A word that is no kind of player but names a run's folder (or a .net file) is that run (or file).
 *
 * A player is asked for many positions at once, from as many games, so that networks can evaluate them as
 * batches; the answer for one position depends on that position and its Rng alone, not on its company. */
#ifndef ARENA_PLAYER_H
#define ARENA_PLAYER_H

#include "base/error.h"
#include "base/rng.h"
#include "games/game.h"
#include "mcts/search.h"
#include "net/plan.h"
#include "selfplay/run_config.h"

enum { PLAYER_NAME_MAX = 256, PLAYER_VISITS_MAX = 10000000 };

typedef struct PlayerQuery {
  const void *state; /* not a finished game */
  const int *moves;  /* the line from the starting position to this state, for engines that need it */
  int move_count;
  Rng rng; /* all randomness of the answer */
} PlayerQuery;

/* What a search found, for people and reports. Values are seen from the player to move. */
typedef struct PlayerAnalysis {
  int move;         /* what it would play */
  float wdl[3];     /* after search (network's own where visits = 0) */
  bool has_network; /* there is one, and without search it says: */
  float network_wdl[3];
  SearchChild children[GAME_MOVES_MAX]; /* legal moves, ascending */
  int child_count;
  int pv[64], pv_length;
  int visits;  /* simulations done */
  bool proven; /* the position's game value is certain: */
  int proven_value;
} PlayerAnalysis;

typedef struct Player Player;
struct Player {
  char name[PLAYER_NAME_MAX]; /* canonical spelling, unique for ratings: run:demo@12,visits=200 */
  uint32_t hash;              /* CRC-32 of the network behind it, else 0 */
  bool network;               /* a network is behind it, so it takes the option visits= */
  int visits;                 /* simulations a move; 0 where it does not search by simulations */
  const Game *game;
  void *self;
  /* Picks moves[count] for queries[count]. False with a message where an external engine failed. */
  bool (*choose)(Player *player, const PlayerQuery *queries, int count, int *moves, Error *err);
  /* A look at one position with `visits` simulations (0 = the player's own budget), on all threads. NULL for
   * players that have nothing to show. */
  bool (*analyze)(Player *player, const PlayerQuery *query, int visits, PlayerAnalysis *out, Error *err);
  void (*release)(Player *player);
};

/* True of a spelling that names a network, by run: or net: or its bare folder or file. */
bool player_is_network(const char *spelling);
/* The game that such a run or file is of; NULL where it is none, or cannot be read. */
const Game *player_game(const char *spelling);
/* NULL with a message that quotes the spelling and says what is wrong with it. `threads` >= 1 may be used
 * inside choose and analyze. */
Player *player_new(const char *spelling, const Game *game, int threads, Error *err);
void player_free(Player *player); /* NULL is fine */
/* What a network's player evaluates by, and the configuration of the run that trained it; the player's own,
 * NULL where there is none. */
const NetPlan *player_plan(const Player *player);
const RunConfig *player_trained_by(const Player *player);
int player_iteration(const Player *player); /* of that run; -1 where it is no run's */
/* One line a kind of player, for --help. */
const char *player_help(void);

#endif
