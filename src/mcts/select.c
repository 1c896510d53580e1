#include "mcts/select.h"

#include "mcts/puct.h"

#include <string.h>

typedef float Vec __attribute__((vector_size(16), may_alias));
typedef int32_t VecInt __attribute__((vector_size(16), may_alias));

enum { LANES = 4, MOST_BLOCKS = GAME_MOVES_MAX / LANES };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(Edge) == 16,
               "edges are read as four words");

static inline Vec vec_set(float x) {
  return (Vec){x, x, x, x};
}

static inline VecInt int_set(int x) {
  return (VecInt){x, x, x, x};
}

static inline Vec vec_if(VecInt mask, Vec yes, Vec no) {
  return (Vec)(((VecInt)yes & mask) | ((VecInt)no & ~mask));
}

static inline Vec vec_max(Vec a, Vec b) {
  return vec_if(a > b, a, b);
}

static inline float vec_sum(Vec a) {
  return (a[0] + a[1]) + (a[2] + a[3]);
}

static inline float vec_highest(Vec a) {
  float low = a[0] > a[1] ? a[0] : a[1], high = a[2] > a[3] ? a[2] : a[3];
  return low > high ? low : high;
}

/* Four siblings. Values in [-1, 1] for the player who chooses. */
typedef struct Block {
  Vec q, prior, visits, lower, upper;
  VecInt valid, known; /* masks: a lane within the count; visited or proven */
} Block;

/* Edges as words: value_sum, visits, child, prior << 16 | upper << 14 | lower << 12 | move. */
static inline Block read_block(const Edge *edges, const float *priors, int left) {
  const VecInt *e = (const VecInt *)edges;
  VecInt low = __builtin_shuffle(e[0], e[1], (VecInt){0, 4, 1, 5});
  VecInt high = __builtin_shuffle(e[2], e[3], (VecInt){0, 4, 1, 5});
  VecInt low3 = __builtin_shuffle(e[0], e[1], (VecInt){3, 7, 3, 7});
  VecInt high3 = __builtin_shuffle(e[2], e[3], (VecInt){3, 7, 3, 7});
  Vec sums = (Vec)__builtin_shuffle(low, high, (VecInt){0, 1, 4, 5});
  VecInt visits = __builtin_shuffle(low, high, (VecInt){2, 3, 6, 7});
  VecInt last = __builtin_shuffle(low3, high3, (VecInt){0, 1, 4, 5});
  VecInt lower = (last >> 12 & 3) - 1, upper = (last >> 14 & 3) - 1;
  Block block = {.valid = (VecInt){0, 1, 2, 3} < left,
                 .visits = __builtin_convertvector(visits, Vec),
                 .lower = __builtin_convertvector(lower, Vec),
                 .upper = __builtin_convertvector(upper, Vec)};
  VecInt visited = visits != 0;
  block.known = visited | (lower == upper);
  block.prior = (Vec)(last & (int)0xffff0000);
  if (priors)
    for (int i = 0; i < LANES && i < left; i++) block.prior[i] = priors[i];
  block.prior = (Vec)((VecInt)block.prior & block.valid);
  block.visits = (Vec)((VecInt)block.visits & block.valid);
  /* The mean, held within the bounds: of a proven edge, visited or not, that is its value. */
  Vec mean = sums / vec_max(block.visits, vec_set(1));
  block.q = -vec_max(-vec_max(mean, block.lower), -block.upper);
  return block;
}

/* Score below which no edge is taken, for lanes that proofs make pointless (bounds_dominated() of proof.h).
 */
typedef struct Pruning {
  float lower, threshold;
} Pruning;

static Pruning pruning(bool solve, float lower, float upper) {
  if (!solve) return (Pruning){-2, -2};
  return (Pruning){lower, lower > -1 ? lower : upper > -1 ? 0 : -2};
}

static inline VecInt dominated(const Block *block, Pruning by) {
  return (block->upper <= vec_set(by.lower)) & (block->lower < vec_set(by.threshold));
}

/* The best score and its place, lane by lane. */
typedef struct Best {
  Vec score;
  VecInt index;
} Best;

static inline void best_add(Best *best, Vec score, VecInt allowed, int first) {
  VecInt better = (score > best->score) & allowed;
  best->score = vec_if(better, score, best->score);
  best->index = ((int_set(first) + (VecInt){0, 1, 2, 3}) & better) | (best->index & ~better);
}

static inline int best_place(const Best *best) {
  int lane = 0;
  for (int i = 1; i < LANES; i++)
    if (best->score[i] > best->score[lane] ||
        (best->score[i] == best->score[lane] && best->index[i] < best->index[lane]))
      lane = i;
  return best->index[lane];
}

