/* The answers of an experiment as one JSON object; docs/compare.md lists its keys. */
#ifndef ARENA_COMPARE_RESULT_H
#define ARENA_COMPARE_RESULT_H

#include "arena/compare_data.h"

enum { COMPARE_GRID = 25 /* budgets at which curves are given, from 0 to all of it */ };

/* json_decref() it. */
json_t *compare_result(const CompareData *data);
/* Writes FOLDER/result.json. */
bool compare_result_save(const Experiment *experiment, const json_t *result, Error *err);

/* The sentences: what the numbers of `result` say, and what they cannot. Two arrays of strings, new
 * references. */
void compare_verdict(const json_t *result, json_t **verdict, json_t **limits);

#endif
