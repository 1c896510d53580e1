/* Selection by four siblings at a time is held to selection edge by edge, and both to the formulas in double
 * precision: the two sum in a different order, so where their choices differ the scores must be equal within
 * the roundings of single precision, which are counted here, not tuned. */
#include "base/memory.h"
#include "base/rng.h"
#include "mcts/gumbel.h"
#include "mcts/proof.h"
#include "mcts/puct.h"
#include "mcts/select.h"
#include "mcts/vec.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { NODES = 20000, MOST_VISITS = 0x7fffffff };

TestSuite(select, .timeout = HANG_SECONDS);

/* A node's edges, with what selection reads behind them set to what would win if it were looked at. */
typedef struct Sample {
  Edge *edges; /* [GAME_MOVES_MAX + EDGES_BEHIND] */
  float priors[GAME_MOVES_MAX];
  Siblings siblings;
  uint32_t visits;
  float value;
} Sample;

static uint16_t pack(float prior) {
  uint32_t bits;
  memcpy(&bits, &prior, sizeof bits);
  return (uint16_t)(bits >> 16);
}

/* Every second node has a few siblings, as games do; the others up to the most there can be. */
static int random_count(Rng *rng) {
  return 1 + (int)rng_below(rng, rng_below(rng, 2) ? 8 : GAME_MOVES_MAX);
}

/* Priors between 1e-30, the least of a tree, and 1, over all magnitudes or near each other. */
static float random_prior(Rng *rng, int count, uint32_t kind) {
  if (kind == 0) return (float)pow(10, -30 * rng_uniform(rng));
  if (kind == 1) return 1 / (float)count;
  return (float)((1e-3 + rng_uniform(rng)) / count);
}

/* Bounds of random tightness: none closed, some closed, all proven, all lost. */
static void random_proof(Rng *rng, Edge *edge, uint32_t kind) {
  edge_prove(edge, -1, 1);
  if (kind == 0 || (kind == 1 && rng_below(rng, 4))) return;
  int lower = (int)rng_below(rng, 3) - 1, upper = lower + (int)rng_below(rng, (uint32_t)(2 - lower));
  if (kind == 2) upper = lower;
  if (kind == 3) lower = upper = -1;
  edge_prove(edge, lower, upper);
}

static uint32_t random_visits(Rng *rng, int count, uint32_t kind) {
  if (kind == 0 || (kind == 1 && rng_below(rng, 2))) return 0;
  uint32_t most = kind == 2 ? (uint32_t)(MOST_VISITS / count) : 30;
  return (uint32_t)pow(most, rng_uniform(rng)) % (most + 1);
}

static void make_sample(Sample *sample, Rng *rng) {
  int count = random_count(rng);
  uint32_t proofs = rng_below(rng, 4), visits = rng_below(rng, 4), priors = rng_below(rng, 3);
  bool even = rng_below(rng, 4) == 0; /* values that are all draws */
  sample->visits = 1;
  sample->value = rng_below(rng, 4) ? (float)(2 * rng_uniform(rng) - 1) : (float)rng_below(rng, 3) - 1;
  for (int i = 0; i < count; i++) {
    Edge *edge = &sample->edges[i];
    *edge = (Edge){.child = NO_NODE, .move = (uint16_t)i & 0xfff};
    edge->prior = pack(fmaxf(random_prior(rng, count, priors), 1.1e-30f));
    edge->visits = random_visits(rng, count, visits);
    edge->value_sum = even ? 0 : (float)((2 * rng_uniform(rng) - 1) * edge->visits);
    random_proof(rng, edge, proofs);
    sample->visits += edge->visits;
    sample->priors[i] = rng_below(rng, 8) ? random_prior(rng, count, priors) : 0;
  }
  for (int i = count; i < count + EDGES_BEHIND; i++) {
    sample->edges[i] = (Edge){.value_sum = 1e9f, .visits = 1, .prior = pack(1)};
    edge_prove(&sample->edges[i], 1, 1);
  }
  sample->siblings = (Siblings){sample->edges, count, NULL, rng_below(rng, 2)};
}

/* What n roundings of single precision can do to a result, relative: n u / (1 - n u), u = 2^-24. Of a product
 * of such factors the n add up (N. Higham, "Accuracy and stability of numerical algorithms", Lemma 3.1). */
static double roundings(double n) {
  const double u = ldexp(1, -24);
  return n * u / (1 - n * u);
}

