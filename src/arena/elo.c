#include "arena/elo.h"

#include "arena/record.h"
#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  OPENING_POOL = 1000,
  STEP_PAIRS = 8, /* of one match in the second half */
};

const char *elo_reference(const Game *game) {
  (void)game; /* strong enough to tell beginners apart, weak enough to be beaten, quick, and known to
                 everybody */
  return "mcts:1000";
}

typedef struct Tournament {
  Store *store;
  Player *const *players;
  int count;
  const EloOptions *options;
  Openings *pool;
  int *between;        /* [count][count] games recorded */
  bool *exhausted;     /* [count][count] no opening is left */
  double *elo, *width; /* [count] of the ratings so far; infinite where unknown */
  int wanted;          /* games to be played, for progress */
  EloPlayed *played;
} Tournament;

static int *between(const Tournament *t, int i, int j) {
  return &t->between[i * t->count + j];
}

static int games_of(const Tournament *t, int i) {
  int games = 0;
  for (int j = 0; j < t->count; j++) games += *between(t, i, j);
  return games;
}

/* Games that player i is still to be given. */
static int missing_games(const Tournament *t, int i) {
  int missing = t->options->games - games_of(t, i);
  return missing > 0 && !(t->options->sated && t->options->sated[i]) ? missing : 0;
}

/* index[i]: of player i in the results, -1 where it has not played. */
static void count_between(Tournament *t, const StoreResults *results, const int *index) {
  int *player = memory_new((size_t)results->player_count + 1, sizeof *player);
  for (int k = 0; k < results->player_count; k++) player[k] = -1;
  for (int i = 0; i < t->count; i++)
    if (index[i] >= 0) player[index[i]] = i;
  memset(t->between, 0, (size_t)t->count * (size_t)t->count * sizeof(int));
  for (int g = 0; g < results->count; g++) {
    int i = player[results->games[g].first], j = player[results->games[g].second];
    if (i >= 0 && j >= 0) ++*between(t, i, j), ++*between(t, j, i);
  }
  free(player);
}

/* Counts and ratings from the store, which other processes may fill at the same time. */
static bool refresh(Tournament *t, Error *err) {
  StoreResults results;
  const Game *game = t->players[0]->game;
  if (!store_results(t->store, game->name, &results, err)) return false;
  int *index = memory_new((size_t)t->count, sizeof *index);
  for (int i = 0; i < t->count; i++)
    index[i] = store_results_find(&results, t->players[i]->name, t->players[i]->hash);
  count_between(t, &results, index);
  int anchor = store_results_find(&results, elo_reference(game), 0);
  RatingTable *ratings =
      anchor >= 0 ? ratings_new(results.player_count, anchor, results.games, results.count) : NULL;
  for (int i = 0; i < t->count; i++) {
    bool known = ratings && index[i] >= 0 && ratings->ratings[index[i]].connected;
    t->elo[i] = known ? ratings->ratings[index[i]].elo : 0;
    t->width[i] = known ? ratings->ratings[index[i]].high - ratings->ratings[index[i]].low : INFINITY;
  }
  ratings_free(ratings);
  store_results_free(&results);
  free(index);
  return true;
}

/* A seed of its own for every match, so that a pairing's next games are not its last ones again. */
static uint64_t match_seed(const Tournament *t, int i, int j) {
  uint64_t hash = 0xcbf29ce484222325u ^ t->options->seed; /* FNV-1a, 64 bit */
  const char *const texts[2] = {t->players[i]->name, t->players[j]->name};
  for (int k = 0; k < 2; k++)
    for (const char *at = texts[k]; *at; at++) hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
  return (hash ^ (uint64_t)*between(t, i, j)) * 0x100000001b3u;
}

typedef struct MatchWatch {
  Tournament *tournament;
  int i, j;
} MatchWatch;

static void watch_match(void *context, const MatchProgress *progress) {
  const MatchWatch *watch = context;
  Tournament *t = watch->tournament;
  EloProgress out = {.a = t->players[watch->i], .b = t->players[watch->j]};
  out.games_done = t->played->games + progress->games_done;
  out.games_total = t->wanted > out.games_done ? t->wanted : out.games_done;
  t->options->progress(t->options->context, &out);
}

static Player *open_player(const Tournament *t, int i, Error *err) {
  return t->options->open ? t->options->open(t->options->open_context, i, err) : t->players[i];
}

static void close_player(const Tournament *t, Player *player) {
  if (t->options->open) player_free(player);
}

static bool play_pairs(Tournament *t, int i, int j, int pairs, Error *err) {
  if (t->options->stop && *t->options->stop) return error_set(err, "%s", "");
  Openings *openings = record_fresh_openings(t->store, t->players[i], t->players[j], t->pool, pairs, err);
  if (!openings) return false;
  bool fine = true;
  if (openings->count < pairs)
    t->exhausted[i * t->count + j] = t->exhausted[j * t->count + i] = t->played->exhausted = true;
  if (openings->count > 0) {
    MatchWatch watch = {t, i, j};
    MatchOptions options = {.seed = match_seed(t, i, j),
                            .progress = t->options->progress ? watch_match : NULL,
                            .context = &watch,
                            .stop = t->options->stop};
    MatchResult result = {0};
    int added = 0;
    Player *a = open_player(t, i, err), *b = a ? open_player(t, j, err) : NULL;
    fine = b && match_play(a, b, openings, &options, &result, err);
    Error late; /* games before one that failed count all the same */
    if (result.count > 0 && !record_match(t->store, a, b, openings, &result, &added, &late)) {
      if (fine || !err->message[0]) *err = late;
      fine = false;
    }
    close_player(t, a), close_player(t, b);
    t->played->games += added;
    *between(t, i, j) += added;
    *between(t, j, i) += added;
    match_result_free(&result);
  }
  openings_free(openings);
  return fine;
}

