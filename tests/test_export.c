/* Recorded games as other programs read them, and ratings as other models give them. */
#include "arena/export.h"
#include "arena/ratings.h"
#include "arena/score.h"
#include "base/rng.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int occurrences(const char *text, const char *word) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
  return n;
}

static Store *store_of_two_games(const char *path) {
  static const StorePlayer a = {.name = "run:a@3,visits=50", .hash = 0xabc}, b = {.name = "odd \"name\"]\\"};
  static const StoreGame games[] = {
      {.opening = "44", .moves = "44434353", .pair = 0, .swapped = 0, .points = SCORE_DRAW},
      {.opening = "44", .moves = "4434", .pair = 0, .swapped = 1, .points = SCORE_WIN},
  };
  Error err;
  int added;
  Store *store = store_open(path, &err);
  cr_assert(store && store_add(store, "connect4", &a, &b, games, 2, &added, &err), "%s", err.message);
  cr_assert_eq(added, 2);
  return store;
}

static char *export_text(Store *store, const char *folder, const char *name) {
  char path[128];
  Buffer text = {0};
  Error err;
  int count;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  cr_assert(export_games(store, game_find("connect4"), export_format_of(path), path, &count, &err), "%s",
            err.message);
  cr_assert_eq(count, 2);
  cr_assert(file_read(path, &text, &err), "%s", err.message);
  buffer_put(&text, "", 1);
  return (char *)text.data;
}

Test(export, games_are_written_with_names_escaped_and_results_of_who_moved_first) {
  char folder[FOLDER_MAX], path[FOLDER_MAX + 32];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/ratings.sqlite", folder);
  Store *store = store_of_two_games(path);
  char *pgn = export_text(store, folder, "games.pgn"), *sgf = export_text(store, folder, "games.sgf");
  cr_assert_eq(occurrences(pgn, "[White \"run:a@3,visits=50#00000abc\"]"), 1);
  cr_assert_eq(occurrences(pgn, "[Black \"odd \\\"name\\\"]\\\\\"]"), 1, "%s", pgn);
  cr_assert_eq(occurrences(pgn, "[White \"odd \\\"name\\\"]\\\\\"]"), 1, "%s", pgn);
  cr_assert(strstr(pgn, "[Result \"1/2-1/2\"]") && strstr(pgn, "[Result \"1-0\"]"));
  cr_assert(strstr(pgn, "{4 4 4 3 4 3 5 3} 1/2-1/2"), "%s", pgn);
  cr_assert_eq(occurrences(sgf, "(;FF[4]"), 2);
  cr_assert_eq(occurrences(sgf, "PW[odd \"name\"\\]\\\\]"), 1, "%s", sgf);
  /* Column 4 is d; the lowest of 6 rows is f; the third stone of a column lies on d. */
  cr_assert(strstr(sgf, ";B[df]MV[4];W[de]MV[4];B[dd]MV[4];W[cf]MV[3]"), "%s", sgf);
  cr_assert(strstr(sgf, "RE[0]") && strstr(sgf, "RE[B+]"));
  free(pgn), free(sgf);
  store_close(store);
  folder_remove(folder);
}

