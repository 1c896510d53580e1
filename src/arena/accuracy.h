/* Accuracy: how close a player comes to perfect play, on positions whose exact scores are known.
 *
 * Positions are lines `MOVES S1,...,Sn`: the moves from the start, then the exact score of each move number
 * for the player to move (`.` where it is illegal), as in games/exact.h: positive wins, 0 draws, negative
 * loses, larger is better. `#` begins a comment. */
#ifndef ARENA_ACCURACY_H
#define ARENA_ACCURACY_H

#include "arena/player.h"

#include <limits.h>

enum { POSITION_ILLEGAL = INT_MIN };

typedef struct Positions {
  const Game *game;
  int count;
  char *states; /* [count][state_size] */
  int *moves;   /* [count][max_plies], the lines */
  int *plies;   /* [count] */
  int *scores;  /* [count][game->moves]; POSITION_ILLEGAL where illegal */
} Positions;

/* NULL with a message that names FILE:LINE. */
Positions *positions_read(const Game *game, const char *path, Error *err);
/* The shipped set, positions/GAME.txt; *out is NULL where there is none. False where it is there, but
 * damaged. */
bool positions_find(const Game *game, Positions **out, Error *err);
/* The same where it is needed; NULL with a message where there is none. */
Positions *positions_shipped(const Game *game, Error *err);
/* CRC-32 of the positions and their scores. */
uint32_t positions_crc(const Positions *positions);
/* None yet, with room for `capacity`; the caller's to free. */
Positions *positions_empty(const Game *game, int capacity);
/* At most `count` of them, evenly spaced, in their order; the caller's to free. */
Positions *positions_thin(const Positions *positions, int count);
void positions_free(Positions *positions); /* NULL is fine */

/* A share with its Wilson 95 % interval. */
typedef struct AccuracyRate {
  int hits;
  double share, low, high;
} AccuracyRate;

typedef struct AccuracySide {
  AccuracyRate value_kept; /* the move keeps the position's game-theoretic value (win, draw, loss) */
  AccuracyRate best_score; /* the move is one of the best-scoring ones */
} AccuracySide;

typedef struct Accuracy {
  int positions;
  AccuracySide moves; /* of player->choose */
  /* For players that analyze without search (a network with visits=0): the mean of -ln(probability of the
   * true outcome) of the WDL head, nats, with its normal 95 % interval. */
  bool has_log_loss;
  double log_loss, log_loss_low, log_loss_high;
} Accuracy;

/* Runs the player on all positions; its random streams follow from the seed. `progress` may be NULL. */
bool accuracy_measure(Player *player, const Positions *positions, uint64_t seed,
                      void (*progress)(void *context, int done, int total), void *context, Accuracy *out,
                      Error *err);

#endif
