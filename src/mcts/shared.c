#include "base/memory.h"
#include "mcts/look_ahead.h"
#include "mcts/probe.h"
#include "mcts/puct.h"
#include "mcts/shared_internal.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* What one thread works with. */
typedef struct Worker {
  SharedSearch *search;
  Evaluator *evaluator;
  char *states;      /* [batch][state_size] */
  uint32_t *paths;   /* [batch][max_plies + 2], nodes from the root */
  uint32_t *edges;   /* [batch][max_plies + 2], the edge that led to each, from the second on */
  LookAhead *looks;  /* [batch], of each leaf */
  Probe *probe;      /* NULL: none */
  int *path_lengths; /* [batch] */
  bool *expand;      /* [batch]; false where the tree was full */
  float *logits, *wdl;
  float *scores; /* scratch [moves] */
} Worker;

SharedSearch *shared_search_new(const Game *game, const SearchConfig *config, Evaluator *const *evaluators,
                                int threads, int batch, size_t capacity) {
  assert(threads > 0 && batch > 0 && capacity > 0 && capacity < NO_CHILD);
  SharedSearch *search = memory_new(1, sizeof *search);
  search->game = game;
  search->config = *config;
  search->evaluators = memory_new((size_t)threads, sizeof *search->evaluators);
  memcpy(search->evaluators, evaluators, (size_t)threads * sizeof *search->evaluators);
  search->threads = threads;
  search->batch = batch;
  search->node_capacity = capacity;
  search->edge_capacity = capacity * (size_t)(game->moves < 32 ? game->moves : 32) + (size_t)game->moves;
  search->nodes = memory_new(search->node_capacity, sizeof *search->nodes);
  search->edges = memory_new(search->edge_capacity, sizeof *search->edges);
  return search;
}

void shared_search_free(SharedSearch *search) {
  if (!search) return;
  free(search->evaluators);
  free(search->nodes);
  free(search->edges);
  free(search);
}

/* NO_CHILD where the tree is full. */
static uint32_t new_node(SharedSearch *search) {
  size_t index = atomic_fetch_add(&search->node_count, 1);
  if (index >= search->node_capacity) {
    atomic_fetch_sub(&search->node_count, 1);
    return NO_CHILD;
  }
  SharedNode *node = &search->nodes[index];
  atomic_store(&node->value_sum, 0);
  atomic_store(&node->draw_sum, 0);
  atomic_store(&node->visits, 0);
  atomic_store(&node->virtual_losses, 0);
  atomic_store(&node->phase, PHASE_NEW);
  node->edge_count = 0;
  return (uint32_t)index;
}

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

/* Carries the bounds of the path's last node up as far as they change anything. */
static void carry_proof(SharedSearch *search, const uint32_t *path, const uint32_t *edges, int length) {
  bool news = search->config.solve;
  for (int i = length - 1; news && i > 0; i--) {
    Bounds bounds = shared_bounds(search, &search->nodes[path[i]]);
    news = prove_edge(&search->edges[edges[i]], -bounds.upper, -bounds.lower);
  }
  Bounds root = shared_bounds(search, &search->nodes[search->root]);
  if (news && root.lower == root.upper) atomic_store(&search->stop, true);
}

static void back_up(SharedSearch *search, const uint32_t *path, const uint32_t *edges, int length,
                    float value, float draw) {
  for (int i = length - 1; i >= 0; i--) {
    SharedNode *node = &search->nodes[path[i]];
    if (search->config.solve && i > 0) {
      Bounds bounds = shared_edge_bounds(&search->edges[edges[i]]);
      if (bounds.lower == bounds.upper) value = (float)-bounds.lower, draw = value == 0;
    }
    atomic_fetch_add(&node->value_sum, (int64_t)llrint(value * UNIT));
    atomic_fetch_add(&node->draw_sum, (int64_t)llrint(draw * UNIT));
    atomic_fetch_add(&node->visits, 1);
    if (i > 0) atomic_fetch_sub(&node->virtual_losses, 1);
    value = -value;
  }
  atomic_fetch_add(&search->done, 1);
}

static void undo_virtual_losses(SharedSearch *search, const uint32_t *path, int length) {
  for (int i = 1; i < length; i++) atomic_fetch_sub(&search->nodes[path[i]].virtual_losses, 1);
}

