/* The training loop: self-play, learning, checkpoint, again. */
#include "base/clock.h"
#include "base/memory.h"
#include "selfplay/imitation.h"
#include "selfplay/shard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Totals since the run began, kept in the checkpoint: what the two arms are compared by. */
typedef struct Totals {
  int64_t iteration, games, positions, evaluations, samples;
  double seconds, cpu_seconds, teacher_seconds;
} Totals;

typedef struct Training {
  RunInfo run;
  const RunConfig *config; /* the run's own, with this request's run.* */
  RunConfig merged;
  int threads;
  const RunEvents *events;
  const volatile sig_atomic_t *stop;
  Learner *learner;
  Replay *replay, *expert;
  Totals totals;
  double session_start, session_cpu; /* clocks when the last totals were taken */
  double last_iteration_seconds;
} Training;

static const char CHECKPOINT_MAGIC[8] = {'S', 'P', 'L', 'E', 'A', 'R', 'N', 'R'};
enum { CHECKPOINT_VERSION = 1, MEASURED_POSITIONS = 2048 };

static void notice(const Training *training, const char *message) {
  if (training->events->notice) training->events->notice(training->events->context, message);
}

static void checkpoint_path(const Training *training, int64_t iteration, char path[FILE_PATH_MAX]) {
  char relative[64];
  snprintf(relative, sizeof relative, "learner-%05lld.ckpt", (long long)iteration);
  run_path(&training->run, relative, path);
}

/* Takes the clocks' advance into the totals. */
static void account_time(Training *training) {
  double now = clock_wall(), cpu = clock_cpu();
  training->totals.seconds += now - training->session_start;
  training->totals.cpu_seconds += cpu - training->session_cpu;
  training->session_start = now;
  training->session_cpu = cpu;
}

/* Network first, checkpoint second, log line last: whatever a kill leaves can be continued. The line travels
 * in the checkpoint too, so that a log that lacks it is mended. */
static bool save_checkpoint(Training *training, const json_t *line, Error *err) {
  char path[FILE_PATH_MAX], note[256];
  int iteration = (int)training->totals.iteration;
  snprintf(note, sizeof note, "run %s, seed %llu, iteration %d", training->run.name,
           (unsigned long long)training->run.seed, iteration);
  run_network_path(&training->run, iteration, path);
  if (!net_save(learner_averaged(training->learner), training->run.game->name, note, path, err)) return false;
  Buffer state = {0};
  char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  uint32_t length = text ? (uint32_t)strlen(text) : 0;
  buffer_put(&state, &training->totals, sizeof training->totals);
  buffer_put(&state, &length, sizeof length);
  buffer_put(&state, text, length);
  learner_save(training->learner, &state);
  free(text);
  checkpoint_path(training, iteration, path);
  bool done = file_write_block(path, CHECKPOINT_MAGIC, CHECKPOINT_VERSION, &state, err);
  buffer_free(&state);
  if (!done) return false;
  checkpoint_path(training, iteration - 2, path);
  if (iteration >= 2) unlink(path);
  run_path(&training->run, "log.jsonl", path);
  return !line || run_log_append(path, line, err);
}

static bool read_checkpoint(Training *training, const char *path, Error *err) {
  Buffer state = {0};
  uint32_t length = 0;
  char log_path[FILE_PATH_MAX];
  bool done = file_read_block(path, CHECKPOINT_MAGIC, CHECKPOINT_VERSION, NULL, &state, err);
  if (done && (!buffer_get(&state, &training->totals, sizeof training->totals) ||
               !buffer_get(&state, &length, sizeof length) || length > state.size - state.position))
    done = error_set(err, "%s: damaged: cut short", path);
  const char *text = (const char *)state.data + state.position;
  state.position += length;
  if (done && !learner_load(training->learner, &state, err)) done = error_prefix(err, "%s", path);
  run_path(&training->run, "log.jsonl", log_path);
  int64_t lines = training->totals.iteration;
  done = done && run_log_trim(log_path, lines > 0 ? (int)lines - 1 : 0, err);
  if (done && length > 0) {
    json_t *line = json_loadb(text, length, 0, NULL);
    done = line ? run_log_append(log_path, line, err) : error_set(err, "%s: damaged: its log line", path);
    json_decref(line);
  }
  buffer_free(&state);
  return done;
}

