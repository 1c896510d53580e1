/* What is measured on the networks of an experiment besides their rating: accuracy, what remains of
 * imitation, diversity, generalisation, test-time search. Each measure is an object of numbers
 * (docs/compare.md), kept in FOLDER/measures.jsonl under a key that names the network's hash and all that
 * decides it, so that it is made once. */
#ifndef ARENA_COMPARE_MEASURE_H
#define ARENA_COMPARE_MEASURE_H

#include "arena/accuracy.h"
#include "arena/compare_pool.h"
#include "arena/compare_watch.h"

typedef struct CompareMeter CompareMeter;

/* Reads what is known already. NULL with a message. `watch`, which may be NULL, is for what takes long within
 * one measure; it must outlive the meter. */
CompareMeter *compare_meter_new(const Experiment *experiment, int threads, const CompareWatch *watch,
                                Error *err);
void compare_meter_free(CompareMeter *meter); /* NULL is fine */

/* Why generalisation could not be measured: which file of what the runs have learnt from is damaged or
 * missing; "" where none was. Borrowed. */
const char *compare_meter_unknown(const CompareMeter *meter);

/* All of these return a borrowed object, NULL with a message on failure, an empty one where the watch ends
 * it. */

/* A point of the pool: "value_kept", "best_score", "log_loss" (the network alone), "search_value_kept" (at
 * the pool's visits), where the game ships positions with exact scores; "solver_kl", "solver_top1" there;
 * "teacher_kl", "teacher_top1" where an arm has a teacher; "start_kl", "start_distance" from the run's first
 * network; "opening_entropy". */
const json_t *compare_measure_point(CompareMeter *meter, const ComparePool *pool, int point, Error *err);
/* Accuracy of a network with `visits`: "value_kept", "best_score". NULL with an empty message where the game
 * has no positions. */
const json_t *compare_measure_search(CompareMeter *meter, const ComparePoint *point, int visits, Error *err);
/* The network alone on the positions of another run's fresh games, or of COMPARE_SET_RANDOM or
 * COMPARE_SET_TEACHER, less those that any run has learnt from: "value_kept", "best_score", "positions". NULL
 * with an empty message where there can be no such set, or compare_meter_unknown() says why. */
enum { COMPARE_SET_RANDOM = -1, COMPARE_SET_TEACHER = -2 };
const json_t *compare_measure_set(CompareMeter *meter, const ComparePool *pool, int point, int set_point,
                                  Error *err);

/* The arm whose teacher is meant, -1 where no arm has one. */
int compare_teacher_arm(const Experiment *experiment);

#endif
