#include "selfplay/imitation.h"

#include "base/clock.h"
#include "base/memory.h"
#include "selfplay/teacher.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Games are cut into shards of this many, so that a kill loses little. */
enum { GAMES_PER_SHARD = 50, HELD_OUT_SHARE = 10 };

static void note(const RunEvents *events, const char *message) {
  if (events->notice) events->notice(events->context, message);
}

static void report(const RunEvents *events, RunStage stage, int64_t done, int64_t total) {
  RunProgress progress = {.stage = stage, .done = done, .total = total, .seconds_left = -1};
  if (events->progress) events->progress(events->context, &progress);
}

/* One shard of the teacher's games: from its file where that is whole, else played and written. */
static ReplayBlock *teacher_shard(const RunInfo *run, int shard, const RunEvents *events, Error *err) {
  char relative[48], path[FILE_PATH_MAX];
  ReplayOrigin origin = {.seed = run->seed, .shard = (uint32_t)shard, .config = run_config_crc(&run->config)};
  snprintf(relative, sizeof relative, "imitation/%05d.spr", shard);
  run_path(run, relative, path);
  if (file_exists(path)) {
    ReplayBlock *block = replay_block_load(run->game, &origin, path, err);
    if (block) return block;
    char message[sizeof err->message + 64];
    snprintf(message, sizeof message, "%s; set aside and played again", err->message);
#pragma omp critical(run_events)
    note(events, message);
    if (!file_set_aside(path, err)) return NULL;
  }
  int first = shard * GAMES_PER_SHARD, left = run->config.imitation_games - first;
  ReplayBlock *block = teacher_play(run->game, &run->config, run->seed, first,
                                    left < GAMES_PER_SHARD ? left : GAMES_PER_SHARD);
  if (replay_block_save(block, &origin, path, err)) return block;
  replay_block_free(block);
  return NULL;
}

static Replay *play_games(const RunInfo *run, int threads, const RunEvents *events,
                          const volatile sig_atomic_t *stop, Error *err) {
  int shards = (run->config.imitation_games + GAMES_PER_SHARD - 1) / GAMES_PER_SHARD, done = 0;
  ReplayBlock **blocks = memory_new((size_t)shards, sizeof *blocks);
  bool failed = false;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int i = 0; i < shards; i++) {
    if (*stop || failed) continue;
    Error why;
    blocks[i] = teacher_shard(run, i, events, &why);
#pragma omp critical(run_events)
    {
      if (!blocks[i] && !failed) failed = true, *err = why;
      report(events, STAGE_TEACHER, (int64_t)++done * GAMES_PER_SHARD, run->config.imitation_games);
    }
  }
  Replay *replay = replay_new(run->game);
  if (*stop && !failed) failed = true, error_set(err, "%s", "");
  for (int i = 0; i < shards; i++) {
    if (failed)
      replay_block_free(blocks[i]);
    else
      replay_add(replay, blocks[i]);
  }
  free(blocks);
  if (!failed) return replay;
  replay_free(replay);
  return NULL;
}

Replay *imitation_games(const RunInfo *run, int threads, const RunEvents *events,
                        const volatile sig_atomic_t *stop, double *seconds, Error *err) {
  double start = clock_wall();
  Replay *replay = NULL;
  if (run->source[0]) {
    int games;
    ReplayBlock *block = teacher_read(run->game, run->source, events->notice, events->context, &games, err);
    if (!block) return NULL;
    char message[FILE_PATH_MAX + 100];
    snprintf(message, sizeof message, "%s: %d games, %d positions", run->source, games, block->count);
    note(events, message);
    replay = replay_new(run->game);
    replay_add(replay, block);
  } else {
    replay = play_games(run, threads, events, stop, err);
  }
  *seconds = clock_wall() - start;
  return replay;
}

/* Whole games are held out, one in ten by number, since positions of one game resemble each other. */
static void split(const Replay *games, Replay *training, Replay *held_out) {
  int count = replay_count(games), place;
  ReplayBlock *parts[2] = {NULL, NULL};
  for (int i = 0; i < count; i++) {
    const ReplayBlock *block = replay_at(games, i, &place);
    int part = block->facts[place].game % HELD_OUT_SHARE == HELD_OUT_SHARE - 1;
    if (!parts[part]) parts[part] = replay_block_new(block->game);
    replay_block_append(parts[part], block, place, 1);
  }
  if (parts[0]) replay_add(training, parts[0]);
  if (parts[1]) replay_add(held_out, parts[1]);
}

