#include "arena/ratings.h"

#include "arena/draw_model.h"
#include "arena/score.h"
#include "base/memory.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEWTON_STEPS = 200, HALVINGS = 40 };
/* No parameter moves further in one step: beyond lies the flat of the likelihood, with no way back. */
static const double LONGEST_STEP = 2;

static const double elo_scale = 400 / M_LN10;

/* Sufficient statistics and the fit. Parameters: logarithms of the strengths of players 0..n-1, then the
 * draw model's where `draws`. Those of players not connected to the reference, and the reference's own, stay
 * 0. */
typedef struct Fit {
  DrawModel model;
  int n, reference, size; /* size = n + 1 */
  double *wins;           /* [n][n], of row over column */
  double *drawn;          /* [n][n], symmetric */
  bool *connected, *separated;
  bool draws;       /* some game was drawn */
  double *x;        /* [size] */
  double *gradient; /* [size] */
  double *info;     /* [size][size] */
} Fit;

static Fit fit_new(DrawModel model, int n, int reference) {
  size_t count = (size_t)n, size = count + 1;
  return (Fit){.model = model,
               .n = n,
               .reference = reference,
               .size = n + 1,
               .wins = memory_new(count * count, sizeof(double)),
               .drawn = memory_new(count * count, sizeof(double)),
               .connected = memory_new(count, sizeof(bool)),
               .separated = memory_new(count, sizeof(bool)),
               .x = memory_new(size, sizeof(double)),
               .gradient = memory_new(size, sizeof(double)),
               .info = memory_new(size * size, sizeof(double))};
}

static void fit_release(Fit *fit) {
  free(fit->wins), free(fit->drawn), free(fit->connected), free(fit->separated);
  free(fit->x), free(fit->gradient), free(fit->info);
}

static void fit_add(Fit *fit, const RatingGame *game) {
  int i = game->first, j = game->second, n = fit->n;
  if (game->points == SCORE_WIN)
    fit->wins[i * n + j]++;
  else if (game->points == SCORE_LOSS)
    fit->wins[j * n + i]++;
  else
    fit->drawn[i * n + j]++, fit->drawn[j * n + i]++;
}

/* Each draw becomes half a win for both. */
static void fit_split_draws(Fit *fit) {
  for (int k = 0; k < fit->n * fit->n; k++) fit->wins[k] += fit->drawn[k] / 2, fit->drawn[k] = 0;
}

static bool took_points(const Fit *fit, int i, int j) {
  return fit->wins[i * fit->n + j] > 0 || fit->drawn[i * fit->n + j] > 0;
}

static bool played(const Fit *fit, int i, int j) {
  return took_points(fit, i, j) || took_points(fit, j, i);
}

/* Marks in reached[n] whom `start` reaches: over games played, points taken, or points lost. */
typedef enum Link { LINK_PLAYED, LINK_TOOK, LINK_LOST } Link;

static bool linked(const Fit *fit, Link link, int i, int j) {
  switch (link) {
  case LINK_PLAYED:
    return played(fit, i, j);
  case LINK_TOOK:
    return took_points(fit, i, j);
  case LINK_LOST:
    return took_points(fit, j, i);
  }
  return false;
}

static void reach(const Fit *fit, int start, Link link, bool *reached) {
  int n = fit->n, *stack = memory_new((size_t)n, sizeof(int)), depth = 0;
  memset(reached, 0, (size_t)n * sizeof(bool));
  reached[start] = true;
  stack[depth++] = start;
  while (depth) {
    int i = stack[--depth];
    for (int j = 0; j < n; j++)
      if (!reached[j] && linked(fit, link, i, j)) reached[j] = true, stack[depth++] = j;
  }
  free(stack);
}

/* group[i]: players who reach each other by points taken share a number. */
static void strong_groups(const Fit *fit, int *group) {
  int n = fit->n;
  bool *to = memory_new((size_t)n, sizeof(bool)), *from = memory_new((size_t)n, sizeof(bool));
  for (int i = 0; i < n; i++) group[i] = -1;
  for (int i = 0; i < n; i++) {
    if (group[i] >= 0) continue;
    reach(fit, i, LINK_TOOK, to);
    reach(fit, i, LINK_LOST, from);
    for (int j = 0; j < n; j++)
      if (to[j] && from[j]) group[j] = i;
  }
  free(to), free(from);
}

/* ratings.h: whether ranks x fit the record in which each win spans at least 1 and each draw at most 1. They
 * are difference constraints, x_j <= x_i + w, and Bellman and Ford's relaxation settles them within n rounds
 * unless there is a negative cycle, which takes some rank below -n. */
