/* What a run has cost in time, over all its sessions.
 *
 * Checkpoints hold the time too, but are minutes apart, and the bootstrap stage has none: the clock is
 * therefore kept in clock.json beside them, every two seconds and when a session ends, so that what a killed
 * session spent still counts towards run.minutes. run_clock_left() and run_clock_is_spent() are for any
 * thread; all else is for one at a time. */
#ifndef SELFPLAY_RUN_CLOCK_H
#define SELFPLAY_RUN_CLOCK_H

#include "selfplay/run_folder.h"

typedef struct RunTime {
  double seconds, cpu_seconds;
} RunTime;

typedef struct RunClock {
  RunTime spent, teacher; /* before `since`; the teacher's is part of the whole */
  RunTime since;          /* readings of wall and processor clock */
  bool teaching;
  bool paused;     /* what is done costs no budget: run_clock_skip() will end it */
  double limit;    /* seconds; 0 = none */
  double deadline; /* reading of the wall clock at which it is reached */
  double written;  /* the same when clock.json was */
  char path[FILE_PATH_MAX];
} RunClock;

/* Goes on from clock.json, or from 0 where there is none or none that can be read. `minutes` 0: no limit. */
void run_clock_start(RunClock *clock, const RunInfo *run, double minutes);
/* Never less than a checkpoint knows of. */
void run_clock_at_least(RunClock *clock, RunTime spent, double teacher_seconds);
/* Takes the clocks' advance into spent, and into teacher while teaching. */
void run_clock_advance(RunClock *clock);
/* Leaves out the time since the last advance. */
void run_clock_skip(RunClock *clock);
/* Processor time counts from here on as if the teacher's were all before it: what an earlier session spent on
 * something that is done anew was spent, but is no part of what the run takes. Wall-clock time stays. */
void run_clock_restart_after_teacher(RunClock *clock);
/* Says whether what follows is the teacher's. */
void run_clock_teach(RunClock *clock, bool teaching);
/* Seconds until the limit, 0 where it is reached; negative where there is none. */
double run_clock_left(const RunClock *clock);
bool run_clock_is_spent(const RunClock *clock);
/* Writes clock.json, unless `hurry` is false and that was done two seconds ago or less. */
bool run_clock_write(RunClock *clock, bool hurry, Error *err);

#endif
