/* The numbers of an experiment for other programs. */
#ifndef CLI_COMPARE_EXPORT_H
#define CLI_COMPARE_EXPORT_H

#include <jansson.h>

/* points.csv: a row for each measured network; curves.csv: the bands over seeds, a row for each arm, unit,
 * budget and measure; search.csv: test-time search, a row for each arm, checkpoint and number of visits. A
 * field is empty where nothing is known. */
void compare_write_csv(const json_t *result, const char *folder);
/* FOLDER/ARM-SEED/events.out.tfevents...: the measures of each run's networks, "compare/MEASURE"; the step is
 * the iteration, the wall time the processor seconds spent so far. */
void compare_write_tensorboard(const json_t *result, const char *folder);

#endif
