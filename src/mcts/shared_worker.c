/* The descent of a shared search: many simulations at once.
 *
 * A node's counters lie in memory that all threads write to, and a processor needs longer to fetch such a
 * line from another core than to do a whole simulation. So a batch of simulations goes down the tree
 * together: at each node they are dealt out to the edges by what is read there once, each one counting as
 * lost for those after it, just as if they had come one after the other; and on the way back each node is
 * written to once. */
#include "mcts/shared_worker.h"

#include "mcts/puct.h"

#include <string.h>

/* --- room in the tree --- */

/* `count` numbers in a row from the counter; false where there are no more. It never goes beyond the
 * capacity, not even for a moment: taking back what was too much could take what another thread has got
 * meanwhile. */
static bool claim(_Atomic size_t *counter, size_t capacity, size_t count, Reserve *out) {
  size_t start = atomic_load(counter);
  do
    if (capacity - start < count) return false;
  while (!atomic_compare_exchange_weak(counter, &start, start + count));
  *out = (Reserve){.next = start, .end = start + count};
  return true;
}

/* The same from the reserve, which is filled up again with `aside` where it is too short; what was left of it
 * is lost. Where there is no room for so many, `count` will do. */
static bool take(Reserve *reserve, _Atomic size_t *counter, size_t capacity, size_t count, size_t aside,
                 size_t *first) {
  if (reserve->end - reserve->next < count && !(aside > count && claim(counter, capacity, aside, reserve)) &&
      !claim(counter, capacity, count, reserve))
    return false;
  *first = reserve->next;
  reserve->next += count;
  return true;
}

/* --- proofs --- */

static bool raise_to(_Atomic int8_t *bound, int value) {
  int8_t now = atomic_load(bound);
  while (now < value)
    if (atomic_compare_exchange_weak(bound, &now, (int8_t)value)) return true;
  return false;
}

static bool lower_to(_Atomic int8_t *bound, int value) {
  int8_t now = atomic_load(bound);
  while (now > value)
    if (atomic_compare_exchange_weak(bound, &now, (int8_t)value)) return true;
  return false;
}

/* Closes an edge's bounds; true where that was news. Bounds only ever close, and whoever closes one then
 * reads all its siblings, so of two threads that close siblings at once the later one sees both. */
static bool prove_edge(SharedEdge *edge, int lower, int upper) {
  bool raised = raise_to(&edge->lower, lower);
  return lower_to(&edge->upper, upper) || raised;
}

/* Carries the bounds of the line's last node up as far as they change anything. */
static void carry_proof(SharedSearch *search, const uint32_t *nodes, const uint32_t *edges, int length) {
  bool news = search->config.solve;
  for (int i = length - 1; news && i > 0; i--) {
    Bounds bounds = shared_bounds(search, &search->nodes[nodes[i]]);
    news = prove_edge(&search->edges[edges[i]], -bounds.upper, -bounds.lower);
  }
  if (!news) return;
  Bounds root = shared_bounds(search, &search->nodes[0]);
  if (root.lower == root.upper) atomic_store(&search->stop, true);
}

/* --- sums --- */

static Sum sum_of(int visits, float value, float draw) {
  return (Sum){.value = visits * (int64_t)llrint(value * UNIT),
               .draw = visits * (int64_t)llrint(draw * UNIT),
               .visits = visits};
}

/* Adds what ended below to node `at` of the line; its virtual losses become visits. Returns the sum, exact
 * where the edge that led there is proven. */
static Sum settle_node(SharedSearch *search, const uint32_t *nodes, const uint32_t *edges, int at, Sum sum) {
  SharedNode *node = &search->nodes[nodes[at]];
  if (sum.visits && search->config.solve && at > 0) {
    Bounds bounds = shared_edge_bounds(&search->edges[edges[at]]);
    if (bounds.lower == bounds.upper) {
      Sum exact = sum_of(sum.visits, (float)-bounds.lower, bounds.lower == 0);
      sum.value = exact.value, sum.draw = exact.draw;
    }
  }
  if (sum.visits) {
    atomic_fetch_add(&node->value_sum, sum.value);
    if (sum.draw) atomic_fetch_add(&node->draw_sum, sum.draw);
    atomic_fetch_add(&node->visits, sum.visits);
  }
  if (at > 0 && sum.visits + sum.undone) atomic_fetch_sub(&node->virtual_losses, sum.visits + sum.undone);
  return sum;
}

