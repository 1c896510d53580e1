#include "arena/openings.h"

#include "arena/positions.h"
#include "base/memory.h"
#include "games/alphabeta.h"
#include "games/exact.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  BALANCE_DEPTH = 6,       /* of the alpha-beta that judges random openings */
  DRAWS_PER_OPENING = 100, /* random lines tried for each opening wanted ... */
  DRAWS_LEAST = 20000,     /* ... and at least */
  MAKER_DEPTHS = 2,
  SOLVER_LOG2_BYTES = 28, /* of all threads together; a larger table pays over many openings */
  WAVE = 64               /* openings judged at once */
};

#define START "-" /* the line of the game's first position, which no move leads to */

/* A heuristic value beyond this is lopsided. */
static const float balance_limit = 0.35f;

static Openings *openings_empty(const Game *game, int capacity) {
  Openings *openings = memory_new(1, sizeof *openings);
  *openings = (Openings){.game = game, .items = memory_new((size_t)capacity, sizeof(Opening))};
  return openings;
}

void openings_free(Openings *openings) {
  if (!openings) return;
  free(openings->items);
  free(openings);
}

void opening_play(const Game *game, const Opening *opening, void *state) {
  game->init(state);
  for (int i = 0; i < opening->plies; i++) game->play(state, opening->moves[i]);
}

void opening_print_line(const Game *game, const int *moves, int count, Buffer *out) {
  bool together = game_moves_are_single(game);
  for (int i = 0; i < count; i++) {
    char text[GAME_MOVE_TEXT];
    game->print_move(moves[i], text);
    buffer_printf(out, "%s%s", i && !together ? " " : "", text);
  }
}

static bool parse_line(const Game *game, const char *line, Opening *out, Error *err) {
  _Alignas(64) char state[GAME_STATE_MAX];
  float value;
  bool start = strcmp(line, START) == 0;
  out->plies = 0;
  if (!start && !game_read_line(game, line, out->moves, OPENING_PLIES_MAX, &out->plies, err)) return false;
  opening_play(game, out, state);
  return !game->over(state, &value) ||
         error_set(err, "the game is over there; an opening leaves moves to play");
}

static bool read_line(Openings *openings, KeySet *seen, const char *line, Error *err) {
  Opening *opening = &openings->items[openings->count];
  if (!parse_line(openings->game, line, opening, err)) return false;
  if (!key_set_add(seen, position_canonical_key(openings->game, opening->moves, opening->plies)))
    return error_set(err, "an earlier line leads to the same position or its mirror image");
  openings->count++;
  return true;
}

Openings *openings_read(const Game *game, const char *path, Error *err) {
  Buffer file = {0};
  if (!file_read_text(path, &file, err)) return buffer_free(&file), NULL;
  int lines = 1, number = 0;
  for (size_t i = 0; i < file.size; i++) lines += file.data[i] == '\n';
  Openings *openings = openings_empty(game, lines);
  KeySet seen = {0};
  bool fine = true;
  char *rest = (char *)file.data, *line;
  while (fine && (line = strsep(&rest, "\n"))) {
    number++;
    line[strcspn(line, "#\r")] = 0;
    line += strspn(line, " \t");
    for (size_t end = strlen(line); end > 0 && strchr(" \t", line[end - 1]); end--) line[end - 1] = 0;
    if (line[0] == 0) continue;
    fine = read_line(openings, &seen, line, err) || error_prefix(err, "%s:%d", path, number);
  }
  key_set_free(&seen);
  buffer_free(&file);
  if (fine) return openings;
  openings_free(openings);
  return NULL;
}

static void shuffle(Openings *openings, uint64_t seed) {
  Rng rng = rng_make(seed, RNG_OPENINGS, 0, 0);
  for (int i = openings->count; i > 1; i--) {
    int j = (int)rng_below(&rng, (uint32_t)i);
    Opening swap = openings->items[i - 1];
    openings->items[i - 1] = openings->items[j];
    openings->items[j] = swap;
  }
}

/* Balanced, as far as a shallow search can see. A decided game has a value of +-1 (game.h), beyond any limit.
 */
static bool looks_balanced(const Game *game, AlphaBeta *judge, const void *state, Rng *rng) {
  if (position_wins_at_once(game, state)) return false;
  float value = 0;
  alphabeta_move(judge, state, rng, &value);
  return fabsf(value) <= balance_limit;
}

