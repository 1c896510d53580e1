#include "arena/compare_measure.h"

#include "arena/compare_policy.h"
#include "arena/compare_sets.h"
#include "arena/compare_stats.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/version.h"
#include "selfplay/net_evaluator.h"
#include "selfplay/run_folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPENING_PLY = 4, OPENING_GAMES = 64, SET_GAMES = 200, RANDOM_TRIES = 20000, KEY_MAX = 400 };

typedef struct NamedSet {
  char name[96];
  Positions *positions; /* NULL where none is fit */
} NamedSet;

struct CompareMeter {
  const Experiment *experiment;
  int threads;
  const CompareWatch *watch;
  json_t *known; /* key -> object */
  char path[FILE_PATH_MAX];
  Positions *positions;        /* the shipped ones; NULL where there are none */
  uint32_t positions_crc;      /* 0 where there are none */
  Positions *search_positions; /* position_count of them, for test-time search */
  ComparePolicies *policies;
  NamedSet *sets;
  int set_count;
  TrainedKeys trained; /* read when the first set is made */
  bool trained_read;
  Error unknown; /* why it could not be read; empty otherwise */
};

int compare_teacher_arm(const Experiment *experiment) {
  for (int a = 0; a < experiment->design.arm_count; a++)
    if (experiment->design.arms[a].kind == ARM_BOOTSTRAP_IMITATION) return a;
  return -1;
}

CompareMeter *compare_meter_new(const Experiment *experiment, int threads, const CompareWatch *watch,
                                Error *err) {
  CompareMeter *meter = memory_new(1, sizeof *meter);
  *meter =
      (CompareMeter){.experiment = experiment, .threads = threads, .watch = watch, .known = json_object()};
  experiment_path(experiment, "measures.jsonl", meter->path);
  json_t *lines = run_log_read(meter->path, err), *line;
  /* A line cut by a kill is not whole; what is behind it would be lost. */
  bool fine = lines && run_log_restore(meter->path, (int)json_array_size(lines), NULL, 0, err);
  size_t i;
  json_array_foreach(lines, i, line) {
    const char *key = json_string_value(json_object_get(line, "key"));
    if (key) json_object_set(meter->known, key, json_object_get(line, "value"));
  }
  json_decref(lines);
  fine = fine && positions_find(experiment->design.game, &meter->positions, err);
  if (meter->positions) meter->positions_crc = positions_crc(meter->positions);
  if (meter->positions)
    meter->search_positions = positions_thin(meter->positions, experiment->design.settings.position_count);
  if (fine) return meter;
  compare_meter_free(meter);
  return NULL;
}

void compare_meter_free(CompareMeter *meter) {
  if (!meter) return;
  for (int s = 0; s < meter->set_count; s++) positions_free(meter->sets[s].positions);
  free(meter->sets);
  compare_trained_free(&meter->trained);
  positions_free(meter->positions);
  positions_free(meter->search_positions);
  compare_policies_free(meter->policies);
  json_decref(meter->known);
  free(meter);
}

/* Keeps a new measure, which it takes over; NULL where it cannot be written. */
static const json_t *keep(CompareMeter *meter, const char *key, json_t *value, Error *err) {
  json_t *line = json_pack("{s:s, s:O}", "key", key, "value", value);
  bool done = run_log_append(meter->path, line, err);
  json_decref(line);
  /* As it will be read back, so that the same figures come out whether or not they are new. */
  char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));
  json_decref(value);
  json_object_set_new(meter->known, key, json_loads(text, 0, NULL));
  free(text);
  return done ? json_object_get(meter->known, key) : NULL;
}

static void set_real(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, field_real(value));
}

static const RunConfig *config_of(const CompareMeter *meter, const ComparePoint *point) {
  const Experiment *experiment = meter->experiment;
  return &experiment->design.arms[experiment->runs[point->run].arm].config;
}

static bool measure_accuracy(CompareMeter *meter, const ComparePoint *point, const Positions *positions,
                             int visits, Accuracy *out, Error *err) {
  char spelling[FILE_PATH_MAX + 64];
  snprintf(spelling, sizeof spelling, "net:%s,visits=%d", point->path, visits);
  Player *player = player_new(spelling, meter->experiment->design.game, meter->threads, err);
  bool fine = player && accuracy_measure(player, positions, meter->experiment->design.settings.first_seed,
                                         NULL, NULL, out, err);
  player_free(player);
  return fine;
}

/* --- one point --- */