static bool draws_part_ranks(const Fit *fit) {
  int n = fit->n, *rank = memory_new((size_t)n, sizeof *rank);
  bool moved = true, fits = true;
  while (moved && fits) {
    moved = false;
    for (int i = 0; i < n; i++)
      for (int j = 0; fit->connected[i] && j < n; j++) {
        bool won = fit->wins[i * n + j] > 0;
        if (!won && !(fit->drawn[i * n + j] > 0)) continue;
        int most = rank[i] + (won ? -1 : 1);
        if (rank[j] > most) rank[j] = most, moved = true;
        fits = fits && rank[j] >= -n;
      }
  }
  free(rank);
  return fits;
}

/* The prior of ratings.h, only where the maximum would be infinite without it. */
static void add_prior(Fit *fit) {
  int n = fit->n, *group = memory_new((size_t)n, sizeof(int));
  reach(fit, fit->reference, LINK_PLAYED, fit->connected);
  strong_groups(fit, group);
  double drawn = 0, decided = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      if (fit->connected[i]) drawn += fit->drawn[i * n + j] / 2;
  bool everywhere = drawn > 0 && draws_part_ranks(fit);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      if ((everywhere || group[i] != group[j]) && played(fit, i, j))
        fit->wins[i * n + j] += 0.25, fit->wins[j * n + i] += 0.25;
  for (int i = 0; i < n; i++) {
    fit->separated[i] = i != fit->reference && (everywhere || group[i] != group[fit->reference]);
    for (int j = 0; j < n; j++)
      if (fit->connected[i]) decided += fit->wins[i * n + j];
  }
  fit->draws = drawn > 0;
  if (fit->draws) fit->x[n] = draw_model_parameter(fit->model, drawn / (drawn + decided));
  free(group);
}

static double draw_parameter(const Fit *fit, const double *x) {
  return fit->draws ? x[fit->n] : draw_model_none(fit->model);
}

static double log_likelihood(const Fit *fit, const double *x) {
  double sum = 0;
  for (int i = 0; i < fit->n; i++)
    for (int j = 0; j < i; j++) {
      double won = fit->wins[i * fit->n + j], lost = fit->wins[j * fit->n + i],
             drawn = fit->drawn[i * fit->n + j];
      if (!fit->connected[i] || won + lost + drawn == 0) continue;
      Chances c = draw_model_chances(fit->model, x[i] - x[j], draw_parameter(fit, x));
      if (won > 0) sum += won * log(c.p[CHANCE_WIN]);
      if (lost > 0) sum += lost * log(c.p[CHANCE_LOSS]);
      if (drawn > 0) sum += drawn * log(c.p[CHANCE_DRAW]);
    }
  return sum;
}

/* Gradient, and Fisher information: the expected products of derivatives. */
static void derivatives(Fit *fit) {
  int n = fit->n, m = fit->size;
  memset(fit->gradient, 0, (size_t)m * sizeof(double));
  memset(fit->info, 0, (size_t)m * (size_t)m * sizeof(double));
  double *g = fit->gradient, *h = fit->info;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      double observed[CHANCES] = {fit->wins[i * n + j], fit->drawn[i * n + j], fit->wins[j * n + i]};
      double games = observed[CHANCE_WIN] + observed[CHANCE_DRAW] + observed[CHANCE_LOSS];
      if (!fit->connected[i] || games == 0) continue;
      Chances c = draw_model_chances(fit->model, fit->x[i] - fit->x[j], draw_parameter(fit, fit->x));
      for (int k = 0; k < CHANCES; k++) {
        if (k == CHANCE_DRAW && !fit->draws) continue;
        double a = c.by_difference[k], b = c.by_parameter[k], expected = games * c.p[k];
        g[i] += observed[k] * a, g[j] -= observed[k] * a, g[n] += observed[k] * b;
        h[i * m + i] += expected * a * a, h[j * m + j] += expected * a * a;
        h[i * m + j] -= expected * a * a, h[j * m + i] -= expected * a * a;
        h[n * m + n] += expected * b * b;
        h[i * m + n] += expected * a * b, h[n * m + i] += expected * a * b;
        h[j * m + n] -= expected * a * b, h[n * m + j] -= expected * a * b;
      }
    }
  for (int i = 0; i < m; i++) {
    bool is_free = i < n ? fit->connected[i] && i != fit->reference : fit->draws;
    if (is_free) continue;
    for (int j = 0; j < m; j++) h[i * m + j] = h[j * m + i] = 0;
    h[i * m + i] = 1;
    g[i] = 0;
  }
}

