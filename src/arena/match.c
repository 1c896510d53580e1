#include "arena/match.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SPRT_PAIRS = 16,  /* played between two looks at the test */
  BATCH_PAIRS = 128 /* played at once; where an engine fails, the batches before it are whole */
};

/* The games of one batch. */
typedef struct Table {
  const Game *game;
  Player *players[2];
  const MatchOptions *options;
  MatchGame *games;     /* [count] */
  char *states;         /* [count][state_size] */
  bool *over;           /* [count] */
  int first, count;     /* number of games[0] in the match, and games */
  PlayerQuery *queries; /* room for a call */
  int *asked, *answers;
} Table;

static void *state_of(const Table *table, int g) {
  return table->states + (size_t)g * table->game->state_size;
}

/* 0 where player a is to move in game g. */
static int player_to_move(const Table *table, int g) {
  return table->game->to_move(state_of(table, g)) ^ table->games[g].swapped;
}

static void note_end(Table *table, int g) {
  float value;
  MatchGame *game = &table->games[g];
  if (!table->game->over(state_of(table, g), &value)) return;
  table->over[g] = true;
  int points = value > 0 ? SCORE_WIN : value < 0 ? SCORE_LOSS : SCORE_DRAW; /* of the player to move */
  game->points = player_to_move(table, g) == 0 ? points : SCORE_WIN - points;
}

static void begin_games(Table *table, const Openings *openings) {
  for (int g = 0; g < table->count; g++) {
    MatchGame *game = &table->games[g];
    const Opening *opening = &openings->items[(table->first + g) / 2];
    game->opening = (table->first + g) / 2;
    game->swapped = (table->first + g) % 2;
    game->move_count = opening->plies;
    memcpy(game->moves, opening->moves, (size_t)opening->plies * sizeof(int));
    opening_play(table->game, opening, state_of(table, g));
    table->over[g] = false;
    note_end(table, g);
  }
}

/* One move in all games in which `who` is to move. False where the player failed. */
static bool move_all(Table *table, int who, Error *err) {
  int n = 0;
  for (int g = 0; g < table->count; g++) {
    if (table->over[g] || player_to_move(table, g) != who) continue;
    const MatchGame *game = &table->games[g];
    table->queries[n] =
        (PlayerQuery){.state = state_of(table, g),
                      .moves = game->moves,
                      .move_count = game->move_count,
                      .rng = rng_make(table->options->seed, RNG_MATCH, (uint32_t)game->move_count,
                                      (uint32_t)(table->first + g))};
    table->asked[n++] = g;
  }
  if (n == 0) return true;
  Player *player = table->players[who];
  if (!player->choose(player, table->queries, n, table->answers, err)) return false;
  for (int i = 0; i < n; i++) {
    int g = table->asked[i];
    MatchGame *game = &table->games[g];
    assert(game_is_legal(table->game, state_of(table, g), table->answers[i]));
    game->moves[game->move_count++] = table->answers[i];
    table->game->play(state_of(table, g), table->answers[i]);
    note_end(table, g);
  }
  return true;
}

static int report(const Table *table, const MatchResult *result, int total) {
  int running = 0, moves = 0;
  for (int g = 0; g < table->count; g++) {
    if (table->over[g]) continue;
    running++;
    moves += table->games[g].move_count;
  }
  const MatchProgress progress = {.games_done = table->first + table->count - running,
                                  .games_total = total,
                                  .moves_done = moves,
                                  .score = &result->score,
                                  .llr = result->llr};
  if (table->options->progress) table->options->progress(table->options->context, &progress);
  return running;
}

static bool play_batch(Table *table, const Openings *openings, MatchResult *result, Error *err) {
  begin_games(table, openings);
  const volatile sig_atomic_t *stop = table->options->stop;
  while (report(table, result, 2 * openings->count) > 0)
    for (int who = 0; who < 2; who++) {
      if (stop && *stop) return error_set(err, "%s", "");
      if (!move_all(table, who, err)) return false;
    }
  for (int g = 0; g < table->count; g += 2)
    score_add(&result->score, table->games[g].points, table->games[g + 1].points);
  result->count += table->count;
  return true;
}

static int compare_lines(const void *x, const void *y) {
  const MatchGame *a = *(const MatchGame *const *)x, *b = *(const MatchGame *const *)y;
  if (a->swapped != b->swapped) return a->swapped - b->swapped;
  if (a->move_count != b->move_count) return a->move_count - b->move_count;
  return memcmp(a->moves, b->moves, (size_t)a->move_count * sizeof(int));
}

static int count_distinct(const MatchResult *result) {
  const MatchGame **sorted = memory_new((size_t)result->count, sizeof *sorted);
  for (int g = 0; g < result->count; g++) sorted[g] = &result->games[g];
  qsort(sorted, (size_t)result->count, sizeof *sorted, compare_lines);
  int distinct = result->count > 0;
  for (int g = 1; g < result->count; g++) distinct += compare_lines(&sorted[g - 1], &sorted[g]) != 0;
  free(sorted);
  return distinct;
}

static Table table_new(Player *a, Player *b, const MatchOptions *options, int capacity) {
  size_t n = (size_t)capacity;
  return (Table){.game = a->game,
                 .players = {a, b},
                 .options = options,
                 .states = memory_new(n, a->game->state_size),
                 .over = memory_new(n, sizeof(bool)),
                 .queries = memory_new(n, sizeof(PlayerQuery)),
                 .asked = memory_new(n, sizeof(int)),
                 .answers = memory_new(n, sizeof(int))};
}

static void table_release(Table *table) {
  free(table->states), free(table->over), free(table->queries), free(table->asked), free(table->answers);
}

bool match_play(Player *a, Player *b, const Openings *openings, const MatchOptions *options, MatchResult *out,
                Error *err) {
  assert(a->game == b->game && a->game == openings->game && openings->count > 0);
  int total = 2 * openings->count, longest = a->game->max_plies,
      batch = 2 * (options->sprt ? SPRT_PAIRS : BATCH_PAIRS);
  *out = (MatchResult){.games = memory_new((size_t)total, sizeof(MatchGame)),
                       .storage = memory_new((size_t)total * (size_t)longest, sizeof(int))};
  for (int g = 0; g < total; g++) out->games[g].moves = out->storage + (size_t)g * (size_t)longest;
  Table table = table_new(a, b, options, batch);
  bool fine = true;
  while (fine && out->count < total && out->verdict == SPRT_CONTINUE) {
    table.first = out->count;
    table.games = out->games + out->count;
    table.count = total - out->count < batch ? total - out->count : batch;
    fine = play_batch(&table, openings, out, err);
    if (!fine || !options->sprt) continue;
    out->llr = sprt_llr(options->sprt, &out->score);
    out->verdict = sprt_verdict(options->sprt, &out->score);
  }
  table_release(&table);
  out->distinct = count_distinct(out);
  return fine;
}

void match_result_free(MatchResult *result) {
  free(result->games);
  free(result->storage);
  *result = (MatchResult){0};
}
