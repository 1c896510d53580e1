/* What compare_verdict.c and compare_limits.c share: sentences, and the questions they ask of a result. */
#ifndef ARENA_COMPARE_SENTENCES_H
#define ARENA_COMPARE_SENTENCES_H

#include <jansson.h>

/* Appends a sentence to the list. */
void compare_say(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 1 where the whole interval is above zero, -1 below, 0 where it holds zero or there is none. */
int compare_side_of(const json_t *band);
/* The same at the level that so many comparisons ask for (O. J. Dunn, "Multiple comparisons among means",
 * 1961): 95% that none of them excludes zero by chance. */
int compare_side_among(const json_t *band, size_t comparisons);
/* The budget up to which runs are compared: what all have reached. */
double compare_reached(const json_t *experiment, const json_t *arms);
/* NULL where there is none of this name. */
const json_t *compare_arm_named(const json_t *arms, const char *name);
/* How much more a run gained by games inside it than against fixed opponents, and half its 95 % interval (of
 * two independent ratings); NaN where either is missing. */
double compare_gain_gap(const json_t *run, double *half);
/* Appends what the result's numbers cannot say. */
void compare_limits(const json_t *result, json_t *limits);

#endif
