/* The answers of an experiment as one self-contained page. */
#ifndef CLI_COMPARE_PAGE_H
#define CLI_COMPARE_PAGE_H

#include "arena/compare_result.h"

/* Writes the page of a result (arena/compare_result.h) to `path`, and its plots to the folder `svg` too where
 * that is not NULL; `command` is what makes it again. False with a message where gnuplot is missing or fails,
 * or a file cannot be written. */
bool compare_page_write(const json_t *result, const char *command, const char *path, const char *svg,
                        Error *err);

#endif