static double prior_at(const Siblings *siblings, int i) {
  return (double)(siblings->priors ? siblings->priors[i] : edge_prior(&siblings->edges[i]));
}

/* The value of an edge within its bounds, or `otherwise`. */
static double exact_q(const Edge *edge, double otherwise) {
  if (edge_proven(edge)) return edge_lower(edge);
  if (!edge->visits) return otherwise;
  return fmin(fmax((double)edge->value_sum / edge->visits, edge_lower(edge)), edge_upper(edge));
}

/* An exact score, and how far below or above it one in single precision may come out. */
typedef struct Score {
  double low, high;
} Score;

static Score score_around(double exact, double error) {
  error += roundings(2) * fabs(exact) + FLT_MIN; /* the last addition; and what falls below normal floats */
  return (Score){exact - error, exact + error};
}

static Score puct_exact(const Siblings *siblings, int i, double factor, double value, double fpu_reduction) {
  const Edge *edge = &siblings->edges[i];
  double mass = 0;
  for (int j = 0; j < siblings->count; j++)
    if (siblings->edges[j].visits) mass += prior_at(siblings, j);
  double reduction = fpu_reduction * sqrt(mass), q = exact_q(edge, value - reduction);
  double explored = factor * prior_at(siblings, i) / (1 + (double)edge->visits);
  /* Of the reduction: count - 1 additions of positive terms, a root that halves them, a product; then the
   * difference. Of a mean: visits as a float, a division. Of the rest: a product, visits, 1 +, a division. */
  bool known = edge->visits || edge_proven(edge);
  double error = known ? roundings(2) : roundings(siblings->count + 2) * reduction + roundings(1) * fabs(q);
  return score_around(q + explored, error + roundings(4) * explored);
}

/* Natural log of the weight P exp(sigma) of every edge, and how far those in single precision may be off. */
static double gumbel_weights(const Siblings *siblings, const SearchConfig *config, double value,
                             uint32_t visits, double *logs) {
  double mass = 0, weighted = 0, most = 0, least = 1;
  int n = siblings->count;
  for (int i = 0; i < n; i++) {
    const Edge *edge = &siblings->edges[i];
    least = fmin(least, prior_at(siblings, i));
    most = fmax(most, edge->visits);
    if (!edge->visits) continue;
    mass += prior_at(siblings, i);
    weighted += prior_at(siblings, i) * exact_q(edge, 0);
  }
  double total = visits - 1.0, scale = (config->gumbel_visit + most) * config->gumbel_scale;
  double mixed = (value + total * (mass > 0 ? weighted / mass : 0)) / (1 + total);
  for (int i = 0; i < n; i++)
    logs[i] = log(prior_at(siblings, i)) + scale * (exact_q(&siblings->edges[i], mixed) + 1) / 2;
  /* A completed value, in [-1, 1]: a mean as above; or v_mix: n products of means, two sums of n terms, and
   * eight steps more. Then sigma, at most `scale`: three steps for the factor, three for q. Then with the log
   * of the prior, at most |log least|, of two units: three sums and differences. */
  double q = roundings(2 * n + 12), range = scale + fabs(log(least));
  double log_error =
      scale / 2 * q + roundings(6) * scale + roundings(4) * fabs(log(least)) + roundings(3) * range;
  /* An exponential of two units in the last place, the product with P, a sum of n, a division. */
  return log_error + roundings(n + 8);
}

/* The share of weight i when all weights are off by up to e^error, one way or the other: its odds move by the
 * square of that. Weights whose exponential is cut at e^-87 or underflows count for e^-87 / least prior more.
 */
static Score gumbel_share(const double *logs, int n, int i, double error) {
  double highest = -INFINITY, sum = 0;
  for (int j = 0; j < n; j++)
    if (j != i) highest = fmax(highest, logs[j]);
  for (int j = 0; j < n; j++)
    if (j != i) sum += exp(logs[j] - highest);
  double cut = exp(-87) / 1e-30, odds = logs[i] - highest - log(sum);
  if (n == 1) return (Score){1 - roundings(n + 8), 1 + roundings(n + 8)};
  return (Score){1 / (1 + exp(2 * error - odds)) - cut, 1 / (1 + exp(-2 * error - odds)) + cut};
}

