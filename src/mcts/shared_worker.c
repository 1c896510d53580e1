/* The descent of a shared search: many simulations at once, level by level.
 *
 * Lines of the tree lie in memory that all threads write to, and to fetch two or three from another core
 * takes as long as a whole simulation. So a batch of simulations goes down together: at each node they are
 * dealt out to the edges by what is read there once, each one counting as lost for those after it, just as if
 * they had come one after the other. All nodes of a level are asked for before the first of them is dealt
 * with, and on the way back each edge is written to once. */
#include "mcts/shared_worker.h"

#include "base/memory.h"
#include "mcts/puct.h"
#include "mcts/select.h"

#include <string.h>

static Sum sum_of(int visits, double value, bool draw) {
  return (Sum){.value = visits * value, .draw = draw ? visits : 0, .visits = visits};
}

static SharedEdge *edge_at(Worker *worker, uint32_t slot) {
  return &worker->search->slots[slot].edge;
}

static char *position_of(Worker *worker, int descent) {
  return worker->positions +
         (size_t)(descent % (worker->search->batch + 1)) * worker->search->game->state_size;
}

/* --- proofs --- */

/* Carries the bounds of a descent's node up as far as they change anything. */
static void carry_proof(Worker *worker, int at) {
  SharedSearch *search = worker->search;
  bool news = search->config.solve;
  for (; news && worker->descents[at].above >= 0; at = worker->descents[at].above) {
    Bounds bounds = shared_node_bounds(search, worker->descents[at].node);
    news = shared_edge_prove(edge_at(worker, worker->descents[at].edge), -bounds.upper, -bounds.lower);
  }
  if (!news) return;
  Bounds root = shared_node_bounds(search, 0);
  if (root.lower == root.upper) atomic_store(&search->stop, true);
}

/* --- down --- */

static int add_descent(Worker *worker, Descent descent) {
  if (worker->descent_count == worker->descent_capacity) {
    int capacity = worker->descent_capacity ? 2 * worker->descent_capacity : 256;
    worker->descents = memory_grow(worker->descents, (size_t)worker->descent_capacity, (size_t)capacity,
                                   sizeof *worker->descents);
    worker->descent_capacity = capacity;
  }
  worker->descents[worker->descent_count] = descent;
  return worker->descent_count++;
}

/* The position behind an edge that this thread alone has claimed. */
static void visit_leaf(Worker *worker, int at) {
  const SharedSearch *search = worker->search;
  Descent *descent = &worker->descents[at];
  Leaf *leaf = &worker->leaves[worker->leaf_count];
  const char *state = position_of(worker, at);
  int value;
  if (know_leaf(search->game, state, search->config.solve, worker->probe, &leaf->look, &value)) {
    /* The edge stays claimed: nobody asks what lies behind a proven one. */
    descent->sum = sum_of(descent->count, -value, value == 0);
    if (shared_edge_prove(edge_at(worker, descent->edge), -value, -value))
      carry_proof(worker, descent->above);
    return;
  }
  leaf->descent = at;
  memcpy(worker->states + (size_t)worker->leaf_count++ * search->game->state_size, state,
         search->game->state_size);
  descent->sum.undone = descent->count - 1;
}

/* The lines of a node that will soon be read and written; its edges are taken to be as many as its parent's.
 */
static void ask_for(const SharedSearch *search, uint32_t node, size_t edges) {
  for (size_t i = 0; i < shared_slots(edges); i += SLOTS_OF_A_LINE)
    __builtin_prefetch(&search->slots[node + i], 1);
}

/* `count` simulations of a descent over one of its edges, which was read as `edge`. */
static void follow(Worker *worker, int above, uint32_t slot, const Edge *edge, int count, size_t siblings) {
  SharedSearch *search = worker->search;
  const Game *game = search->game;
  uint32_t child = edge->child;
  int at = add_descent(worker, (Descent){.above = above, .edge = slot, .node = NO_CHILD, .count = count});
  Descent *descent = &worker->descents[at];
  shared_mean_add(&edge_at(worker, slot)->mean, count, -count);
  if (edge_proven(edge)) {
    descent->sum = sum_of(count, edge_lower(edge), edge_lower(edge) == 0);
    return;
  }
  memcpy(position_of(worker, at), position_of(worker, above), game->state_size);
  game->play(position_of(worker, at), edge->move);
  if (child == NO_CHILD && atomic_compare_exchange_strong(&edge_at(worker, slot)->child, &child, CLAIMED)) {
    visit_leaf(worker, at);
  } else if (child == CLAIMED) {
    descent->sum.undone = count;
  } else {
    descent->node = child;
    ask_for(search, child, siblings);
  }
}

/* Deals a descent's simulations out to its node's edges by PUCT, where one that is pending is a loss for the
 * player who chooses. */
