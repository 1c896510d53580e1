#include "selfplay/shard.h"

#include "base/memory.h"
#include "mcts/search.h"
#include "selfplay/net_evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One of the games that a shard plays at the same time. */
typedef struct Lane {
  Search *search;
  ReplayBlock *played; /* positions of the game under way */
  int settled;         /* so many of them have their outcome, from before a random move */
  Rng rng;
  uint32_t game_number;
  int searched; /* moves of this game chosen by search */
  bool quick;   /* the search under way only chooses a move */
  bool active;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
} Lane;

typedef struct Shard {
  const ShardSpec *spec;
  Evaluator *evaluator;
  Lane *lanes;
  int lane_count, next_game;
  ReplayBlock *finished;
  ShardProgress *progress;
  void *context;
  ShardStats *stats;
  float *policy; /* [moves] */
  SearchChild *children;
} Shard;

static double entropy(const float *shares, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    if (shares[i] > 0) sum -= shares[i] * log(shares[i]);
  return sum;
}

/* Random moves give the games different beginnings; a line that ends the game is drawn again. */
static void play_random_plies(const Game *game, int most, Rng *rng, void *state) {
  float value;
  do {
    game->init(state);
    uint32_t plies = rng_below(rng, (uint32_t)most + 1);
    for (uint32_t i = 0; i < plies && !game->over(state, &value); i++) {
      int moves[GAME_MOVES_MAX];
      int count = game->legal(state, moves);
      game->play(state, moves[rng_below(rng, (uint32_t)count)]);
    }
  } while (game->over(state, &value));
}

static int most_random_plies(const Shard *shard) {
  return run_config_random_plies(shard->spec->config, (int)shard->spec->iteration);
}

/* In the spirit of the fair openings of D. Wu, "Accelerating self-play learning in Go" (2019), appendix D:
 * a game whose result is plain from the beginning teaches little. */
static void begin_balanced(Shard *shard, Lane *lane) {
  const Game *game = shard->spec->game;
  const RunConfig *config = shard->spec->config;
  size_t size = game->state_size;
  int n = config->balanced_of, most = shard->evaluator->max_batch, plies = most_random_plies(shard);
  char *states = memory_new((size_t)n, size);
  float *logits = memory_new((size_t)(n * game->moves), sizeof *logits);
  float wdl[3 * BALANCED_OF_MAX], weights[BALANCED_OF_MAX];
  for (int i = 0; i < n; i++) play_random_plies(game, plies, &lane->rng, states + (size_t)i * size);
  for (int i = 0; i < n; i += most)
    shard->evaluator->evaluate(shard->evaluator->self, states + (size_t)i * size, n - i < most ? n - i : most,
                               logits, wdl + 3 * i);
  for (int i = 0; i < n; i++) {
    float unsure = 1 - fabsf(wdl[3 * i] - wdl[3 * i + 2]);
    weights[i] = unsure * unsure + 1e-3f; /* one of them has to be played */
  }
  shard->stats->evaluations += n;
  memcpy(lane->state, states + (size_t)rng_choose(&lane->rng, weights, n) * size, size);
  free(states);
  free(logits);
}

static void begin_game(Shard *shard, Lane *lane) {
  int plies = most_random_plies(shard);
  if (shard->spec->config->balanced_of > 1 && plies > 0)
    begin_balanced(shard, lane);
  else
    play_random_plies(shard->spec->game, plies, &lane->rng, lane->state);
}

static void finish_game(Shard *shard, Lane *lane, float value_for_mover) {
  const Game *game = shard->spec->game;
  int sign = game->to_move(lane->state) == 0 ? 1 : -1;
  int result = sign * (value_for_mover > 0 ? 1 : value_for_mover < 0 ? -1 : 0);
  ShardStats *stats = shard->stats;
  stats->games++;
  stats->plies += game->ply(lane->state);
  stats->positions += lane->played->count;
  if (result > 0)
    stats->first_wins++;
  else if (result < 0)
    stats->second_wins++;
  else
    stats->draws++;
  replay_block_outcome(lane->played, lane->settled, result);
  replay_block_append(shard->finished, lane->played, 0, lane->played->count);
  lane->played->count = lane->settled = 0;
  if (shard->progress) shard->progress(shard->context, game->ply(lane->state));
}

/* Puts the lane at a position that wants a search, playing forced moves and beginning new games on the way;
 * the lane goes idle when the shard has no more games. */
