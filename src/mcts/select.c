/* Selection over four siblings at a time; what it computes stands in select.h. */
#include "mcts/select.h"

#include "mcts/gumbel.h"
#include "mcts/puct.h"
#include "mcts/vec.h"

#include <stddef.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the words of an edge lie elsewhere");

enum { MOST_BLOCKS = (GAME_MOVES_MAX + VEC_LANES - 1) / VEC_LANES };

/* A block reads each edge as four words: value_sum, visits, child, and prior << 16 | upper << 14 | lower <<
 * 12 | move. */
_Static_assert(sizeof(Edge) == 16 && offsetof(Edge, value_sum) == 0 && offsetof(Edge, visits) == 4 &&
                   offsetof(Edge, prior) == 14,
               "an edge is four words");
_Static_assert(EDGES_BEHIND >= VEC_LANES - 1, "the last block stays inside the tree's array");

/* Four siblings, one a lane. Unlike Edge it holds what the formulas want, in the form they want it: made once
 * for each choice, since a choice goes over its siblings two to four times. Lanes behind the last sibling
 * hold some other node's edges, or nothing; `valid` is what keeps them out, with prior and visits 0. */
typedef struct Block {
  Vec q;             /* mean value within the proven bounds, where `known` */
  Vec prior, visits; /* N(a) */
  Vec lower, upper;  /* proven bounds in {-1, 0, 1} */
  VecInt valid;      /* mask: there is a sibling in this lane */
  VecInt known;      /* mask: visited, or proven; else q is for the formula to complete */
} Block;

/* Turns four edges of four words into four vectors of four lanes, but for `child`, which no choice depends
 * on. */
static inline void read_words(const Edge *edges, Vec *sums, VecInt *visits, VecInt *last) {
  VecInt e[VEC_LANES];
  memcpy(e, edges, sizeof e);
  VecInt first_01 = __builtin_shufflevector(e[0], e[1], 0, 4, 1, 5);
  VecInt first_23 = __builtin_shufflevector(e[2], e[3], 0, 4, 1, 5);
  VecInt last_01 = __builtin_shufflevector(e[0], e[1], 3, 7, 3, 7);
  VecInt last_23 = __builtin_shufflevector(e[2], e[3], 3, 7, 3, 7);
  *sums = (Vec)__builtin_shufflevector(first_01, first_23, 0, 1, 4, 5);
  *visits = __builtin_shufflevector(first_01, first_23, 2, 3, 6, 7);
  *last = __builtin_shufflevector(last_01, last_23, 0, 1, 4, 5);
}

/* The block that starts at sibling `first`. */
static inline Block read_block(const Siblings *siblings, int first) {
  Vec sums;
  VecInt visits, last;
  const VecInt lane = {0, 1, 2, 3};
  int left = siblings->count - first;
  read_words(siblings->edges + first, &sums, &visits, &last);
  VecInt lower = ((last >> 12) & 3) - 1, upper = ((last >> 14) & 3) - 1;
  Block block = {.valid = lane < vec_set_int(left),
                 .known = (visits != 0) | (lower == upper),
                 .lower = __builtin_convertvector(lower, Vec),
                 .upper = __builtin_convertvector(upper, Vec)};
  Vec prior = (Vec)(last & (int32_t)0xffff0000);
  if (siblings->priors)
    for (int i = 0; i < VEC_LANES && i < left; i++) prior[i] = siblings->priors[first + i];
  block.prior = vec_keep(block.valid, prior);
  block.visits = vec_keep(block.valid, __builtin_convertvector(visits, Vec));
  Vec mean = sums / vec_max(block.visits, vec_set(1));
  block.q = vec_min(vec_max(mean, block.lower), block.upper); /* of a proven edge, its value: edge_q() */
  return block;
}

static inline int block_count(const Siblings *siblings) {
  return (siblings->count + VEC_LANES - 1) / VEC_LANES;
}

/* The prior of visited edges, 0 of others. */
static inline Vec visited_prior(const Block *block) {
  return vec_keep(block->visits > vec_set(0), block->prior);
}

/* bounds_dominated() of mcts/proof.h depends on the node's bounds in three cases; each of them is
 *
 *   upper(edge) <= ceiling and lower(edge) < floor
 *
 * with numbers that are the same for all siblings, so the cases are told apart once and a lane needs two
 * comparisons:
 *   something better than a loss is certain: an edge that cannot beat it, unless it is what secures it;
 *   nothing is, but not every edge loses: the edges that lose;
 *   every edge loses: none, since one has to be played. */
typedef struct Pruning {
  float ceiling, floor;
} Pruning;

