#include "arena/compare_pool.h"

#include "arena/player.h"
#include "arena/score.h"
#include "base/memory.h"
#include "selfplay/learner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* None of them a network, and one that the weakest network can beat; the first is the one rated 0
 * (elo_reference()). */
static const char *const fixed_opponents[] = {"mcts:1000", "random", "alphabeta:2", "alphabeta:5"};
enum {
  FIXED = sizeof fixed_opponents / sizeof *fixed_opponents,
  SCHEDULED_PAIRS = 4,
  SEARCH_PAIRS = 8,
  EARLY = 2 /* networks measured before the first checkpoint, where there are several */
};

/* --- which networks --- */

/* The weights that a run begins from, as all of its seed with that network do; written where none of these is
 * from scratch. */
static bool initial_network(const Experiment *experiment, const CompareRun *run, char path[FILE_PATH_MAX],
                            Error *err) {
  const CompareDesign *design = &experiment->design;
  const CompareArm *arm = &design->arms[run->arm];
  for (int i = 0; i < experiment->run_count; i++) {
    const CompareRun *other = &experiment->runs[i];
    if (other->seed != run->seed || design->arms[other->arm].kind != ARM_FROM_SCRATCH || !other->networks ||
        compare_other_network(arm, &design->arms[other->arm]))
      continue;
    snprintf(path, FILE_PATH_MAX, "%.*s/networks/00000.net", FILE_PATH_MAX - 40, other->folder);
    return true;
  }
  char relative[FILE_PATH_MAX];
  snprintf(relative, sizeof relative, "initial-%s-%llu.net", arm->name, (unsigned long long)run->seed);
  experiment_path(experiment, relative, path);
  if (file_exists(path)) return true;
  Learner *learner = learner_new(design->game, &arm->config, run->seed, 1);
  bool fine = net_save(learner_net(learner), design->game->name, "initial weights", path, err);
  learner_free(learner);
  return fine;
}

static bool add_player(ComparePool *pool, const char *spelling, const Game *game, int *index, Error *err) {
  Player *player = player_new(spelling, game, 1, err);
  if (!player) return false;
  int at = 0;
  /* Equal networks with equal visits are one player, whatever run they are of. */
  while (at < pool->player_count && !(player->hash == pool->hashes[at] && player->hash != 0 &&
                                      strcmp(strrchr(player->name, ','), strrchr(pool->names[at], ',')) == 0))
    at++;
  if (at == pool->player_count) {
    size_t n = (size_t)at;
    pool->spellings = memory_grow(pool->spellings, n, n + 1, sizeof *pool->spellings);
    pool->names = memory_grow(pool->names, n, n + 1, sizeof *pool->names);
    pool->hashes = memory_grow(pool->hashes, n, n + 1, sizeof *pool->hashes);
    snprintf(pool->spellings[at], sizeof *pool->spellings, "%s", spelling);
    snprintf(pool->names[at], sizeof *pool->names, "%s", player->name);
    pool->hashes[at] = player->hash;
    pool->player_count++;
  }
  *index = at;
  player_free(player);
  return true;
}

static void spell(const Experiment *experiment, const ComparePoint *point, int visits, char *out,
                  size_t size) {
  const CompareRun *run = &experiment->runs[point->run];
  if (point->network >= 0)
    snprintf(out, size, "run:%s@%d,visits=%d", run->folder, point->network, visits);
  else
    snprintf(out, size, "net:%s,visits=%d", point->path, visits);
}

static bool add_point(const Experiment *experiment, ComparePool *pool, int run, int network, Error *err) {
  const CompareRun *of = &experiment->runs[run];
  char spelling[FILE_PATH_MAX + 64];
  size_t n = (size_t)pool->point_count;
  pool->points = memory_grow(pool->points, n, n + 1, sizeof *pool->points);
  ComparePoint *point = &pool->points[pool->point_count++];
  *point = (ComparePoint){.run = run, .network = network};
  if (network >= 0) {
    point->cost = of->costs[network];
    snprintf(point->path, sizeof point->path, "%.*s/networks/%05d.net", FILE_PATH_MAX - 40, of->folder,
             network);
  } else if (!initial_network(experiment, of, point->path, err)) {
    return false;
  }
  spell(experiment, point, experiment->design.settings.visits, spelling, sizeof spelling);
  if (!add_player(pool, spelling, experiment->design.game, &point->player, err)) return false;
  point->hash = pool->hashes[point->player];
  return true;
}