static void prepare_search(Shard *shard, Lane *lane, bool fresh) {
  const ShardSpec *spec = shard->spec;
  const Game *game = spec->game;
  for (;;) {
    float value;
    int moves[GAME_MOVES_MAX];
    if (fresh) {
      if (shard->next_game == spec->games) {
        lane->active = false;
        return;
      }
      lane->game_number = (uint32_t)(spec->first_game + shard->next_game++);
      lane->rng = rng_make(spec->seed, RNG_SELFPLAY, spec->iteration, lane->game_number);
      lane->searched = 0;
      begin_game(shard, lane);
      fresh = false;
    } else if (game->over(lane->state, &value)) {
      finish_game(shard, lane, value);
      fresh = true;
    } else if (game->legal(lane->state, moves) == 1) {
      search_advance(lane->search, lane->state, moves[0]);
      game->play(lane->state, moves[0]);
    } else {
      Rng noise = lane->rng;
      noise.counter[1] = RNG_SEARCH_NOISE; /* the same place in another stream: one per searched move */
      noise.counter[0] = (uint32_t)lane->searched << 16;
      noise.used = 4;
      const RunConfig *config = spec->config;
      /* Playout caps: D. Wu, "Accelerating self-play learning in Go" (2019), section 3.1. */
      lane->quick = config->full_share < 1 && rng_uniform(&lane->rng) >= config->full_share;
      int visits = lane->quick ? config->quick_visits : config->visits;
      if (config->search.kind == SEARCH_NONE) visits = 0; /* the root's evaluation alone */
      search_noise(lane->search, !lane->quick);
      search_start(lane->search, lane->state, visits, noise);
      return;
    }
  }
}

/* Draws the move of self-play without search and makes it the policy target. */
static int draw_from_policy(Shard *shard, Lane *lane, const float *priors, int count, double temperature) {
  float shares[GAME_MOVES_MAX];
  int best = 0;
  for (int i = 1; i < count; i++)
    if (priors[i] > priors[best]) best = i;
  for (int i = 0; i < count; i++)
    shares[i] = powf(priors[i] / priors[best], (float)(1 / fmax(temperature, 1e-3)));
  int move = shard->children[rng_choose(&lane->rng, shares, count)].move;
  memset(shard->policy, 0, (size_t)shard->spec->game->moves * sizeof *shard->policy);
  shard->policy[move] = 1;
  return move;
}

/* KL(target || prior) over the root's moves. */
static double surprise(const float *target, const SearchChild *children, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) {
    double share = target[children[i].move];
    if (share > 0) sum += share * log(share / fmax((double)children[i].prior, 1e-30));
  }
  return sum;
}

/* A random move for the player at the root, whose search says `wdl`. It says nothing of the positions before
 * it, so that these take an outcome drawn from what the search expected instead of the game's: what Leela
 * Chess Zero's rescorer calls deblundering. */
static int deviate(Lane *lane, const Game *game, const float wdl[3]) {
  int outcome = 1 - rng_choose(&lane->rng, wdl, 3), moves[GAME_MOVES_MAX];
  replay_block_outcome(lane->played, lane->settled, game->to_move(lane->state) == 0 ? outcome : -outcome);
  lane->settled = lane->played->count;
  int count = game->legal(lane->state, moves);
  return moves[rng_below(&lane->rng, (uint32_t)count)];
}

/* Records the searched position and plays a move. False where the proven result ends the game instead. */
static bool record_and_play(Shard *shard, Lane *lane) {
  const RunConfig *config = shard->spec->config;
  const Game *game = shard->spec->game;
  bool searches = config->search.kind != SEARCH_NONE;
  float wdl[3], priors[GAME_MOVES_MAX];
  search_root_wdl(lane->search, wdl);
  int count = search_children(lane->search, shard->children), move, value = 0;
  for (int i = 0; i < count; i++) priors[i] = shard->children[i].prior;
  bool proven = searches && search_proven(lane->search, &value);
  bool early = lane->searched < config->temperature_plies;
  double temperature = early ? config->temperature : config->temperature_end;
  if (searches) {
    search_policy(lane->search, shard->policy);
    move = search_move(lane->search, temperature);
  } else {
    move = draw_from_policy(shard, lane, priors, count, temperature);
  }
  shard->stats->simulations += search_simulations(lane->search);
  if (!lane->quick || proven) {
    replay_block_add(lane->played, lane->state, shard->policy, wdl, proven, game->ply(lane->state),
                     lane->game_number);
    if (searches) replay_block_surprise(lane->played, surprise(shard->policy, shard->children, count));
    shard->stats->policy_entropy += entropy(priors, count);
    shard->stats->target_entropy += entropy(shard->policy, game->moves);
    shard->stats->proven += proven;
  }

  if (proven && config->end_proven) {
    finish_game(shard, lane, (float)value);
    return false;
  }
  if (config->random_share > 0 && rng_uniform(&lane->rng) < config->random_share) {
    move = deviate(lane, game, wdl);
    if (lane->played->count) replay_block_deviates(lane->played);
  }
  lane->searched++;
  search_advance(lane->search, lane->state, move);
  game->play(lane->state, move);
  return true;
}