/* PUCT in which a pending visit counts as a loss for the player who chooses. */
static SharedEdge *select_edge(const SharedSearch *search, const SharedNode *node) {
  SharedEdge *edges = search->edges + node->first_edge, *best = edges;
  float visits = (float)(atomic_load(&node->visits) + atomic_load(&node->virtual_losses) + 1);
  float factor = puct_factor(&search->config, visits), mass = 0, best_score = -INFINITY;
  int count = (int)node->edge_count, own = atomic_load(&node->visits);
  Bounds all = shared_bounds(search, node);
  float value = own > 0 ? (float)((double)atomic_load(&node->value_sum) / UNIT / own) : 0;
  for (int i = 0; i < count; i++)
    if (atomic_load_explicit(&edges[i].child, memory_order_acquire) != NO_CHILD) mass += edges[i].prior;
  float first_play = puct_first_play(value, (float)search->config.fpu_reduction, mass);
  for (int i = 0; i < count; i++) {
    uint32_t child = atomic_load_explicit(&edges[i].child, memory_order_acquire);
    Bounds bounds = shared_edge_bounds(&edges[i]);
    float n = 0, q = first_play;
    if (bounds_dominated(bounds, all)) continue;
    if (child != NO_CHILD) {
      const SharedNode *node_below = &search->nodes[child];
      float pending = (float)atomic_load(&node_below->virtual_losses);
      n = (float)atomic_load(&node_below->visits) + pending;
      if (n > 0) q = (float)(-(double)atomic_load(&node_below->value_sum) / UNIT - pending) / n;
    }
    if (n > 0 || bounds.lower == bounds.upper) q = fminf(fmaxf(q, (float)bounds.lower), (float)bounds.upper);
    float score = puct_score(q, edges[i].prior, factor, n);
    if (score > best_score) best_score = score, best = &edges[i];
  }
  return best;
}

/* The child behind an edge, made where there is none yet; NO_CHILD where the tree is full. */
static uint32_t follow(SharedSearch *search, SharedEdge *edge) {
  uint32_t child = atomic_load_explicit(&edge->child, memory_order_acquire);
  if (child != NO_CHILD) return child;
  uint32_t made = new_node(search);
  if (made == NO_CHILD) return NO_CHILD;
  /* Where another thread was faster, our node stays unused: rare, and cheaper than a lock. */
  if (atomic_compare_exchange_strong(&edge->child, &child, made)) return made;
  return child;
}

typedef enum Descent { DESCENT_LEAF, DESCENT_DONE, DESCENT_COLLISION } Descent;

/* Asks the rules about a leaf just claimed. True where they settle it; node->value is then its value. */
static bool settle(Worker *worker, int slot, SharedNode *node, const void *state, bool at_root) {
  const SharedSearch *search = worker->search;
  const Game *game = search->game;
  int value;
  if (game->over(state, &node->value)) return true;
  bool proven = look_ahead(game, state, search->config.solve, &worker->looks[slot], &value);
  if (at_root) return false; /* it wants its edges, proven or not */
  if (!proven && !(worker->probe && probe_position(worker->probe, state, &value))) return false;
  node->value = (float)value;
  return true;
}

