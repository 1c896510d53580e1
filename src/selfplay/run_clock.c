#include "selfplay/run_clock.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_SECONDS = 2 };

static RunTime now(void) {
  return (RunTime){clock_wall(), clock_cpu()};
}

static void set_deadline(RunClock *clock) {
  clock->deadline = clock->limit > 0 ? clock->since.seconds + clock->limit - clock->spent.seconds : INFINITY;
}

void run_clock_start(RunClock *clock, const RunInfo *run, double minutes) {
  *clock = (RunClock){.since = now(), .limit = 60 * minutes};
  run_path(run, "clock.json", clock->path);
  json_t *root = json_load_file(clock->path, 0, NULL);
  RunTime spent, teacher;
  if (root &&
      json_unpack(root, "{s:F, s:F, s:F, s:F}", "seconds", &spent.seconds, "cpu_seconds", &spent.cpu_seconds,
                  "teacher_seconds", &teacher.seconds, "teacher_cpu_seconds", &teacher.cpu_seconds) == 0)
    clock->spent = spent, clock->teacher = teacher;
  json_decref(root);
  set_deadline(clock);
}

void run_clock_at_least(RunClock *clock, RunTime spent, double teacher_seconds) {
  clock->spent.seconds = fmax(clock->spent.seconds, spent.seconds);
  clock->spent.cpu_seconds = fmax(clock->spent.cpu_seconds, spent.cpu_seconds);
  clock->teacher.seconds = fmax(clock->teacher.seconds, teacher_seconds);
  set_deadline(clock);
}

static void add(RunTime *sum, RunTime from, RunTime to) {
  sum->seconds += to.seconds - from.seconds;
  sum->cpu_seconds += to.cpu_seconds - from.cpu_seconds;
}

void run_clock_advance(RunClock *clock) {
  RunTime time = now();
  add(&clock->spent, clock->since, time);
  if (clock->teaching) add(&clock->teacher, clock->since, time);
  clock->since = time;
}

void run_clock_skip(RunClock *clock) {
  clock->paused = false;
  clock->since = now();
  set_deadline(clock);
}

void run_clock_restart_after_teacher(RunClock *clock) {
  run_clock_advance(clock);
  clock->spent.cpu_seconds = clock->teacher.cpu_seconds;
}

void run_clock_teach(RunClock *clock, bool teaching) {
  if (!clock->paused) run_clock_advance(clock);
  clock->teaching = teaching;
}

double run_clock_left(const RunClock *clock) {
  return clock->limit > 0 ? fmax(0, clock->deadline - clock_wall()) : -1;
}

bool run_clock_is_spent(const RunClock *clock) {
  return clock_wall() >= clock->deadline;
}

bool run_clock_write(RunClock *clock, bool hurry, Error *err) {
  if (clock->paused || (!hurry && clock_wall() - clock->written < WRITE_SECONDS)) return true;
  run_clock_advance(clock);
  json_t *root = json_pack("{s:f, s:f, s:f, s:f}", "seconds", clock->spent.seconds, "cpu_seconds",
                           clock->spent.cpu_seconds, "teacher_seconds", clock->teacher.seconds,
                           "teacher_cpu_seconds", clock->teacher.cpu_seconds);
  char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  bool done = file_write(clock->path, text, strlen(text), err);
  clock->written = clock_wall();
  free(text);
  json_decref(root);
  return done;
}