static Score gumbel_exact(const Siblings *siblings, int i, const double *logs, double error,
                          uint32_t visits) {
  Score share = gumbel_share(logs, siblings->count, i, error);
  double done = (double)siblings->edges[i].visits / visits;
  /* Two conversions, a division, a product. */
  Score low = score_around(share.low - done, roundings(4) * done);
  Score high = score_around(share.high - done, roundings(4) * done);
  return (Score){low.low, high.high};
}

static bool is_open(const Siblings *siblings, int i) {
  return !siblings->solve ||
         !edge_dominated(&siblings->edges[i], edges_bounds(siblings->edges, siblings->count));
}

/* Both choices are open edges, and each score may come out at least as high as the other. */
static void check_tie(const Siblings *siblings, uint32_t node, int fast, int plain, Score of_fast,
                      Score of_plain) {
  cr_assert(is_open(siblings, fast) && is_open(siblings, plain), "node %u: %d, %d", node, fast, plain);
  cr_assert(of_fast.high >= of_plain.low && of_plain.high >= of_fast.low,
            "node %u of %d edges: %d in [%.9g, %.9g], %d in [%.9g, %.9g]", node, siblings->count, fast,
            of_fast.low, of_fast.high, plain, of_plain.low, of_plain.high);
}

static Sample *sample_new(void) {
  Sample *sample = memory_new(1, sizeof *sample);
  sample->edges = memory_new(GAME_MOVES_MAX + EDGES_BEHIND, sizeof *sample->edges);
  return sample;
}

static void sample_free(Sample *sample) {
  free(sample->edges);
  free(sample);
}

Test(select, puct_is_the_plain_choice_and_the_formulas) {
  SearchConfig config = search_config_defaults();
  Sample *sample = sample_new();
  for (uint32_t node = 0; node < NODES; node++) {
    Rng rng = rng_make(11, RNG_TEST, 1, node);
    make_sample(sample, &rng);
    Siblings *siblings = &sample->siblings;
    if (rng_below(&rng, 4) == 0) siblings->priors = sample->priors; /* a root's, with noise */
    float factor = puct_factor(&config, (float)sample->visits);
    float reduction = rng_below(&rng, 2) ? (float)rng_uniform(&rng) : 0;
    int fast = select_puct(siblings, factor, sample->value, reduction);
    int plain = select_plain_puct(siblings, factor, sample->value, reduction);
    Score of_fast = puct_exact(siblings, fast, factor, sample->value, reduction);
    check_tie(siblings, node, fast, plain, of_fast,
              puct_exact(siblings, plain, factor, sample->value, reduction));
    int other = (int)rng_below(&rng, (uint32_t)siblings->count); /* nor does any other beat it */
    if (is_open(siblings, other))
      cr_assert_geq(of_fast.high, puct_exact(siblings, other, factor, sample->value, reduction).low);
  }
  sample_free(sample);
}

Test(select, gumbel_is_the_plain_choice_and_the_formulas) {
  SearchConfig config = search_config_defaults();
  Sample *sample = sample_new();
  double *logs = memory_new(GAME_MOVES_MAX, sizeof *logs);
  for (uint32_t node = 0; node < NODES; node++) {
    Rng rng = rng_make(11, RNG_TEST, 2, node);
    make_sample(sample, &rng);
    Siblings *siblings = &sample->siblings;
    config.gumbel_visit = rng_below(&rng, 2) ? 50 : 0;
    config.gumbel_scale = rng_below(&rng, 2) ? 1 : 0.1;
    int fast = select_gumbel(siblings, &config, sample->value, sample->visits);
    int plain = select_plain_gumbel(siblings, &config, sample->value, sample->visits);
    double error = gumbel_weights(siblings, &config, sample->value, sample->visits, logs);
    Score of_fast = gumbel_exact(siblings, fast, logs, error, sample->visits);
    check_tie(siblings, node, fast, plain, of_fast,
              gumbel_exact(siblings, plain, logs, error, sample->visits));
    int other = (int)rng_below(&rng, (uint32_t)siblings->count);
    if (is_open(siblings, other))
      cr_assert_geq(of_fast.high, gumbel_exact(siblings, other, logs, error, sample->visits).low);
  }
  free(logs);
  sample_free(sample);
}

