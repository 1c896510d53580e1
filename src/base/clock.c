#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double seconds_of(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double clock_wall(void) {
  return seconds_of(CLOCK_MONOTONIC);
}

double clock_cpu(void) {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double clock_thread_cpu(void) {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

size_t clock_peak_memory(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (size_t)usage.ru_maxrss * 1024;
}

void clock_format(double seconds, char text[CLOCK_TEXT]) {
  unsigned s = seconds > 0 ? (unsigned)(fmin(seconds, 1e9) + 0.5) : 0;
  if (s >= 100 * 3600)
    snprintf(text, CLOCK_TEXT, "%uh", s / 3600);
  else if (s >= 3600)
    snprintf(text, CLOCK_TEXT, "%uh %02um", s / 3600, s / 60 % 60);
  else if (s >= 60)
    snprintf(text, CLOCK_TEXT, "%um %02us", s / 60, s % 60);
  else
    snprintf(text, CLOCK_TEXT, "%us", s);
}