static json_t *describe_epoch(int epoch, const FitStats *fit, const HeldOutStats *held, bool best,
                              double seconds) {
  return json_pack("{s:i, s:I, s:f, s:f, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b, s:f}", "epoch", epoch,
                   "samples", (json_int_t)fit->samples, "loss_policy_train", fit->policy, "loss_value_train",
                   fit->value, "held_out", held->count, "loss_policy", held->policy, "loss_policy_baseline",
                   held->policy_baseline, "loss_value", held->value, "loss_value_baseline",
                   held->value_baseline, "move_match_top1", held->top1, "move_match_top3", held->top3,
                   "value_mse", held->value_square, "best", best, "seconds", seconds);
}

/* What the epochs go through. */
typedef struct Fitting {
  Replay *training, *held_out;
  uint32_t *indices; /* of all held-out positions */
  Net *best;
  double best_loss;
  int best_epoch;
  double policy_weight, value_weight;
} Fitting;

static bool run_epoch(const RunInfo *run, Learner *learner, Fitting *fitting, int epoch,
                      const RunEvents *events, const volatile sig_atomic_t *stop, Error *err) {
  enum { PIECES = 10 };
  double start = clock_wall();
  int64_t steps = (replay_count(fitting->training) + run->config.batch - 1) / run->config.batch;
  FitStats fit = {0}, piece;
  for (int i = 0; i < PIECES; i++) {
    int64_t share = steps * (i + 1) / PIECES - steps * i / PIECES;
    if (*stop) return error_set(err, "%s", "");
    learner_fit(learner, fitting->training, NULL, 0, share, 0, &piece);
    fit.samples += piece.samples;
    fit.policy += piece.policy * (double)share / (double)steps;
    fit.value += piece.value * (double)share / (double)steps;
    report(events, STAGE_IMITATION, epoch * steps + steps * (i + 1) / PIECES,
           steps * run->config.imitation_epochs);
  }
  HeldOutStats held;
  Calibration calibration;
  const Net *net = learner_averaged(learner);
  learner_measure(learner, net, fitting->held_out, fitting->indices, replay_count(fitting->held_out), &held,
                  &calibration);
  double loss = fitting->policy_weight * held.policy + fitting->value_weight * held.value;
  bool better = loss < fitting->best_loss;
  if (better) {
    fitting->best_loss = loss;
    fitting->best_epoch = epoch;
    net_free(fitting->best);
    fitting->best = net_copy(net);
  }
  char path[FILE_PATH_MAX];
  run_path(run, "imitation.jsonl", path);
  json_t *line = describe_epoch(epoch + 1, &fit, &held, better, clock_wall() - start);
  bool done = run_log_append(path, line, err);
  if (done && events->imitation) events->imitation(events->context, line);
  json_decref(line);
  return done;
}

bool imitation_fit(const RunInfo *run, Learner *learner, const Replay *games, const RunEvents *events,
                   const volatile sig_atomic_t *stop, Error *err) {
  Fitting fitting = {.training = replay_new(run->game),
                     .held_out = replay_new(run->game),
                     .best_loss = INFINITY,
                     .best_epoch = -1,
                     .policy_weight = run->config.imitation_heads != IMITATE_VALUE,
                     .value_weight = run->config.imitation_heads == IMITATE_VALUE ? 1
                                     : run->config.imitation_heads == IMITATE_POLICY
                                         ? 0
                                         : run->config.value_weight};
  char path[FILE_PATH_MAX];
  run_path(run, "imitation.jsonl", path);
  bool done = run_log_trim(path, 0, err);
  split(games, fitting.training, fitting.held_out);
  int held_out = replay_count(fitting.held_out);
  if (done && (!held_out || !replay_count(fitting.training)))
    done = error_set(
        err, "%d expert positions are too few to hold a tenth of the games out; give at least 10 games",
        replay_count(games));
  fitting.indices = memory_new((size_t)held_out + 1, sizeof *fitting.indices);
  for (int i = 0; i < held_out; i++) fitting.indices[i] = (uint32_t)i;
  learner_weigh(learner, fitting.policy_weight, fitting.value_weight);
  for (int epoch = 0; done && epoch < run->config.imitation_epochs; epoch++) {
    done = run_epoch(run, learner, &fitting, epoch, events, stop, err);
    if (epoch - fitting.best_epoch >= run->config.imitation_patience) break;
    if (events->enough && events->enough(events->context, learner_samples(learner))) break;
  }
  learner_weigh(learner, 1, run->config.value_weight);
  if (done && fitting.best) learner_restart(learner, fitting.best);
  net_free(fitting.best);
  free(fitting.indices);
  replay_free(fitting.training);
  replay_free(fitting.held_out);
  return done;
}