/* BayesElo keeps 63 bytes of a name, and would make one player of two that begin alike. */
Test(export, long_names_are_cut_in_front_and_stay_different) {
  static StorePlayer players[4] = {{.hash = 1}, {.hash = 1}};
  static const StoreGame game = {.opening = "44", .moves = "44434353", .points = SCORE_DRAW};
  char folder[FOLDER_MAX], path[FOLDER_MAX + 32], names[4][128];
  Error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/ratings.sqlite", folder);
  Store *store = store_open(path, &err);
  for (int i = 0; i < 4; i++)
    snprintf(players[i].name, sizeof players[i].name,
             "%s:a/folder%d/of/a/very/very/long/n\u00e4me/runs/that/goes/on/and/on/12", i < 2 ? "run" : "gtp",
             i);
  for (int i = 0; i < 4; i += 2)
    cr_assert(store_add(store, "connect4", &players[i], &players[i + 1], &game, 1, NULL, &err), "%s",
              err.message);
  char *pgn = export_text(store, folder, "games.pgn"), *at = pgn;
  for (int i = 0; i < 4; i++) {
    at = strstr(at, i % 2 ? "[Black \"" : "[White \"") + 8;
    snprintf(names[i], sizeof names[i], "%.*s", (int)strcspn(at, "\""), at);
    cr_assert(strlen(names[i]) <= 63 && strstr(names[i], "...") == names[i] && strstr(names[i], "/on/12#"),
              "%s", names[i]);
    for (int j = 0; j < i; j++) cr_assert_str_neq(names[i], names[j]);
  }
  free(pgn);
  store_close(store);
  folder_remove(folder);
}

Test(export, other_games_and_illegal_ones_are_refused) {
  char folder[FOLDER_MAX], path[FOLDER_MAX + 32], out[FOLDER_MAX + 32];
  Error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/ratings.sqlite", folder), snprintf(out, sizeof out, "%s/out.pgn", folder);
  Store *store = store_of_two_games(path);
  cr_assert_not(export_games(store, game_find("tictactoe"), EXPORT_PGN, out, NULL, &err));
  cr_assert(strstr(err.message, "no game of"), "%s", err.message);
  static const StorePlayer a = {.name = "x"}, b = {.name = "y"};
  static const StoreGame wrong = {.opening = "44", .moves = "44444444", .points = SCORE_WIN};
  cr_assert(store_add(store, "connect4", &a, &b, &wrong, 1, NULL, &err));
  cr_assert_not(export_games(store, game_find("connect4"), EXPORT_PGN, out, NULL, &err));
  cr_assert(strstr(err.message, "none by this build's rules"), "%s", err.message);
  cr_assert_not(file_exists(out));
  store_close(store);
  folder_remove(folder);
}

/* --- ratings by other methods and models on the same games --- */

enum { PLAYERS = 6, EACH = 200, GAMES = PLAYERS * (PLAYERS - 1) / 2 * EACH };

/* Davidson's model, fitted here without derivatives; Rao and Kupper's, which BayesElo fits; and the plain
 * logistic of expected points, which Ordo fits. */
typedef enum Model { DAVIDSON, RAO_KUPPER, LOGISTIC } Model;

typedef struct Record {
  double wins[PLAYERS][PLAYERS], draws[PLAYERS][PLAYERS];
} Record;

static double log_likelihood(const Record *record, Model model, const double *x) {
  double sum = 0, nuisance = exp(x[PLAYERS]);
  for (int i = 0; i < PLAYERS; i++)
    for (int j = 0; j < PLAYERS; j++) {
      double d = x[i] - x[j], win, draw;
      if (model == DAVIDSON) {
        double total = exp(d / 2) + exp(-d / 2) + nuisance;
        win = exp(d / 2) / total, draw = nuisance / total;
      } else if (model == RAO_KUPPER) {
        win = 1 / (1 + exp(nuisance - d));
        draw = 1 - win - 1 / (1 + exp(nuisance + d));
      } else {
        win = 1 / (1 + exp(-d));
        draw = sqrt(win * (1 - win));
      }
      sum += record->wins[i][j] * log(win) + (i < j ? record->draws[i][j] * log(draw) : 0);
    }
  return sum;
}