/* Random balanced openings of `plies` moves, as many as are found, at most `count`. */
static Openings *draw_openings(const Game *game, int count, int plies, uint64_t seed) {
  Openings *openings = openings_empty(game, count);
  AlphaBeta *judge = alphabeta_new(game, BALANCE_DEPTH);
  KeySet seen = {0};
  long tries = (long)count * DRAWS_PER_OPENING;
  if (tries < DRAWS_LEAST) tries = DRAWS_LEAST;
  for (long t = 0; t < tries && openings->count < count; t++) {
    Rng rng = rng_make(seed, RNG_OPENINGS, (uint32_t)plies, (uint32_t)t);
    _Alignas(64) char state[GAME_STATE_MAX];
    Opening *opening = &openings->items[openings->count];
    opening->plies = plies;
    if (!position_random_line(game, &rng, plies, opening->moves, state)) continue;
    if (!key_set_add(&seen, position_canonical_key(game, opening->moves, plies))) continue;
    openings->count += looks_balanced(game, judge, state, &rng);
  }
  key_set_free(&seen);
  alphabeta_free(judge);
  return openings;
}

/* Lines grow from a fifth of the longest game until there are enough; the best length found where none has
 * enough. */
static Openings *draw_enough(const Game *game, int count, uint64_t seed) {
  int least = game->max_plies / 5, most = game->max_plies / 2;
  if (least < 1) least = 1;
  if (least > 8) least = 8;
  if (most > OPENING_PLIES_MAX) most = OPENING_PLIES_MAX;
  Openings *best = NULL;
  for (int plies = least; plies <= most; plies++) {
    Openings *found = draw_openings(game, count, plies, seed);
    if (best && found->count <= best->count) {
      openings_free(found);
      continue;
    }
    openings_free(best);
    best = found;
    if (best->count == count) break;
  }
  return best;
}

Openings *openings_up_to(const Game *game, const char *path, int count, uint64_t seed, Error *err) {
  assert(count > 0);
  char relative[128], shipped[FILE_PATH_MAX];
  Error missing;
  snprintf(relative, sizeof relative, "openings/%s.txt", game->name);
  if (!path && !file_find_shipped(relative, shipped, &missing)) return draw_enough(game, count, seed);
  Openings *openings = openings_read(game, path ? path : shipped, err);
  if (!openings) return NULL;
  if (!openings->count) {
    error_set(err, "%s: holds no opening", path ? path : shipped);
    openings_free(openings);
    return NULL;
  }
  shuffle(openings, seed);
  if (openings->count > count) openings->count = count;
  return openings;
}

Openings *openings_new(const Game *game, const char *path, int count, uint64_t seed, Error *err) {
  Openings *openings = openings_up_to(game, path, count, seed, err);
  if (!openings || openings->count == count) return openings;
  error_set(err, "%s has only %d distinct%s openings, not %d; ask for at most %d games",
            path ? path : game->title, openings->count, path ? "" : " balanced", count, 2 * openings->count);
  openings_free(openings);
  return NULL;
}

/* What calls an opening balanced while a file is made: the exact solver, where it plays whole games, else
 * alpha-beta, a shallow search first, which spares most deep ones. */
typedef struct Judge {
  Exact *exact;
  AlphaBeta *searches[MAKER_DEPTHS];
} Judge;

static const int maker_depths[MAKER_DEPTHS] = {4, 8};

static Judge judge_new(const Game *game, int log2_bytes) {
  Judge judge = {0};
  Error none;
  if (exact_exists(game, true)) judge.exact = exact_new(game, log2_bytes, &none);
  for (int i = 0; i < MAKER_DEPTHS; i++) judge.searches[i] = alphabeta_new(game, maker_depths[i]);
  return judge;
}

static void judge_free(Judge *judge) {
  exact_free(judge->exact);
  for (int i = 0; i < MAKER_DEPTHS; i++) alphabeta_free(judge->searches[i]);
}

static bool judge_balanced(Judge *judge, const void *state, int limit, Rng *rng) {
  if (judge->exact && limit == 0) return exact_value(judge->exact, state) == 0;
  if (judge->exact) return abs(exact_score(judge->exact, state)) <= limit;
  for (int i = 0; i < MAKER_DEPTHS; i++) {
    float value = 0;
    alphabeta_move(judge->searches[i], state, rng, &value);
    if (fabsf(value) > (float)limit / 100) return false;
  }
  return true;
}

