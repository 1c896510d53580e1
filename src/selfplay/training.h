/* A training under way, as the modules that carry it out share it: run_train.c (its course), imitation.c
 * (the bootstrap stage), run_shards.c (self-play), run_iteration.c (one iteration), checkpoint.c (resuming),
 * describe.c (its log). */
#ifndef SELFPLAY_TRAINING_H
#define SELFPLAY_TRAINING_H

#include "selfplay/learner.h"
#include "selfplay/run_clock.h"

/* Totals since the run began, kept in the checkpoint: what the two arms are compared by. */
typedef struct Totals {
  int64_t iteration, games, positions, evaluations, samples;
  double flops; /* of evaluations and samples, each by the network of its time */
  double seconds, cpu_seconds, teacher_seconds;
} Totals;

typedef struct Training {
  RunInfo run;
  const RunConfig *config; /* the run's own, with this request's run.* */
  RunConfig merged;
  int threads;
  const RunEvents *events;
  const volatile sig_atomic_t *stop;
  Learner *learner;
  Replay *replay, *expert;
  Totals totals;
  RunClock clock;
  double last_iteration_seconds;
} Training;

/* False with a message once the learner has diverged; to be asked before anything is saved. */
bool training_is_sound(const Training *training, Error *err);
/* Messages and progress, to the caller's events; progress also keeps clock.json. Not from two threads at
 * once. */
void training_notice(const Training *training, const char *message);
void training_report(Training *training, RunStage stage, int64_t done, int64_t total);
/* *block: the whole one of this origin at `path`, or NULL where it is to be made: where there is none, or a
 * damaged one, which is named and set aside. False where it can be neither read nor set aside. From any
 * thread of an iteration. */
bool training_load_block(const Training *training, const ReplayOrigin *origin, const char *path,
                         ReplayBlock **block, Error *err);
/* Takes the clock into the totals. */
void training_account_time(Training *training);
/* Until the run ends by time or iterations; negative where unknown. */
double training_seconds_left(const Training *training);
/* A copy of the averaged network, calibrated on the newest positions of replay; the caller's to free. It
 * depends on learner and replay alone, so that what plays, what is saved and what a resumed run plays with
 * are the same. */
Net *training_player(const Training *training);
/* Floating-point operations: a forward pass of the network that plays for each evaluation; of the one that
 * learns, forward and twice that backward for each sample. */
double training_flops(const NetShape *player, int64_t evaluations, const NetShape *learner, int64_t samples);

#endif