static int missing_pairs(const Tournament *t, const EloPairing *wanted) {
  int pairs = wanted->pairs - *between(t, wanted->a, wanted->b) / 2;
  return pairs > 0 ? pairs : 0;
}

/* Every pairing up to its share of half the games, or up to what the caller wants. */
static bool round_robin(Tournament *t, Error *err) {
  for (int k = 0; t->options->pairings && k < t->options->pairing_count; k++) {
    const EloPairing *wanted = &t->options->pairings[k];
    int pairs = missing_pairs(t, wanted);
    if (pairs > 0 && !play_pairs(t, wanted->a, wanted->b, pairs, err)) return false;
  }
  if (t->options->pairings) return true;
  int share = (t->options->games + 4 * (t->count - 1) - 1) / (4 * (t->count - 1)); /* pairs */
  for (int i = 0; i < t->count; i++)
    for (int j = 0; j < i; j++) {
      int pairs = share - *between(t, i, j) / 2;
      if (pairs > 0 && !play_pairs(t, i, j, pairs, err)) return false;
    }
  return true;
}

/* The opponent whose next game tells most about i: p (1 - p), discounted by the games they have played. */
static int best_opponent(const Tournament *t, int i) {
  int best = -1;
  double most = 0;
  for (int j = 0; j < t->count; j++) {
    if (j == i || t->exhausted[i * t->count + j] || (t->options->sated && t->options->sated[j])) continue;
    double p = score_from_elo(t->elo[i] - t->elo[j]);
    double gain = (p * (1 - p) + 1e-6) / (1 + *between(t, i, j));
    if (gain > most) most = gain, best = j;
  }
  return best;
}

static bool fill_up(Tournament *t, Error *err) {
  for (;;) {
    if (!refresh(t, err)) return false;
    int widest = -1, opponent = -1;
    for (int i = 0; i < t->count; i++) {
      if (!missing_games(t, i) || (widest >= 0 && t->width[i] <= t->width[widest])) continue;
      int candidate = best_opponent(t, i);
      if (candidate >= 0) widest = i, opponent = candidate;
    }
    if (widest < 0) return true;
    int pairs = (missing_games(t, widest) + 1) / 2;
    if (!play_pairs(t, widest, opponent, pairs < STEP_PAIRS ? pairs : STEP_PAIRS, err)) return false;
  }
}

bool elo_play(Store *store, Player *const *players, int count, const EloOptions *options, EloPlayed *played,
              Error *err) {
  assert(count >= 2 && options->games > 0);
  size_t n = (size_t)count;
  *played = (EloPlayed){0};
  Openings *pool = openings_up_to(players[0]->game, NULL, OPENING_POOL, options->seed, err);
  if (!pool) return false;
  Tournament t = {.store = store,
                  .players = players,
                  .count = count,
                  .options = options,
                  .pool = pool,
                  .between = memory_new(n * n, sizeof(int)),
                  .exhausted = memory_new(n * n, sizeof(bool)),
                  .elo = memory_new(n, sizeof(double)),
                  .width = memory_new(n, sizeof(double)),
                  .played = played};
  bool fine = refresh(&t, err);
  for (int i = 0; fine && i < count; i++) t.wanted += missing_games(&t, i);
  t.wanted = (t.wanted + 1) / 2; /* a game serves two */
  int named = 0;
  for (int k = 0; fine && options->pairings && k < options->pairing_count; k++)
    named += 2 * missing_pairs(&t, &options->pairings[k]);
  if (named > t.wanted) t.wanted = named;
  fine = fine && round_robin(&t, err) && fill_up(&t, err);
  bool missing = false;
  for (int i = 0; fine && i < count; i++) missing = missing || missing_games(&t, i);
  played->exhausted = played->exhausted && missing;
  free(t.between), free(t.exhausted), free(t.elo), free(t.width);
  openings_free(pool);
  return fine;
}

static void sort_order(EloTable *table) {
  const Rating *ratings = table->ratings->ratings;
  for (int k = 0; k < table->results.player_count; k++) {
    int at = k;
    for (; at > 0; at--) {
      const Rating *above = &ratings[table->order[at - 1]];
      if (above->connected && !(ratings[k].connected && ratings[k].elo > above->elo)) break;
      if (!above->connected && !ratings[k].connected) break;
      table->order[at] = table->order[at - 1];
    }
    table->order[at] = k;
  }
}

bool elo_rate(Store *store, const Game *game, int resamples, uint64_t seed, EloTable *out, Error *err) {
  *out = (EloTable){0};
  if (!store_results(store, game->name, &out->results, err)) return false;
  int reference = store_results_find(&out->results, elo_reference(game), 0);
  if (reference < 0) {
    elo_table_free(out);
    return error_set(err,
                     "%s: no game of %s with the reference player %s is recorded; name players to play some, "
                     "as in `selfplay elo mcts:100 random'",
                     store_path(store), game->title, elo_reference(game));
  }
  const StoreResults *results = &out->results;
  out->ratings = ratings_new(results->player_count, reference, results->games, results->count);
  ratings_by_other_models(out->ratings, results->games, results->count);
  if (resamples > 0) ratings_bootstrap(out->ratings, results->games, results->count, resamples, seed);
  out->order = memory_new((size_t)results->player_count, sizeof *out->order);
  sort_order(out);
  return true;
}

void elo_table_free(EloTable *table) {
  store_results_free(&table->results);
  ratings_free(table->ratings);
  free(table->order);
  *table = (EloTable){0};
}