/* Finds the newest whole checkpoint. *found is false for a run that has none yet. */
static bool resume(Training *training, bool *found, Error *err) {
  char path[FILE_PATH_MAX];
  *found = false;
  for (int iteration = training->run.iterations; iteration >= 0 && iteration >= training->run.iterations - 2;
       iteration--) {
    checkpoint_path(training, iteration, path);
    if (!file_exists(path)) continue;
    if (read_checkpoint(training, path, err)) {
      *found = true;
      return true;
    }
    char message[sizeof err->message + 80];
    snprintf(message, sizeof message, "%s; set aside, going back to the iteration before it", err->message);
    notice(training, message);
    if (!file_set_aside(path, err)) return false;
  }
  if (training->run.iterations <= 0) return true;
  return error_set(
      err, "%s: no whole checkpoint is left to continue from; its networks/ can still be used as players",
      training->run.folder);
}

static void set_real(json_t *line, const char *key, double value) {
  json_object_set_new(line, key, json_real(isfinite(value) ? value : 0));
}

static void set_int(json_t *line, const char *key, int64_t value) {
  json_object_set_new(line, key, json_integer(value));
}

/* Floating-point operations: a forward pass for each evaluation; forward and twice that backward for each
 * sample. */
static double flops_of(const Training *training, int64_t evaluations, int64_t samples) {
  NetShape shape = run_config_shape(training->config, training->run.game);
  return 2 * net_multiply_adds(&shape) * ((double)evaluations + 3 * (double)samples);
}

/* What the bootstrap stage cost, for whoever compares runs by their whole budget (docs/files.md). A teacher
 * does no floating-point work that could be counted, so its processor time is taken at the rate at which the
 * fitting that followed it worked. */