int select_puct(const SelectNode *node, float factor, float value, float fpu_reduction) {
  Block blocks[MOST_BLOCKS];
  int count = (node->count + LANES - 1) / LANES;
  Vec mass = vec_set(0), lower = vec_set(-1), upper = vec_set(-1);
  for (int b = 0; b < count; b++) {
    Block *block = &blocks[b];
    *block = read_block(node->edges + LANES * b, node->priors ? node->priors + LANES * b : NULL,
                        node->count - LANES * b);
    mass += (Vec)((VecInt)block->prior & (block->visits > vec_set(0)));
    lower = vec_if(block->valid, vec_max(lower, block->lower), lower);
    upper = vec_if(block->valid, vec_max(upper, block->upper), upper);
  }
  Pruning by = pruning(node->solve, vec_highest(lower), vec_highest(upper));
  Vec first_play = vec_set(value - fpu_reduction * sqrtf(vec_sum(mass)));
  Best best = {vec_set(-INFINITY), int_set(0)};
  for (int b = 0; b < count; b++) {
    const Block *block = &blocks[b];
    Vec q = vec_if(block->known, block->q, first_play);
    Vec score = q + vec_set(factor) * block->prior / (vec_set(1) + block->visits);
    best_add(&best, score, block->valid & ~dominated(block, by), LANES * b);
  }
  return best_place(&best);
}

/* Cephes' expf (S. Moshier): x = n log 2 + r, a polynomial in r. */
static inline Vec vec_exp(Vec x) {
  x = vec_max(x, vec_set(-87));
  VecInt n = __builtin_convertvector(x * vec_set(1.44269504f) - vec_set(0.5f), VecInt); /* x <= 0: rounds */
  Vec whole = __builtin_convertvector(n, Vec);
  Vec r = (x - whole * vec_set(0.693359375f)) + whole * vec_set(2.12194440e-4f);
  Vec p = vec_set(1.9875691500e-4f);
  p = p * r + vec_set(1.3981999507e-3f);
  p = p * r + vec_set(8.3334519073e-3f);
  p = p * r + vec_set(4.1665795894e-2f);
  p = p * r + vec_set(1.6666665459e-1f);
  p = p * r + vec_set(5.0000001201e-1f);
  p = (p * r) * r + r + vec_set(1);
  return (Vec)((VecInt)p + (n << 23));
}

void select_exp(const float *x, int count, float *out) {
  for (int i = 0; i < count; i += LANES) {
    Vec in;
    memcpy(&in, x + i, sizeof in);
    in = vec_exp(in);
    memcpy(out + i, &in, sizeof in);
  }
}

int select_gumbel(const SelectNode *node, const SearchConfig *config, float value, uint32_t visits) {
  Block blocks[MOST_BLOCKS];
  int count = (node->count + LANES - 1) / LANES;
  Vec mass = vec_set(0), weighted = vec_set(0), most = vec_set(0), lower = vec_set(-1), upper = vec_set(-1);
  for (int b = 0; b < count; b++) {
    Block *block = &blocks[b];
    *block = read_block(node->edges + LANES * b, node->priors ? node->priors + LANES * b : NULL,
                        node->count - LANES * b);
    Vec visited = (Vec)((VecInt)block->prior & (block->visits > vec_set(0)));
    mass += visited;
    weighted += visited * block->q;
    most = vec_max(most, block->visits);
    lower = vec_if(block->valid, vec_max(lower, block->lower), lower);
    upper = vec_if(block->valid, vec_max(upper, block->upper), upper);
  }
  float visited_mass = vec_sum(mass), total = (float)(visits - 1); /* the node's own evaluation is one */
  float mean = visited_mass > 0 ? vec_sum(weighted) / visited_mass : 0;
  Vec mixed = vec_set((value + total * mean) / (1 + total)); /* Eq. 33 */
  float scale = ((float)config->gumbel_visit + vec_highest(most)) * (float)config->gumbel_scale;
  Vec highest = vec_set(-INFINITY), sum = vec_set(0);
  for (int b = 0; b < count; b++) {
    Block *block = &blocks[b];
    block->q = vec_set(scale / 2) * vec_if(block->known, block->q, mixed);
    highest = vec_if(block->valid, vec_max(highest, block->q), highest);
  }
  highest = vec_set(vec_highest(highest));
  for (int b = 0; b < count; b++) {
    Block *block = &blocks[b];
    block->q = block->prior * vec_exp(-vec_max(highest - block->q, vec_set(0)));
    sum += block->q;
  }
  Pruning by = pruning(node->solve, vec_highest(lower), vec_highest(upper));
  Vec share = vec_set(1 / vec_sum(sum)), each = vec_set(1 / (float)visits);
  Best best = {vec_set(-INFINITY), int_set(0)};
  for (int b = 0; b < count; b++) {
    const Block *block = &blocks[b];
    best_add(&best, block->q * share - block->visits * each, block->valid & ~dominated(block, by), LANES * b);
  }
  return best_place(&best);
}
