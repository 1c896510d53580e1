#include "arena/compare_train.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MILLISECONDS = 200 };
static const double REPORT_SECONDS = 0.2;
static const double SLICE = 1.0 / 25; /* of the budget: reading a run back for a slice takes a while */

typedef enum ReportKind { REPORT_STAGE, REPORT_NOTICE, REPORT_FAILED, REPORT_DONE } ReportKind;

/* What a slice tells of itself. */
typedef struct Report {
  ReportKind kind;
  int run;
  RunProgress stage;
  char text[sizeof((Error *)0)->message];
} Report;
_Static_assert(sizeof(Report) <= PIPE_BUF, "reports of several processes do not mix");

/* --- in the child --- */

typedef struct Slice {
  const Experiment *experiment;
  int run, pipe;
  double sample_flops; /* of one training sample, in the network as it begins */
  double reported;     /* when the stage was */
  RunStage stage;
} Slice;

static void report(const Slice *slice, ReportKind kind, const RunProgress *stage, const char *text) {
  Report news = {.kind = kind, .run = slice->run};
  if (stage) news.stage = *stage;
  snprintf(news.text, sizeof news.text, "%s", text);
  while (write(slice->pipe, &news, sizeof news) < 0 && errno == EINTR) {
  }
}

static void on_notice(void *context, const char *message) {
  report(context, REPORT_NOTICE, NULL, message);
}

static void on_progress(void *context, const RunProgress *stage) {
  Slice *slice = context;
  double now = clock_wall();
  if (stage->stage == slice->stage && now - slice->reported < REPORT_SECONDS) return;
  slice->stage = stage->stage;
  slice->reported = now;
  report(slice, REPORT_STAGE, stage, "");
}

/* Fitting to expert games may not outlast the budget. */
static bool on_enough(void *context, const RunSpent *spent) {
  const Slice *slice = context;
  const CompareDesign *design = &slice->experiment->design;
  if (design->unit == COMPARE_CPU_SECONDS) return spent->cpu_seconds >= design->budget;
  /* The teacher's time at the rate of the fitting, as in describe_bootstrap(). */
  double fitting = fmax(spent->cpu_seconds - spent->teacher_cpu_seconds, 1e-3);
  double flops = slice->sample_flops * (double)spent->samples * (1 + spent->teacher_cpu_seconds / fitting);
  if (design->unit == COMPARE_FLOPS) return flops >= design->budget;
  return design->unit == COMPARE_EVALUATIONS && flops / compare_evaluation_flops(design) >= design->budget;
}

/* The last stretch goes one by one, so that it ends nearest to the budget. */
static int slice_iterations(const CompareDesign *design, const CompareRun *run) {
  if (run->networks < 2) return 1;
  double spent = run->costs[run->networks - 1].amount[design->unit];
  double each = spent - run->costs[run->networks - 2].amount[design->unit];
  double amount = fmin(SLICE * design->budget, (1 - SLICE) * design->budget - spent);
  return amount > each ? (int)fmin(amount / each, 1e6) : 1;
}

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number) {
  (void)number;
  asked_to_stop = 1;
}

static void train_slice(Slice *slice, int threads) {
  const Experiment *experiment = slice->experiment;
  const CompareRun *run = &experiment->runs[slice->run];
  const CompareArm *arm = &experiment->design.arms[run->arm];
  NetShape shape = run_config_shape_after(&arm->config, experiment->design.game, 0);
  RunRequest request = {.folder = run->folder,
                        .game = experiment->design.game,
                        .arm = arm->kind,
                        .source = "",
                        .seed = run->seed,
                        .threads = threads,
                        .config = arm->config};
  const RunEvents events = {
      .context = slice, .notice = on_notice, .progress = on_progress, .enough = on_enough};
  Error err;
  request.bootstrap_only = !run->networks; /* that stage is a slice of its own */
  request.config.iterations =
      run->networks ? run->networks - 1 + slice_iterations(&experiment->design, run) : 0;
  request.config.minutes = 0;
  slice->sample_flops = 6 * net_multiply_adds(&shape);
  bool fine = run_train(&request, &events, &asked_to_stop, &err);
  report(slice, fine ? REPORT_DONE : REPORT_FAILED, NULL, fine ? "" : err.message);
}

/* --- in the parent --- */

typedef struct Crew {
  Experiment *experiment;
  const CompareEvents *events;
  const volatile sig_atomic_t *stop;
  int threads;
  int pipe[2];
  pid_t *children; /* [run_count], 0 where the run is not being trained */
  int busy;
  double started_share, started; /* of the budgets of all runs, and clock, when the session began */
  bool failed;
  Error *err; /* of the first that failed */
} Crew;

static double total_share(const Experiment *experiment) {
  double sum = 0;
  for (int i = 0; i < experiment->run_count; i++)
    sum += experiment->runs[i].finished ? 1 : fmin(1, experiment_share(experiment, i));
  return sum;
}

static double seconds_left(const Crew *crew) {
  double done = total_share(crew->experiment), gained = done - crew->started_share;
  if (gained <= 0) return -1;
  return (clock_wall() - crew->started) / gained * (crew->experiment->run_count - done);
}

