/* What `selfplay compare` shows: the running table of a training, and the answers as text. */
#ifndef CLI_COMPARE_TEXT_H
#define CLI_COMPARE_TEXT_H

#include "arena/compare_result.h"
#include "arena/compare_train.h"
#include "cli/cli.h"

typedef struct CompareTable {
  CliProgress bar;
  double printed; /* clock_wall() of the last whole table */
} CompareTable;

CompareTable compare_table_new(void);
/* Wipes what stands on the terminal. */
void compare_table_end(CompareTable *table);
/* For CompareEvents, with a CompareTable as context: a line of progress, and now and then a table of all
 * runs. */
void compare_table_notice(void *context, const char *message);
void compare_table_progress(void *context, const CompareProgress *progress);

/* The answers on stdout. */
void compare_print_text(const Experiment *experiment, const json_t *result);

#endif