/* Cholesky factor in the lower triangle, in place; false where the matrix is not positive definite. */
static bool cholesky(double *a, int m) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j <= i; j++) {
      double sum = a[i * m + j];
      for (int k = 0; k < j; k++) sum -= a[i * m + k] * a[j * m + k];
      if (i == j && !(sum > 0)) return false;
      a[i * m + j] = i == j ? sqrt(sum) : sum / a[j * m + j];
    }
  return true;
}

static void cholesky_solve(const double *a, int m, double *b) {
  for (int i = 0; i < m; i++) {
    for (int k = 0; k < i; k++) b[i] -= a[i * m + k] * b[k];
    b[i] /= a[i * m + i];
  }
  for (int i = m - 1; i >= 0; i--) {
    for (int k = i + 1; k < m; k++) b[i] -= a[k * m + i] * b[k];
    b[i] /= a[i * m + i];
  }
}

/* Newton's method with the expected information (Fisher's scoring), each step shortened to LONGEST_STEP and
 * halved until the likelihood does not fall. Leaves the factor of the information in fit->info. */
static void fit_solve(Fit *fit) {
  int m = fit->size;
  double *trial = memory_new((size_t)m, sizeof(double)), *step = memory_new((size_t)m, sizeof(double));
  double value = log_likelihood(fit, fit->x);
  for (int round = 0; round < NEWTON_STEPS; round++) {
    derivatives(fit);
    if (!cholesky(fit->info, m)) assert(!"the information of a connected, mixed record is positive definite");
    memcpy(step, fit->gradient, (size_t)m * sizeof(double));
    cholesky_solve(fit->info, m, step);
    double largest = 0, next = value;
    for (int i = 0; i < m; i++) largest = fmax(largest, fabs(step[i]));
    double scale = LONGEST_STEP / fmax(largest, LONGEST_STEP);
    for (int halving = 0; halving < HALVINGS; halving++, scale /= 2) {
      for (int i = 0; i < m; i++) trial[i] = fit->x[i] + scale * step[i];
      next = log_likelihood(fit, trial);
      if (next >= value - 1e-12 * fabs(value)) break;
    }
    memcpy(fit->x, trial, (size_t)m * sizeof(double));
    value = next;
    if (largest * scale < 1e-9) break;
  }
  derivatives(fit);
  if (!cholesky(fit->info, m)) assert(!"positive definite, as above");
  free(trial), free(step);
}

static void fit_run(Fit *fit, const double *start) {
  add_prior(fit);
  if (start)
    for (int i = 0; i < fit->n; i++) fit->x[i] = fit->connected[i] ? start[i] : 0;
  fit_solve(fit);
}

static void count_games(RatingTable *table, const RatingGame *games, int count) {
  for (int g = 0; g < count; g++) {
    Rating *first = &table->ratings[games[g].first], *second = &table->ratings[games[g].second];
    first->wins += games[g].points == SCORE_WIN, second->losses += games[g].points == SCORE_WIN;
    first->draws += games[g].points == SCORE_DRAW, second->draws += games[g].points == SCORE_DRAW;
    first->losses += games[g].points == SCORE_LOSS, second->wins += games[g].points == SCORE_LOSS;
  }
}

RatingTable *ratings_new(int players, int reference, const RatingGame *games, int count) {
  assert(players > 0 && reference >= 0 && reference < players);
  size_t n = (size_t)players;
  RatingTable *table = memory_new(1, sizeof *table);
  *table = (RatingTable){.players = players,
                         .reference = reference,
                         .ratings = memory_new(n, sizeof(Rating)),
                         .covariance = memory_new(n * n, sizeof(double))};
  Fit fit = fit_new(DRAW_DAVIDSON, players, reference);
  for (int g = 0; g < count; g++) {
    assert(games[g].first != games[g].second);
    fit_add(&fit, &games[g]);
  }
  fit_run(&fit, NULL);
  count_games(table, games, count);
  table->nu = fit.draws ? exp(fit.x[players]) : 0;
  double *column = memory_new((size_t)fit.size, sizeof(double));
  for (int i = 0; i < players; i++) {
    Rating *rating = &table->ratings[i];
    rating->connected = fit.connected[i];
    rating->separated = fit.connected[i] && fit.separated[i];
    rating->bootstrap_low = rating->bootstrap_high = rating->elo_logistic = rating->elo_rao_kupper = NAN;
    rating->elo = rating->low = rating->high = rating->connected ? elo_scale * fit.x[i] : NAN;
    if (!rating->connected || i == reference) continue;
    memset(column, 0, (size_t)fit.size * sizeof(double));
    column[i] = elo_scale * elo_scale;
    cholesky_solve(fit.info, fit.size, column);
    for (int j = 0; j < players; j++) table->covariance[i * players + j] = fit.connected[j] ? column[j] : 0;
    double error = sqrt(table->covariance[i * players + i]);
    rating->low -= SCORE_Z95 * error, rating->high += SCORE_Z95 * error;
  }
  free(column);
  fit_release(&fit);
  return table;
}