static bool write_made(const Openings *openings, int plies, int limit, uint64_t seed, const char *path,
                       Error *err) {
  const Game *game = openings->game;
  Buffer text = {0};
  buffer_printf(
      &text,
      "# Balanced openings of %s, one line of moves each.\n"
      "# Made by: selfplay make-data openings --game %s --count %d --plies %d --limit %d --seed %llu "
      "--output FILE\n"
      "# %d uniformly random moves; distinct positions up to symmetry; the player to move cannot win at\n",
      game->title, game->name, openings->count, plies, limit, (unsigned long long)seed, plies);
  if (exact_exists(game, true) && limit == 0)
    buffer_printf(&text, "# once; each is a draw with best play, by the exact solver.\n");
  else if (exact_exists(game, true))
    buffer_printf(&text,
                  "# once; exact score between -%d and %d (%s):\n"
                  "# a draw, or decided at the very end only.\n",
                  limit, limit, exact_score_text(game));
  else
    buffer_printf(
        &text,
        "# once; alpha-beta of depths %d and %d with the game's heuristic finds a value between -%.2f\n"
        "# and %.2f. No exact solver reaches that far: each opening is played by both sides in turn.\n",
        maker_depths[0], maker_depths[1], limit / 100.0, limit / 100.0);
  for (int i = 0; i < openings->count; i++) {
    const Opening *opening = &openings->items[i];
    if (opening->plies)
      opening_print_line(game, opening->moves, opening->plies, &text);
    else
      buffer_printf(&text, START);
    buffer_printf(&text, "\n");
  }
  bool fine = file_write(path, text.data, text.size, err);
  buffer_free(&text);
  return fine;
}

/* A position that is cheap to find, and whether it is balanced, which is dear to know. */
typedef struct Candidate {
  Opening opening;
  _Alignas(64) char state[GAME_STATE_MAX];
  Rng rng;
  bool balanced;
} Candidate;

bool openings_make(const Game *game, int count, int plies, int limit, uint64_t seed, int threads,
                   const char *path, OpeningsProgress *progress, void *context, Error *err) {
  assert(count > 0 && plies >= 0 && plies <= OPENING_PLIES_MAX && limit >= 0 && threads > 0);
  if (exact_exists(game, true) && !exact_ready(game, err)) return false;
  Openings *openings = openings_empty(game, count);
  Candidate *candidates = memory_new(WAVE, sizeof *candidates);
  if (threads > count) threads = count;
  if (threads > WAVE) threads = WAVE;
  Judge *judges = memory_new((size_t)threads, sizeof *judges);
  for (int i = 0; i < threads; i++)
    judges[i] = judge_new(game, exact_log2_bytes_each(SOLVER_LOG2_BYTES, threads));
  KeySet seen = {0};
  long tries = (long)count * DRAWS_PER_OPENING, t = 0;
  while (openings->count < count && t < tries) {
    /* No more are judged at once than are still wanted, so that the threads do not change what is made. */
    int wanted = count - openings->count, found = 0;
    if (wanted > WAVE) wanted = WAVE;
    for (; t < tries && found < wanted; t++) {
      Candidate *next = &candidates[found];
      next->rng = rng_make(seed, RNG_OPENINGS, (uint32_t)plies, (uint32_t)t);
      next->opening.plies = plies;
      if (!position_random_line(game, &next->rng, plies, next->opening.moves, next->state)) continue;
      if (!key_set_add(&seen, position_canonical_key(game, next->opening.moves, plies))) continue;
      found += !position_wins_at_once(game, next->state);
    }
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int i = 0; i < found; i++)
      candidates[i].balanced =
          judge_balanced(&judges[omp_get_thread_num()], candidates[i].state, limit, &candidates[i].rng);
    for (int i = 0; i < found; i++)
      if (candidates[i].balanced) openings->items[openings->count++] = candidates[i].opening;
    if (progress) progress(context, openings->count, count);
  }
  key_set_free(&seen);
  for (int i = 0; i < threads; i++) judge_free(&judges[i]);
  free(judges);
  free(candidates);
  bool fine = openings->count == count ? write_made(openings, plies, limit, seed, path, err)
                                       : error_set(err, "found only %d such openings of %d moves, not %d",
                                                   openings->count, plies, count);
  openings_free(openings);
  return fine;
}
