#include "games/connect4_solver.h"

#include "base/memory.h"
#include "games/connect4_bits.h"
#include "games/connect4_parity.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A table word is key << 8 | bound: 0 empty, 1..63 an upper bound, 64.. a lower bound, each shifted by SHIFT.
 * Two words a bucket: the first keeps the position with more of the game left, the second the newest. */
enum {
  SHIFT = 32,
  LOWER = 64,
  PARITY_SCORES = 2,  /* the highest score that c4_parity_bound() proves */
  CUTOFF_EMPTIES = 12 /* nearer to the end, children are searched as fast as they are looked up */
};

struct Connect4Solver {
  /* One word holds a position and its bound, so that threads which share a table read old words or new ones,
   * but never half of each. */
  _Atomic uint64_t *table;
  bool shared; /* the table is another solver's */
  size_t mask; /* of bucket numbers */
};

/* As Connect4, from the player to move. */
typedef struct Board {
  uint64_t mover, all;
} Board;

Connect4Solver *connect4_solver_new(int log2_entries) {
  Connect4Solver *solver = memory_new(1, sizeof *solver);
  solver->table = memory_new((size_t)1 << log2_entries, sizeof *solver->table);
  solver->mask = ((size_t)1 << log2_entries) / 2 - 1;
  return solver;
}

Connect4Solver *connect4_solver_share(const Connect4Solver *owner) {
  Connect4Solver *solver = memory_new(1, sizeof *solver);
  *solver = (Connect4Solver){.table = owner->table, .shared = true, .mask = owner->mask};
  return solver;
}

void connect4_solver_free(Connect4Solver *solver) {
  if (!solver) return;
  if (!solver->shared) free((void *)solver->table);
  free(solver);
}

static uint64_t canonical_key(Board board) {
  return c4_canonical(c4_key(board.mover, board.all));
}

static _Atomic uint64_t *find_bucket(const Connect4Solver *solver, uint64_t key) {
  return solver->table + 2 * ((size_t)bits_mix(key) & solver->mask);
}