/* Golden section search along one coordinate after another. */
static void maximise(const Record *record, Model model, double x[PLAYERS + 1]) {
  const double ratio = (sqrt(5) - 1) / 2;
  for (int i = 0; i <= PLAYERS; i++) x[i] = i == PLAYERS ? -1 : 0;
  for (int round = 0; round < 150; round++)
    for (int i = 1; i <= PLAYERS; i++) {
      double low = x[i] - 2 / (1.0 + round), high = x[i] + 2 / (1.0 + round);
      for (int step = 0; step < 45; step++) {
        double a = high - ratio * (high - low), b = low + ratio * (high - low), at[2];
        x[i] = a, at[0] = log_likelihood(record, model, x);
        x[i] = b, at[1] = log_likelihood(record, model, x);
        if (at[0] > at[1])
          high = b;
        else
          low = a;
      }
      x[i] = (low + high) / 2;
    }
}

static void simulate(RatingGame *games, Record *record, double nu) {
  static const double truth[PLAYERS] = {0, -120, 60, 130, 25, -60};
  Rng rng = rng_make(31, RNG_TEST, 7, 0);
  int count = 0;
  *record = (Record){0};
  for (int i = 0; i < PLAYERS; i++)
    for (int j = 0; j < i; j++)
      for (int k = 0; k < EACH; k++) {
        double half = (truth[i] - truth[j]) / 400 * M_LN10 / 2, win = exp(half), loss = exp(-half);
        double u = rng_uniform(&rng) * (win + loss + nu);
        int points = u < win ? SCORE_WIN : u < win + nu ? SCORE_DRAW : SCORE_LOSS;
        games[count] = (RatingGame){i, j, points, count / 2};
        count++;
        if (points == SCORE_WIN) record->wins[i][j]++;
        if (points == SCORE_LOSS) record->wins[j][i]++;
        if (points == SCORE_DRAW) record->draws[i][j]++, record->draws[j][i]++;
      }
}

Test(export, ratings_are_the_maximum_that_another_method_finds) {
  RatingGame games[GAMES];
  Record record;
  double x[PLAYERS + 1];
  simulate(games, &record, 0.25);
  maximise(&record, DAVIDSON, x);
  RatingTable *table = ratings_new(PLAYERS, 0, games, GAMES);
  for (int i = 1; i < PLAYERS; i++) {
    double other = 400 / M_LN10 * x[i];
    cr_assert(fabs(table->ratings[i].elo - other) < 0.05, "%d: %g, %g", i, table->ratings[i].elo, other);
  }
  cr_assert(fabs(table->nu - exp(x[PLAYERS])) < 1e-3);
  ratings_free(table);
}

/* Public tools state Elo by another model of draws, scaled so that a small difference means the same expected
 * score as without draws: ours times 2 / (2 + nu) is on that scale. */
Test(export, ratings_agree_with_the_models_of_public_tools_within_5_elo) {
  RatingGame games[GAMES];
  Record record;
  double bayeselo[PLAYERS + 1], ordo[PLAYERS + 1];
  simulate(games, &record, 0.25);
  RatingTable *table = ratings_new(PLAYERS, 0, games, GAMES);
  ratings_by_other_models(table, games, GAMES);
  maximise(&record, RAO_KUPPER, bayeselo);
  maximise(&record, LOGISTIC, ordo);
  /* BayesElo's own factor: four times the slope of the expected score at equality. */
  double slope = exp(-exp(bayeselo[PLAYERS])), factor = 4 * slope / ((1 + slope) * (1 + slope));
  for (int i = 1; i < PLAYERS; i++) {
    double ours = table->ratings[i].elo * 2 / (2 + table->nu);
    double theirs[2] = {400 / M_LN10 * bayeselo[i] * factor, 400 / M_LN10 * ordo[i]};
    for (int k = 0; k < 2; k++) cr_assert(fabs(ours - theirs[k]) < 5, "%d: %g, %g", i, ours, theirs[k]);
    double same[2] = {table->ratings[i].elo_rao_kupper, table->ratings[i].elo_logistic};
    for (int k = 0; k < 2; k++)
      cr_assert(fabs(same[k] - theirs[k]) < 0.05, "%d: %g, %g", i, same[k], theirs[k]);
  }
  ratings_free(table);
}
