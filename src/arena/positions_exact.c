#include "arena/positions_exact.h"

#include "arena/openings.h"
#include "arena/positions.h"
#include "games/alphabeta.h"
#include "games/exact.h"

#include <assert.h>
#include <stdio.h>

enum { SOLVER_LOG2_BYTES = 26, EARLY_LOG2_BYTES = 30, EARLY_PLIES = 12, TRIES = 200000, PLIES_MAX = 512 };

typedef struct Maker {
  const Game *game;
  const PositionsPlan *plan;
  AlphaBeta *teacher;
  Exact *solver;
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

static bool moves_differ_in_value(const Maker *maker, const void *state) {
  int values[GAME_MOVES_MAX], least = 1, most = -1;
  exact_move_values(maker->solver, state, values);
  for (int move = 0; move < maker->game->moves; move++) {
    if (values[move] == EXACT_NO_SCORE) continue;
    if (values[move] < least) least = values[move];
    if (values[move] > most) most = values[move];
  }
  return least < most;
}

/* Who wins is found much sooner than how late, and often rules the position out. */
static bool is_long(const Maker *maker, const void *state) {
  int longer_than = maker->plan->longer_than;
  if (!longer_than) return true;
  int latest = exact_value(maker->solver, state);
  return exact_plies_left(maker->game, state, latest) > longer_than &&
         exact_plies_left(maker->game, state, exact_score(maker->solver, state)) > longer_than;
}

static void print_position(Maker *maker, const int *moves, int plies, const void *state) {
  int scores[GAME_MOVES_MAX];
  exact_moves(maker->solver, state, scores);
  opening_print_line(maker->game, moves, plies, &maker->text);
  for (int move = 0; move < maker->game->moves; move++) {
    buffer_printf(&maker->text, "%c", move ? ',' : ' ');
    if (scores[move] == EXACT_NO_SCORE)
      buffer_printf(&maker->text, ".");
    else
      buffer_printf(&maker->text, "%d", scores[move]);
  }
  buffer_printf(&maker->text, "\n");
}

/* `wanted` positions of one ply from one source: 0 random play, 1 the teacher. */
static bool make_stratum(Maker *maker, int ply, int source, int wanted, Error *err) {
  int found = 0;
  for (uint32_t t = 0; t < TRIES && found < wanted; t++) {
    Rng rng = rng_make(maker->plan->seed, RNG_POSITIONS, (uint32_t)(2 * ply + source), t);
    int moves[PLIES_MAX];
    _Alignas(64) char state[GAME_STATE_MAX];
    if (source == 0 ? !position_random_line(maker->game, &rng, ply, moves, state)
                    : !teacher_line(maker, &rng, ply, moves, state))
      continue;
    if (game_empty_squares(maker->game, state) > maker->most_empty) continue;
    if (!exact_reaches(maker->game, state, err)) return false;
    if (position_wins_at_once(maker->game, state)) continue;
    if (!key_set_add(&maker->seen, position_canonical_key(maker->game, moves, ply))) continue;
    if (!is_long(maker, state) || !moves_differ_in_value(maker, state)) continue;
    print_position(maker, moves, ply, state);
    found++;
    maker->found++;
    if (maker->progress) maker->progress(maker->context, maker->found, maker->plan->count);
  }
  return found == wanted || error_set(err, "found only %d of %d positions of %d plies", found, wanted, ply);
}

static void print_header(Maker *maker) {
  const PositionsPlan *p = maker->plan;
  char longer[32] = "";
  if (p->longer_than) snprintf(longer, sizeof longer, " --longer-than %d", p->longer_than);
  buffer_printf(
      &maker->text,
      "# Positions of %s with the exact score of each move number, for `selfplay accuracy'.\n"
      "# Made by: selfplay make-data positions --game %s --count %d --plies %d,%d%s --seed %llu --output "
      "FILE\n"
      "# Spread evenly over %d to %d plies; half of each ply's from uniformly random play, half from "
      "alpha-beta\n"
      "# of depth %d with %.0f%% random moves. Distinct up to symmetry. Kept only where the player to "
      "move\n"
      "# cannot win at once, its moves do not all lead to the same value (win, draw, loss), and at most %d\n"
      "# squares are empty. Scores for the player to move, '.' where illegal:\n"
      "# %s.\n",
      maker->game->title, maker->game->name, p->count, p->first_ply, p->last_ply, longer,
      (unsigned long long)p->seed, p->first_ply, p->last_ply, p->depth, 100 * p->random_share,
      maker->most_empty, exact_score_text(maker->game));
}

bool positions_make_exact(const Game *game, const PositionsPlan *plan, const char *path,
                          void (*progress)(void *context, int found, int wanted), void *context, Error *err) {
  _Alignas(64) char start[GAME_STATE_MAX];
  assert(plan->count > 0 && 0 <= plan->first_ply && plan->first_ply <= plan->last_ply);
  if (plan->last_ply >= game->max_plies || plan->last_ply >= PLIES_MAX)
    return error_set(err, "a position of %d plies: games of %s have at most %d", plan->last_ply, game->title,
                     game->max_plies);
  bool early = plan->first_ply < EARLY_PLIES;
  Exact *solver = exact_new(game, early ? EARLY_LOG2_BYTES : SOLVER_LOG2_BYTES, err);
  if (!solver) return false;
  game->init(start);
  if (plan->longer_than && exact_plies_left(game, start, 0) < 0) {
    exact_free(solver);
    return error_set(err, "the exact scores of %s do not tell how long a game lasts; leave --longer-than out",
                     game->title);
  }
  Maker maker = {.game = game,
                 .plan = plan,
                 .teacher = alphabeta_new(game, plan->depth),
                 .solver = solver,
                 .most_empty = game_empty_squares(game, start) - plan->first_ply,
                 .progress = progress,
                 .context = context};
  print_header(&maker);
  /* Stratum k of 2 x plies gets its even share of the count. */
  int plies = plan->last_ply - plan->first_ply + 1, strata = 2 * plies;
  bool fine = true;
  for (int k = 0; fine && k < strata; k++) {
    int wanted = (int)((long)plan->count * (k + 1) / strata - (long)plan->count * k / strata);
    fine = make_stratum(&maker, plan->first_ply + k / 2, k % 2, wanted, err);
  }
  fine = fine && file_write(path, maker.text.data, maker.text.size, err);
  key_set_free(&maker.seen);
  buffer_free(&maker.text);
  alphabeta_free(maker.teacher);
  exact_free(maker.solver);
  return fine;
}