static bool save_bootstrap_cost(const Training *training, double teacher_seconds, double teacher_cpu,
                                Error *err) {
  char path[FILE_PATH_MAX];
  int place;
  double cpu = clock_cpu() - training->session_cpu, fit_cpu = fmax(cpu - teacher_cpu, 1e-3);
  int64_t samples = learner_samples(training->learner), games = training->config->imitation_games;
  if (training->run.source[0]) {
    const ReplayBlock *last = replay_at(training->expert, replay_count(training->expert) - 1, &place);
    games = last->facts[place].game + 1;
  }
  json_t *cost = json_object();
  set_int(cost, "teacher_games", games);
  set_real(cost, "teacher_seconds", teacher_seconds);
  set_real(cost, "teacher_cpu_seconds", teacher_cpu);
  set_real(cost, "teacher_flops", flops_of(training, 0, samples) / fit_cpu * teacher_cpu);
  set_int(cost, "imitation_samples", samples);
  set_real(cost, "imitation_flops", flops_of(training, 0, samples));
  set_real(cost, "cpu_seconds", cpu);
  set_real(cost, "seconds", clock_wall() - training->session_start);
  char *text = json_dumps(cost, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  json_decref(cost);
  run_path(&training->run, "bootstrap.json", path);
  bool done = file_write(path, text, strlen(text), err);
  free(text);
  return done;
}

/* The first averaged network of the run, and the bootstrap stage where the arm has one. */
static bool begin_run(Training *training, Error *err) {
  const RunInfo *run = &training->run;
  double seconds = 0;
  if (run->arm == ARM_BOOTSTRAP_IMITATION) {
    training->expert =
        imitation_games(run, training->threads, training->events, training->stop, &seconds, err);
    if (!training->expert) return false;
    double teacher_cpu = clock_cpu() - training->session_cpu;
    if (!imitation_fit(run, training->learner, training->expert, training->events, training->stop, err) ||
        !save_bootstrap_cost(training, seconds, teacher_cpu, err))
      return false;
  }
  training->totals = (Totals){.teacher_seconds = seconds, .samples = learner_samples(training->learner)};
  account_time(training);
  return save_checkpoint(training, NULL, err);
}

/* --- one iteration --- */

typedef struct Iteration {
  int number; /* from 1 */
  uint32_t network_hash;
  NetPlan *plan;
  ReplayBlock **blocks; /* [shards] */
  ShardStats stats;
  double selfplay_seconds, learn_seconds;
  int games_done;
  Training *training;
} Iteration;

static double seconds_left(const Training *training) {
  double limit = -1, elapsed = training->totals.seconds + clock_wall() - training->session_start;
  if (training->config->minutes > 0) limit = fmax(0, training->config->minutes * 60 - elapsed);
  if (training->config->iterations > 0 && training->last_iteration_seconds > 0) {
    double rest = (double)(training->config->iterations - training->totals.iteration) *
                  training->last_iteration_seconds;
    limit = limit < 0 ? rest : fmin(limit, rest);
  }
  return limit;
}

static void report(const Training *training, RunStage stage, int64_t done, int64_t total) {
  RunProgress progress = {.stage = stage,
                          .iteration = (int)training->totals.iteration + 1,
                          .done = done,
                          .total = total,
                          .seconds_left = seconds_left(training)};
  if (training->events->progress) training->events->progress(training->events->context, &progress);
}

static void game_finished(void *context, int plies) {
  Iteration *iteration = context;
  (void)plies;
#pragma omp critical(run_events)
  report(iteration->training, STAGE_SELFPLAY, ++iteration->games_done, iteration->training->config->games);
}

static void shard_file(const Training *training, int iteration, int shard, char path[FILE_PATH_MAX]) {
  char relative[64];
  snprintf(relative, sizeof relative, "replay/%05d-%02d.spr", iteration, shard);
  run_path(&training->run, relative, path);
}

/* One shard of an iteration: from its file where that is whole, else played and written. */
static ReplayBlock *get_shard(Iteration *iteration, int shard, Error *err) {
  Training *training = iteration->training;
  const RunConfig *config = training->config;
  ReplayOrigin origin = {.seed = training->run.seed,
                         .iteration = (uint32_t)iteration->number,
                         .shard = (uint32_t)shard,
                         .network = iteration->network_hash,
                         .config = run_config_crc(&training->run.config)};
  char path[FILE_PATH_MAX];
  shard_file(training, iteration->number, shard, path);
  if (file_exists(path)) {
    ReplayBlock *block = replay_block_load(training->run.game, &origin, path, err);
    if (block) return block;
    char message[sizeof err->message + 64];
    snprintf(message, sizeof message, "%s; set aside and played again", err->message);
#pragma omp critical(run_events)
    notice(training, message);
    if (!file_set_aside(path, err)) return NULL;
  }
  int games = config->games / config->shards;
  ShardSpec spec = {.game = training->run.game,
                    .config = config,
                    .plan = iteration->plan,
                    .seed = training->run.seed,
                    .iteration = (uint32_t)iteration->number,
                    .first_game = shard * games,
                    .games = games};
  ReplayBlock *block = shard_play(&spec, game_finished, iteration);
  if (replay_block_save(block, &origin, path, err)) return block;
  replay_block_free(block);
  return NULL;
}

/* Fills iteration->blocks with the network `net`. False with an empty message where *stop was set. */
static bool get_all_shards(Iteration *iteration, const Net *net, Error *err) {
  Training *training = iteration->training;
  int shards = training->config->shards;
  bool failed = false;
  iteration->plan = plan_new(net);
  iteration->network_hash = net_hash(net);
  iteration->blocks = memory_new((size_t)shards, sizeof *iteration->blocks);
#pragma omp parallel for schedule(dynamic) num_threads(training->threads)
  for (int i = 0; i < shards; i++) {
    if (*training->stop || failed) continue;
    Error why;
    iteration->blocks[i] = get_shard(iteration, i, &why);
#pragma omp critical(run_events)
    if (!iteration->blocks[i] && !failed) failed = true, *err = why;
  }
  plan_free(iteration->plan);
  if (*training->stop && !failed) failed = true, error_set(err, "%s", "");
  for (int i = 0; i < shards; i++) {
    if (failed)
      replay_block_free(iteration->blocks[i]);
    else
      shard_stats_add(&iteration->stats, &iteration->blocks[i]->stats);
  }
  if (failed) free(iteration->blocks);
  return !failed;
}

static int window_size(const RunConfig *config, int64_t positions) {
  if (config->search.kind == SEARCH_NONE) return 1; /* a policy gradient is of the policy that played */
  double grown = config->window_growth * (double)positions;
  return (int)fmin(config->window_max, fmax(config->window_min, grown));
}

/* Loads the window's blocks of finished iterations; a damaged one is played again from the network that made
 * it. */
static bool load_window(Training *training, Error *err) {
  int last = (int)training->totals.iteration, first = last;
  int64_t held = 0;
  double mean = last > 0 ? (double)training->totals.positions / last : 0;
  int window = window_size(training->config, training->totals.positions);
  /* Iterations are of like size; twice the window, trimmed below, is surely enough. */
  while (first > 0 && (double)held < 2.0 * window + 2 * mean) held += (int64_t)mean + 1, first--;
  for (int number = first + 1; number <= last; number++) {
    char path[FILE_PATH_MAX];
    run_network_path(&training->run, number - 1, path);
    Net *net = net_load(path, training->run.game->name, NULL, NULL, err);
    if (!net) return false;
    Iteration iteration = {.number = number, .training = training};
    bool done = get_all_shards(&iteration, net, err);
    net_free(net);
    if (!done) return false;
    for (int i = 0; i < training->config->shards; i++) replay_add(training->replay, iteration.blocks[i]);
    free(iteration.blocks);
    replay_trim(training->replay, window);
  }
  return true;
}

static double expert_share(const Training *training, int iteration) {
  const RunConfig *config = training->config;
  if (!training->expert || config->imitation_keep <= 0) return 0;
  double left = config->imitation_anneal > 0 ? 1 - (double)(iteration - 1) / config->imitation_anneal : 1;
  return left > 0 ? config->imitation_keep * left : 0;
}

static bool learn(Training *training, int iteration, int64_t new_positions, FitStats *total, Error *err) {
  const RunConfig *config = training->config;
  int64_t steps = (int64_t)llrint(config->reuse * (double)new_positions / config->batch);
  double share = expert_share(training, iteration);
  *total = (FitStats){0};
  for (int64_t done = 0; done < steps;) {
    int64_t piece = steps - done < 4 ? steps - done : 4;
    FitStats part;
    if (*training->stop) return error_set(err, "%s", "");
    learner_fit(training->learner, training->replay, share > 0 ? training->expert : NULL, share, piece,
                iteration - 1, &part);
    done += piece;
    total->steps += part.steps;
    total->samples += part.samples;
    total->policy += part.policy * (double)piece / (double)steps;
    total->value += part.value * (double)piece / (double)steps;
    total->gradient_norm += part.gradient_norm * (double)piece / (double)steps;
    total->rate = part.rate;
    total->expert_share = part.expert_share;
    report(training, STAGE_LEARNING, done, steps);
  }
  return true;
}

/* Positions of this iteration, before the learner has seen them: the honest measure of the network that
 * played. */
static void measure_fresh(Training *training, int fresh, const Net *net, HeldOutStats *held,
                          Calibration *calibration, int iteration) {
  int total = replay_count(training->replay), count = fresh < MEASURED_POSITIONS ? fresh : MEASURED_POSITIONS;
  uint32_t indices[MEASURED_POSITIONS];
  Rng rng = rng_make(training->run.seed, RNG_HOLDOUT, (uint32_t)iteration, 0);
  for (int i = 0; i < count; i++) indices[i] = (uint32_t)(total - fresh) + rng_below(&rng, (uint32_t)fresh);
  learner_measure(training->learner, net, training->replay, indices, count, held, calibration);
}

static json_t *describe_calibration(const Calibration *calibration) {
  json_t *bins = json_array();
  for (int b = 0; b < CALIBRATION_BINS; b++)
    json_array_append_new(bins,
                          json_pack("{s:f, s:f, s:i}", "predicted", calibration->predicted[b], "observed",
                                    calibration->observed[b], "count", calibration->count[b]));
  return bins;
}

static void describe_games(json_t *line, const Iteration *iteration, int unique) {
  const ShardStats *stats = &iteration->stats;
  double n = stats->positions > 0 ? (double)stats->positions : 1;
  set_int(line, "games", stats->games);
  set_int(line, "positions", stats->positions);
  set_int(line, "unique_positions", unique);
  set_real(line, "game_length", (double)stats->plies / (double)stats->games);
  set_int(line, "proven_positions", stats->proven);
  set_int(line, "first_wins", stats->first_wins);
  set_int(line, "draws", stats->draws);
  set_int(line, "second_wins", stats->second_wins);
  set_real(line, "policy_entropy", stats->policy_entropy / n);
  set_real(line, "target_entropy", stats->target_entropy / n);
  set_int(line, "simulations", stats->simulations);
  set_int(line, "evaluations", stats->evaluations);
  set_real(line, "evaluations_per_second",
           (double)stats->evaluations / fmax(1e-9, iteration->selfplay_seconds));
  set_real(line, "cache_hit_rate",
           stats->cache_lookups ? (double)stats->cache_hits / (double)stats->cache_lookups : 0);
}

static json_t *describe(const Training *training, const Iteration *iteration, const FitStats *fit,
                        const HeldOutStats *held, const Calibration *calibration, int unique) {
  const Totals *totals = &training->totals;
  json_t *line = json_object();
  set_int(line, "iteration", iteration->number);
  describe_games(line, iteration, unique);
  set_real(line, "loss_policy", held->policy);
  set_real(line, "loss_policy_baseline", held->policy_baseline);
  set_real(line, "loss_value", held->value);
  set_real(line, "loss_value_baseline", held->value_baseline);
  set_real(line, "policy_top1", held->top1);
  set_real(line, "value_mse", held->value_square);
  set_real(line, "value_calibration_error", calibration->error);
  json_object_set_new(line, "value_calibration", describe_calibration(calibration));
  set_real(line, "train_loss_policy", fit->policy);
  set_real(line, "train_loss_value", fit->value);
  set_int(line, "train_steps", fit->steps);
  set_int(line, "train_samples", fit->samples);
  set_real(line, "sample_reuse",
           (double)fit->samples / (double)(iteration->stats.positions + !iteration->stats.positions));
  set_real(line, "learning_rate", fit->rate);
  set_real(line, "gradient_norm", fit->gradient_norm);
  set_real(line, "imitation_share", fit->expert_share);
  set_int(line, "window", replay_count(training->replay));
  set_real(line, "flops", flops_of(training, iteration->stats.evaluations, fit->samples));
  set_real(line, "flops_total", flops_of(training, totals->evaluations, totals->samples));
  set_int(line, "evaluations_total", totals->evaluations);
  set_int(line, "games_total", totals->games);
  set_int(line, "positions_total", totals->positions);
  set_real(line, "selfplay_seconds", iteration->selfplay_seconds);
  set_real(line, "learn_seconds", iteration->learn_seconds);
  set_real(line, "seconds", iteration->selfplay_seconds + iteration->learn_seconds);
  set_real(line, "seconds_total", totals->seconds);
  set_real(line, "cpu_seconds_total", totals->cpu_seconds);
  set_real(line, "teacher_seconds", totals->teacher_seconds);
  set_int(line, "peak_memory", (int64_t)clock_peak_memory());
  return line;
}

static bool run_iteration(Training *training, Error *err) {
  Iteration iteration = {.number = (int)training->totals.iteration + 1, .training = training};
  double start = clock_wall();
  Net *player = net_copy(learner_averaged(training->learner));
  bool done = get_all_shards(&iteration, player, err);
  if (!done) {
    net_free(player);
    return false;
  }
  iteration.selfplay_seconds = clock_wall() - start;
  start = clock_wall();
  int unique = replay_unique(iteration.blocks, training->config->shards);
  int64_t fresh = iteration.stats.positions;
  for (int i = 0; i < training->config->shards; i++) replay_add(training->replay, iteration.blocks[i]);
  free(iteration.blocks);
  int window = window_size(training->config, training->totals.positions + fresh);
  replay_trim(training->replay, window > fresh ? window : (int)fresh);
  HeldOutStats held;
  Calibration calibration;
  FitStats fit;
  measure_fresh(training, (int)fresh, player, &held, &calibration, iteration.number);
  net_free(player);
  if (!learn(training, iteration.number, fresh, &fit, err)) return false;
  iteration.learn_seconds = clock_wall() - start;
  Totals *totals = &training->totals;
  totals->iteration = iteration.number;
  totals->games += iteration.stats.games;
  totals->positions += fresh;
  totals->evaluations += iteration.stats.evaluations;
  totals->samples = learner_samples(training->learner);
  account_time(training);
  training->last_iteration_seconds = iteration.selfplay_seconds + iteration.learn_seconds;
  json_t *line = describe(training, &iteration, &fit, &held, &calibration, unique);
  set_int(line, "network_hash", net_hash(learner_averaged(training->learner)));
  set_real(line, "seconds_left", seconds_left(training));
  done = save_checkpoint(training, line, err);
  if (done && training->events->iteration) training->events->iteration(training->events->context, line);
  json_decref(line);
  return done;
}

/* Stops rather than overshoot the time by more than half an iteration. */
static bool finished(const Training *training) {
  const RunConfig *config = training->config;
  if (config->iterations > 0 && training->totals.iteration >= config->iterations) return true;
  if (config->minutes <= 0) return false;
  double elapsed = training->totals.seconds + clock_wall() - training->session_start;
  return elapsed + training->last_iteration_seconds / 2 >= config->minutes * 60;
}

static bool train(Training *training, Error *err) {
  bool found;
  if (!resume(training, &found, err)) return false;
  if (!found && !begin_run(training, err)) return false;
  if (found && !load_window(training, err)) return false;
  if (found)
    training->session_start = clock_wall(),
    training->session_cpu = clock_cpu(); /* reading back is no training */
  if (found && training->run.arm == ARM_BOOTSTRAP_IMITATION && training->config->imitation_keep > 0) {
    double seconds; /* counted when they were first made */
    training->expert =
        imitation_games(&training->run, training->threads, training->events, training->stop, &seconds, err);
    if (!training->expert) return false;
  }
  while (!finished(training) && !*training->stop)
    if (!run_iteration(training, err)) return false;
  return true;
}

bool run_train(const RunRequest *request, const RunEvents *events, const volatile sig_atomic_t *stop,
               Error *err) {
  Training training = {.threads = request->threads,
                       .events = events,
                       .stop = stop,
                       .session_start = clock_wall(),
                       .session_cpu = clock_cpu()};
  if (!run_config_valid(&request->config, err)) return false;
  int lock = run_folder_open(request, &training.run, err);
  if (lock < 0) return false;
  training.merged = training.run.config;
  training.merged.iterations = request->config.iterations;
  training.merged.minutes = request->config.minutes;
  training.config = &training.merged;
  training.learner = learner_new(training.run.game, training.config, training.run.seed, training.threads);
  training.replay = replay_new(training.run.game);
  bool done = train(&training, err);
  if (!done && *stop && !err->message[0]) done = true; /* asked to stop: no failure */
  learner_free(training.learner);
  replay_free(training.replay);
  replay_free(training.expert);
  close(lock);
  return done;
}