static int nearest_network(const CompareRun *run, CompareUnit unit, double amount) {
  int best = 0;
  for (int k = 1; k < run->networks; k++)
    if (fabs(run->costs[k].amount[unit] - amount) < fabs(run->costs[best].amount[unit] - amount)) best = k;
  return best;
}

/* Shares of the budget whose nearest networks are measured: the checkpoints, two in the first stretch, where
 * most is learnt, and those that are searched with other numbers of visits. */
static int measured_shares(const CompareDesign *design, double *shares) {
  int checkpoints = design->settings.checkpoints, n = 0;
  for (int j = 1; j <= checkpoints; j++) shares[n++] = (double)j / checkpoints;
  for (int k = 1; checkpoints > 1 && k <= EARLY; k++) shares[n++] = 1.0 / ((1 << k) * checkpoints);
  for (int c = 0; design->search_visit_count && c < design->search_checkpoint_count; c++)
    shares[n++] = design->search_checkpoints[c];
  return n;
}

static bool add_run(const Experiment *experiment, ComparePool *pool, int index, Error *err) {
  const CompareRun *run = &experiment->runs[index];
  const CompareDesign *design = &experiment->design;
  if (!run->networks) return true;
  if (design->arms[run->arm].kind != ARM_FROM_SCRATCH && !add_point(experiment, pool, index, -1, err))
    return false;
  size_t most = (size_t)(design->settings.checkpoints + EARLY + design->search_checkpoint_count);
  double *shares = memory_new(most, sizeof *shares);
  bool *wanted = memory_new((size_t)run->networks, sizeof *wanted), fine = true;
  int n = measured_shares(design, shares);
  wanted[0] = true;
  for (int k = 0; k < n; k++) wanted[nearest_network(run, design->unit, design->budget * shares[k])] = true;
  for (int k = 0; fine && k < run->networks; k++)
    if (wanted[k]) fine = add_point(experiment, pool, index, k, err);
  free(shares), free(wanted);
  return fine;
}

/* The run's point nearest to this share of the budget, of points[first, end), which are the run's. */
static int nearest_point(const ComparePool *pool, const CompareDesign *design, int first, int end,
                         double share) {
  int best = first;
  double wanted = design->budget * share;
  for (int p = first + 1; p < end; p++)
    if (fabs(pool->points[p].cost.amount[design->unit] - wanted) <
        fabs(pool->points[best].cost.amount[design->unit] - wanted))
      best = p;
  return best;
}

/* The chosen networks of one run, points[first, end), at other budgets of search. A run that is not yet as
 * far has one network for several shares: it is chosen once. */
static bool add_searchers_of(const Experiment *experiment, ComparePool *pool, int first, int end,
                             Error *err) {
  const CompareDesign *design = &experiment->design;
  int before = -1;
  for (int c = design->search_checkpoint_count - 1; c >= 0; c--) {
    int p = nearest_point(pool, design, first, end, design->search_checkpoints[c]);
    for (int v = 0; p != before && v < design->search_visit_count; v++) {
      CompareSearcher *searcher = &pool->searchers[pool->searcher_count];
      char spelling[FILE_PATH_MAX + 64];
      *searcher = (CompareSearcher){.point = p, .visits = design->search_visits[v], .checkpoint = c};
      spell(experiment, &pool->points[p], searcher->visits, spelling, sizeof spelling);
      if (!add_player(pool, spelling, design->game, &searcher->player, err)) return false;
      pool->searcher_count++;
    }
    before = p;
  }
  return true;
}

static bool add_searchers(const Experiment *experiment, ComparePool *pool, Error *err) {
  const CompareDesign *design = &experiment->design;
  size_t room =
      (size_t)(experiment->run_count * design->search_checkpoint_count * design->search_visit_count);
  pool->searchers = memory_new(room + 1, sizeof *pool->searchers);
  for (int first = 0, end; first < pool->point_count; first = end) {
    for (end = first; end < pool->point_count && pool->points[end].run == pool->points[first].run; end++)
      continue;
    if (!add_searchers_of(experiment, pool, first, end, err)) return false;
  }
  return true;
}

bool compare_pool_new(const Experiment *experiment, ComparePool *out, Error *err) {
  *out = (ComparePool){0};
  bool fine = true;
  int index;
  for (int f = 0; fine && f < FIXED; f++)
    fine = add_player(out, fixed_opponents[f], experiment->design.game, &index, err);
  out->fixed_count = out->player_count;
  for (int i = 0; fine && i < experiment->run_count; i++) fine = add_run(experiment, out, i, err);
  fine = fine && add_searchers(experiment, out, err);
  if (fine && !out->point_count) fine = error_set(err, "%s: no run has a network yet", experiment->folder);
  if (!fine) compare_pool_free(out);
  return fine;
}