/* One simulation down to a leaf, which becomes entry `slot` of the worker's batch. */
static Descent descend(Worker *worker, int slot) {
  SharedSearch *search = worker->search;
  const Game *game = search->game;
  size_t stride = (size_t)game->max_plies + 2;
  char *state = worker->states + (size_t)slot * game->state_size;
  uint32_t *path = worker->paths + (size_t)slot * stride, *edges = worker->edges + (size_t)slot * stride;
  uint32_t index = search->root;
  int length = 0;
  bool proven = false; /* the edge just taken; back_up() knows its value */
  memcpy(state, search->root_state, game->state_size);
  worker->expand[slot] = true;
  for (;;) {
    SharedNode *node = &search->nodes[index];
    path[length++] = index;
    if (length > 1) atomic_fetch_add(&node->virtual_losses, 1);
    if (proven) {
      back_up(search, path, edges, length, 0, 0);
      return DESCENT_DONE;
    }
    uint32_t phase = PHASE_NEW;
    if (atomic_compare_exchange_strong(&node->phase, &phase, PHASE_CLAIMED)) {
      worker->path_lengths[slot] = length;
      if (!settle(worker, slot, node, state, length == 1)) return DESCENT_LEAF;
      if (length > 1) {
        prove_edge(&search->edges[edges[length - 1]], (int)-node->value, (int)-node->value);
        carry_proof(search, path, edges, length - 1);
      }
      atomic_store_explicit(&node->phase, PHASE_FINISHED, memory_order_release);
      phase = PHASE_FINISHED;
    }
    if (phase == PHASE_FINISHED) {
      back_up(search, path, edges, length, node->value, node->value == 0);
      return DESCENT_DONE;
    }
    if (phase == PHASE_CLAIMED) {
      undo_virtual_losses(search, path, length);
      return DESCENT_COLLISION;
    }
    SharedEdge *edge = select_edge(search, node);
    Bounds bounds = shared_edge_bounds(edge);
    proven = search->config.solve && bounds.lower == bounds.upper;
    edges[length] = (uint32_t)(edge - search->edges);
    game->play(state, edge->move);
    index = follow(search, edge);
    if (index == NO_CHILD) { /* full: evaluate below this node without a node of its own */
      float value;
      worker->path_lengths[slot] = length;
      worker->expand[slot] = false;
      if (!game->over(state, &value)) return DESCENT_LEAF;
      back_up(search, path, edges, length, -value, value == 0);
      return DESCENT_DONE;
    }
  }
}

static void expand(Worker *worker, SharedNode *node, const LookAhead *look, const float *logits) {
  SharedSearch *search = worker->search;
  const int *moves = look->moves, count = look->count;
  size_t first = atomic_fetch_add(&search->edge_count, (size_t)count);
  if (first + (size_t)count > search->edge_capacity) {
    atomic_fetch_sub(&search->edge_count, (size_t)count);
    atomic_store_explicit(&node->phase, PHASE_NEW, memory_order_release);
    return;
  }
  float highest = -INFINITY, sum = 0;
  for (int i = 0; i < count; i++) highest = fmaxf(highest, logits[moves[i]]);
  for (int i = 0; i < count; i++) sum += worker->scores[i] = expf(logits[moves[i]] - highest);
  for (int i = 0; i < count; i++) {
    SharedEdge *edge = &search->edges[first + (size_t)i];
    atomic_store_explicit(&edge->child, NO_CHILD, memory_order_relaxed);
    edge->prior = worker->scores[i] / sum;
    edge->move = (uint16_t)moves[i];
    bool open = look->known[i] == MOVE_OPEN;
    atomic_store_explicit(&edge->lower, open ? -1 : look->known[i], memory_order_relaxed);
    atomic_store_explicit(&edge->upper, open ? 1 : look->known[i], memory_order_relaxed);
  }
  node->first_edge = (uint32_t)first;
  node->edge_count = (uint32_t)count;
  atomic_store_explicit(&node->phase, PHASE_EXPANDED, memory_order_release);
}

static void evaluate_batch(Worker *worker, int count) {
  SharedSearch *search = worker->search;
  const Game *game = search->game;
  if (!count) return;
  worker->evaluator->evaluate(worker->evaluator->self, worker->states, count, worker->logits, worker->wdl);
  for (int i = 0; i < count; i++) {
    size_t row = (size_t)i * (size_t)(game->max_plies + 2);
    const uint32_t *path = worker->paths + row, *edges = worker->edges + row;
    int length = worker->path_lengths[i];
    const float *wdl = worker->wdl + 3 * i;
    float value = wdl[0] - wdl[2];
    if (worker->expand[i]) {
      expand(worker, &search->nodes[path[length - 1]], &worker->looks[i],
             worker->logits + (size_t)i * (size_t)game->moves);
      carry_proof(search, path, edges, length);
    }
    back_up(search, path, edges, length, worker->expand[i] ? value : -value, wdl[1]);
  }
}

static bool take_ticket(SharedSearch *search) {
  if (atomic_load(&search->stop)) return false;
  if (atomic_fetch_sub(&search->tickets, 1) > 0) return true;
  atomic_fetch_add(&search->tickets, 1);
  return false;
}

static void *work(void *argument) {
  Worker *worker = argument;
  SharedSearch *search = worker->search;
  for (;;) {
    int count = 0;
    bool collided = false, more = true;
    while (count < search->batch && !collided && (more = take_ticket(search))) {
      Descent descent = descend(worker, count);
      if (descent == DESCENT_LEAF) count++;
      if (descent == DESCENT_COLLISION) {
        collided = true;
        atomic_fetch_add(&search->tickets, 1);
      }
    }
    evaluate_batch(worker, count);
    if (!count && collided) sched_yield();
    if (!more && !count) return NULL;
  }
}

