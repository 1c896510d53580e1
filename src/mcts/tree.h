/* The tree of one Search: nodes and edges in two arrays, named by 32-bit index; a node's edges are
 * contiguous.
 *
 *   node  +-------------------+        edges  +----------+----------+----------+
 *         | first_edge  ------|-------------> | a, Q N P | b, Q N P | c, Q N P |
 *         | W, D, N, own v    |               +----|-----+----------+----------+
 *         +-------------------+                    v child node, or none yet
 *
 * Values of a node are seen from its player to move; values of an edge from the player who moves along it. */
#ifndef MCTS_TREE_H
#define MCTS_TREE_H

#include "games/game.h"

enum { NO_NODE = 0xffffffff };
enum { EDGES_BEHIND = 3 }; /* that may be read behind a tree's last edge: select.c takes edges by four */
enum { TREE_PRIORS_MAX = GAME_MOVES_MAX + EDGES_BEHIND };

typedef struct Edge {
  float value_sum; /* of (win - loss) over the visits */
  uint32_t visits;
  uint32_t child; /* NO_NODE where there is none yet, or none is needed since the edge's value is proven */
  uint16_t move : 12;
  uint16_t lower : 2, upper : 2; /* proven bounds of the game's value, plus one (mcts/proof.h) */
  uint16_t prior; /* as the upper half of a float: 8 bits of mantissa are plenty below the root */
} Edge;
_Static_assert(sizeof(Edge) == 16, "edges are compact");
_Static_assert(GAME_MOVES_MAX <= 1 << 12, "moves fit an edge");

typedef struct Node {
  uint32_t first_edge;
  uint16_t edge_count;
  uint32_t visits;
  float value_sum, draw_sum;
  float value; /* of the evaluation alone */
} Node;
_Static_assert(sizeof(Node) <= 48, "nodes are compact");

typedef struct Tree {
  Node *nodes;
  Edge *edges;
  size_t node_count, edge_count, node_capacity, edge_capacity;
} Tree;

/* Room for one more node and `edges` more edges, and EDGES_BEHIND behind those; may move both arrays. */
void tree_reserve(Tree *tree, size_t edges);
/* No prior is smaller, at the root or below, so that no sum of some of them is zero. */
#define TREE_PRIOR_MIN 1e-30f
/* Softmax of logits[moves[count]] into priors, none below TREE_PRIOR_MIN;
 * `priors` has room for TREE_PRIORS_MAX. */
void tree_priors(const int *moves, int count, const float *logits, float *priors);
/* A node with an edge for each legal move, with these priors. The evaluation is counted as the node's first
 * visit. */
uint32_t tree_add_node(Tree *tree, const int *moves, int count, const float *logits, const float *wdl);
/* Copies the subtree below `root` into an empty tree, where it becomes node 0. */
void tree_copy(Tree *to, const Tree *from, uint32_t root);
void tree_clear(Tree *tree); /* keeps the memory */
void tree_free(Tree *tree);

/* An edge that nothing is known of. */
static inline Edge edge_new(int move, float prior) {
  uint32_t bits;
  __builtin_memcpy(&bits, &prior, sizeof bits);
  return (Edge){.child = NO_NODE,
                .move = (uint16_t)move & 0xfff,
                .prior = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16),
                .upper = 2};
}

static inline float edge_prior(const Edge *edge) {
  uint32_t bits = (uint32_t)edge->prior << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

#endif
