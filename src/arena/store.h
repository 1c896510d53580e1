/* Store: all games ever played between players, in one SQLite file per workspace, for many processes at once.
 *
 *   players  (id, name, hash)                        a name with another network behind it is another player
 *   openings (id, game, moves)
 *   pairs    (id, opening)                           two games of one opening with colours swapped
 *   games    (pair, opening, first, second, moves, points, played_at)
 *
 * `moves` is the whole line in the game's move names, opening included; `points` are the first player's half
 * points; `played_at` is UTC. The same whole line by the same players with the same colours is one game,
 * however often it is played: adding it again changes nothing. A match is added in one transaction, all or
 * nothing. */
#ifndef ARENA_STORE_H
#define ARENA_STORE_H

#include "arena/ratings.h"
#include "base/error.h"

#include <stdint.h>

enum { STORE_NAME_MAX = 256 };

typedef struct Store Store;

typedef struct StorePlayer {
  char name[STORE_NAME_MAX];
  uint32_t hash; /* of the network, 0 where there is none */
} StorePlayer;

/* One game to be added; texts stay the caller's. */
typedef struct StoreGame {
  const char *opening; /* moves of the opening */
  const char *moves;   /* the whole line */
  int pair;            /* games of one call with equal numbers are a pair */
  int swapped;         /* 0: player a moved first, 1: player b did */
  int points;          /* half points of whoever moved first */
} StoreGame;

/* All games of one game, for ratings_new(). */
typedef struct StoreResults {
  StorePlayer *players;
  int player_count;
  RatingGame *games; /* first, second: indices into players; pair: unique in the file */
  int count;
} StoreResults;

/* Opens or creates the file (and its folder). NULL with a message where it cannot be, is damaged, or belongs
 * to another program or a newer version. */
Store *store_open(const char *path, Error *err);
/* Of its file, for messages; the store's. */
const char *store_path(const Store *store);
void store_close(Store *store); /* NULL is fine */
/* Adds the games of players a and b; *added (may be NULL) is how many were new. */
bool store_add(Store *store, const char *game, const StorePlayer *a, const StorePlayer *b,
               const StoreGame *games, int count, int *added, Error *err);
/* Everything recorded of a game; release with store_results_free(). */
bool store_results(Store *store, const char *game, StoreResults *out, Error *err);
void store_results_free(StoreResults *results);
/* One recorded game; texts are the store's, until the visit is over. */
typedef struct StoreRecord {
  StorePlayer first, second;
  const char *opening, *moves, *played_at;
  int points; /* half points of the first */
  int64_t pair;
} StoreRecord;

/* False, with a message, ends the walk. */
typedef bool StoreVisit(void *context, const StoreRecord *record, Error *err);
/* All recorded games of a game in the order of their recording. */
bool store_each(Store *store, const char *game, StoreVisit *visit, void *context, Error *err);
/* Index of a player in the results; -1 where it has not played. */
int store_results_find(const StoreResults *results, const char *name, uint32_t hash);
/* Sets used[i] where a and b have met on openings[i], either colour. */
bool store_openings_used(Store *store, const char *game, const StorePlayer *a, const StorePlayer *b,
                         const char *const *openings, int count, bool *used, Error *err);

#endif
