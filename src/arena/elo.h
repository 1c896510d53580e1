/* Elo: plays what is missing between the players asked for, and rates everything recorded of a game.
 *
 * Half of the games wanted are a round robin of all pairings (or the pairings that the caller names), so that
 * everybody is connected to everybody;
 * the rest go one small match at a time to the player with the widest interval, against the opponent whose
 * games say most (close in rating, few games so far). Games already recorded count. A pairing never meets
 * twice on one opening. */
#ifndef ARENA_ELO_H
#define ARENA_ELO_H

#include "arena/match.h"
#include "arena/store.h"

#include <signal.h>

/* Spelling of the player whose rating is 0 in this game, always. */
const char *elo_reference(const Game *game);

typedef struct EloProgress {
  const Player *a, *b;         /* now playing */
  int games_done, games_total; /* an estimate of the total */
} EloProgress;

/* Players a and b, by index, shall meet on at least this many openings. */
typedef struct EloPairing {
  int a, b, pairs;
} EloPairing;

typedef struct EloOptions {
  int games; /* each player is to have at least this many recorded games against the others */
  uint64_t seed;
  const EloPairing *pairings; /* played first, in place of the round robin; NULL: the round robin */
  int pairing_count;
  const bool *sated; /* [players], those who shall have no games beyond these pairings; NULL: none */
  void (*progress)(void *context, const EloProgress *progress); /* may be NULL */
  void *context;
  const volatile sig_atomic_t *stop; /* ends it soon, false with an empty message; may be NULL */
  /* Where hundreds of players would not fit into memory at once: makes players[index], which then needs game,
   * name and hash alone, for one match, after which it is freed. NULL with a message; NULL: players play. */
  Player *(*open)(void *open_context, int index, Error *err);
  void *open_context;
} EloOptions;

typedef struct EloPlayed {
  int games;      /* played and recorded now */
  bool exhausted; /* pairings ran out of openings, and so somebody has fewer games than asked for */
} EloPlayed;

/* Players differ in name or hash; count >= 2; the reference should be among them. */
bool elo_play(Store *store, Player *const *players, int count, const EloOptions *options, EloPlayed *played,
              Error *err);

typedef struct EloTable {
  StoreResults results;
  RatingTable *ratings; /* of results.players */
  int *order;           /* indices of the players, strongest first; those not connected last */
} EloTable;

/* Everything recorded of the game, with `resamples` of the bootstrap (0: none). False with a message where
 * nothing is recorded, or nothing of the reference. */
bool elo_rate(Store *store, const Game *game, int resamples, uint64_t seed, EloTable *out, Error *err);
void elo_table_free(EloTable *table);

#endif
