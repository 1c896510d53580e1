/* Targets: what self-play would teach a network, beside the truth.
 *
 * Self-play labels each position with a policy (the search's) and a value (the search's and the game's
 * outcome, as learner.value_mix and value_lambda say; a proven result where there is one). How right they are
 * is seen at once; what is learnt from them takes hours to see, and hangs on their variety too. The game's
 * exact solver judges them here, by the value alone: win, draw or loss, as 1, 0 or -1. */
#ifndef ARENA_TARGETS_H
#define ARENA_TARGETS_H

#include "base/error.h"
#include "net/plan.h"
#include "selfplay/replay.h"
#include "selfplay/run_config.h"

enum { TARGETS_BAND_PLIES = 4, TARGETS_BANDS_MAX = 64 };

typedef struct TargetsPlan {
  const Game *game;
  const RunConfig *config; /* of self-play as in iteration 1, and how value targets are made */
  const NetPlan *plan;     /* the network that plays */
  int games;
  int first_ply, last_ply; /* of the positions that are judged; at most TARGETS_BANDS_MAX bands */
  int per_ply;             /* at most so many of each ply, evenly spaced over the games */
  uint64_t seed;
  int threads; /* which do not change what is found */
} TargetsPlan;

/* A mean over positions, and half its 95 % interval. The positions of a game share its outcome, so the game
 * is the unit of the variance (the linearised variance of a ratio: W. G. Cochran, "Sampling Techniques", 3rd
 * ed. 1977, Eq. 6.13). NAN where there is no position; the half also where
 * all positions are alike, or of one game, from which no interval follows. */
typedef struct TargetsFigure {
  double mean, half;
} TargetsFigure;

typedef enum TargetsKind {
  TARGETS_OUTCOME_EXACT, /* share in which the game ended as perfect play would have */
  TARGETS_OUTCOME_ERROR, /* mean squared error of the outcome, ... */
  TARGETS_SEARCH_ERROR,  /* ... of the search's value, ... */
  TARGETS_VALUE_ERROR,   /* ... and of the value target */
  TARGETS_POLICY_MASS,   /* share of the policy target on moves that keep the value */
  TARGETS_MOVE_KEPT,     /* share in which the policy target's likeliest move keeps it */
  TARGETS_KINDS
} TargetsKind;

extern const char *const targets_kind_names[TARGETS_KINDS]; /* as "outcome_exact" */

typedef struct TargetsBand {
  int first_ply, last_ply, positions, games;
  TargetsFigure figures[TARGETS_KINDS];
} TargetsBand;

typedef struct Targets {
  ShardStats stats;    /* of all games */
  int unique;          /* distinct positions among all */
  double core_seconds; /* processor time of self-play, in all threads together */
  int band_count;
  TargetsBand bands[TARGETS_BANDS_MAX];
} Targets;

/* Plays and judges. `progress` (may be NULL) hears of positions judged. Positions that the solver does not
 * reach are left out; false with a message where the game has none. */
bool targets_measure(const TargetsPlan *plan, void (*progress)(void *context, int done, int total),
                     void *context, Targets *out, Error *err);

#endif
