#include "arena/compare_policy.h"

#include "arena/positions.h"
#include "base/memory.h"
#include "selfplay/net_evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES = 400, TEACHER_ASKED = 8, BATCH = 64 };

/* A network that calls a move impossible is not infinitely wrong in single precision. */
static const double least_probability = 1e-7;

struct ComparePolicies {
  const Game *game;
  int count;
  char *states;            /* [count][state_size] */
  float *solver, *teacher; /* [count][moves]; NULL where there is none */
};

static void *state_of(const ComparePolicies *policies, int i) {
  return policies->states + (size_t)i * policies->game->state_size;
}

static void take_positions(ComparePolicies *policies, const Positions *positions) {
  int moves = policies->game->moves;
  policies->count = positions->count < STATES ? positions->count : STATES;
  policies->solver = memory_new((size_t)(policies->count * moves), sizeof(float));
  for (int i = 0; i < policies->count; i++) {
    int from = (int)((long)positions->count * i / policies->count), best = POSITION_ILLEGAL, ties = 0;
    const int *scores = positions->scores + (size_t)from * (size_t)moves;
    memcpy(state_of(policies, i), positions->states + (size_t)from * policies->game->state_size,
           policies->game->state_size);
    for (int m = 0; m < moves; m++)
      if (scores[m] > best) best = scores[m];
    for (int m = 0; m < moves; m++) ties += scores[m] == best;
    for (int m = 0; m < moves; m++)
      policies->solver[i * moves + m] = scores[m] == best ? 1.0f / (float)ties : 0;
  }
}

static void take_random(ComparePolicies *policies, uint64_t seed) {
  int moves[4096];
  for (uint32_t t = 0; policies->count < STATES && t < 100 * STATES; t++) {
    Rng rng = rng_make(seed, RNG_POSITIONS, 0, t);
    int plies = (int)rng_below(&rng, (uint32_t)policies->game->max_plies);
    if (position_random_line(policies->game, &rng, plies, moves, state_of(policies, policies->count)))
      policies->count++;
  }
}

static bool ask_teacher(ComparePolicies *policies, const RunConfig *config, uint64_t seed, int threads,
                        Error *err) {
  char spelling[40];
  if (config->imitation_teacher == TEACHER_SOLVER)
    snprintf(spelling, sizeof spelling, "solver");
  else if (config->imitation_teacher == TEACHER_MCTS)
    snprintf(spelling, sizeof spelling, "mcts:%d", config->imitation_playouts);
  else
    snprintf(spelling, sizeof spelling, "alphabeta:%d", config->imitation_depth);
  Player *teacher = player_new(spelling, policies->game, threads, err);
  if (!teacher) return false;
  int n = policies->count, moves = policies->game->moves, *answers = memory_new((size_t)n, sizeof(int));
  PlayerQuery *queries = memory_new((size_t)n, sizeof *queries);
  policies->teacher = memory_new((size_t)(n * moves), sizeof(float));
  bool fine = true;
  for (int k = 0; fine && k < TEACHER_ASKED; k++) {
    for (int i = 0; i < n; i++)
      queries[i] = (PlayerQuery){.state = state_of(policies, i),
                                 .rng = rng_make(seed, RNG_PLAYER, (uint32_t)(2 + k), (uint32_t)i)};
    fine = teacher->choose(teacher, queries, n, answers, err);
    for (int i = 0; fine && i < n; i++) policies->teacher[i * moves + answers[i]] += 1.0f / TEACHER_ASKED;
  }
  free(answers), free(queries);
  player_free(teacher);
  return fine;
}

ComparePolicies *compare_policies_new(const Game *game, const Positions *positions, const RunConfig *teacher,
                                      uint64_t seed, int threads, Error *err) {
  ComparePolicies *policies = memory_new(1, sizeof *policies);
  *policies = (ComparePolicies){.game = game, .states = memory_new(STATES, game->state_size)};
  if (positions)
    take_positions(policies, positions);
  else
    take_random(policies, seed);
  if (!teacher || ask_teacher(policies, teacher, seed, threads, err)) return policies;
  compare_policies_free(policies);
  return NULL;
}