void compare_pool_free(ComparePool *pool) {
  free(pool->points), free(pool->searchers), free(pool->spellings), free(pool->names), free(pool->hashes);
  *pool = (ComparePool){0};
}

/* --- games --- */

typedef struct Schedule {
  EloPairing *pairings;
  int count;
} Schedule;

static void pair_up(Schedule *schedule, int a, int b, int pairs) {
  if (a == b) return;
  size_t n = (size_t)schedule->count;
  schedule->pairings = memory_grow(schedule->pairings, n, n + 1, sizeof *schedule->pairings);
  schedule->pairings[schedule->count++] = (EloPairing){a, b, pairs};
}

/* The point of another run whose cost is nearest. */
static int counterpart(const Experiment *experiment, const ComparePool *pool, int p, int run) {
  CompareUnit unit = experiment->design.unit;
  int best = -1;
  for (int q = 0; q < pool->point_count; q++) {
    if (pool->points[q].run != run) continue;
    double gap = fabs(pool->points[q].cost.amount[unit] - pool->points[p].cost.amount[unit]);
    if (best < 0 || gap < fabs(pool->points[best].cost.amount[unit] - pool->points[p].cost.amount[unit]))
      best = q;
  }
  return best;
}

static Schedule make_schedule(const Experiment *experiment, const ComparePool *pool) {
  Schedule schedule = {0};
  int arms = experiment->design.arm_count;
  for (int p = 0; p < pool->point_count; p++) {
    const ComparePoint *point = &pool->points[p];
    for (int f = 0; f < pool->fixed_count; f++) pair_up(&schedule, point->player, f, SCHEDULED_PAIRS);
    for (int back = 1; back <= 2 && back <= p; back++)
      if (pool->points[p - back].run == point->run)
        pair_up(&schedule, point->player, pool->points[p - back].player, SCHEDULED_PAIRS);
    for (int other = point->run - point->run % arms; other < point->run; other++) {
      int q = counterpart(experiment, pool, p, other);
      if (q >= 0) pair_up(&schedule, point->player, pool->points[q].player, SCHEDULED_PAIRS);
    }
  }
  for (int s = 0; s < pool->searcher_count; s++) {
    const CompareSearcher *searcher = &pool->searchers[s];
    for (int f = 0; f < pool->fixed_count; f++) pair_up(&schedule, searcher->player, f, SCHEDULED_PAIRS);
    if (s > 0 && pool->searchers[s - 1].point == searcher->point)
      pair_up(&schedule, searcher->player, pool->searchers[s - 1].player, SEARCH_PAIRS);
  }
  return schedule;
}

/* Players that are there for test-time search alone: thousands of visits are dear, and it is slopes over all
 * of them that are asked for, not each one's rating. */
static bool *searchers_only(const ComparePool *pool) {
  bool *only = memory_new((size_t)pool->player_count, sizeof *only);
  for (int s = 0; s < pool->searcher_count; s++) only[pool->searchers[s].player] = true;
  for (int p = 0; p < pool->point_count; p++) only[pool->points[p].player] = false;
  return only;
}

static Store *open_store(const Experiment *experiment, Error *err) {
  char path[FILE_PATH_MAX];
  experiment_path(experiment, "ratings.sqlite", path);
  return store_open(path, err);
}

typedef struct Opener {
  const ComparePool *pool;
  const Game *game;
  int threads;
} Opener;

static Player *open_player(void *context, int index, Error *err) {
  const Opener *opener = context;
  return player_new(opener->pool->spellings[index], opener->game, opener->threads, err);
}

/* What a tournament has to know of a player that does not play yet. */
static Player *face(const ComparePool *pool, int index, const Game *game) {
  Player *player = memory_new(1, sizeof *player);
  player->game = game;
  player->hash = pool->hashes[index];
  snprintf(player->name, sizeof player->name, "%s", pool->names[index]);
  return player;
}

