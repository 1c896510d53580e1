#include "mcts/probe.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
  ENTRIES = 1024, /* of the table; 16 KiB stay in the first-level cache */
  VAIN = 1024,
  LEAST = 60,  /* moves of any probe, unless it has fewer in all */
  WIDEST = 32, /* legal moves; where there are more, nothing is near */
};

/* To the question whether a value is at least a goal. */
typedef enum Answer { NO = -1, UNKNOWN = 0, YES = 1 } Answer;

/* Answers for one position, by goal; a depth that was searched in vain says that a shallower search is
 * vain. */
typedef struct Entry {
  uint64_t key;
  uint8_t depth[2];
  int8_t answer[2];
} Entry;

struct Probe {
  const Game *game;
  int nodes;
  int left; /* moves that this call may still play */
  Entry table[ENTRIES];
  uint64_t vain[VAIN];               /* keys of positions that were probed in vain */
  uint16_t worth[2][GAME_MOVES_MAX]; /* how often a move of that player answered YES: the history heuristic */
};

typedef struct State {
  uint64_t words[GAME_STATE_MAX / sizeof(uint64_t)];
} State;

Probe *probe_new(const Game *game, int nodes) {
  Probe *probe = memory_new(1, sizeof *probe);
  probe->game = game;
  probe->nodes = nodes;
  return probe;
}

void probe_free(Probe *probe) {
  free(probe);
}

void probe_clear(Probe *probe) {
  memset(probe->table, 0, sizeof probe->table);
  memset(probe->vain, 0, sizeof probe->vain);
  memset(probe->worth, 0, sizeof probe->worth);
}

static void play(const Game *game, const void *state, int move, State *after) {
  memcpy(after, state, game->state_size);
  game->play(after, move);
}

static bool wins_at_once(const Game *game, const void *state) {
  return game->wins_at_once && game->wins_at_once(state);
}

/* Drops the moves that end the game, at this ply or the next; returns how many are left, or -1 where another
 * one reaches the goal. */
static int open_moves(Probe *probe, const void *state, int goal, int *moves) {
  const Game *game = probe->game;
  int count = 0, legal = game->legal(state, moves);
  if (game->safe_moves && game->ply(state) + 1 < game->max_plies) {
    probe->left -= legal;
    return game->safe_moves(state, moves);
  }
  for (int i = 0; i < legal; i++) {
    State child;
    float end;
    play(game, state, moves[i], &child);
    bool over = game->over(&child, &end);
    if (!over && !wins_at_once(game, &child)) {
      moves[count++] = moves[i];
      continue;
    }
    if (-(over ? (int)end : 1) >= goal) return -1;
  }
  probe->left -= legal;
  return count;
}

/* The most promising first. */
static void order_moves(const uint16_t *worth, int *moves, int count) {
  for (int i = 1; i < count; i++) {
    int move = moves[i], at = i;
    for (; at > 0 && worth[moves[at - 1]] < worth[move]; at--) moves[at] = moves[at - 1];
    moves[at] = move;
  }
}

static Answer at_least(Probe *probe, const void *state, int goal, int depth);

static Answer search_children(Probe *probe, const void *state, int goal, int depth) {
  const Game *game = probe->game;
  int moves[GAME_MOVES_MAX], count = open_moves(probe, state, goal, moves);
  if (count < 0) return YES;
  if (count > 1) depth--; /* a forced move costs no depth: threats are followed to their end */
  if (count > 0 && depth < 0) return UNKNOWN;
  int side = game->to_move(state);
  order_moves(probe->worth[side], moves, count);
  Answer best = NO;
  for (int i = 0; i < count; i++) {
    if (probe->left <= 0) return UNKNOWN;
    State child;
    play(game, state, moves[i], &child);
    Answer answer = (Answer)-at_least(probe, &child, 1 - goal, depth);
    if (answer == YES) {
      probe->worth[side][moves[i]] += (uint16_t)(1 + depth);
      return YES;
    }
    if (answer == UNKNOWN) best = UNKNOWN;
  }
  return best;
}