static void show(const Crew *crew, int run, const RunProgress *stage) {
  const CompareProgress progress = {
      .experiment = crew->experiment, .run = run, .stage = stage, .seconds_left = seconds_left(crew)};
  if (crew->events->progress) crew->events->progress(crew->events->context, &progress);
}

static void fail(Crew *crew, const char *message) {
  if (!crew->failed) error_set(crew->err, "%s", message);
  crew->failed = true;
}

/* A process for each slice: processor time is counted by process, and one that dies takes nothing with it.
 * Where the parent dies it is killed, which harms no run. */
static void start(Crew *crew, int run) {
  pid_t parent = getpid();
  fflush(NULL);
  omp_pause_resource_all(omp_pause_hard); /* its threads would be missing in the child */
  sigset_t stops, before;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT), sigaddset(&stops, SIGTERM);
  sigprocmask(SIG_BLOCK, &stops, &before); /* none is lost before the child has its own handler */
  pid_t child = fork();
  if (child == 0) {
    Slice slice = {.experiment = crew->experiment, .run = run, .pipe = crew->pipe[1]};
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(crew->pipe[0]);
    if (getppid() == parent) train_slice(&slice, crew->threads);
    _exit(0);
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (child < 0) {
    Error err;
    error_set(&err, "no process for the training of %s: %s", crew->experiment->runs[run].name,
              strerror(errno));
    fail(crew, err.message);
    return;
  }
  crew->children[run] = child;
  crew->experiment->runs[run].busy = true;
  crew->busy++;
}

/* The end of a slice: what it has left on disk is what counts. */
static void finish(Crew *crew, int run, int status) {
  CompareRun *at = &crew->experiment->runs[run];
  int before = at->networks;
  Error err = {.message = ""};
  crew->children[run] = 0;
  crew->busy--;
  at->busy = false;
  if (WIFSIGNALED(status))
    error_set(&err, "%s: its training was ended by signal %d (%s); the same command continues it", at->folder,
              WTERMSIG(status), strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status))
    error_set(&err, "%s: its training ended with status %d; the same command continues it", at->folder,
              WEXITSTATUS(status));
  else if (experiment_refresh(crew->experiment, at, &err) && at->networks <= before && !*crew->stop &&
           !crew->failed)
    error_set(&err, "%s: its training does not advance", at->folder);
  if (err.message[0])
    fail(crew, err.message);
  else
    show(crew, run, NULL);
}

static bool hear(Crew *crew) {
  Report news;
  siginfo_t end;
  if (read(crew->pipe[0], &news, sizeof news) != sizeof news) return false;
  if (news.kind == REPORT_STAGE) show(crew, news.run, &news.stage);
  if (news.kind == REPORT_NOTICE && crew->events->notice)
    crew->events->notice(crew->events->context, news.text);
  if (news.kind == REPORT_FAILED) fail(crew, news.text);
  if (news.kind == REPORT_FAILED || news.kind == REPORT_DONE) /* its last word */
    waitid(P_PID, (id_t)crew->children[news.run], &end, WEXITED | WNOWAIT);
  return true;
}

static void signal_children(const Crew *crew) {
  for (int i = 0; i < crew->experiment->run_count; i++)
    if (crew->children[i]) kill(crew->children[i], SIGINT);
}

/* Until something is heard, or a while has passed: some die without a word. */
static void wait_for_children(Crew *crew) {
  struct pollfd incoming = {.fd = crew->pipe[0], .events = POLLIN};
  poll(&incoming, 1, WAIT_MILLISECONDS);
  while (hear(crew)) continue;
  for (int i = 0, status; i < crew->experiment->run_count; i++) {
    if (!crew->children[i] || waitpid(crew->children[i], &status, WNOHANG) != crew->children[i]) continue;
    while (hear(crew)) continue; /* what it has said before its end */
    finish(crew, i, status);
  }
}

static void train_all(Crew *crew, int jobs) {
  bool told = false;
  for (;;) {
    int next;
    while (!*crew->stop && !crew->failed && crew->busy < jobs &&
           (next = experiment_next(crew->experiment)) >= 0)
      start(crew, next);
    if ((*crew->stop || crew->failed) && !told) signal_children(crew), told = true;
    if (!crew->busy) break;
    wait_for_children(crew);
  }
}

bool experiment_train(Experiment *experiment, int jobs, int threads, const CompareEvents *events,
                      const volatile sig_atomic_t *stop, Error *err) {
  Crew crew = {.experiment = experiment,
               .events = events,
               .stop = stop,
               .threads = threads,
               .children = memory_new((size_t)experiment->run_count, sizeof(pid_t)),
               .started_share = total_share(experiment),
               .started = clock_wall(),
               .err = err};
  if (pipe(crew.pipe) != 0) {
    free(crew.children);
    return error_set(err, "no pipe to the trainings: %s", strerror(errno));
  }
  fcntl(crew.pipe[0], F_SETFL, O_NONBLOCK);
  train_all(&crew, jobs);
  close(crew.pipe[0]), close(crew.pipe[1]);
  free(crew.children);
  if (crew.failed) return false;
  return !*stop || experiment_next(experiment) < 0 || error_set(err, "%s", "");
}