static double opening_entropy(const CompareMeter *meter, const ComparePoint *point, const Net *net) {
  RunConfig config = *config_of(meter, point);
  const Game *game = meter->experiment->design.game;
  config.random_plies = 0, config.random_share = 0;
  config.full_share = 1; /* a quick search's position is not recorded */
  ReplayBlock *games = compare_sets_games(game, &config, net, meter->experiment->design.settings.first_seed,
                                          0, OPENING_GAMES, meter->threads);
  uint64_t keys[OPENING_GAMES];
  int counts[OPENING_GAMES] = {0}, distinct = 0;
  for (int i = 0; i < games->count; i++) {
    const void *state = games->states + (size_t)i * game->state_size;
    if (game->ply(state) != OPENING_PLY) continue;
    int k = 0;
    while (k < distinct && keys[k] != game->key(state)) k++;
    if (k == distinct) keys[distinct++] = game->key(state);
    counts[k]++;
  }
  replay_block_free(games);
  return stats_entropy(counts, distinct);
}

/* The run's first network: where imitation left it, or its initial weights. */
static const ComparePoint *start_of(const ComparePool *pool, const ComparePoint *point) {
  for (int p = 0; p < pool->point_count; p++)
    if (pool->points[p].run == point->run && pool->points[p].network == 0) return &pool->points[p];
  return point;
}

static bool add_accuracies(CompareMeter *meter, const ComparePoint *point, json_t *out, Error *err) {
  Accuracy alone, search;
  int visits = meter->experiment->design.settings.visits;
  if (!meter->positions) return true;
  if (!measure_accuracy(meter, point, meter->positions, 0, &alone, err) ||
      !measure_accuracy(meter, point, meter->positions, visits, &search, err))
    return false;
  set_real(out, "value_kept", alone.moves.value_kept.share);
  set_real(out, "best_score", alone.moves.best_score.share);
  set_real(out, "log_loss", alone.log_loss);
  set_real(out, "search_value_kept", search.moves.value_kept.share);
  set_real(out, "search_best_score", search.moves.best_score.share);
  return true;
}

static bool add_policies(CompareMeter *meter, const ComparePoint *point, const ComparePoint *start,
                         json_t *out, Error *err) {
  const Experiment *experiment = meter->experiment;
  int arm = compare_teacher_arm(experiment);
  if (!meter->policies)
    meter->policies = compare_policies_new(experiment->design.game, meter->positions,
                                           arm < 0 ? NULL : &experiment->design.arms[arm].config,
                                           experiment->design.settings.first_seed, meter->threads, err);
  if (!meter->policies) return false;
  Net *net = net_load_for(experiment->design.game, point->path, err);
  Net *first = net ? net_load_for(experiment->design.game, start->path, err) : NULL;
  if (first) {
    const ComparePolicyFacts facts = compare_policies_measure(meter->policies, net, first);
    set_real(out, "solver_kl", facts.solver_kl), set_real(out, "solver_top1", facts.solver_top1);
    set_real(out, "teacher_kl", facts.teacher_kl), set_real(out, "teacher_top1", facts.teacher_top1);
    set_real(out, "start_kl", facts.start_kl), set_real(out, "start_distance", facts.start_distance);
    set_real(out, "policy_entropy", facts.entropy);
    set_real(out, "opening_entropy", opening_entropy(meter, point, net));
  }
  net_free(net), net_free(first);
  return first != NULL;
}

const json_t *compare_measure_point(CompareMeter *meter, const ComparePool *pool, int index, Error *err) {
  const ComparePoint *point = &pool->points[index], *start = start_of(pool, point);
  const CompareDesign *design = &meter->experiment->design;
  char key[KEY_MAX];
  int teacher = compare_teacher_arm(meter->experiment);
  snprintf(key, sizeof key, "point %08x visits %d start %08x games %08x teacher %08x positions %08x by %s",
           point->hash, design->settings.visits, start->hash, run_config_crc(config_of(meter, point)),
           teacher < 0 ? 0 : run_config_crc(&design->arms[teacher].config), meter->positions_crc,
           version_text());
  const json_t *known = json_object_get(meter->known, key);
  if (known) return known;
  json_t *value = json_object();
  if (add_accuracies(meter, point, value, err) && add_policies(meter, point, start, value, err))
    return keep(meter, key, value, err);
  json_decref(value);
  return NULL;
}

/* --- accuracy on other sets, at other visits --- */

static const json_t *measure_on(CompareMeter *meter, const ComparePoint *point, const Positions *positions,
                                int visits, const char *key, Error *err) {
  Accuracy accuracy;
  if (!measure_accuracy(meter, point, positions, visits, &accuracy, err)) return NULL;
  json_t *value = json_object();
  set_real(value, "value_kept", accuracy.moves.value_kept.share);
  set_real(value, "best_score", accuracy.moves.best_score.share);
  json_object_set_new(value, "positions", json_integer(positions->count));
  return keep(meter, key, value, err);
}

