#include "arena/targets.h"

#include "arena/score.h"
#include "base/clock.h"
#include "base/memory.h"
#include "games/exact.h"
#include "selfplay/shard.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

enum { SOLVERS_LOG2_BYTES = 29 }; /* of all threads' tables together */

const char *const targets_kind_names[TARGETS_KINDS] = {"outcome_exact", "outcome_error", "search_error",
                                                       "value_error",   "policy_mass",   "move_kept"};

/* A position to judge, and what was found. */
typedef struct Judged {
  const ReplayBlock *block;
  int place;
  bool reached;
  double figures[TARGETS_KINDS];
} Judged;

/* Of as many games each as a run's shards have, so that the cache serves them as it does there. */
static ReplayBlock **play(const TargetsPlan *plan, int *count, double *core_seconds) {
  int each = plan->config->games / plan->config->shards;
  *count = (plan->games + each - 1) / each;
  ReplayBlock **blocks = memory_new((size_t)*count, sizeof(ReplayBlock *));
  double seconds = 0;
#pragma omp parallel for schedule(dynamic) num_threads(plan->threads) reduction(+ : seconds)
  for (int i = 0; i < *count; i++) {
    int first = i * each, games = plan->games - first < each ? plan->games - first : each;
    ShardSpec spec = {.game = plan->game,
                      .config = plan->config,
                      .plan = plan->plan,
                      .seed = plan->seed,
                      .iteration = 1,
                      .first_game = first,
                      .games = games};
    double started = clock_thread_cpu();
    blocks[i] = shard_play(&spec, NULL, NULL);
    seconds += clock_thread_cpu() - started;
  }
  *core_seconds = seconds;
  return blocks;
}

static bool is_judged(const TargetsPlan *plan, int ply) {
  return ply >= plan->first_ply && ply <= plan->last_ply;
}

/* Of the positions of each ply every so-manieth. */
static Judged *choose(const TargetsPlan *plan, ReplayBlock *const *blocks, int block_count, int *count) {
  size_t plies = (size_t)(plan->last_ply - plan->first_ply + 1);
  int64_t *all = memory_new(plies, sizeof *all), *seen = memory_new(plies, sizeof *seen);
  for (int b = 0; b < block_count; b++)
    for (int i = 0; i < blocks[b]->count; i++)
      if (is_judged(plan, blocks[b]->facts[i].ply)) all[blocks[b]->facts[i].ply - plan->first_ply]++;
  size_t most = 0;
  for (size_t at = 0; at < plies; at++) most += (size_t)(all[at] < plan->per_ply ? all[at] : plan->per_ply);
  Judged *judged = memory_new(most + 1, sizeof *judged);
  *count = 0;
  for (int b = 0; b < block_count; b++)
    for (int i = 0; i < blocks[b]->count; i++) {
      if (!is_judged(plan, blocks[b]->facts[i].ply)) continue;
      int at = blocks[b]->facts[i].ply - plan->first_ply;
      int64_t wanted = all[at] < plan->per_ply ? all[at] : plan->per_ply, before = seen[at]++;
      if (before * wanted / all[at] == seen[at] * wanted / all[at]) continue;
      judged[(*count)++] = (Judged){.block = blocks[b], .place = i};
    }
  free(all);
  free(seen);
  return judged;
}

static double squared(double x) {
  return x * x;
}

static void judge(const TargetsPlan *plan, Exact *exact, Judged *judged, float *policy, uint8_t *legal) {
  const ReplayBlock *block = judged->block;
  const ExampleFacts *facts = &block->facts[judged->place];
  const void *state = block->states + (size_t)judged->place * plan->game->state_size;
  Error unreached;
  judged->reached = exact_reaches(plan->game, state, &unreached);
  if (!judged->reached) return;
  int values[GAME_MOVES_MAX], moves[GAME_MOVES_MAX], truth = -1, likeliest;
  exact_move_values(exact, state, values);
  int count = plan->game->legal(state, moves);
  for (int i = 0; i < count; i++)
    if (values[moves[i]] > truth) truth = values[moves[i]];

  float wdl[3];
  replay_example(block, judged->place, 0, run_config_value_target(plan->config), policy, legal, wdl);
  double kept = 0, searched = 0;
  for (int i = 0; i < 3; i++) searched += facts->search_wdl[i];
  likeliest = moves[0];
  for (int i = 0; i < count; i++) {
    if (values[moves[i]] == truth) kept += policy[moves[i]];
    if (policy[moves[i]] > policy[likeliest]) likeliest = moves[i];
  }
  double *figures = judged->figures;
  figures[TARGETS_OUTCOME_EXACT] = facts->outcome == truth;
  figures[TARGETS_OUTCOME_ERROR] = squared(facts->outcome - truth);
  figures[TARGETS_SEARCH_ERROR] =
      squared((facts->search_wdl[0] - facts->search_wdl[2]) / fmax(searched, 1) - truth);
  figures[TARGETS_VALUE_ERROR] = squared((double)wdl[0] - (double)wdl[2] - truth);
  figures[TARGETS_POLICY_MASS] = kept;
  figures[TARGETS_MOVE_KEPT] = values[likeliest] == truth;
}

