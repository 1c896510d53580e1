/* Small experiments, which tests train and measure. */
#ifndef TESTS_EXPERIMENT_H
#define TESTS_EXPERIMENT_H

#include "arena/compare_data.h"

#include <jansson.h>

/* A design with tiny networks and few games. */
void small_design_of(const char *game, const char *arms, const char *budget, CompareDesign *design);
/* The same, of tic-tac-toe. */
void small_design(const char *arms, const char *budget, CompareDesign *design);
/* An experiment of it in the folder: a new one, or the one that is there. */
void small_open(const char *folder, const char *arms, const char *budget, Experiment *experiment);

/* Asks to stop after some slices. */
typedef struct Interruption {
  int slices, stop_after;
  int order[64];
} Interruption;

/* Trains with `jobs` runs at a time, until the end or the interruption. */
void small_train(Experiment *experiment, int jobs, Interruption *interruption);
/* Measures all, by nobody watched. Free with json_decref(). */
json_t *small_result(const Experiment *experiment);
extern const CompareWatch small_unwatched;

#endif
