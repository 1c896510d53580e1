/* Time and memory of this process. Nothing that decides a result may read these. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>

enum { CLOCK_TEXT = 32 };

/* Monotonic wall time in seconds from an arbitrary start. */
double clock_wall(void);
/* Processor time of all threads of this process, in seconds. */
double clock_cpu(void);
/* Processor time of the calling thread alone, in seconds. */
double clock_thread_cpu(void);
/* Largest resident set this process has had, in bytes. */
size_t clock_peak_memory(void);
/* Writes "1h 02m", "3m 07s" or "12s" into text. */
void clock_format(double seconds, char text[CLOCK_TEXT]);

#endif
