#include "arena/positions_exact.h"

#include "arena/openings.h"
#include "arena/positions.h"
#include "base/memory.h"
#include "games/alphabeta.h"
#include "games/exact.h"

#include <assert.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  SOLVER_LOG2_BYTES = 28, /* of all threads together */
  EARLY_LOG2_BYTES = 31,  /* where positions of fewer than EARLY_PLIES plies are to be solved */
  EARLY_PLIES = 12,
  TRIES = 200000,
  PLIES_MAX = 512,
  WAVE = 64 /* positions solved at once */
};

typedef struct Maker {
  const Game *game;
  const PositionsPlan *plan;
  AlphaBeta *teacher;
  Exact **solvers; /* [threads] */
  int threads;
  int most_empty; /* squares, as after first_ply moves of which none is a pass */
  KeySet seen;
  Buffer text;
  int found;
  void (*progress)(void *context, int found, int wanted);
  void *context;
} Maker;

/* A line of `plies` moves by the teacher, some of them random. */
static bool teacher_line(const Maker *maker, Rng *rng, int plies, int *moves, void *state) {
  const Game *game = maker->game;
  float value;
  game->init(state);
  for (int i = 0; i < plies; i++) {
    int legal[GAME_MOVES_MAX], n = game->legal(state, legal);
    if (n == 0) return false;
    bool random = rng_uniform(rng) < maker->plan->random_share;
    moves[i] = random ? legal[rng_below(rng, (uint32_t)n)] : alphabeta_move(maker->teacher, state, rng, NULL);
    game->play(state, moves[i]);
  }
  return !game->over(state, &value);
}

/* A position that is cheap to find, and what is dear to know of it. */
typedef struct Candidate {
  int moves[PLIES_MAX];
  _Alignas(64) char state[GAME_STATE_MAX];
  bool kept;
  int scores[GAME_MOVES_MAX]; /* where it is kept */
} Candidate;

/* Who wins is found much sooner than how late, and often rules the position out. */
static bool is_long(const Maker *maker, Exact *solver, const void *state) {
  int longer_than = maker->plan->longer_than;
  if (!longer_than) return true;
  int latest = exact_value(solver, state);
  return exact_plies_left(maker->game, state, latest) > longer_than &&
         exact_plies_left(maker->game, state, exact_score(solver, state)) > longer_than;
}

static void judge(const Maker *maker, Exact *solver, Candidate *candidate) {
  candidate->kept = is_long(maker, solver, candidate->state) &&
                    (maker->plan->all || exact_moves_differ(solver, candidate->state));
  if (candidate->kept) exact_moves(solver, candidate->state, candidate->scores);
}

static void print_position(Maker *maker, const Candidate *candidate, int plies) {
  opening_print_line(maker->game, candidate->moves, plies, &maker->text);
  for (int move = 0; move < maker->game->moves; move++) {
    buffer_printf(&maker->text, "%c", move ? ',' : ' ');
    if (candidate->scores[move] == EXACT_NO_SCORE)
      buffer_printf(&maker->text, ".");
    else
      buffer_printf(&maker->text, "%d", candidate->scores[move]);
  }
  buffer_printf(&maker->text, "\n");
}

/* The next candidates of a stratum, at most `most`; *t is the number of the line to try next. -1: an error.
 */
static int gather(Maker *maker, int ply, int source, uint32_t *t, int most, Candidate *candidates,
                  Error *err) {
  int count = 0;
  for (; *t < TRIES && count < most; ++*t) {
    Rng rng = rng_make(maker->plan->seed, RNG_POSITIONS, (uint32_t)(2 * ply + source), *t);
    Candidate *candidate = &candidates[count];
    if (source == 0 ? !position_random_line(maker->game, &rng, ply, candidate->moves, candidate->state)
                    : !teacher_line(maker, &rng, ply, candidate->moves, candidate->state))
      continue;
    if (game_empty_squares(maker->game, candidate->state) > maker->most_empty) continue;
    if (!exact_reaches(maker->game, candidate->state, err)) return -1;
    if (!maker->plan->all && position_wins_at_once(maker->game, candidate->state)) continue;
    count += key_set_add(&maker->seen, position_canonical_key(maker->game, candidate->moves, ply));
  }
  return count;
}

/* `wanted` positions of one ply from one source: 0 random play, 1 the teacher. No more candidates are solved
 * at once than are still wanted, so that what is made does not depend on the threads and none is solved in
 * vain. */
