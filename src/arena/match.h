/* Matches: every opening twice with colours swapped, all games advancing together, so that a player is asked
 * for many positions at once. Move m of game g draws from a stream named by (seed, m, g): the same match is
 * played again from the same seed, whatever the number of threads (external engines excepted). */
#ifndef ARENA_MATCH_H
#define ARENA_MATCH_H

#include "arena/openings.h"
#include "arena/player.h"
#include "arena/score.h"
#include "arena/sprt.h"

#include <signal.h>

typedef struct MatchGame {
  int opening; /* index into the openings; its two games are a pair */
  int swapped; /* 0: player a moved first, 1: player b did */
  int points;  /* half points of player a */
  int *moves;  /* the whole line, opening included */
  int move_count;
} MatchGame;

/* After every round of moves: games finished and moves made of the batch of pairs now played, and all that is
 * over. */
typedef struct MatchProgress {
  int games_done, games_total; /* of all pairs asked for */
  int moves_done;              /* in games that still run, to see life in the first games */
  const Score *score;          /* of finished batches */
  double llr;                  /* of the SPRT, 0 without */
} MatchProgress;

typedef struct MatchOptions {
  uint64_t seed;
  const Sprt *sprt;                                               /* NULL: play all pairs */
  void (*progress)(void *context, const MatchProgress *progress); /* may be NULL */
  void *context;
  const volatile sig_atomic_t *stop; /* once it is set, no further move is made; NULL: none */
} MatchOptions;

typedef struct MatchResult {
  MatchGame *games; /* [count]: pair k is games 2k and 2k+1 */
  int count;
  int distinct; /* games with different (colours, whole line); fewer than count only where players see no
                   opening */
  Score score;  /* of player a */
  SprtVerdict verdict; /* SPRT_CONTINUE where it did not decide */
  double llr;
  int *storage;
} MatchResult;

/* Plays all openings, or fewer where the SPRT decides. Both players may be the same. Where a player fails, or
 * it is stopped (false without a message), the result has the batches before: of one that has begun the short
 * games are over first, and would say something else. Release the result with match_result_free(), also after
 * a failure. */
bool match_play(Player *a, Player *b, const Openings *openings, const MatchOptions *options, MatchResult *out,
                Error *err);
void match_result_free(MatchResult *result);

#endif