static void add_below(Sum *sum, Sum below) {
  sum->value -= below.value;
  sum->draw += below.draw;
  sum->visits += below.visits;
  sum->undone += below.undone;
}

/* --- down --- */

/* Reads what the choice among a node's edges depends on into the worker's scratch; returns the prior mass of
 * those visited. */
static float read_edges(Worker *worker, const SharedNode *node) {
  const SharedSearch *search = worker->search;
  const SharedEdge *edges = search->edges + node->first_edge;
  Bounds all = shared_bounds(search, node);
  float mass = 0;
  for (uint32_t i = 0; i < node->edge_count; i++) {
    uint32_t child = atomic_load_explicit(&edges[i].child, memory_order_acquire);
    Bounds bounds = shared_edge_bounds(&edges[i]);
    worker->bounds[i] = bounds_dominated(bounds, all) ? (Bounds){1, -1} : bounds;
    worker->visits[i] = worker->values[i] = 0;
    if (child == NO_CHILD) continue;
    const SharedNode *below = &search->nodes[child];
    float lost = (float)atomic_load(&below->virtual_losses);
    worker->visits[i] = (float)atomic_load(&below->visits) + lost;
    worker->values[i] = (float)(-(double)atomic_load(&below->value_sum) / UNIT) - lost;
    if (worker->visits[i] > 0) mass += edges[i].prior;
  }
  return mass;
}

/* Deals `count` simulations out to the node's edges by PUCT, in which a pending visit counts as a loss for
 * the player who chooses: into placed[edge_count], which is zero. `pending` are under way through this node,
 * these not among them. */
static void deal(Worker *worker, const SharedNode *node, int pending, int count, uint16_t *placed) {
  const SharedSearch *search = worker->search;
  const SharedEdge *edges = search->edges + node->first_edge;
  float *visits = worker->visits, *values = worker->values, mass = read_edges(worker, node);
  /* Values are added before visits, so that read in this order their mean is one of values, or nearly. */
  double value_sum = (double)atomic_load(&node->value_sum) / UNIT;
  int own = atomic_load(&node->visits);
  float value = own > 0 ? fminf(fmaxf((float)(value_sum / own), -1), 1) : 0;
  for (int given = 0; given < count; given++) {
    float factor = puct_factor(&search->config, (float)(own + pending + given)), best_score = -INFINITY;
    float first_play = puct_first_play(value, (float)search->config.fpu_reduction, mass);
    int best = 0;
    for (int i = 0; i < (int)node->edge_count; i++) {
      Bounds bounds = worker->bounds[i];
      if (bounds.lower > bounds.upper) continue;
      float n = visits[i], q = n > 0 ? values[i] / n : first_play;
      if (n > 0 || bounds.lower == bounds.upper)
        q = fminf(fmaxf(q, (float)bounds.lower), (float)bounds.upper);
      float score = puct_score(q, edges[i].prior, factor, n);
      if (score > best_score) best_score = score, best = i;
    }
    if (visits[best] <= 0) mass += edges[best].prior;
    visits[best]++, values[best]--;
    placed[best]++;
  }
}

/* The child behind an edge, made where there is none yet; NO_CHILD where the tree is full. */
static uint32_t follow(Worker *worker, SharedEdge *edge) {
  SharedSearch *search = worker->search;
  uint32_t child = atomic_load_explicit(&edge->child, memory_order_acquire);
  size_t made;
  if (child != NO_CHILD) return child;
  if (!take(worker->spare_nodes, &search->node_count, search->node_capacity, 1, SHARED_NODES_ASIDE, &made))
    return NO_CHILD;
  shared_node_init(&search->nodes[made]);
  if (atomic_compare_exchange_strong(&edge->child, &child, (uint32_t)made)) return (uint32_t)made;
  worker->spare_nodes->next--; /* another thread was faster */
  return child;
}