static void deal(Worker *worker, int at) {
  const SharedSearch *search = worker->search;
  uint32_t first = worker->descents[at].node;
  const SharedNode *node = &search->slots[first++].node;
  int edges = (int)node->edge_count, count = worker->descents[at].count;
  float visits = 1;
  for (int i = 0; i < edges; i++) {
    worker->edges[i] = shared_edge_read(edge_at(worker, first + (uint32_t)i));
    worker->placed[i] = 0;
    visits += (float)worker->edges[i].visits;
  }
  Siblings siblings = {worker->edges, edges, first == 1 ? search->root_priors : NULL, search->config.solve};
  float value = shared_mean_read(&node->mean).value;
  for (int given = 0; given < count; given++) {
    int best = select_puct(&siblings, puct_factor(&search->config, visits++), value,
                           (float)search->config.fpu_reduction);
    worker->placed[best]++;
    worker->edges[best].visits++;
    worker->edges[best].value_sum--;
  }
  for (int i = 0; i < edges; i++)
    if (worker->placed[i])
      follow(worker, at, first + (uint32_t)i, &worker->edges[i], worker->placed[i], (size_t)edges);
}

/* --- and up again --- */

/* Writes what has come back to an edge and to the node behind it; returns it, exact where the edge is
 * proven. */
static Sum settle(Worker *worker, const Descent *descent) {
  SharedSearch *search = worker->search;
  Sum sum = descent->sum;
  if (descent->above >= 0) {
    SharedEdge *edge = edge_at(worker, descent->edge);
    if (search->config.solve && sum.visits) {
      Edge now = shared_edge_read(edge);
      int undone = sum.undone, value = edge_lower(&now);
      if (edge_proven(&now)) sum = sum_of(sum.visits, value, value == 0), sum.undone = undone;
    }
    shared_mean_add(&edge->mean, -sum.undone, sum.value + sum.visits + sum.undone);
  }
  if (descent->node != NO_CHILD && sum.visits)
    shared_mean_add(&search->slots[descent->node].node.mean, sum.visits, -sum.value);
  return sum;
}

/* Hands all that has come back up to the root, from the last descents, which are the deepest, to `first`. */
static Sum rise(Worker *worker, int first) {
  Sum total = {0};
  for (int at = worker->descent_count - 1; at >= first; at--) {
    Descent *descent = &worker->descents[at];
    if (!descent->sum.visits && !descent->sum.undone) continue;
    Sum sum = settle(worker, descent), *above = &total;
    descent->sum = (Sum){0};
    if (descent->above >= 0) above = &worker->descents[descent->above].sum;
    above->value -= sum.value;
    above->draw += sum.draw;
    above->visits += sum.visits;
    above->undone += sum.undone;
  }
  worker->draws += total.draw;
  return total;
}

Sum worker_spread(Worker *worker, int count) {
  int before = worker->leaf_count;
  int first = add_descent(worker, (Descent){.above = -1, .count = count});
  memcpy(position_of(worker, first), worker->search->root_state, worker->search->game->state_size);
  for (int at = first; at < worker->descent_count; at++)
    if (worker->descents[at].node != NO_CHILD) deal(worker, at);
  Sum sum = rise(worker, first);
  if (worker->leaf_count == before) worker->descent_count = first; /* nothing of it waits */
  return sum;
}

/* Makes a node of an evaluated position. */
static uint32_t expand(Worker *worker, const LookAhead *look, const float *logits, const float *wdl,
                       float *priors) {
  tree_priors(look->moves, look->count, logits, priors);
  return shared_node_new(worker->search, worker->reserve, look, priors, wdl[0] - wdl[2]);
}

static void finish_leaf(Worker *worker, const Leaf *leaf, const float *logits, const float *wdl) {
  float priors[TREE_PRIORS_MAX];
  Descent *descent = &worker->descents[leaf->descent];
  SharedEdge *edge = edge_at(worker, descent->edge);
  uint32_t node = expand(worker, &leaf->look, logits, wdl, priors);
  bool news = false;
  if (node != NO_CHILD) {
    Bounds bounds = shared_node_bounds(worker->search, node);
    news = shared_edge_prove(edge, -bounds.upper, -bounds.lower);
  }
  atomic_store_explicit(&edge->child, node, memory_order_release);
  if (news) carry_proof(worker, descent->above);
  descent->sum = (Sum){.value = wdl[2] - wdl[0], .draw = wdl[1], .visits = 1};
}

int worker_evaluate(Worker *worker) {
  size_t moves = (size_t)worker->search->game->moves;
  worker->evaluator->evaluate(worker->evaluator->self, worker->states, worker->leaf_count, worker->logits,
                              worker->wdl);
  for (int i = 0; i < worker->leaf_count; i++)
    finish_leaf(worker, &worker->leaves[i], worker->logits + (size_t)i * moves, worker->wdl + 3 * i);
  Sum sum = rise(worker, 0);
  worker->leaf_count = worker->descent_count = 0;
  return sum.visits;
}

void worker_open_root(Worker *worker) {
  SharedSearch *search = worker->search;
  LookAhead *look = &worker->leaves[0].look;
  int value;
  /* Proven or not, it wants its edges. */
  look_ahead(search->game, search->root_state, search->config.solve, look, &value);
  worker->evaluator->evaluate(worker->evaluator->self, search->root_state, 1, worker->logits, worker->wdl);
  expand(worker, look, worker->logits, worker->wdl, search->root_priors);
  worker->draws = worker->wdl[1];
  Bounds root = shared_node_bounds(search, 0);
  if (root.lower == root.upper) atomic_store(&search->stop, true);
}
