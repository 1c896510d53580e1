#include "arena/record.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

StorePlayer record_player(const Player *player) {
  StorePlayer out = {.hash = player->hash};
  snprintf(out.name, sizeof out.name, "%s", player->name);
  return out;
}

/* Many NUL-terminated lines in one buffer; at[k] is where line k begins. */
typedef struct Lines {
  Buffer text;
  size_t *at;
} Lines;

static void lines_add(Lines *lines, int k, const Game *game, const int *moves, int count) {
  lines->at[k] = lines->text.size;
  opening_print_line(game, moves, count, &lines->text);
  buffer_put(&lines->text, "", 1);
}

static const char *lines_get(const Lines *lines, int k) {
  return (const char *)lines->text.data + lines->at[k];
}

static void lines_free(Lines *lines) {
  buffer_free(&lines->text);
  free(lines->at);
}

static Lines opening_lines(const Openings *openings) {
  Lines lines = {.at = memory_new((size_t)openings->count, sizeof(size_t))};
  for (int k = 0; k < openings->count; k++)
    lines_add(&lines, k, openings->game, openings->items[k].moves, openings->items[k].plies);
  return lines;
}

bool record_match(Store *store, const Player *a, const Player *b, const Openings *openings,
                  const MatchResult *result, int *added, Error *err) {
  const StorePlayer first = record_player(a), second = record_player(b);
  if (first.hash == second.hash && strcmp(first.name, second.name) == 0)
    return error_set(err, "%s against itself says nothing about strength and is not recorded", first.name);
  Lines starts = opening_lines(openings), lines = {.at = memory_new((size_t)result->count, sizeof(size_t))};
  for (int g = 0; g < result->count; g++)
    lines_add(&lines, g, openings->game, result->games[g].moves, result->games[g].move_count);
  StoreGame *games = memory_new((size_t)result->count, sizeof *games);
  for (int g = 0; g < result->count; g++) {
    const MatchGame *game = &result->games[g];
    games[g] = (StoreGame){.opening = lines_get(&starts, game->opening),
                           .moves = lines_get(&lines, g),
                           .pair = game->opening,
                           .swapped = game->swapped,
                           .points = game->swapped ? SCORE_WIN - game->points : game->points};
  }
  bool fine = store_add(store, openings->game->name, &first, &second, games, result->count, added, err);
  free(games);
  lines_free(&starts);
  lines_free(&lines);
  return fine;
}

Openings *record_fresh_openings(Store *store, const Player *a, const Player *b, const Openings *pool,
                                int count, Error *err) {
  const StorePlayer first = record_player(a), second = record_player(b);
  size_t n = (size_t)pool->count;
  Lines lines = opening_lines(pool);
  const char **texts = memory_new(n, sizeof *texts);
  bool *used = memory_new(n, sizeof *used);
  for (int k = 0; k < pool->count; k++) texts[k] = lines_get(&lines, k);
  Openings *out = NULL;
  if (store_openings_used(store, pool->game->name, &first, &second, texts, pool->count, used, err)) {
    out = memory_new(1, sizeof *out);
    *out = (Openings){.game = pool->game, .items = memory_new(n, sizeof(Opening))};
    for (int k = 0; k < pool->count && out->count < count; k++)
      if (!used[k]) out->items[out->count++] = pool->items[k];
  }
  free(texts);
  free(used);
  lines_free(&lines);
  return out;
}