static bool make_stratum(Maker *maker, int ply, int source, int wanted, Error *err) {
  Candidate *candidates = memory_new(WAVE, sizeof *candidates);
  uint32_t t = 0;
  int found = 0, count = 0;
  while (found < wanted) {
    int most = wanted - found < WAVE ? wanted - found : WAVE;
    count = gather(maker, ply, source, &t, most, candidates, err);
    if (count <= 0) break;
#pragma omp parallel for schedule(dynamic) num_threads(maker->threads)
    for (int i = 0; i < count; i++) judge(maker, maker->solvers[omp_get_thread_num()], &candidates[i]);
    for (int i = 0; i < count; i++) {
      if (!candidates[i].kept) continue;
      print_position(maker, &candidates[i], ply);
      found++;
      maker->found++;
    }
    if (maker->progress) maker->progress(maker->context, maker->found, maker->plan->count);
  }
  free(candidates);
  if (found < wanted && count == 0)
    error_set(err, "found only %d of %d positions of %d plies", found, wanted, ply);
  return found == wanted;
}

static void print_header(Maker *maker) {
  const PositionsPlan *p = maker->plan;
  char longer[32] = "";
  if (p->longer_than) snprintf(longer, sizeof longer, " --longer-than %d", p->longer_than);
  buffer_printf(
      &maker->text,
      "# Positions of %s with the exact score of each move number, for `selfplay accuracy'.\n"
      "# Made by: selfplay make-data positions --game %s --count %d --plies %d,%d%s%s --seed %llu --output "
      "FILE\n"
      "# Spread evenly over %d to %d plies; half of each ply's from uniformly random play, half from "
      "alpha-beta\n"
      "# of depth %d with %.0f%% random moves. Distinct up to symmetry. %s at most %d\n"
      "# squares are empty. Scores for the player to move, '.' where illegal:\n"
      "# %s.\n",
      maker->game->title, maker->game->name, p->count, p->first_ply, p->last_ply, longer,
      p->all ? " --all" : "", (unsigned long long)p->seed, p->first_ply, p->last_ply, p->depth,
      100 * p->random_share,
      p->all ? "Also kept where a move wins at once\n# or every move leads to the same value;"
             : "Kept only where the player to move\n"
               "# cannot win at once, its moves do not all lead to the same value (win, draw, loss), and",
      maker->most_empty, exact_score_text(maker->game));
}

static bool make_strata(Maker *maker, Error *err) {
  const PositionsPlan *plan = maker->plan;
  /* Stratum k of 2 x plies gets its even share of the count. */
  int plies = plan->last_ply - plan->first_ply + 1, strata = 2 * plies;
  bool fine = true;
  for (int k = 0; fine && k < strata; k++) {
    int wanted = (int)((long)plan->count * (k + 1) / strata - (long)plan->count * k / strata);
    fine = make_stratum(maker, plan->first_ply + k / 2, k % 2, wanted, err);
  }
  return fine;
}

bool positions_make_exact(const Game *game, const PositionsPlan *plan, const char *path,
                          void (*progress)(void *context, int found, int wanted), void *context, Error *err) {
  _Alignas(64) char start[GAME_STATE_MAX];
  assert(plan->count > 0 && plan->threads > 0 && 0 <= plan->first_ply && plan->first_ply <= plan->last_ply);
  if (plan->last_ply >= game->max_plies || plan->last_ply >= PLIES_MAX)
    return error_usage(err, "a position of %d plies: games of %s have at most %d", plan->last_ply,
                       game->title, game->max_plies);
  game->init(start);
  Maker maker = {.game = game,
                 .plan = plan,
                 .teacher = alphabeta_new(game, plan->depth),
                 .threads = plan->threads < WAVE ? plan->threads : WAVE,
                 .most_empty = game_empty_squares(game, start) - plan->first_ply,
                 .progress = progress,
                 .context = context};
  bool early = plan->first_ply < EARLY_PLIES, fine = exact_ready(game, err);
  int log2_bytes = exact_log2_bytes_each(early ? EARLY_LOG2_BYTES : SOLVER_LOG2_BYTES, maker.threads);
  maker.solvers = memory_new((size_t)maker.threads, sizeof(Exact *));
  for (int i = 0; fine && i < maker.threads; i++)
    fine = (maker.solvers[i] = exact_new(game, log2_bytes, err)) != NULL;
  if (fine && plan->longer_than && exact_plies_left(game, start, 0) < 0)
    fine = error_set(err, "the exact scores of %s do not tell how long a game lasts; leave --longer-than out",
                     game->title);
  if (fine) print_header(&maker);
  fine = fine && make_strata(&maker, err) && file_write(path, maker.text.data, maker.text.size, err);
  key_set_free(&maker.seen);
  buffer_free(&maker.text);
  alphabeta_free(maker.teacher);
  for (int i = 0; i < maker.threads; i++) exact_free(maker.solvers[i]);
  free(maker.solvers);
  return fine;
}
