/* Othello above the rules: what passes, names of two characters and a solver of endgames alone ask of
 * players, accuracy, records and self-play. */
#include "arena/accuracy.h"
#include "arena/compare_sets.h"
#include "arena/match.h"
#include "arena/positions.h"
#include "games/exact.h"
#include "selfplay/run.h"
#include "selfplay/shard.h"
#include "selfplay/teacher.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Game *othello6(void) {
  return game_find("othello6");
}

Test(othello_use, solver_plays_endgames_and_says_where_it_cannot) {
  const Game *game = othello6();
  Error err;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[64], move;
  Rng rng = rng_make(51, RNG_TEST, 0, 0);
  Player *solver = player_new("solver", game, 2, &err);
  cr_assert(solver, "%s", err.message);
  for (int ply = 17; ply <= 18; ply++) {
    while (!position_random_line(game, &rng, ply, moves, state) ||
           game_empty_squares(game, state) != 32 - ply) {
    }
    const PlayerQuery query = {.state = state, .moves = moves, .move_count = ply, .rng = rng};
    PlayerAnalysis *analysis = calloc(1, sizeof *analysis);
    bool chosen = solver->choose(solver, &query, 1, &move, &err);
    cr_assert_eq(chosen, ply == 18);
    if (!chosen)
      cr_assert(strstr(err.message, "at most 14 empty squares; this one has 15"), "%s", err.message);
    cr_assert_eq(solver->analyze(solver, &query, 0, analysis, &err), ply == 18);
    if (chosen) {
      /* The line it announces ends in the value it announces. */
      float value;
      int mover = game->to_move(state);
      for (int i = 0; i < analysis->pv_length; i++) game->play(state, analysis->pv[i]);
      cr_assert(game->over(state, &value));
      cr_assert_eq(game->to_move(state) == mover ? value : -value, analysis->wdl[0] - analysis->wdl[2]);
      cr_assert(analysis->proven && analysis->proven_value == analysis->wdl[0] - analysis->wdl[2]);
    }
    free(analysis);
  }
  player_free(solver);
}

Test(othello_use, built_in_positions_are_late_and_exact) {
  const Game *game = othello6();
  Error err;
  Positions *positions = positions_shipped(game, &err);
  cr_assert(positions, "%s", err.message);
  cr_assert_eq(positions->count, 1000);
  Player *solver = player_new("solver", game, 2, &err), *random = player_new("random", game, 1, &err);
  Exact *exact = exact_new(game, 22, &err);
  cr_assert(solver && random && exact, "%s", err.message);
  for (int i = 0; i < positions->count; i++) {
    const char *state = positions->states + (size_t)i * game->state_size;
    cr_assert_leq(game_empty_squares(game, state), 12);
    if (i % 20) continue;
    int scores[37];
    exact_moves(exact, state, scores);
    for (int move = 0; move < 37; move++) {
      int shipped = positions->scores[37 * i + move];
      cr_assert_eq(shipped == POSITION_ILLEGAL ? EXACT_NO_SCORE : shipped, scores[move]);
    }
  }
  Accuracy accuracy;
  cr_assert(accuracy_measure(solver, positions, 1, NULL, NULL, &accuracy, &err), "%s", err.message);
  cr_assert_eq(accuracy.moves.best_score.hits, positions->count);
  cr_assert(accuracy_measure(random, positions, 1, NULL, NULL, &accuracy, &err));
  cr_assert_lt(accuracy.moves.value_kept.share, 0.7);
  exact_free(exact);
  player_free(solver);
  player_free(random);
  positions_free(positions);
}

/* A random game of Othello that holds a pass; returns its number of moves. */
static int game_with_pass(const Game *game, int *line, int *choices) {
  for (uint32_t number = 0;; number++) {
    Rng rng = rng_make(52, RNG_TEST, 0, number);
    uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
    int legal[GAME_MOVES_MAX], count, n = 0, passes = 0;
    game->init(state);
    for (*choices = 0; (count = game->legal(state, legal)) > 0; *choices += count > 1) {
      line[n] = legal[rng_below(&rng, (uint32_t)count)];
      passes += line[n] == game->pass;
      game->play(state, line[n++]);
    }
    if (passes) return n;
  }
}

static void keep_notice(void *context, const char *message) {
  snprintf(context, 300, "%s", message);
}