/* Makes the position at line[length - 1], or the one behind the line, a leaf of the batch. */
static void add_leaf(Worker *worker, int length, const char *state, bool expand) {
  const SharedSearch *search = worker->search;
  Leaf *leaf = &worker->leaves[worker->leaf_count];
  size_t bytes = (size_t)length * sizeof *leaf->nodes, size = search->game->state_size;
  memcpy(leaf->nodes, worker->nodes, bytes);
  memcpy(leaf->edges, worker->edges, bytes);
  leaf->length = length;
  leaf->expand = expand;
  memcpy(worker->states + (size_t)worker->leaf_count++ * size, state, size);
}

/* Asks the rules about a leaf just claimed. True where they settle it; node->value is then its value. */
static bool settle_by_rules(Worker *worker, SharedNode *node, const char *state, bool at_root) {
  const SharedSearch *search = worker->search;
  const Game *game = search->game;
  int value;
  if (game->over(state, &node->value)) return true;
  LookAhead *look = &worker->leaves[worker->leaf_count].look;
  bool proven = look_ahead(game, state, search->config.solve, look, &value);
  if (at_root) return false; /* it wants its edges, proven or not */
  if (!proven && !(worker->probe && probe_position(worker->probe, state, &value))) return false;
  node->value = (float)value;
  return true;
}

/* The node's phase, once this thread has done what is to be done about a new one; *claimed says that it is
 * now a leaf of the batch. */
static uint32_t visit(Worker *worker, SharedNode *node, int length, bool *claimed) {
  SharedSearch *search = worker->search;
  const char *state = worker->line + (size_t)(length - 1) * search->game->state_size;
  uint16_t phase = atomic_load_explicit(&node->phase, memory_order_acquire);
  *claimed = false;
  if (phase != PHASE_NEW || !atomic_compare_exchange_strong(&node->phase, &phase, PHASE_CLAIMED))
    return phase;
  if (!settle_by_rules(worker, node, state, length == 1)) {
    add_leaf(worker, length, state, true);
    *claimed = true;
    return PHASE_CLAIMED;
  }
  if (length > 1 && search->config.solve) {
    prove_edge(&search->edges[worker->edges[length - 1]], (int)-node->value, (int)-node->value);
    carry_proof(search, worker->nodes, worker->edges, length - 1);
  }
  atomic_store_explicit(&node->phase, PHASE_FINISHED, memory_order_release);
  return PHASE_FINISHED;
}

static Sum spread(Worker *worker, uint32_t index, int length, int count);

/* `count` simulations over one edge of the line's last node. */
static Sum take_edge(Worker *worker, SharedEdge *edge, int length, int count) {
  SharedSearch *search = worker->search;
  const Game *game = search->game;
  char *state = worker->line + (size_t)length * game->state_size;
  Bounds bounds = shared_edge_bounds(edge);
  uint32_t child = follow(worker, edge);
  float value;
  worker->edges[length] = (uint32_t)(edge - search->edges);
  if (search->config.solve && bounds.lower == bounds.upper) { /* its value is known, whatever lies below */
    if (child == NO_CHILD) return sum_of(count, (float)-bounds.lower, bounds.lower == 0);
    worker->nodes[length] = child;
    atomic_fetch_add(&search->nodes[child].virtual_losses, count);
    return settle_node(search, worker->nodes, worker->edges, length, sum_of(count, 0, 0));
  }
  memcpy(state, state - game->state_size, game->state_size);
  game->play(state, edge->move);
  if (child != NO_CHILD) return spread(worker, child, length + 1, count);
  /* The tree is full: the position is evaluated without a node of its own. */
  if (game->over(state, &value)) return sum_of(count, value, value == 0);
  add_leaf(worker, length, state, false);
  return (Sum){.undone = count - 1};
}

static Sum spread(Worker *worker, uint32_t index, int length, int count) {
  SharedSearch *search = worker->search;
  SharedNode *node = &search->nodes[index];
  Sum sum = {0};
  bool claimed;
  int pending = 0;
  worker->nodes[length - 1] = index;
  if (length > 1) pending = atomic_fetch_add(&node->virtual_losses, count);
  uint32_t phase = visit(worker, node, length, &claimed);
  if (phase == PHASE_CLAIMED) {
    sum.undone = claimed ? count - 1 : count;
  } else if (phase == PHASE_FINISHED) {
    sum = sum_of(count, node->value, node->value == 0);
  } else {
    uint16_t *placed = worker->placed + (size_t)length * (size_t)search->game->moves;
    memset(placed, 0, node->edge_count * sizeof *placed);
    deal(worker, node, pending, count, placed);
    for (uint32_t i = 0; i < node->edge_count; i++)
      if (placed[i])
        add_below(&sum, take_edge(worker, &search->edges[node->first_edge + i], length, placed[i]));
  }
  return settle_node(search, worker->nodes, worker->edges, length - 1, sum);
}