static Pruning pruning(const Block *blocks, int count, bool solve) {
  const Pruning none = {-2, -2}; /* no bound is so low */
  Vec lowers = vec_set(-1), uppers = vec_set(-1);
  if (!solve) return none;
  for (int b = 0; b < count; b++) {
    lowers = vec_choose(blocks[b].valid, vec_max(lowers, blocks[b].lower), lowers);
    uppers = vec_choose(blocks[b].valid, vec_max(uppers, blocks[b].upper), uppers);
  }
  float lower = vec_highest(lowers), upper = vec_highest(uppers);
  if (lower > -1) return (Pruning){lower, lower};
  return upper > -1 ? (Pruning){-1, 0} : none;
}

static inline VecInt open_lanes(const Block *block, Pruning by) {
  VecInt dominated = (block->upper <= vec_set(by.ceiling)) & (block->lower < vec_set(by.floor));
  return block->valid & ~dominated;
}

/* The best score so far and whose it is, lane by lane. */
typedef struct Best {
  Vec score;
  VecInt index;
} Best;

static inline Best best_none(void) {
  return (Best){vec_set(-INFINITY), vec_set_int(0)};
}

static inline void best_add(Best *best, Vec score, VecInt allowed, int first) {
  VecInt better = (score > best->score) & allowed;
  best->score = vec_choose(better, score, best->score);
  best->index = vec_choose_int(better, vec_set_int(first) + (VecInt){0, 1, 2, 3}, best->index);
}

static inline int best_index(const Best *best) {
  int lane = 0;
  for (int i = 1; i < VEC_LANES; i++)
    if (best->score[i] > best->score[lane] ||
        (best->score[i] == best->score[lane] && best->index[i] < best->index[lane]))
      lane = i;
  return best->index[lane];
}

int select_puct(const Siblings *siblings, float factor, float value, float fpu_reduction) {
  Block blocks[MOST_BLOCKS];
  int count = block_count(siblings);
  Vec mass = vec_set(0);
  for (int b = 0; b < count; b++) {
    blocks[b] = read_block(siblings, VEC_LANES * b);
    mass += visited_prior(&blocks[b]);
  }
  Pruning by = pruning(blocks, count, siblings->solve);
  Vec first_play = vec_set(puct_first_play(value, fpu_reduction, vec_sum(mass)));
  Best best = best_none();
  for (int b = 0; b < count; b++) {
    const Block *block = &blocks[b];
    Vec q = vec_choose(block->known, block->q, first_play);
    Vec score = q + vec_set(factor) * block->prior / (vec_set(1) + block->visits); /* puct_score() */
    best_add(&best, score, open_lanes(block, by), VEC_LANES * b);
  }
  return best_index(&best);
}

/* Completes q (Eq. 33) and turns it into sigma (Eq. 8), up to a constant, which softmax does not see: Q + 1
 * need not be formed. Returns the highest. */
static float complete(Block *blocks, int count, const SearchConfig *config, float value, uint32_t visits) {
  Vec mass = vec_set(0), weighted = vec_set(0), most = vec_set(0), highest = vec_set(-INFINITY);
  for (int b = 0; b < count; b++) {
    Vec visited = visited_prior(&blocks[b]);
    mass += visited;
    weighted += visited * blocks[b].q;
    most = vec_max(most, blocks[b].visits);
  }
  Vec mixed = vec_set(gumbel_mixed_value(value, (float)(visits - 1), vec_sum(mass), vec_sum(weighted)));
  Vec scale = vec_set(gumbel_sigma_scale(config, vec_highest(most)) / 2);
  for (int b = 0; b < count; b++) {
    Block *block = &blocks[b];
    block->q = scale * vec_choose(block->known, block->q, mixed);
    highest = vec_choose(block->valid, vec_max(highest, block->q), highest);
  }
  return vec_highest(highest);
}

/* One exponential an edge: softmax(log P + sigma) = P exp(sigma - highest) / sum, since edges hold P. */
int select_gumbel(const Siblings *siblings, const SearchConfig *config, float value, uint32_t visits) {
  Block blocks[MOST_BLOCKS];
  int count = block_count(siblings);
  for (int b = 0; b < count; b++) blocks[b] = read_block(siblings, VEC_LANES * b);
  Vec highest = vec_set(complete(blocks, count, config, value, visits)), sum = vec_set(0);
  for (int b = 0; b < count; b++) {
    Block *block = &blocks[b];
    block->q = block->prior * vec_exp(vec_min(block->q - highest, vec_set(0))); /* above 0: no sibling's */
    sum += block->q;
  }
  Pruning by = pruning(blocks, count, siblings->solve);
  Vec share = vec_set(1 / vec_sum(sum)), each = vec_set(1 / (float)visits);
  Best best = best_none();
  for (int b = 0; b < count; b++) {
    const Block *block = &blocks[b];
    best_add(&best, block->q * share - block->visits * each, open_lanes(block, by), VEC_LANES * b);
  }
  return best_index(&best);
}