static const json_t *none(Error *err) {
  error_set(err, "%s", "");
  return NULL;
}

const json_t *compare_measure_search(CompareMeter *meter, const ComparePoint *point, int visits, Error *err) {
  char key[KEY_MAX];
  if (!meter->positions) return none(err);
  snprintf(key, sizeof key, "search %08x visits %d on %d of %08x by %s", point->hash, visits,
           meter->search_positions->count, meter->positions_crc, version_text());
  const json_t *known = json_object_get(meter->known, key);
  return known ? known : measure_on(meter, point, meter->search_positions, visits, key, err);
}

static Positions *make_set(CompareMeter *meter, const ComparePool *pool, int set_point, Error *err) {
  const CompareDesign *design = &meter->experiment->design;
  uint64_t seed = design->settings.first_seed;
  int count = design->settings.position_count, teacher = compare_teacher_arm(meter->experiment);
  ReplayBlock *block = NULL;
  if (set_point == COMPARE_SET_RANDOM) {
    block = compare_sets_random(design->game, seed, RANDOM_TRIES);
  } else if (set_point == COMPARE_SET_TEACHER) {
    block = compare_sets_teacher(design->game, &design->arms[teacher].config, seed, SET_GAMES, meter->threads,
                                 meter->watch, err);
    if (!block) return NULL;
  } else {
    const ComparePoint *point = &pool->points[set_point];
    Net *net = net_load_for(design->game, point->path, err);
    if (!net) return NULL;
    block = compare_sets_games(design->game, config_of(meter, point), net,
                               meter->experiment->runs[point->run].seed, 1, SET_GAMES, meter->threads);
    net_free(net);
  }
  Positions *positions = compare_sets_solve(block, count, seed, &meter->trained, meter->watch, err);
  replay_block_free(block);
  return positions;
}

/* False where what the runs have learnt from cannot be read any more, or the watch ends it. */
static bool trained_known(CompareMeter *meter) {
  if (!meter->trained_read && !meter->unknown.message[0]) {
    int plies[2];
    compare_sets_plies(meter->experiment->design.game, plies);
    meter->trained_read =
        compare_trained_read(meter->experiment, plies, meter->watch, &meter->trained, &meter->unknown);
    if (meter->trained_read) meter->unknown.message[0] = 0;
  }
  return meter->trained_read;
}

const char *compare_meter_unknown(const CompareMeter *meter) {
  return meter->unknown.message;
}

static const Positions *find_set(CompareMeter *meter, const ComparePool *pool, int set_point,
                                 const char *name, Error *err) {
  for (int s = 0; s < meter->set_count; s++)
    if (strcmp(meter->sets[s].name, name) == 0) {
      if (!meter->sets[s].positions) error_set(err, "%s", "");
      return meter->sets[s].positions;
    }
  Positions *positions = make_set(meter, pool, set_point, err);
  if (!positions && err->message[0]) return NULL;
  size_t n = (size_t)meter->set_count;
  meter->sets = memory_grow(meter->sets, n, n + 1, sizeof *meter->sets);
  NamedSet *set = &meter->sets[meter->set_count++];
  snprintf(set->name, sizeof set->name, "%s", name);
  set->positions = positions;
  return positions;
}

const json_t *compare_measure_set(CompareMeter *meter, const ComparePool *pool, int point, int set_point,
                                  Error *err) {
  char key[KEY_MAX], name[96];
  const CompareDesign *design = &meter->experiment->design;
  int teacher = compare_teacher_arm(meter->experiment);
  if (!compare_sets_possible(design->game) || (set_point == COMPARE_SET_TEACHER && teacher < 0))
    return none(err);
  unsigned long long seed = design->settings.first_seed;
  if (set_point == COMPARE_SET_RANDOM)
    snprintf(name, sizeof name, "random %llu", seed);
  else if (set_point == COMPARE_SET_TEACHER)
    snprintf(name, sizeof name, "teacher %08x %llu", run_config_crc(&design->arms[teacher].config), seed);
  else
    snprintf(name, sizeof name, "own %08x %08x %llu", pool->points[set_point].hash,
             run_config_crc(config_of(meter, &pool->points[set_point])), seed);
  snprintf(key, sizeof key, "unseen %08x set %s of %d for %08x by %s",
           compare_trained_stamp(meter->experiment), name, design->settings.position_count,
           pool->points[point].hash, version_text());
  const json_t *known = json_object_get(meter->known, key);
  if (known) return known;
  if (!trained_known(meter)) return none(err);
  const Positions *positions = find_set(meter, pool, set_point, name, err);
  return positions ? measure_on(meter, &pool->points[point], positions, 0, key, err) : NULL;
}
