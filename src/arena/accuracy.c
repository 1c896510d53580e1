#include "arena/accuracy.h"

#include "arena/score.h"
#include "base/file.h"
#include "base/memory.h"
#include "games/exact.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CALL = 256 /* positions handed to the player at once, between two looks at the progress */ };

/* A probability that a network calls 0 is not infinitely wrong in single precision. */
static const double least_probability = 1e-7;

static int *scores_of(const Positions *positions, int i) {
  return positions->scores + (size_t)i * (size_t)positions->game->moves;
}

static void *state_of(const Positions *positions, int i) {
  return positions->states + (size_t)i * positions->game->state_size;
}

static int *line_of(const Positions *positions, int i) {
  return positions->moves + (size_t)i * (size_t)positions->game->max_plies;
}

static bool read_moves(Positions *positions, const char *text, Error *err) {
  const Game *game = positions->game;
  int i = positions->count, *line = line_of(positions, i);
  float value;
  if (!game_read_line(game, text, line, game->max_plies, &positions->plies[i], err)) return false;
  game->init(state_of(positions, i));
  for (int k = 0; k < positions->plies[i]; k++) game->play(state_of(positions, i), line[k]);
  return !game->over(state_of(positions, i), &value) || error_set(err, "the game is over in this position");
}

static bool read_scores(Positions *positions, char *text, Error *err) {
  const Game *game = positions->game;
  int i = positions->count, *scores = scores_of(positions, i), m = 0;
  char *word;
  while ((word = strsep(&text, ","))) {
    word += strspn(word, " \t");
    word[strcspn(word, " \t\r")] = 0;
    if (m == game->moves) return error_set(err, "more than %d scores", game->moves);
    bool legal = game_is_legal(game, state_of(positions, i), m);
    char *end, name[GAME_MOVE_TEXT];
    game->print_move(m, name);
    if (strcmp(word, ".") == 0) {
      if (legal) return error_set(err, "'.' as the score of move %s, which is legal", name);
      scores[m++] = POSITION_ILLEGAL;
      continue;
    }
    long score = strtol(word, &end, 10);
    if (end == word || *end || score < -100000 || score > 100000)
      return error_set(err, "'%.20s' is no score", word);
    if (!legal)
      return error_set(err, "score %ld for move %s, which is illegal; it should be '.'", score, name);
    scores[m++] = (int)score;
  }
  return m == game->moves || error_set(err, "%d scores; %d are needed, one a move", m, game->moves);
}

static bool read_line(Positions *positions, char *line, Error *err) {
  char *scores = strrchr(line, ' ');
  char *tab = strrchr(line, '\t');
  if (tab && (!scores || tab > scores)) scores = tab;
  if (!scores) return error_set(err, "not of the form MOVES S1,S2,...");
  *scores++ = 0;
  for (size_t n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]);) line[--n] = 0;
  if (!read_moves(positions, line, err) || !read_scores(positions, scores, err)) return false;
  positions->count++;
  return true;
}

Positions *positions_empty(const Game *game, int capacity) {
  size_t n = (size_t)capacity;
  Positions *positions = memory_new(1, sizeof *positions);
  *positions = (Positions){.game = game,
                           .states = memory_new(n, game->state_size),
                           .moves = memory_new(n * (size_t)game->max_plies, sizeof(int)),
                           .plies = memory_new(n, sizeof(int)),
                           .scores = memory_new(n * (size_t)game->moves, sizeof(int))};
  return positions;
}

Positions *positions_read(const Game *game, const char *path, Error *err) {
  Buffer file = {0};
  if (!file_read_text(path, &file, err)) return buffer_free(&file), NULL;
  int lines = 1, number = 0;
  for (size_t i = 0; i < file.size; i++) lines += file.data[i] == '\n';
  Positions *positions = positions_empty(game, lines);
  bool fine = true;
  char *rest = (char *)file.data, *line;
  while (fine && (line = strsep(&rest, "\n"))) {
    number++;
    line[strcspn(line, "#")] = 0;
    line += strspn(line, " \t\r");
    for (size_t n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]);) line[--n] = 0;
    if (*line) fine = read_line(positions, line, err) || error_prefix(err, "%s:%d", path, number);
  }
  buffer_free(&file);
  if (fine && positions->count == 0) fine = error_set(err, "%s: holds no position", path);
  if (fine) return positions;
  positions_free(positions);
  return NULL;
}

bool positions_find(const Game *game, Positions **out, Error *err) {
  char relative[128], path[FILE_PATH_MAX];
  *out = NULL;
  snprintf(relative, sizeof relative, "positions/%s.txt", game->name);
  if (!file_find_shipped(relative, path, err)) return true;
  *out = positions_read(game, path, err);
  return *out != NULL;
}

