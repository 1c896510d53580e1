/* An experiment under way: a folder with one run for each arm and seed, trained in turns so that a noisy
 * machine hurts all arms alike.
 *
 *   FOLDER/design.ini            the design (compare_design.h)
 *   FOLDER/runs/ARM-SEED/        the runs (selfplay/run.h)
 *   FOLDER/ratings.sqlite        all games of the rating pool (store.h)
 *   FOLDER/measures.jsonl        what was measured on networks, an object a line; nothing is measured twice
 *   FOLDER/result.json           the answers (docs/compare.md)
 *
 * Whatever is killed at any instant is continued by the same call: runs are, and the rest is made of whole
 * lines. */
#ifndef ARENA_COMPARE_H
#define ARENA_COMPARE_H

#include "arena/compare_design.h"

typedef struct CompareCost {
  double amount[COMPARE_UNITS];
} CompareCost;

typedef struct CompareRun {
  int arm, seed_index;
  uint64_t seed;
  char folder[FILE_PATH_MAX];
  char name[80];      /* ARM-SEED, the folder's last part */
  int networks;       /* 0 before the first one; then networks 0 .. networks-1 exist */
  CompareCost *costs; /* [networks], of everything up to that network */
  char versions[256]; /* of the program that has trained it; more than one where it went on with another */
  bool finished;      /* its budget is used up */
  bool busy;          /* being trained (compare_train.h) */
} CompareRun;

typedef struct Experiment {
  char folder[FILE_PATH_MAX];
  CompareDesign design;
  CompareRun *runs; /* [arm_count * seeds], seed by seed, arms in order */
  int run_count;
} Experiment;

/* Makes the folder, or checks that the experiment in it is this one: the budget, the number of seeds and what
 * is measured may be changed, the arms may not. Takes the design over, also where it fails. */
bool experiment_open(const char *folder, CompareDesign *design, Experiment *out, Error *err);
void experiment_free(Experiment *experiment);
/* FOLDER/RELATIVE */
void experiment_path(const Experiment *experiment, const char *relative, char path[FILE_PATH_MAX]);

/* Share of its budget that a run has spent. */
double experiment_share(const Experiment *experiment, int run);
/* The run furthest behind its budget that is not being trained; -1 when there is none. */
int experiment_next(const Experiment *experiment);
/* Brings networks, costs and finished of one of its runs up to what is on disk. */
bool experiment_refresh(const Experiment *experiment, CompareRun *run, Error *err);

#endif