/* The next leaf of this lane that wants an evaluation, over as many moves and games as it takes; NULL when
 * idle. */
static const void *next_leaf(Shard *shard, Lane *lane) {
  while (lane->active) {
    const void *leaf = search_select(lane->search);
    if (leaf) return leaf;
    bool goes_on = record_and_play(shard, lane);
    prepare_search(shard, lane, !goes_on);
  }
  return NULL;
}

static void play_all(Shard *shard) {
  const Game *game = shard->spec->game;
  size_t lanes = (size_t)shard->lane_count;
  char *states = memory_new(lanes, game->state_size);
  float *logits = memory_new(lanes * (size_t)game->moves, sizeof *logits);
  float *wdl = memory_new(lanes * 3, sizeof *wdl);
  Lane **waiting = memory_new(lanes, sizeof(Lane *));
  for (;;) {
    int batch = 0;
    for (int i = 0; i < shard->lane_count; i++) {
      const void *leaf = next_leaf(shard, &shard->lanes[i]);
      if (!leaf) continue;
      memcpy(states + (size_t)batch * game->state_size, leaf, game->state_size);
      waiting[batch++] = &shard->lanes[i];
    }
    if (!batch) break;
    shard->evaluator->evaluate(shard->evaluator->self, states, batch, logits, wdl);
    for (int i = 0; i < batch; i++)
      search_update(waiting[i]->search, logits + (size_t)i * (size_t)game->moves, wdl + 3 * i);
    shard->stats->evaluations += batch;
  }
  free(states);
  free(logits);
  free(wdl);
  free(waiting);
}

ReplayBlock *shard_play(const ShardSpec *spec, ShardProgress *progress, void *context) {
  const RunConfig *config = spec->config;
  Shard shard = {.spec = spec,
                 .lane_count = config->lanes < spec->games ? config->lanes : spec->games,
                 .finished = replay_block_new(spec->game),
                 .progress = progress,
                 .context = context,
                 .policy = memory_new((size_t)spec->game->moves, sizeof(float)),
                 .children = memory_new((size_t)spec->game->moves, sizeof(SearchChild))};
  ShardStats *stats = shard.stats = &shard.finished->stats;
  Evaluator *evaluator = net_evaluator_new(spec->game, spec->plan, shard.lane_count, 1);
  if (config->cache_log2 > 0) evaluator = evaluator_cached(evaluator, config->cache_log2);
  shard.evaluator = evaluator;
  SearchConfig search = config->search;
  if (search.kind == SEARCH_NONE) search.kind = SEARCH_PUCT, search.dirichlet_share = 0, search.solve = 0;
  shard.lanes = memory_new((size_t)shard.lane_count, sizeof(Lane));
  for (int i = 0; i < shard.lane_count; i++) {
    shard.lanes[i].search = search_new(spec->game, &search);
    shard.lanes[i].played = replay_block_new(spec->game);
    shard.lanes[i].active = true;
    prepare_search(&shard, &shard.lanes[i], true);
  }
  play_all(&shard);

  uint64_t lookups, hits;
  evaluator_cache_counts(evaluator, &lookups, &hits);
  stats->cache_lookups = (int64_t)lookups;
  stats->cache_hits = (int64_t)hits;
  stats->evaluations -= (int64_t)hits;
  for (int i = 0; i < shard.lane_count; i++) {
    search_free(shard.lanes[i].search);
    replay_block_free(shard.lanes[i].played);
  }
  evaluator_free(evaluator);
  free(shard.lanes);
  free(shard.policy);
  free(shard.children);
  return shard.finished;
}

void shard_stats_add(ShardStats *total, const ShardStats *part) {
  total->games += part->games;
  total->positions += part->positions;
  total->plies += part->plies;
  total->first_wins += part->first_wins;
  total->draws += part->draws;
  total->second_wins += part->second_wins;
  total->simulations += part->simulations;
  total->evaluations += part->evaluations;
  total->cache_lookups += part->cache_lookups;
  total->cache_hits += part->cache_hits;
  total->proven += part->proven;
  total->policy_entropy += part->policy_entropy;
  total->target_entropy += part->target_entropy;
}