Positions *positions_shipped(const Game *game, Error *err) {
  Positions *positions;
  if (!positions_find(game, &positions, err) || positions) return positions;
  error_set(err, "no positions of %s are shipped (positions/%s.txt); give a file of them%s", game->title,
            game->name, exact_exists(game, false) ? ", as `selfplay make-data' makes" : "");
  return NULL;
}

uint32_t positions_crc(const Positions *positions) {
  const Game *game = positions->game;
  size_t n = (size_t)positions->count;
  uLong crc = crc32_z(0, (const Bytef *)positions->states, n * game->state_size);
  return (uint32_t)crc32_z(crc, (const Bytef *)positions->scores,
                           n * (size_t)game->moves * sizeof *positions->scores);
}

Positions *positions_thin(const Positions *positions, int count) {
  const Game *game = positions->game;
  size_t state = game->state_size, line = (size_t)game->max_plies, moves = (size_t)game->moves;
  if (count > positions->count) count = positions->count;
  size_t n = (size_t)count;
  Positions *out = positions_empty(game, count);
  out->count = count;
  for (size_t i = 0; i < n; i++) {
    size_t from = i * (size_t)positions->count / n;
    memcpy(out->states + i * state, positions->states + from * state, state);
    memcpy(out->moves + i * line, positions->moves + from * line, line * sizeof(int));
    out->plies[i] = positions->plies[from];
    memcpy(out->scores + i * moves, positions->scores + from * moves, moves * sizeof(int));
  }
  return out;
}

void positions_free(Positions *positions) {
  if (!positions) return;
  free(positions->states), free(positions->moves), free(positions->plies), free(positions->scores);
  free(positions);
}

static int sign(int x) {
  return (x > 0) - (x < 0);
}

static int best_score(const Positions *positions, int i) {
  int best = POSITION_ILLEGAL;
  for (int m = 0; m < positions->game->moves; m++)
    if (scores_of(positions, i)[m] > best) best = scores_of(positions, i)[m];
  return best;
}

static AccuracyRate rate_of(int hits, int trials) {
  AccuracyRate rate = {.hits = hits, .share = hits / (double)trials};
  score_wilson(hits, trials, &rate.low, &rate.high);
  return rate;
}

static PlayerQuery query_of(const Positions *positions, int i, uint64_t seed) {
  return (PlayerQuery){.state = state_of(positions, i),
                       .moves = line_of(positions, i),
                       .move_count = positions->plies[i],
                       .rng = rng_make(seed, RNG_PLAYER, 1, (uint32_t)i)};
}

static bool measure_head(Player *player, const Positions *positions, uint64_t seed, Accuracy *out,
                         Error *err) {
  PlayerAnalysis *analysis = memory_new(1, sizeof *analysis);
  double sum = 0, square = 0, n = positions->count;
  bool fine = true;
  for (int i = 0; fine && i < positions->count; i++) {
    const PlayerQuery query = query_of(positions, i, seed);
    fine = player->analyze(player, &query, 0, analysis, err);
    double loss = -log(fmax(analysis->network_wdl[1 - sign(best_score(positions, i))], least_probability));
    sum += loss, square += loss * loss;
  }
  free(analysis);
  double mean = sum / n, error = sqrt(fmax(0, square / n - mean * mean) / n);
  out->has_log_loss = fine;
  out->log_loss = mean;
  out->log_loss_low = mean - SCORE_Z95 * error, out->log_loss_high = mean + SCORE_Z95 * error;
  return fine;
}

bool accuracy_measure(Player *player, const Positions *positions, uint64_t seed,
                      void (*progress)(void *context, int done, int total), void *context, Accuracy *out,
                      Error *err) {
  assert(player->game == positions->game && positions->count > 0);
  *out = (Accuracy){.positions = positions->count};
  int kept = 0, best = 0;
  for (int begin = 0; begin < positions->count; begin += CALL) {
    PlayerQuery queries[CALL];
    int moves[CALL], n = positions->count - begin < CALL ? positions->count - begin : CALL;
    for (int i = 0; i < n; i++) queries[i] = query_of(positions, begin + i, seed);
    if (!player->choose(player, queries, n, moves, err)) return false;
    for (int i = 0; i < n; i++) {
      int score = scores_of(positions, begin + i)[moves[i]], top = best_score(positions, begin + i);
      kept += sign(score) == sign(top);
      best += score == top;
    }
    if (progress) progress(context, begin + n, positions->count);
  }
  out->moves.value_kept = rate_of(kept, positions->count);
  out->moves.best_score = rate_of(best, positions->count);
  if (!player->network || player->visits > 0) return true;
  return measure_head(player, positions, seed, out, err);
}