typedef struct Judging {
  const TargetsPlan *plan;
  Judged *judged;
  int count, done;
  void (*progress)(void *context, int done, int total);
  void *context;
} Judging;

static bool judge_all(Judging *judging, Error *err) {
  const TargetsPlan *plan = judging->plan;
  const Game *game = plan->game;
  Exact **solvers = memory_new((size_t)plan->threads, sizeof(Exact *));
  bool fine = true;
  for (int t = 0; fine && t < plan->threads; t++)
    fine = (solvers[t] = exact_new(game, exact_log2_bytes_each(SOLVERS_LOG2_BYTES, plan->threads), err));
  if (fine) {
#pragma omp parallel num_threads(plan->threads)
    {
      float *policy = memory_new((size_t)game->moves, sizeof *policy);
      uint8_t *legal = memory_new((size_t)game->moves, sizeof *legal);
#pragma omp for schedule(dynamic)
      for (int i = 0; i < judging->count; i++) {
        judge(plan, solvers[omp_get_thread_num()], &judging->judged[i], policy, legal);
#pragma omp critical
        if (judging->progress) judging->progress(judging->context, ++judging->done, judging->count);
      }
      free(policy);
      free(legal);
    }
  }
  for (int t = 0; t < plan->threads; t++)
    if (solvers[t]) exact_free(solvers[t]);
  free(solvers);
  return fine;
}

static bool in_band(const TargetsBand *band, const Judged *judged) {
  int ply = judged->block->facts[judged->place].ply;
  return judged->reached && ply >= band->first_ply && ply <= band->last_ply;
}

/* A game's positions stand together in its block. */
static bool same_game(const Judged *a, const Judged *b) {
  return a->block == b->block && a->block->facts[a->place].game == b->block->facts[b->place].game;
}

static TargetsFigure figure(const TargetsBand *band, TargetsKind kind, const Judged *judged, int count) {
  double mean = 0, squares = 0, deviation = 0;
  for (int i = 0; i < count; i++)
    if (in_band(band, &judged[i])) mean += judged[i].figures[kind];
  mean /= band->positions;
  for (int i = 0; i < count; i++) {
    if (in_band(band, &judged[i])) deviation += judged[i].figures[kind] - mean;
    if (i + 1 < count && same_game(&judged[i], &judged[i + 1])) continue;
    squares += squared(deviation);
    deviation = 0;
  }
  double games = band->games, half = SCORE_Z95 * sqrt(squares * games / (games - 1)) / band->positions;
  return (TargetsFigure){mean, band->games > 1 && half > 0 ? half : NAN};
}

static void summarise(const TargetsPlan *plan, const Judged *judged, int count, Targets *out) {
  for (int first = plan->first_ply; first <= plan->last_ply; first += TARGETS_BAND_PLIES) {
    TargetsBand *band = &out->bands[out->band_count++];
    int last = first + TARGETS_BAND_PLIES - 1;
    *band = (TargetsBand){.first_ply = first, .last_ply = last < plan->last_ply ? last : plan->last_ply};
    bool played = false;
    for (int i = 0; i < count; i++) {
      bool here = in_band(band, &judged[i]);
      band->positions += here;
      played = played || here;
      if (i + 1 < count && same_game(&judged[i], &judged[i + 1])) continue;
      band->games += played;
      played = false;
    }
    for (int kind = 0; kind < TARGETS_KINDS; kind++)
      band->figures[kind] = figure(band, (TargetsKind)kind, judged, count);
  }
}

bool targets_measure(const TargetsPlan *plan, void (*progress)(void *context, int done, int total),
                     void *context, Targets *out, Error *err) {
  assert(plan->games > 0 && plan->per_ply > 0 && plan->threads > 0 && plan->first_ply <= plan->last_ply &&
         (plan->last_ply - plan->first_ply) / TARGETS_BAND_PLIES < TARGETS_BANDS_MAX);
  if (!exact_ready(plan->game, err)) return false;
  *out = (Targets){0};
  int block_count, count;
  ReplayBlock **blocks = play(plan, &block_count, &out->core_seconds);
  for (int b = 0; b < block_count; b++) shard_stats_add(&out->stats, &blocks[b]->stats);
  out->unique = replay_unique(blocks, block_count);
  Judged *judged = choose(plan, blocks, block_count, &count);
  Judging judging = {plan, judged, count, 0, progress, context};
  bool fine = judge_all(&judging, err);
  if (fine) summarise(plan, judged, count, out);
  free(judged);
  for (int b = 0; b < block_count; b++) replay_block_free(blocks[b]);
  free(blocks);
  return fine;
}