static void worker_init(Worker *worker, SharedSearch *search, int number) {
  const Game *game = search->game;
  size_t batch = (size_t)search->batch, moves = (size_t)game->moves;
  *worker = (Worker){.search = search,
                     .evaluator = search->evaluators[number],
                     .states = memory_new(batch, game->state_size),
                     .paths = memory_new(batch * (size_t)(game->max_plies + 2), sizeof(uint32_t)),
                     .edges = memory_new(batch * (size_t)(game->max_plies + 2), sizeof(uint32_t)),
                     .looks = memory_new(batch, sizeof(LookAhead)),
                     .path_lengths = memory_new(batch, sizeof(int)),
                     .expand = memory_new(batch, sizeof(bool)),
                     .logits = memory_new(batch * moves, sizeof(float)),
                     .wdl = memory_new(batch * 3, sizeof(float)),
                     .scores = memory_new(moves, sizeof(float))};
  if (search->config.solve && search->config.probe_nodes > 0)
    worker->probe = probe_new(game, search->config.probe_nodes);
}

static void worker_release(Worker *worker) {
  free(worker->states);
  free(worker->paths);
  free(worker->edges);
  free(worker->looks);
  probe_free(worker->probe);
  free(worker->path_lengths);
  free(worker->expand);
  free(worker->logits);
  free(worker->wdl);
  free(worker->scores);
}

static void run_workers(SharedSearch *search, int threads) {
  Worker *workers = memory_new((size_t)threads, sizeof *workers);
  pthread_t *others = memory_new((size_t)threads, sizeof *others);
  int started = 1;
  for (int i = 0; i < threads; i++) worker_init(&workers[i], search, i);
  while (started < threads && pthread_create(&others[started], NULL, work, &workers[started]) == 0) started++;
  work(&workers[0]);
  for (int i = 1; i < started; i++) pthread_join(others[i], NULL);
  for (int i = 0; i < threads; i++) worker_release(&workers[i]);
  free(workers);
  free(others);
}

static int search_tree(SharedSearch *search, int visits) {
  atomic_store(&search->stop, false);
  atomic_store(&search->done, 0);
  if (atomic_load(&search->nodes[search->root].phase) == PHASE_NEW) {
    atomic_store(&search->tickets, 1); /* the root's own evaluation, which no thread should wait for */
    run_workers(search, 1);
    atomic_store(&search->done, 0);
  }
  atomic_store(&search->tickets, visits);
  run_workers(search, search->threads);
  return atomic_load(&search->done);
}

static void forget(SharedSearch *search, const void *state) {
  memcpy(search->root_state, state, search->game->state_size);
  atomic_store(&search->node_count, 0);
  atomic_store(&search->edge_count, 0);
  search->root = new_node(search);
}

int shared_search_run(SharedSearch *search, const void *state, int visits) {
  forget(search, state);
  return search_tree(search, visits);
}

int shared_search_continue(SharedSearch *search, const void *state, int visits) {
  bool same = atomic_load(&search->node_count) > 0 &&
              memcmp(search->root_state, state, search->game->state_size) == 0;
  bool room = atomic_load(&search->node_count) + (size_t)visits <= search->node_capacity;
  if (!same || !room) forget(search, state);
  return search_tree(search, visits);
}

void shared_search_advance(SharedSearch *search, int move) {
  if (atomic_load(&search->node_count) == 0) return;
  const SharedNode *root = &search->nodes[search->root];
  uint32_t child = NO_CHILD;
  for (uint32_t i = 0; i < root->edge_count; i++)
    if (search->edges[root->first_edge + i].move == move)
      child = atomic_load(&search->edges[root->first_edge + i].child);
  uint64_t state[GAME_STATE_MAX / sizeof(uint64_t)];
  memcpy(state, search->root_state, search->game->state_size);
  search->game->play(state, move);
  if (child == NO_CHILD) {
    forget(search, state);
    return;
  }
  memcpy(search->root_state, state, search->game->state_size);
  search->root = child;
}

void shared_search_stop(SharedSearch *search) {
  atomic_store(&search->stop, true);
}
