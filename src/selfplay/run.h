/* A run: a folder that holds everything about one training.
 *
 *   run.json            game, arm, seed, version, CPU features, source of imitation games
 *   run.conf            the resolved configuration
 *   log.jsonl           one JSON object a finished iteration (docs/files.md lists the keys)
 *   networks/00012.net  the averaged weights after iteration 12; 00000.net before any self-play
 *   replay/00012-03.spr the positions of shard 3 of iteration 12
 *   learner-00012.ckpt  raw weights, optimiser, counters and log line of that iteration; the last two are
 *                       kept
 *   imitation/00003.spr expert games, the teacher's or the source's
 *   imitation.jsonl     their fitting, an object an epoch
 *   bootstrap.json      what both cost
 *   clock.json          time spent, over all sessions
 *
 * A run killed at any instant continues from its last whole shard and ends in the same bytes as one that was
 * never killed. */
#ifndef SELFPLAY_RUN_H
#define SELFPLAY_RUN_H

#include "base/error.h"
#include "base/file.h"
#include "selfplay/run_config.h"

#include <jansson.h>
#include <signal.h>

typedef enum RunArm { ARM_FROM_SCRATCH, ARM_BOOTSTRAP_IMITATION } RunArm;

/* What is known of a run before training or reading it. */
typedef struct RunInfo {
  char folder[FILE_PATH_MAX];
  char name[80]; /* last part of the folder's path */
  const Game *game;
  RunArm arm;
  uint64_t seed;
  char source[FILE_PATH_MAX]; /* of imitation games; empty = made by the teacher */
  char version[64], features[128];
  RunConfig config;
  int iterations; /* finished ones: the number of the newest network, -1 without any */
} RunInfo;

/* "demo" or "runs/demo" or any path; resolves to the folder (runs/NAME where no such folder exists). */
void run_resolve(const char *name, char folder[FILE_PATH_MAX]);
/* Reads run.json, run.conf and the number of finished iterations. */
bool run_open(const char *name, RunInfo *out, Error *err);
/* networks/ITERATION.net of the run. */
void run_network_path(const RunInfo *run, int iteration, char path[FILE_PATH_MAX]);
/* The log as a JSON array of its objects, one an iteration (json_decref it); NULL with a message. A last line
 * cut by a kill is left out. Damaged lines are an error that names file and line. */
json_t *run_log(const RunInfo *run, Error *err);
/* All texts that `key` ("version", "features") has in the log's lines, in their order and each once,
 * separated by commas; `first` where none has it, as in logs of old. */
void run_log_texts(const json_t *log, const char *key, const char *first, char *out, size_t size);
/* imitation.jsonl likewise; an empty array where the run had no such stage. */
json_t *run_imitation_log(const RunInfo *run, Error *err);

/* What a training is asked to do. */
typedef struct RunRequest {
  const char *folder;
  const Game *game;
  RunArm arm;
  const char *source; /* file of imitation games; "" = the teacher makes them */
  uint64_t seed;
  int threads;
  bool bootstrap_only; /* ends before the first iteration */
  RunConfig config;    /* run.iterations and run.minutes say how long */
} RunRequest;

typedef enum RunStage { STAGE_TEACHER, STAGE_IMITATION, STAGE_SELFPLAY, STAGE_LEARNING } RunStage;

typedef struct RunProgress {
  RunStage stage;
  int iteration;
  int64_t done, total; /* games, or steps */
  double seconds_left; /* until the run ends; negative where unknown */
} RunProgress;

/* What the bootstrap stage has cost so far, over all sessions. */
typedef struct RunSpent {
  int64_t samples;
  double cpu_seconds, teacher_cpu_seconds; /* the teacher's are part of the whole */
} RunSpent;

/* How a training speaks; called from one thread at a time. */
typedef struct RunEvents {
  void *context;
  void (*notice)(void *context, const char *message);
  void (*progress)(void *context, const RunProgress *progress);
  void (*imitation)(void *context, const json_t *epoch);
  void (*iteration)(void *context, const json_t *line);
  /* Before every few steps of fitting to expert games: true ends it there, with the best weights found. */
  bool (*enough)(void *context, const RunSpent *spent);
} RunEvents;

/* Trains a run, or continues it: a folder that holds one already must be of the same game, arm, seed and
 * configuration but for run.*. Where run.minutes end in the bootstrap stage, the run ends there with network
 * 0 and a notice, and more minutes complete the stage. *stop may be set by a signal handler: the run then
 * ends after the shard or step under way, as a kill would. Returns false with a message on failure. */
bool run_train(const RunRequest *request, const RunEvents *events, const volatile sig_atomic_t *stop,
               Error *err);

#endif
