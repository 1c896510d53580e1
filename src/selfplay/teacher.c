#include "selfplay/teacher.h"

#include "base/memory.h"
#include "games/alphabeta.h"
#include "games/exact.h"
#include "mcts/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Teacher {
  const Game *game;
  const RunConfig *config;
  AlphaBeta *alphabeta;
  Exact *solver;
  Search *search;
  Evaluator *rollouts;
} Teacher;

enum { SOLVER_LOG2_BYTES = 25 };

static void teacher_open(Teacher *teacher, const Game *game, const RunConfig *config) {
  *teacher = (Teacher){.game = game, .config = config};
  if (config->imitation_teacher == TEACHER_ALPHABETA) {
    teacher->alphabeta = alphabeta_new(game, config->imitation_depth);
  } else if (config->imitation_teacher == TEACHER_SOLVER) {
    Error none; /* run_config_valid() has asked whether there is one */
    teacher->solver = exact_new(game, SOLVER_LOG2_BYTES, &none);
  } else {
    SearchConfig search = search_config_plain();
    teacher->search = search_new(game, &search);
  }
}

static void teacher_close(Teacher *teacher) {
  if (teacher->alphabeta) alphabeta_free(teacher->alphabeta);
  exact_free(teacher->solver);
  if (teacher->search) search_free(teacher->search);
}

/* Uniform among the moves of the best exact score, which in the first plies is but win, draw or loss. */
static int solver_move(const Teacher *teacher, const void *state, Rng *rng) {
  int scores[GAME_MOVES_MAX];
  exact_moves_to_play(teacher->solver, state, scores);
  return exact_best_move(teacher->game, scores, rng);
}

static int teacher_move(Teacher *teacher, const void *state, Rng *rng) {
  if (teacher->alphabeta) return alphabeta_move(teacher->alphabeta, state, rng, NULL);
  if (teacher->solver) return solver_move(teacher, state, rng);
  Rng fresh = *rng;
  rng_u32(rng);
  search_run(teacher->search, state, teacher->config->imitation_playouts, fresh, teacher->rollouts);
  return search_move(teacher->search, 0);
}

static int result_for_first(const Game *game, const void *state) {
  float value = 0;
  game->over(state, &value);
  int result = value > 0 ? 1 : value < 0 ? -1 : 0;
  return game->to_move(state) == 0 ? result : -result;
}

/* Adds one position of an expert game; `imitated` says whether its move is a target. */
static void add_position(ReplayBlock *block, const void *state, int move, bool imitated,
                         uint32_t game_number) {
  static const float unsearched[3] = {0, 0, 0};
  float policy[GAME_MOVES_MAX] = {0};
  if (imitated) policy[move] = 1;
  replay_block_add(block, state, policy, unsearched, false, block->game->ply(state), game_number);
}

/* False where it was stopped half-way. */
static bool play_game(Teacher *teacher, uint64_t seed, uint32_t number, ReplayBlock *block, TeacherStop *stop,
                      const void *context) {
  const Game *game = teacher->game;
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[GAME_MOVES_MAX], first = block->count, count;
  Rng rng = rng_make(seed, RNG_TEACHER, 0, number);
  game->init(state);
  while ((count = game->legal(state, moves)) > 0) {
    bool random = rng_uniform(&rng) < teacher->config->imitation_random;
    int move = moves[0];
    if (stop && stop(context)) return false;
    if (count > 1) {
      move = random ? moves[rng_below(&rng, (uint32_t)count)] : teacher_move(teacher, state, &rng);
      add_position(block, state, move, !random, number);
    }
    game->play(state, move);
  }
  replay_block_outcome(block, first, result_for_first(game, state));
  return true;
}

ReplayBlock *teacher_play(const Game *game, const RunConfig *config, uint64_t seed, int first, int games,
                          TeacherStop *stop, const void *context) {
  Teacher teacher;
  ReplayBlock *block = replay_block_new(game);
  teacher_open(&teacher, game, config);
  bool whole = true;
  for (int i = first; whole && i < first + games; i++) {
    if (teacher.search)
      teacher.rollouts = evaluator_rollout(game, 1, rng_make(seed, RNG_ROLLOUT, 0, (uint32_t)i), 1);
    whole = play_game(&teacher, seed, (uint32_t)i, block, stop, context);
    evaluator_free(teacher.rollouts);
    teacher.rollouts = NULL;
  }
  teacher_close(&teacher);
  if (whole) return block;
  replay_block_free(block);
  return NULL;
}

/* Replays one record; false with the reason where it is no finished legal game. */
static bool read_game(const Game *game, const char *line, uint32_t number, ReplayBlock *block, Error *err) {
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)], before[GAME_STATE_MAX / sizeof(uint64_t)];
  int moves[GAME_MOVES_MAX], line_moves[4096], count = 0;
  float value;
  game->init(state);
  if (!game_read_line(game, line, line_moves, 4096, &count, err)) return false;
  for (int i = 0; i < count; i++) game->play(state, line_moves[i]);
  if (!game->over(state, &value))
    return error_set(err, "the game is not finished, so it has no result to learn from");
  int result = result_for_first(game, state), first = block->count;
  game->init(state);
  for (int i = 0; i < count; i++) {
    memcpy(before, state, game->state_size);
    if (game->legal(before, moves) > 1) add_position(block, before, line_moves[i], true, number);
    game->play(state, line_moves[i]);
  }
  replay_block_outcome(block, first, result);
  return true;
}

ReplayBlock *teacher_read(const Game *game, const char *path, TeacherNotice *notice, void *context,
                          int *games, Error *err) {
  Buffer text = {0};
  if (!file_read_text(path, &text, err)) {
    buffer_free(&text);
    return NULL;
  }
  ReplayBlock *block = replay_block_new(game);
  int number = 0;
  *games = 0;
  for (char *line = (char *)text.data, *next; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    number++;
    line[strcspn(line, "\r")] = 0;
    const char *start = line + strspn(line, " \t");
    if (!*start || *start == '#') continue;
    Error why;
    if (read_game(game, start, (uint32_t)*games, block, &why)) {
      ++*games;
      continue;
    }
    char message[sizeof why.message + FILE_PATH_MAX];
    snprintf(message, sizeof message, "%s:%d: left out: %s", path, number, why.message);
    if (notice) notice(context, message);
  }
  buffer_free(&text);
  if (*games > 0) return block;
  replay_block_free(block);
  error_set(err, "%s: holds no finished legal game of %s; one game a line is needed", path, game->name);
  return NULL;
}
