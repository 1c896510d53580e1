#include "selfplay/run_shards.h"

#include "base/memory.h"
#include "selfplay/run_folder.h"
#include "selfplay/shard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the threads that play one iteration's shards share. */
typedef struct Playing {
  Training *training;
  int number; /* of the iteration, from 1 */
  uint32_t network_hash;
  NetPlan *plan;
  int games_done;
} Playing;

static void game_finished(void *context, int plies) {
  Playing *playing = context;
  (void)plies;
#pragma omp critical(run_events)
  training_report(playing->training, STAGE_SELFPLAY, ++playing->games_done, playing->training->config->games);
}

/* One shard of an iteration: from its file where that is whole, else played (*played) and written. */
static ReplayBlock *get_shard(Playing *playing, int shard, bool *played, Error *err) {
  Training *training = playing->training;
  const RunConfig *config = training->config;
  ReplayOrigin origin = {.seed = training->run.seed,
                         .iteration = (uint32_t)playing->number,
                         .shard = (uint32_t)shard,
                         .network = playing->network_hash,
                         .config = run_config_crc(&training->run.config)};
  char path[FILE_PATH_MAX];
  run_replay_path(&training->run, playing->number, shard, path);
  ReplayBlock *block;
  if (!training_load_block(training, &origin, path, &block, err)) return NULL;
  if (block) return block;
  int games = config->games / config->shards;
  ShardSpec spec = {.game = training->run.game,
                    .config = config,
                    .plan = playing->plan,
                    .seed = training->run.seed,
                    .iteration = (uint32_t)playing->number,
                    .first_game = shard * games,
                    .games = games};
  *played = true;
  block = shard_play(&spec, game_finished, playing);
  if (replay_block_save(block, &origin, path, err)) return block;
  replay_block_free(block);
  return NULL;
}

ReplayBlock **run_shards_get(Training *training, int number, const Net *net, ShardStats *stats,
                             ShardStats *played, Error *err) {
  int shards = training->config->shards;
  _Atomic bool failed = false;
  Playing playing = {.training = training,
                     .number = number,
                     .network_hash = net_hash(net),
                     .plan = plan_new_as(net, (PlanPrecision)training->config->precision)};
  ReplayBlock **blocks = memory_new((size_t)shards, sizeof *blocks);
  bool *is_new = memory_new((size_t)shards, sizeof *is_new);
#pragma omp parallel for schedule(dynamic) num_threads(training->threads)
  for (int i = 0; i < shards; i++) {
    if (*training->stop || failed) continue;
    Error why;
    blocks[i] = get_shard(&playing, i, &is_new[i], &why);
#pragma omp critical(run_events)
    if (!blocks[i] && !failed) {
      *err = why;
      failed = true;
    }
  }
  plan_free(playing.plan);
  if (*training->stop && !failed) failed = !error_set(err, "%s", "");
  for (int i = 0; i < shards; i++) {
    if (failed)
      replay_block_free(blocks[i]);
    else
      shard_stats_add(stats, &blocks[i]->stats);
    if (!failed && is_new[i] && played) shard_stats_add(played, &blocks[i]->stats);
  }
  free(is_new);
  if (!failed) return blocks;
  free(blocks);
  return NULL;
}

int run_shards_window(const RunConfig *config, int64_t positions) {
  if (config->search.kind == SEARCH_NONE) return 1; /* a policy gradient is of the policy that played */
  /* In the spirit of D. Wu, "Accelerating self-play learning in Go" (2019), appendix C. */
  double grown = config->window_growth * (double)positions;
  return (int)fmin(config->window_max, fmax(config->window_min, grown));
}

/* Shards are known by the network that played them, so that another one in its place would have them all
 * played again. */
static bool is_of_iteration(const Training *training, const json_t *log, int iteration, const Net *net,
                            const char *path, Error *err) {
  NetShape shape = run_config_shape_after(training->config, training->run.game, iteration);
  const json_t *hash = json_object_get(json_array_get(log, (size_t)iteration - 1), "network_hash");
  bool is_it = memcmp(&shape, &net->shape, sizeof shape) == 0 &&
               (iteration == 0 || !hash || json_integer_value(hash) == (json_int_t)net_hash(net));
  return is_it ||
         error_set(err, "%s: is not the network of iteration %d that log.jsonl tells of; put that one back",
                   path, iteration);
}

/* The window's blocks from those of iterations behind `first`. */
static bool load_since(Training *training, const json_t *log, int first, int window, Error *err) {
  for (int number = first + 1; number <= (int)training->totals.iteration; number++) {
    char path[FILE_PATH_MAX];
    run_network_path(&training->run, number - 1, path);
    Net *net = net_load(path, training->run.game->name, NULL, NULL, err);
    if (!net) return false;
    ShardStats stats = {0};
    ReplayBlock **blocks = is_of_iteration(training, log, number - 1, net, path, err)
                               ? run_shards_get(training, number, net, &stats, NULL, err)
                               : NULL;
    net_free(net);
    if (!blocks) return false;
    for (int i = 0; i < training->config->shards; i++) replay_add(training->replay, blocks[i]);
    free(blocks);
    replay_trim(training->replay, window > stats.positions ? window : (int)stats.positions);
  }
  return true;
}

bool run_shards_load_window(Training *training, Error *err) {
  int last = (int)training->totals.iteration;
  if (last == 0) return true;
  double mean = (double)training->totals.positions / last;
  int window = run_shards_window(training->config, training->totals.positions);
  json_t *log = run_log(&training->run, err);
  bool fine = log != NULL, whole = false;
  /* Iterations are mostly of like size; twice the window is trimmed to it, and where it is not enough after
   * all, all the same is done from further back. */
  for (double reach = 2.0 * window / mean + 2; fine && !whole; reach *= 2) {
    int first = (int)fmax(0, last - reach);
    replay_free(training->replay);
    training->replay = replay_new(training->run.game);
    fine = load_since(training, log, first, window, err);
    whole = first == 0 || replay_count(training->replay) >= window;
  }
  json_decref(log);
  return fine;
}
