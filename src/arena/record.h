/* From matches to the ratings file. */
#ifndef ARENA_RECORD_H
#define ARENA_RECORD_H

#include "arena/match.h"
#include "arena/store.h"

StorePlayer record_player(const Player *player);
/* Adds the games of a match of a and b; *added (may be NULL) is how many were new. A match of a player
 * against itself is an error: it says nothing about strength. */
bool record_match(Store *store, const Player *a, const Player *b, const Openings *openings,
                  const MatchResult *result, int *added, Error *err);
/* The openings of `pool` on which a and b have not met, at most `count`; release with openings_free(). NULL
 * with a message where the store fails. */
Openings *record_fresh_openings(Store *store, const Player *a, const Player *b, const Openings *pool,
                                int count, Error *err);

#endif