/* Is the value of a position, in which the player to move cannot win at once, at least `goal` (0 or 1) for
 * that player? Depth counts the moves chosen freely. */
static Answer at_least(Probe *probe, const void *state, int goal, int depth) {
  uint64_t key = probe->game->key(state);
  Entry *entry = &probe->table[key % ENTRIES];
  if (entry->key == key) {
    if (entry->answer[goal] != UNKNOWN || entry->depth[goal] > depth) return (Answer)entry->answer[goal];
  }
  Answer answer = search_children(probe, state, goal, depth);
  if (answer == UNKNOWN && probe->left <= 0) return UNKNOWN; /* perhaps not to that depth */
  if (entry->key != key) *entry = (Entry){.key = key};
  entry->answer[goal] = (int8_t)answer;
  entry->depth[goal] = (uint8_t)(depth + 1);
  return answer;
}

/* Few positions early in a game can be proven, and the last ones nearly all: what a probe may play grows with
 * the square of the game's progress. */
static int moves_allowed(const Probe *probe, const void *state) {
  int64_t squares = probe->game->rows * probe->game->cols, done = probe->game->ply(state) + 1;
  if (done >= squares) return probe->nodes;
  int64_t allowed = probe->nodes * done * done / (squares * squares);
  int64_t least = probe->nodes < LEAST ? probe->nodes : LEAST;
  return (int)(allowed < least ? least : allowed);
}

bool probe_position(Probe *probe, const void *state, int *value) {
  const Game *game = probe->game;
  int moves[GAME_MOVES_MAX], plies = game->max_plies - game->ply(state);
  if (wins_at_once(game, state)) return *value = 1, true;
  if (game->legal(state, moves) > WIDEST) return false;
  uint64_t key = game->key(state), *vain = &probe->vain[(key >> 32) % VAIN];
  if (*vain == key) return false;
  Answer wins = UNKNOWN, holds = UNKNOWN;
  probe->left = moves_allowed(probe, state);
  for (int depth = 0; depth <= plies && probe->left > 0; depth++) {
    if (wins == UNKNOWN) wins = at_least(probe, state, 1, depth);
    if (holds == UNKNOWN && wins != YES) holds = at_least(probe, state, 0, depth);
    if (wins == YES) return *value = 1, true;
    if (holds == NO) return *value = -1, true;
    if (wins == NO && holds == YES) return *value = 0, true;
  }
  *vain = key;
  return false;
}

/* A move after which the value stays what it is; -1 where none is proven to. */
static int keeping_move(Probe *probe, const void *state, int value) {
  const Game *game = probe->game;
  int moves[GAME_MOVES_MAX], count = game->legal(state, moves), kept = -1, lost = -1;
  for (int i = 0; i < count; i++) {
    State child;
    float end;
    int after;
    play(game, state, moves[i], &child);
    if (game->over(&child, &end)) {
      if (-(int)end != value) continue;
      if (value >= 0) return moves[i];
      lost = moves[i];
    } else if (value < 0) {
      if (kept < 0 || !wins_at_once(game, &child)) kept = moves[i];
    } else if (kept < 0 && probe_position(probe, &child, &after) && -after == value) {
      kept = moves[i];
    }
  }
  return kept >= 0 ? kept : lost;
}

int probe_line(Probe *probe, const void *state, int *moves, int max) {
  const Game *game = probe->game;
  State now, next;
  int length = 0, value;
  float end;
  memcpy(&now, state, game->state_size);
  while (length < max && !game->over(&now, &end) && probe_position(probe, &now, &value)) {
    int move = keeping_move(probe, &now, value);
    if (move < 0) break;
    moves[length++] = move;
    play(game, &now, move, &next);
    now = next;
  }
  return length;
}
