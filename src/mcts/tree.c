#include "mcts/tree.h"

#include "base/memory.h"
#include "mcts/vec.h"

#include <stdlib.h>

void tree_reserve(Tree *tree, size_t edges) {
  if (tree->node_count + 1 > tree->node_capacity) {
    size_t capacity = tree->node_capacity ? 2 * tree->node_capacity : 64;
    tree->nodes = memory_grow(tree->nodes, tree->node_count, capacity, sizeof(Node));
    tree->node_capacity = capacity;
  }
  edges += EDGES_BEHIND;
  if (tree->edge_count + edges > tree->edge_capacity) {
    size_t capacity = tree->edge_capacity ? tree->edge_capacity : 256;
    while (capacity < tree->edge_count + edges) capacity *= 2;
    tree->edges = memory_grow(tree->edges, tree->edge_count, capacity, sizeof(Edge));
    tree->edge_capacity = capacity;
  }
}

void tree_priors(const int *moves, int count, const float *logits, float *priors) {
  const float least = TREE_PRIOR_MIN;
  float highest = logits[moves[0]], sum = 0;
  for (int i = 1; i < count; i++) highest = logits[moves[i]] > highest ? logits[moves[i]] : highest;
  for (int i = 0; i < count; i++) priors[i] = logits[moves[i]] - highest;
  for (int i = count; i % VEC_LANES; i++) priors[i] = 0;
  for (int i = 0; i < count; i += VEC_LANES) vec_store(priors + i, vec_exp(vec_load(priors + i)));
  for (int i = 0; i < count; i++) sum += priors[i];
  float scale = 1 / sum;
  for (int i = 0; i < count; i++) priors[i] = priors[i] * scale > least ? priors[i] * scale : least;
}

uint32_t tree_add_node(Tree *tree, const int *moves, int count, const float *logits, const float *wdl) {
  float priors[TREE_PRIORS_MAX];
  tree_reserve(tree, (size_t)count);
  tree_priors(moves, count, logits, priors);
  Edge *edges = tree->edges + tree->edge_count;
  for (int i = 0; i < count; i++) edges[i] = edge_new(moves[i], priors[i]);
  tree->nodes[tree->node_count] = (Node){.first_edge = (uint32_t)tree->edge_count,
                                         .edge_count = (uint16_t)count,
                                         .visits = 1,
                                         .value_sum = wdl[0] - wdl[2],
                                         .draw_sum = wdl[1],
                                         .value = wdl[0] - wdl[2]};
  tree->edge_count += (size_t)count;
  return (uint32_t)tree->node_count++;
}

static void copy_node(Tree *to, const Tree *from, uint32_t index) {
  const Node *node = &from->nodes[index];
  tree_reserve(to, node->edge_count);
  Node *copy = &to->nodes[to->node_count++];
  *copy = *node;
  copy->first_edge = (uint32_t)to->edge_count;
  for (int i = 0; i < node->edge_count; i++)
    to->edges[to->edge_count++] = from->edges[node->first_edge + (uint32_t)i];
}

/* Breadth first: nodes already copied are the queue, and their edges still name the old children. */
void tree_copy(Tree *to, const Tree *from, uint32_t root) {
  copy_node(to, from, root);
  for (size_t next = 0; next < to->node_count; next++) {
    uint32_t first = to->nodes[next].first_edge, count = to->nodes[next].edge_count;
    for (uint32_t e = first; e < first + count; e++) {
      uint32_t old = to->edges[e].child;
      if (old == NO_NODE) continue;
      to->edges[e].child = (uint32_t)to->node_count;
      copy_node(to, from, old);
    }
  }
}

void tree_clear(Tree *tree) {
  tree->node_count = 0;
  tree->edge_count = 0;
}

void tree_free(Tree *tree) {
  free(tree->nodes);
  free(tree->edges);
  *tree = (Tree){0};
}