bool compare_pool_play(const Experiment *experiment, const ComparePool *pool, int threads,
                       void (*progress)(void *context, const EloProgress *progress), void *context,
                       const volatile sig_atomic_t *stop, Error *err) {
  const CompareSettings *settings = &experiment->design.settings;
  Player **players = memory_new((size_t)pool->player_count, sizeof *players);
  Store *store = open_store(experiment, err);
  bool fine = store != NULL;
  Opener opener = {pool, experiment->design.game, threads};
  for (int i = 0; i < pool->player_count; i++) players[i] = face(pool, i, opener.game);
  Schedule schedule = make_schedule(experiment, pool);
  bool *sated = searchers_only(pool);
  EloOptions options = {.games = settings->rating_games,
                        .seed = settings->first_seed,
                        .pairings = schedule.pairings,
                        .pairing_count = schedule.count,
                        .sated = sated,
                        .open = open_player,
                        .open_context = &opener,
                        .progress = progress,
                        .context = context,
                        .stop = stop};
  EloPlayed played;
  fine = fine && elo_play(store, players, pool->player_count, &options, &played, err);
  free(schedule.pairings), free(sated);
  for (int i = 0; i < pool->player_count; i++) player_free(players[i]);
  free(players);
  store_close(store);
  return fine;
}

/* --- what the games say --- */

static bool read_results(const Experiment *experiment, StoreResults *out, Error *err) {
  Store *store = open_store(experiment, err);
  bool fine = store && store_results(store, experiment->design.game->name, out, err);
  store_close(store);
  return fine;
}

bool compare_pool_rate(const Experiment *experiment, const ComparePool *pool, ComparePoolRatings *out,
                       Error *err) {
  StoreResults results;
  *out = (ComparePoolRatings){0};
  if (!read_results(experiment, &results, err)) return false;
  out->index = memory_new((size_t)pool->player_count, sizeof *out->index);
  for (int i = 0; i < pool->player_count; i++)
    out->index[i] = store_results_find(&results, pool->names[i], pool->hashes[i]);
  out->games = results.count;
  bool fine = out->index[0] >= 0;
  if (fine)
    out->table = ratings_new(results.player_count, out->index[0], results.games, results.count);
  else
    error_set(err, "%s: no game of the rating pool has been played", experiment->folder);
  store_results_free(&results);
  if (!fine) compare_pool_ratings_free(out);
  return fine;
}

void compare_pool_ratings_free(ComparePoolRatings *ratings) {
  ratings_free(ratings->table);
  free(ratings->index);
  *ratings = (ComparePoolRatings){0};
}

/* The gain from a to b by some of the games: marks are 1 for the run's networks, 2 for fixed opponents, 0 for
 * others; the games between networks count where `equal`, else those of a network with a fixed opponent. */
static CompareGain gain_of(const StoreResults *results, const int *marks, bool equal, int a, int b) {
  RatingGame *games = memory_new((size_t)results->count + 1, sizeof *games);
  int count = 0;
  for (int g = 0; g < results->count; g++) {
    int x = marks[results->games[g].first], y = marks[results->games[g].second];
    if (x && y && (equal ? x == 1 && y == 1 : x != y)) games[count++] = results->games[g];
  }
  RatingTable *table = ratings_new(results->player_count, a, games, count);
  CompareGain gain = {NAN, NAN, NAN, count};
  if (count && a != b && table->ratings[b].connected && !table->ratings[b].separated)
    gain = (CompareGain){table->ratings[b].elo, table->ratings[b].low, table->ratings[b].high, count};
  ratings_free(table);
  free(games);
  return gain;
}

bool compare_pool_gains(const Experiment *experiment, const ComparePool *pool, int a, int b,
                        CompareGain *inside, CompareGain *fixed, Error *err) {
  StoreResults results;
  if (!read_results(experiment, &results, err)) return false;
  int *marks = memory_new((size_t)results.player_count + 1, sizeof *marks), ends[2] = {-1, -1};
  for (int p = 0; p < pool->point_count; p++) {
    if (pool->points[p].run != pool->points[a].run) continue;
    int player = pool->points[p].player,
        at = store_results_find(&results, pool->names[player], pool->hashes[player]);
    if (at >= 0) marks[at] = 1;
    if (p == a) ends[0] = at;
    if (p == b) ends[1] = at;
  }
  for (int f = 0; f < pool->fixed_count; f++) {
    int at = store_results_find(&results, pool->names[f], pool->hashes[f]);
    if (at >= 0) marks[at] = 2;
  }
  bool fine = (ends[0] >= 0 && ends[1] >= 0) ||
              error_set(err, "%s: the rating pool is incomplete", experiment->folder);
  if (fine) *inside = gain_of(&results, marks, true, ends[0], ends[1]);
  if (fine) *fixed = gain_of(&results, marks, false, ends[0], ends[1]);
  free(marks);
  store_results_free(&results);
  return fine;
}
