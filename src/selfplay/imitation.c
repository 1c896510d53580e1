#include "selfplay/imitation.h"

#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "selfplay/describe.h"
#include "selfplay/run_folder.h"
#include "selfplay/teacher.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HELD_OUT_SHARE = 10 };

static bool out_of_time(const void *context) {
  const Training *training = context;
  return *training->stop || run_clock_is_spent(&training->clock);
}

static ReplayOrigin origin_of(const RunInfo *run, int shard) {
  return (ReplayOrigin){.seed = run->seed, .shard = (uint32_t)shard, .config = run_config_crc(&run->config)};
}

/* As training_load_block(). */
static bool load_shard(const Training *training, int shard, ReplayBlock **block, Error *err) {
  char path[FILE_PATH_MAX];
  const ReplayOrigin origin = origin_of(&training->run, shard);
  run_imitation_path(&training->run, shard, path);
  return training_load_block(training, &origin, path, block, err);
}

static bool save_shard(const Training *training, int shard, const ReplayBlock *block, Error *err) {
  char path[FILE_PATH_MAX];
  const ReplayOrigin origin = origin_of(&training->run, shard);
  run_imitation_path(&training->run, shard, path);
  return replay_block_save(block, &origin, path, err);
}

/* One shard of the teacher's games: from its file where that is whole, else played and written. NULL with an
 * empty message where `stop` ended it. */
static ReplayBlock *teacher_shard(const Training *training, int shard, TeacherStop *stop, Error *err) {
  const RunInfo *run = &training->run;
  ReplayBlock *block;
  if (!load_shard(training, shard, &block, err)) return NULL;
  if (block) return block;
  if (stop(training)) {
    error_set(err, "%s", "");
    return NULL;
  }
  int first = shard * IMITATION_SHARD, left = run->config.imitation_games - first;
  block = teacher_play(run->game, &run->config, run->seed, first,
                       left < IMITATION_SHARD ? left : IMITATION_SHARD, stop, training);
  if (!block) error_set(err, "%s", "");
  if (!block || save_shard(training, shard, block, err)) return block;
  replay_block_free(block);
  return NULL;
}

/* All games into training->expert, NULL where `stop` ended it; *made receives how many there are on disk. */
static bool play_games(Training *training, TeacherStop *stop, int *made, Error *err) {
  int total = training->config->imitation_games, shards = run_imitation_shards(training->config);
  ReplayBlock **blocks = memory_new((size_t)shards, sizeof *blocks);
  _Atomic bool failed = false;
  *made = 0;
#pragma omp parallel for schedule(dynamic) num_threads(training->threads)
  for (int i = 0; i < shards; i++) {
    if (failed) continue;
    Error why;
    blocks[i] = teacher_shard(training, i, stop, &why);
#pragma omp critical(run_events)
    {
      if (blocks[i])
        *made += i == shards - 1 ? total - i * IMITATION_SHARD : IMITATION_SHARD;
      else if (why.message[0] && !failed) {
        *err = why;
        failed = true;
      }
      training_report(training, STAGE_TEACHER, *made, total);
    }
  }
  bool whole = *made == total;
  training->expert = whole ? replay_new(training->run.game) : NULL;
  for (int i = 0; i < shards; i++) {
    if (whole)
      replay_add(training->expert, blocks[i]);
    else
      replay_block_free(blocks[i]);
  }
  free(blocks);
  return !failed;
}

/* Games of the run's source file, read once: it may be another when the run goes on. */
static bool read_games(Training *training, int *games, Error *err) {
  const RunInfo *run = &training->run;
  const RunEvents *events = training->events;
  ReplayBlock *block;
  if (!load_shard(training, 0, &block, err)) return false;
  if (!block) {
    block = teacher_read(run->game, run->source, events->notice, events->context, games, err);
    if (!block) return false;
    if (*games < HELD_OUT_SHARE) {
      replay_block_free(block);
      return error_set(err, "%s: %d usable games are too few to hold a tenth of them out; give at least %d",
                       run->source, *games, HELD_OUT_SHARE);
    }
    block->stats.games = *games;
    char message[FILE_PATH_MAX + 100];
    snprintf(message, sizeof message, "%s: %d games, %d positions", run->source, *games, block->count);
    training_notice(training, message);
    if (!save_shard(training, 0, block, err)) {
      replay_block_free(block);
      return false;
    }
  }
  *games = (int)block->stats.games;
  training->expert = replay_new(run->game);
  replay_add(training->expert, block);
  return true;
}