Sum worker_spread(Worker *worker, int count) {
  SharedSearch *search = worker->search;
  memcpy(worker->line, search->root_state, search->game->state_size);
  return spread(worker, 0, 1, count);
}

/* --- and up again --- */

static void expand(Worker *worker, const Leaf *leaf, const float *logits) {
  SharedSearch *search = worker->search;
  SharedNode *node = &search->nodes[leaf->nodes[leaf->length - 1]];
  const int *moves = leaf->look.moves, count = leaf->look.count;
  size_t first;
  if (!take(worker->spare_edges, &search->edge_count, search->edge_capacity, (size_t)count, EDGES_ASIDE,
            &first)) {
    atomic_store_explicit(&node->phase, PHASE_NEW, memory_order_release);
    return;
  }
  float *scores = worker->priors, highest = -INFINITY, sum = 0;
  for (int i = 0; i < count; i++) highest = fmaxf(highest, logits[moves[i]]);
  for (int i = 0; i < count; i++) sum += scores[i] = expf(logits[moves[i]] - highest);
  for (int i = 0; i < count; i++) {
    SharedEdge *edge = &search->edges[first + (size_t)i];
    bool open = leaf->look.known[i] == MOVE_OPEN;
    atomic_store_explicit(&edge->child, NO_CHILD, memory_order_relaxed);
    edge->prior = scores[i] / sum;
    edge->move = (uint16_t)moves[i];
    atomic_store_explicit(&edge->lower, open ? -1 : leaf->look.known[i], memory_order_relaxed);
    atomic_store_explicit(&edge->upper, open ? 1 : leaf->look.known[i], memory_order_relaxed);
  }
  node->first_edge = (uint32_t)first;
  node->edge_count = (uint16_t)count;
  atomic_store_explicit(&node->phase, PHASE_EXPANDED, memory_order_release);
  carry_proof(search, leaf->nodes, leaf->edges, leaf->length);
}

/* Hands sums[from - 1] up to sums[to - 1] along the line, nodes below `to` being done with. */
static void rise(Worker *worker, const Leaf *leaf, int from, int to) {
  for (int at = from - 1; at >= to; at--) {
    Sum sum = settle_node(worker->search, leaf->nodes, leaf->edges, at, worker->sums[at]);
    worker->sums[at] = (Sum){0};
    if (at > 0) add_below(&worker->sums[at - 1], sum);
  }
}

static int common_length(const Leaf *a, const Leaf *b) {
  int length = 0, most = a->length < b->length ? a->length : b->length;
  while (length < most && a->nodes[length] == b->nodes[length]) length++;
  return length;
}

/* Neighbours in the batch share most of their lines, so that each node is written to about once. */
static void back_up(Worker *worker) {
  const Leaf *last = &worker->leaves[0];
  for (int i = 0; i < worker->leaf_count; i++) {
    const Leaf *leaf = &worker->leaves[i];
    const float *wdl = worker->wdl + 3 * i;
    rise(worker, last, last->length, common_length(last, leaf));
    Sum own = sum_of(1, wdl[0] - wdl[2], wdl[1]), *sum = &worker->sums[leaf->length - 1];
    sum->value += leaf->expand ? own.value : -own.value;
    sum->draw += own.draw;
    sum->visits++;
    last = leaf;
  }
  rise(worker, last, last->length, 0);
  atomic_fetch_add(&worker->search->done, worker->leaf_count);
}

void worker_evaluate(Worker *worker) {
  size_t moves = (size_t)worker->search->game->moves;
  if (!worker->leaf_count) return;
  worker->evaluator->evaluate(worker->evaluator->self, worker->states, worker->leaf_count, worker->logits,
                              worker->wdl);
  for (int i = 0; i < worker->leaf_count; i++)
    if (worker->leaves[i].expand) expand(worker, &worker->leaves[i], worker->logits + (size_t)i * moves);
  back_up(worker);
  worker->leaf_count = 0;
}