/* Records of Othello leave passes out and run the moves together; forced moves teach nothing. */
Test(othello_use, records_are_read_without_their_passes) {
  const Game *game = othello6();
  int line[64], choices, count = game_with_pass(game, line, &choices), games;
  Buffer text = {0};
  char path[] = "/tmp/selfplay-records-XXXXXX", notice[300] = "";
  close(mkstemp(path));
  for (int i = 0; i < count; i++) {
    char name[GAME_MOVE_TEXT];
    game->print_move(line[i], name);
    if (line[i] != game->pass) buffer_printf(&text, "%s", name);
  }
  buffer_printf(&text, "\nc2d2\n");
  Error err;
  cr_assert(file_write(path, text.data, text.size, &err));
  ReplayBlock *block = teacher_read(game, path, keep_notice, notice, &games, &err);
  cr_assert(block, "%s", err.message);
  cr_assert_eq(games, 1);
  cr_assert_eq(block->count, choices);
  cr_assert(strstr(notice, ":2: left out: the game is not finished"), "%s", notice);
  replay_block_free(block);
  buffer_free(&text);
  unlink(path);
}

/* Searched positions all had a choice, in self-play as with the teacher, and outcomes are right over passes.
 */
Test(othello_use, shards_and_teachers_learn_from_choices_alone) {
  const Game *game = othello6();
  RunConfig config;
  Error err;
  cr_assert(run_config_shipped(game, &config, &err), "%s", err.message);
  config.blocks = 1, config.channels = 8, config.visits = 4, config.lanes = 16, config.imitation_depth = 1;
  NetShape shape = run_config_shape(&config, game);
  Net *net = net_new(&shape);
  Rng rng = rng_make(53, RNG_TEST, 0, 0);
  net_init(net, &rng);
  NetPlan *plan = plan_new(net);
  const ShardSpec spec = {.game = game, .config = &config, .plan = plan, .seed = 3, .games = 160};
  ReplayBlock *blocks[2] = {shard_play(&spec, NULL, NULL),
                            teacher_play(game, &config, 3, 0, 160, NULL, NULL)};
  cr_assert_eq(blocks[0]->stats.games, 160);
  for (int b = 0; b < 2; b++) {
    int same_side = 0;
    for (int i = 0; i < blocks[b]->count; i++) {
      int moves[GAME_MOVES_MAX];
      const uint8_t *state = blocks[b]->states + (size_t)i * game->state_size;
      cr_assert_gt(game->legal(state, moves), 1);
      if (i == 0 || blocks[b]->facts[i].game != blocks[b]->facts[i - 1].game) continue;
      bool same = game->to_move(state) == game->to_move(state - game->state_size);
      int sign = same ? 1 : -1;
      same_side += same;
      cr_assert_eq(blocks[b]->facts[i].outcome, sign * blocks[b]->facts[i - 1].outcome);
    }
    cr_assert_gt(same_side, 0);
    replay_block_free(blocks[b]);
  }
  plan_free(plan);
  net_free(net);
}

/* Whole matches, passes and all, from the shipped openings. */
Test(othello_use, matches_end_and_openings_are_the_shipped_ones) {
  const Game *game = othello6();
  Error err;
  Openings *openings = openings_new(game, NULL, 20, 1, &err);
  Player *a = player_new("alphabeta:3", game, 2, &err), *b = player_new("random", game, 1, &err);
  cr_assert(openings && a && b, "%s", err.message);
  cr_assert_eq(openings->items[0].plies, 8);
  MatchResult result;
  const MatchOptions options = {.seed = 1};
  cr_assert(match_play(a, b, openings, &options, &result, &err), "%s", err.message);
  cr_assert_eq(result.count, 40);
  cr_assert_eq(result.distinct, 40);
  cr_assert_geq(result.score.wins, 34);
  match_result_free(&result);
  openings_free(openings);
  player_free(a);
  player_free(b);
}

/* Every game with a solver can be measured where its players have been; scores are the solver's. */
Test(othello_use, positions_of_play_are_solved_where_that_is_quick) {
  static const char *const names[] = {"connect4", "othello6", "othello"};
  for (int k = 0; k < 3; k++) {
    const Game *game = game_find(names[k]);
    Error err;
    cr_assert(compare_sets_possible(game));
    ReplayBlock *block = compare_sets_random(game, 5, 600);
    Positions *positions = compare_sets_solve(block, 12, 5, &(TrainedKeys){0}, NULL, &err);
    Exact *exact = exact_new(game, 22, &err);
    cr_assert(positions && exact);
    cr_assert_eq(positions->count, 12);
    for (int i = 0; i < positions->count; i++) {
      const char *state = positions->states + (size_t)i * game->state_size;
      int scores[GAME_MOVES_MAX];
      cr_assert(exact_reaches(game, state, &err));
      exact_moves(exact, state, scores);
      for (int move = 0; move < game->moves; move++) {
        int kept = positions->scores[i * game->moves + move];
        cr_assert_eq(kept == POSITION_ILLEGAL ? EXACT_NO_SCORE : kept, scores[move]);
      }
    }
    exact_free(exact);
    positions_free(positions);
    replay_block_free(block);
  }
  cr_assert_not(compare_sets_possible(game_find("tictactoe")));
}