void compare_policies_free(ComparePolicies *policies) {
  if (!policies) return;
  free(policies->states), free(policies->solver), free(policies->teacher);
  free(policies);
}

/* Softmax over legal moves of the network's logits; [count][moves]. */
static float *policies_of(const ComparePolicies *policies, const Net *net) {
  const Game *game = policies->game;
  NetPlan *plan = plan_new(net);
  Evaluator *evaluator = net_evaluator_new(game, plan, BATCH, 1);
  size_t moves = (size_t)game->moves;
  float *out = memory_new((size_t)policies->count * moves, sizeof(float)), wdl[3 * BATCH];
  for (int begin = 0; begin < policies->count; begin += BATCH) {
    int n = policies->count - begin < BATCH ? policies->count - begin : BATCH;
    evaluator->evaluate(evaluator->self, state_of(policies, begin), n, out + (size_t)begin * moves, wdl);
  }
  for (int i = 0; i < policies->count; i++) {
    int legal[GAME_MOVES_MAX], n = game->legal(state_of(policies, i), legal);
    float *row = out + (size_t)i * moves, shares[GAME_MOVES_MAX], top = row[legal[0]], sum = 0;
    for (int k = 1; k < n; k++) top = fmaxf(top, row[legal[k]]);
    for (int k = 0; k < n; k++) sum += shares[k] = expf(row[legal[k]] - top);
    memset(row, 0, moves * sizeof(float));
    for (int k = 0; k < n; k++) row[legal[k]] = shares[k] / sum;
  }
  evaluator_free(evaluator);
  plan_free(plan);
  return out;
}

static int largest(const float *values, int n) {
  int best = 0;
  for (int i = 1; i < n; i++)
    if (values[i] > values[best]) best = i;
  return best;
}

static void against(const ComparePolicies *policies, const float *reference, const float *network, double *kl,
                    double *top1) {
  int moves = policies->game->moves;
  double sum = 0, hits = 0;
  for (int i = 0; reference && i < policies->count; i++) {
    const float *r = reference + (size_t)i * (size_t)moves, *p = network + (size_t)i * (size_t)moves;
    for (int m = 0; m < moves; m++)
      if (r[m] > 0) sum += r[m] * log(r[m] / fmax(p[m], least_probability));
    /* A reference's first choices are those that it makes as often as any. */
    hits += r[largest(p, moves)] >= r[largest(r, moves)] - 1e-6f;
  }
  *kl = reference ? sum / policies->count : NAN;
  if (top1) *top1 = reference ? hits / policies->count : NAN;
}

/* NAN where the network has grown since: weights that did not exist have no distance. */
static double distance(const Net *net, const Net *start) {
  double difference = 0, norm = 0;
  if (memcmp(&net->shape, &start->shape, sizeof net->shape) != 0) return NAN;
  for (size_t i = 0; i < net->param_count; i++) {
    double d = (double)net->params[i] - (double)start->params[i];
    difference += d * d, norm += (double)start->params[i] * (double)start->params[i];
  }
  return sqrt(difference / norm);
}

ComparePolicyFacts compare_policies_measure(const ComparePolicies *policies, const Net *net,
                                            const Net *start) {
  float *own = policies_of(policies, net), *first = policies_of(policies, start);
  int total = policies->count * policies->game->moves;
  ComparePolicyFacts facts = {.start_distance = distance(net, start)};
  against(policies, policies->solver, own, &facts.solver_kl, &facts.solver_top1);
  against(policies, policies->teacher, own, &facts.teacher_kl, &facts.teacher_top1);
  against(policies, first, own, &facts.start_kl, NULL);
  for (int i = 0; i < total; i++)
    if (own[i] > 0) facts.entropy -= own[i] * log(own[i]) / policies->count;
  free(own), free(first);
  return facts;
}