/* Siblings that are all alike have the same bits of score, so nothing but the order decides. */
Test(select, of_equals_the_first_wins) {
  SearchConfig config = search_config_defaults();
  Sample *sample = sample_new();
  Rng rng = rng_make(11, RNG_TEST, 3, 0);
  for (int count = 1; count <= GAME_MOVES_MAX; count++) {
    make_sample(sample, &rng);
    for (int i = 0; i < count; i++) {
      sample->edges[i] = (Edge){.prior = pack(1 / (float)count)};
      edge_prove(&sample->edges[i], -1, 1);
    }
    for (int first = 0; first < count; first += 1 + first) { /* those before it are lost */
      Siblings siblings = {sample->edges, count, NULL, true};
      for (int i = 0; i < first; i++) edge_prove(&sample->edges[i], -1, -1);
      cr_assert_eq(select_puct(&siblings, 1, 0, 0), first);
      cr_assert_eq(select_plain_puct(&siblings, 1, 0, 0), first);
      cr_assert_eq(select_gumbel(&siblings, &config, 0, 1), first);
      cr_assert_eq(select_plain_gumbel(&siblings, &config, 0, 1), first);
    }
  }
  sample_free(sample);
}

/* Every combination of bounds of two siblings: the edges passed over are those that proof.h says. */
Test(select, proofs_pass_over_the_same_edges) {
  static const int bounds[6][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, 0}, {0, 1}, {1, 1}};
  _Alignas(16) Edge edges[3 + EDGES_BEHIND];
  for (int kinds = 0; kinds < 6 * 6 * 6; kinds++) {
    int kind[3] = {kinds % 6, kinds / 6 % 6, kinds / 36};
    for (int wanted = 0; wanted < 3; wanted++) {
      for (int i = 0; i < 3 + EDGES_BEHIND; i++) {
        edges[i] = (Edge){.prior = pack(i == wanted ? 1 : 1e-30f)};
        if (i < 3) edge_prove(&edges[i], bounds[kind[i]][0], bounds[kind[i]][1]);
      }
      Siblings siblings = {edges, 3, NULL, true};
      bool open = !edge_dominated(&edges[wanted], edges_bounds(edges, 3));
      cr_assert_eq(select_puct(&siblings, 1e6f, 0, 0) == wanted, open); /* a factor that drowns every q */
      cr_assert_eq(select_plain_puct(&siblings, 1e6f, 0, 0) == wanted, open);
    }
  }
}

/* Every 1000th float of [-87, 0] and the ends: within two units in the last place. */
Test(select, exponentials_are_exact_to_two_units) {
  cr_assert_eq(vec_exp(vec_set(0))[0], 1);
  cr_assert_eq(vec_exp(vec_set(-INFINITY))[0], vec_exp(vec_set(-87))[0]);
  cr_assert_gt(vec_exp(vec_set(-87))[0], FLT_MIN);
  float last = 87;
  uint32_t bits, end;
  memcpy(&end, &last, sizeof end);
  for (bits = 0; bits <= end; bits += 1000) {
    float x;
    memcpy(&x, &bits, sizeof x);
    double exact = exp(-(double)x), found = vec_exp(vec_set(-x))[bits % VEC_LANES];
    double unit = ldexp(1, ilogb(exact) - 23);
    cr_assert_leq(fabs(found - exact), 2 * unit, "exp(%.9g)", (double)-x);
  }
}

/* What selection reads behind a node's edges lies inside the array, in trees of every size and in copies. */
Test(select, trees_keep_room_behind_the_last_edge) {
  int moves[GAME_MOVES_MAX];
  float logits[GAME_MOVES_MAX] = {0}, wdl[3] = {0, 1, 0};
  Tree tree = {0}, copy = {0};
  Rng rng = rng_make(11, RNG_TEST, 4, 0);
  for (int i = 0; i < GAME_MOVES_MAX; i++) moves[i] = i;
  for (int node = 0; node < 3000; node++) {
    int count = random_count(&rng);
    uint32_t index = tree_add_node(&tree, moves, count, logits, wdl);
    cr_assert_leq(tree.edge_count + EDGES_BEHIND, tree.edge_capacity);
    Siblings siblings = {tree.edges + tree.nodes[index].first_edge, count, NULL, true};
    cr_assert_eq(select_puct(&siblings, 1, 0, 0), 0);
    if (index) tree.edges[tree.nodes[index - 1].first_edge].child = index; /* a chain */
  }
  tree_copy(&copy, &tree, 1);
  cr_assert_eq(copy.node_count, tree.node_count - 1);
  cr_assert_leq(copy.edge_count + EDGES_BEHIND, copy.edge_capacity);
  tree_free(&tree);
  tree_free(&copy);
}