static uint64_t read_word(const _Atomic uint64_t *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

static void write_word(_Atomic uint64_t *word, uint64_t value) {
  atomic_store_explicit(word, value, memory_order_relaxed);
}

static int probe(const Connect4Solver *solver, uint64_t key) {
  const _Atomic uint64_t *bucket = find_bucket(solver, key);
  uint64_t first = read_word(bucket), second = read_word(bucket + 1);
  if (first >> 8 == key) return (int)(first & 255);
  if (second >> 8 == key) return (int)(second & 255);
  return 0;
}

/* The emptier a board, the dearer its search was; the bits of a key (the mover's stones and a marker a
 * column) tell how full it is. */
static void store(Connect4Solver *solver, uint64_t key, int bound) {
  _Atomic uint64_t *bucket = find_bucket(solver, key);
  uint64_t word = key << 8 | (uint64_t)bound, first = read_word(bucket);
  if (first >> 8 == key || !first || bits_count(key) <= bits_count(first >> 8)) {
    if (first >> 8 != key) write_word(bucket + 1, first);
    write_word(bucket, word);
  } else {
    write_word(bucket + 1, word);
  }
}

static Board play(Board board, uint64_t move) {
  return (Board){.mover = board.mover ^ board.all, .all = board.all | move};
}

/* A child as negamax() goes through them. */
typedef struct Child {
  Board board;
  uint64_t key;
  uint64_t threats; /* squares that would complete four for the player who has just moved */
} Child;

/* The children, the best guess first: most winning squares made, then nearest to the centre. Their buckets
 * are on the way from memory when this returns. */
static int order_children(const Connect4Solver *solver, Board board, uint64_t moves, Child *children) {
  static const int columns[C4_COLS] = {3, 2, 4, 1, 5, 0, 6};
  int count = 0;
  for (int i = 0; i < C4_COLS; i++) {
    uint64_t move = moves & c4_column(columns[i]);
    if (!move) continue;
    Child child = {.board = play(board, move)};
    child.threats = c4_wins(board.mover | move, board.all | move);
    child.key = canonical_key(child.board);
    __builtin_prefetch((const void *)find_bucket(solver, child.key));
    int at = count++;
    for (; at > 0 && bits_count(children[at - 1].threats) < bits_count(child.threats); at--)
      children[at] = children[at - 1];
    children[at] = child;
  }
  return count;
}

/* Narrows [*lowest, *highest] to what the table knows of a position. */
static void look_up(const Connect4Solver *solver, uint64_t key, int *lowest, int *highest) {
  int bound = probe(solver, key);
  if (bound >= LOWER && bound - LOWER - SHIFT > *lowest)
    *lowest = bound - LOWER - SHIFT;
  else if (bound > 0 && bound < LOWER && bound - SHIFT < *highest)
    *highest = bound - SHIFT;
}

/* Fail-soft bounds of the score within (alpha, beta), for a position in which the mover cannot win at once.
 */
static int negamax(Connect4Solver *solver, Board board, uint64_t key, int alpha, int beta) {
  int stones = bits_count(board.all);
  uint64_t moves = c4_safe(board.mover, board.all);
  if (!moves) return -(C4_SQUARES - stones) / 2;
  if (stones >= C4_SQUARES - 2) return 0;

  int lowest = -(C4_SQUARES - 2 - stones) / 2; /* the opponent cannot win at its next move */
  int highest = (C4_SQUARES - 1 - stones) / 2; /* nor can the mover at this one */
  look_up(solver, key, &lowest, &highest);
  if (lowest >= beta) return lowest;
  if (highest <= alpha) return highest;
  if (alpha < lowest) alpha = lowest;
  if (beta > highest) beta = highest;

  Child children[C4_COLS];
  int count = order_children(solver, board, moves, children);
  /* What the rules of parity or another path have already settled needs no search. */
  for (int i = 0; beta <= PARITY_SCORES && i < count; i++) {
    int bound = c4_parity_bound(children[i].board.mover, children[i].board.all, children[i].threats);
    if (-bound >= beta) return -bound;
  }
  if (stones < C4_SQUARES - CUTOFF_EMPTIES) {
    for (int i = 0; i < count; i++) {
      int below = -C4_SQUARES, above = C4_SQUARES;
      look_up(solver, children[i].key, &below, &above);
      if (-above >= beta) return -above;
    }
  }
  for (int i = 0; i < count; i++) {
    int score = -negamax(solver, children[i].board, children[i].key, -beta, -alpha);
    if (score >= beta) {
      store(solver, key, score + LOWER + SHIFT);
      return score;
    }
    if (score > alpha) alpha = score;
  }
  store(solver, key, alpha + SHIFT);
  return alpha;
}

static bool can_win(Board board) {
  return (c4_wins(board.mover, board.all) & c4_playable(board.all)) != 0;
}

/* Null-window searches that halve the interval, towards zero first, where proofs are cheapest. */
static int solve(Connect4Solver *solver, Board board, bool sign_only) {
  int stones = bits_count(board.all);
  if (can_win(board)) return sign_only ? 1 : (C4_SQUARES + 1 - stones) / 2;
  int low = sign_only ? -1 : -(C4_SQUARES - stones) / 2, high = sign_only ? 1 : (C4_SQUARES + 1 - stones) / 2;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (middle <= 0 && low / 2 < middle)
      middle = low / 2;
    else if (middle >= 0 && high / 2 > middle)
      middle = high / 2;
    int score = negamax(solver, board, canonical_key(board), middle, middle + 1);
    if (score <= middle)
      high = score;
    else
      low = score;
    if (sign_only) {
      if (high < -1) high = -1;
      if (low > 1) low = 1;
      if (low > high) low = high;
    }
  }
  return low;
}

int connect4_solver_score(Connect4Solver *solver, const Connect4 *position) {
  return solve(solver, (Board){position->mover, position->all}, false);
}

int connect4_solver_value(Connect4Solver *solver, const Connect4 *position) {
  int value = solve(solver, (Board){position->mover, position->all}, true);
  return (value > 0) - (value < 0);
}

static void solve_moves(Connect4Solver *solver, const Connect4 *position, bool sign_only, int *scores) {
  Board board = {position->mover, position->all};
  uint64_t possible = c4_playable(board.all), wins = c4_wins(board.mover, board.all);
  int stones = bits_count(board.all);
  for (int col = 0; col < C4_COLS; col++) {
    uint64_t move = possible & c4_column(col);
    if (!move)
      scores[col] = CONNECT4_NO_SCORE;
    else if (move & wins)
      scores[col] = sign_only ? 1 : (C4_SQUARES + 1 - stones) / 2;
    else if (stones == C4_SQUARES - 1)
      scores[col] = 0;
    else
      scores[col] = -solve(solver, play(board, move), sign_only);
    if (sign_only && scores[col] != CONNECT4_NO_SCORE) scores[col] = (scores[col] > 0) - (scores[col] < 0);
  }
}

void connect4_solver_moves(Connect4Solver *solver, const Connect4 *position, int scores[C4_COLS]) {
  solve_moves(solver, position, false, scores);
}

void connect4_solver_move_values(Connect4Solver *solver, const Connect4 *position, int values[C4_COLS]) {
  solve_moves(solver, position, true, values);
}