static bool stopped(const void *context) {
  return *((const Training *)context)->stop;
}

bool imitation_load(Training *training, Error *err) {
  int games;
  if (training->run.source[0]) return read_games(training, &games, err);
  if (!play_games(training, stopped, &games, err)) return false;
  return training->expert || error_set(err, "%s", "");
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

static json_t *describe_epoch(int epoch, const FitStats *fit, const HeldOutStats *held, bool best, bool cut,
                              double seconds) {
  return json_pack("{s:i, s:I, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:f}", "epoch",
                   epoch, "samples", (json_int_t)fit->samples, "loss_policy_train", field_real(fit->policy),
                   "loss_value_train", field_real(fit->value), "held_out", held->count, "loss_policy",
                   field_real(held->policy), "loss_policy_baseline", field_real(held->policy_baseline),
                   "loss_value", field_real(held->value), "loss_value_baseline",
                   field_real(held->value_baseline), "move_match_top1", field_real(held->top1),
                   "move_match_top3", field_real(held->top3), "value_mse", field_real(held->value_square),
                   "best", best, "cut", cut, "seconds", seconds);
}

/* What the epochs go through. */
typedef struct Fitting {
  Replay *training, *held_out;
  uint32_t *indices; /* of all held-out positions */
  Net *best;
  double best_loss;
  int best_epoch;
  double policy_weight, value_weight;
  bool cut;    /* by the end of run.minutes */
  bool enough; /* ended early by whoever asked for the run */
} Fitting;

static bool is_enough(const Training *training) {
  const RunEvents *events = training->events;
  RunClock clock = training->clock;
  run_clock_advance(&clock);
  const RunSpent spent = {.samples = learner_samples(training->learner),
                          .cpu_seconds = clock.spent.cpu_seconds,
                          .teacher_cpu_seconds = clock.teacher.cpu_seconds};
  return events->enough && events->enough(events->context, &spent);
}

/* One pass in small pieces, for progress and for an end in time. False where *stop was set. */
static bool pass(Training *training, Fitting *fitting, int epoch, FitStats *fit, Error *err) {
  enum { PIECE = 4 };
  int batch = training->config->batch;
  int64_t steps = (replay_count(fitting->training) + batch - 1) / batch;
  FitStats piece;
  *fit = (FitStats){0};
  while (fit->steps < steps) {
    fitting->cut = run_clock_is_spent(&training->clock);
    /* Never before the first piece: it gives the rate at which the teacher's time counts as FLOP. */
    fitting->enough = learner_samples(training->learner) > 0 && is_enough(training);
    if (fitting->cut || fitting->enough) break;
    int64_t share = steps - fit->steps < PIECE ? steps - fit->steps : PIECE;
    if (*training->stop) return error_set(err, "%s", "");
    learner_fit(training->learner, fitting->training, NULL, 0, share, 0, &piece);
    fit->steps += piece.steps;
    fit->samples += piece.samples;
    fit->policy += piece.policy * (double)share;
    fit->value += piece.value * (double)share;
    training_report(training, STAGE_IMITATION, epoch * steps + fit->steps,
                    steps * training->config->imitation_epochs);
  }
  if (fit->steps > 0) fit->policy /= (double)fit->steps, fit->value /= (double)fit->steps;
  return true;
}

static bool run_epoch(Training *training, Fitting *fitting, int epoch, Error *err) {
  double start = clock_wall();
  FitStats fit;
  if (!pass(training, fitting, epoch, &fit, err) || !training_is_sound(training, err)) return false;
  if (!fit.steps) return true;
  HeldOutStats held;
  Calibration calibration;
  const Net *net = learner_averaged(training->learner);
  learner_measure(training->learner, net, fitting->held_out, fitting->indices,
                  replay_count(fitting->held_out), &held, &calibration);
  double loss = fitting->policy_weight * held.policy + fitting->value_weight * held.value;
  bool better = loss < fitting->best_loss;
  if (better) {
    fitting->best_loss = loss;
    fitting->best_epoch = epoch;
    net_free(fitting->best);
    fitting->best = net_copy(net);
  }
  char path[FILE_PATH_MAX];
  run_path(&training->run, "imitation.jsonl", path);
  const RunEvents *events = training->events;
  json_t *line =
      describe_epoch(epoch + 1, &fit, &held, better, fitting->cut || fitting->enough, clock_wall() - start);
  bool done = run_log_append(path, line, err);
  if (done && events->imitation) events->imitation(events->context, line);
  json_decref(line);
  return done;
}

static bool run_epochs(Training *training, Fitting *fitting, Error *err) {
  const RunConfig *config = training->config;
  bool done = true;
  learner_weigh(training->learner, fitting->policy_weight, fitting->value_weight);
  for (int epoch = 0; done && epoch < config->imitation_epochs; epoch++) {
    done = run_epoch(training, fitting, epoch, err);
    if (fitting->cut || fitting->enough || epoch - fitting->best_epoch >= config->imitation_patience) break;
  }
  learner_weigh(training->learner, 1, config->value_weight);
  if (done && fitting->best) learner_restart(training->learner, fitting->best);
  return done;
}

static Fitting fitting_new(const Training *training) {
  const RunConfig *config = training->config;
  Fitting fitting = {.training = replay_new(training->run.game),
                     .held_out = replay_new(training->run.game),
                     .best_loss = INFINITY,
                     .best_epoch = -1,
                     .policy_weight = config->imitation_heads != IMITATE_VALUE,
                     .value_weight = config->imitation_heads == IMITATE_VALUE    ? 1
                                     : config->imitation_heads == IMITATE_POLICY ? 0
                                                                                 : config->value_weight};
  split(training->expert, fitting.training, fitting.held_out);
  int held_out = replay_count(fitting.held_out);
  fitting.indices = memory_new((size_t)held_out + 1, sizeof *fitting.indices);
  for (int i = 0; i < held_out; i++) fitting.indices[i] = (uint32_t)i;
  return fitting;
}

static void fitting_free(Fitting *fitting) {
  net_free(fitting->best);
  free(fitting->indices);
  replay_free(fitting->training);
  replay_free(fitting->held_out);
}

/* *cut: run.minutes ended before the fitting did; *enough: RunEvents.enough did. */
static bool fit_games(Training *training, bool *cut, bool *enough, Error *err) {
  char path[FILE_PATH_MAX];
  run_path(&training->run, "imitation.jsonl", path);
  if (!run_log_restore(path, 0, NULL, 0, err)) return false;
  Fitting fitting = fitting_new(training);
  bool done = replay_count(fitting.held_out) > 0 && replay_count(fitting.training) > 0;
  if (done)
    done = run_epochs(training, &fitting, err);
  else
    error_set(err, "%d expert positions are too few to hold a tenth of the games out; give at least 10 games",
              replay_count(training->expert));
  *cut = fitting.cut, *enough = fitting.enough;
  fitting_free(&fitting);
  return done;
}

static void say_cut(const Training *training, int made, bool fitted) {
  char message[400], what[120];
  if (training->expert)
    snprintf(what, sizeof what, "while the network was being fitted%s",
             fitted ? "" : ", before its first step");
  else
    snprintf(what, sizeof what, "after %d of %d expert games, before any fitting", made,
             training->config->imitation_games);
  snprintf(
      message, sizeof message,
      "%g minutes (run.minutes) ended in the bootstrap stage, %s; networks/00000.net is what there is. The "
      "same command with more --minutes completes the stage",
      training->config->minutes, what);
  training_notice(training, message);
}

bool imitation_run(Training *training, bool *whole, Error *err) {
  int games = 0;
  run_clock_teach(&training->clock, true);
  bool done = training->run.source[0] ? read_games(training, &games, err)
                                      : play_games(training, out_of_time, &games, err);
  run_clock_teach(&training->clock, false);
  if (!done) return false;
  if (*training->stop) return error_set(err, "%s", "");
  bool cut = !training->expert, enough = false;
  run_clock_restart_after_teacher(&training->clock); /* the fitting has no checkpoint */
  double cpu = clock_cpu();
  if (!cut && !fit_games(training, &cut, &enough, err)) return false;
  *whole = !cut;
  if (cut) say_cut(training, games, learner_samples(training->learner) > 0);
  return cut || describe_bootstrap(training, games, clock_cpu() - cpu, enough, err);
}