void ratings_free(RatingTable *table) {
  if (!table) return;
  free(table->ratings);
  free(table->covariance);
  free(table);
}

/* The Elo of all players by another model into elo[]. Returns its draw parameter. */
static double fit_other(const RatingTable *table, const RatingGame *games, int count, DrawModel model,
                        bool split_draws, double *elo) {
  Fit fit = fit_new(model, table->players, table->reference);
  for (int g = 0; g < count; g++) fit_add(&fit, &games[g]);
  if (split_draws) fit_split_draws(&fit);
  fit_run(&fit, NULL);
  double parameter = draw_parameter(&fit, fit.x);
  for (int i = 0; i < table->players; i++) elo[i] = fit.connected[i] ? elo_scale * fit.x[i] : NAN;
  fit_release(&fit);
  return parameter;
}

void ratings_by_other_models(RatingTable *table, const RatingGame *games, int count) {
  double *elo = memory_new((size_t)table->players, sizeof *elo);
  fit_other(table, games, count, DRAW_DAVIDSON, true, elo);
  for (int i = 0; i < table->players; i++) table->ratings[i].elo_logistic = elo[i];
  double parameter = fit_other(table, games, count, DRAW_RAO_KUPPER, false, elo);
  double scale = draw_model_scale(DRAW_RAO_KUPPER, parameter);
  for (int i = 0; i < table->players; i++) table->ratings[i].elo_rao_kupper = elo[i] * scale;
  table->draw_elo = elo_scale * parameter;
  free(elo);
}

double ratings_difference_error(const RatingTable *table, int i, int j) {
  if (!table->ratings[i].connected || !table->ratings[j].connected) return NAN;
  const double *c = table->covariance;
  int n = table->players;
  return sqrt(fmax(0, c[i * n + i] + c[j * n + j] - 2 * c[i * n + j]));
}

static int compare_pairs(const void *a, const void *b) {
  const RatingGame *x = a, *y = b;
  return x->pair < y->pair ? -1 : x->pair > y->pair;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* The pth quantile of sorted values, linear between them. */
static double quantile(const double *sorted, int count, double p) {
  double place = p * (count - 1);
  int below = (int)place;
  if (below + 1 >= count) return sorted[count - 1];
  return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

void ratings_bootstrap(RatingTable *table, const RatingGame *games, int count, int resamples, uint64_t seed) {
  if (count == 0 || resamples < 1) return;
  int n = table->players, groups = 0;
  RatingGame *sorted = memory_new((size_t)count, sizeof *sorted);
  memcpy(sorted, games, (size_t)count * sizeof *sorted);
  qsort(sorted, (size_t)count, sizeof *sorted, compare_pairs);
  int *begin = memory_new((size_t)count + 1, sizeof(int));
  for (int g = 0; g < count; g++)
    if (g == 0 || sorted[g].pair != sorted[g - 1].pair) begin[groups++] = g;
  begin[groups] = count;
  double *start = memory_new((size_t)n, sizeof(double));
  for (int i = 0; i < n; i++) start[i] = table->ratings[i].connected ? table->ratings[i].elo / elo_scale : 0;
  double *values = memory_new((size_t)n * (size_t)resamples, sizeof(double)); /* [player][resample] */
  int *filled = memory_new((size_t)n, sizeof(int));
  for (int r = 0; r < resamples; r++) {
    Rng rng = rng_make(seed, RNG_BOOTSTRAP, 0, (uint32_t)r);
    Fit fit = fit_new(DRAW_DAVIDSON, n, table->reference);
    for (int g = 0; g < groups; g++) {
      uint32_t chosen = rng_below(&rng, (uint32_t)groups);
      for (int k = begin[chosen]; k < begin[chosen + 1]; k++) fit_add(&fit, &sorted[k]);
    }
    fit_run(&fit, start);
    for (int i = 0; i < n; i++)
      if (fit.connected[i]) values[i * resamples + filled[i]++] = elo_scale * fit.x[i];
    fit_release(&fit);
  }
  for (int i = 0; i < n; i++) {
    if (!table->ratings[i].connected || !filled[i]) continue;
    double *own = values + (size_t)i * (size_t)resamples;
    qsort(own, (size_t)filled[i], sizeof(double), compare_doubles);
    table->ratings[i].bootstrap_low = quantile(own, filled[i], 0.025);
    table->ratings[i].bootstrap_high = quantile(own, filled[i], 0.975);
  }
  free(sorted), free(begin), free(start), free(values), free(filled);
}
