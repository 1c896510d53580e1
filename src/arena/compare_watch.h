/* Who watches an experiment being measured, and may end it. */
#ifndef ARENA_COMPARE_WATCH_H
#define ARENA_COMPARE_WATCH_H

#include "base/error.h"

#include <signal.h>
#include <stdbool.h>

typedef struct CompareWatch {
  /* Told what is being done, from one thread at a time; NULL: nobody is. */
  void (*doing)(void *context, const char *what, int done, int total);
  void *context;
  const volatile sig_atomic_t *stop; /* may be set by a signal handler */
} CompareWatch;

/* Tells, and asks: false with an empty message where the end is wanted. NULL watches nothing. */
bool compare_watch(const CompareWatch *watch, const char *what, int done, int total, Error *err);

#endif
