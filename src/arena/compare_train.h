/* Training the runs of an experiment: slice by slice, each in a process of its own. */
#ifndef ARENA_COMPARE_TRAIN_H
#define ARENA_COMPARE_TRAIN_H

#include "arena/compare.h"

typedef struct CompareProgress {
  const Experiment *experiment;
  int run;                  /* one that is being trained */
  const RunProgress *stage; /* what it does now; NULL after a slice of training */
  double seconds_left;      /* of training, estimated; negative where unknown */
} CompareProgress;

typedef struct CompareEvents {
  void *context;
  void (*notice)(void *context, const char *message);
  void (*progress)(void *context, const CompareProgress *progress);
} CompareEvents;

/* Trains until every run has spent its budget: the run furthest behind gets the next slice, its bootstrap
 * stage or some iterations (a twenty-fifth of the budget, but for the last of them). `jobs` slices of
 * different runs are under way at once, with `threads` threads each. *stop may be set by a signal handler;
 * what is under way then ends as run_train() does. False with an empty message where it was set. */
bool experiment_train(Experiment *experiment, int jobs, int threads, const CompareEvents *events,
                      const volatile sig_atomic_t *stop, Error *err);

#endif
