#include "mcts/shared.h"

#include "base/memory.h"
#include "mcts/puct.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { NO_CHILD = 0xffffffff };

/* Life of a node. Whoever moves it from NEW to CLAIMED evaluates it; its edges may be read once it is
 * EXPANDED. */
enum { PHASE_NEW, PHASE_CLAIMED, PHASE_EXPANDED, PHASE_FINISHED };

/* Sums are fixed point, since atomic addition of integers is exact in any order. */
static const double UNIT = 1 << 20;

typedef struct SharedNode {
  _Atomic int64_t value_sum, draw_sum; /* in 1/UNIT, for the player to move here */
  _Atomic int32_t visits, virtual_losses;
  _Atomic uint32_t phase;
  uint32_t first_edge, edge_count;
  float value; /* of a finished game */
} SharedNode;

typedef struct SharedEdge {
  _Atomic uint32_t child;
  float prior;
  uint16_t move;
} SharedEdge;

struct SharedSearch {
  const Game *game;
  SearchConfig config;
  Evaluator **evaluators; /* a copy of the caller's list */
  int threads, batch;
  SharedNode *nodes;
  SharedEdge *edges;
  size_t node_capacity, edge_capacity;
  _Atomic size_t node_count, edge_count;
  _Atomic int tickets; /* simulations that may still begin */
  _Atomic int done;
  _Atomic bool stop;
  uint32_t root;
  uint64_t root_state[GAME_STATE_MAX / sizeof(uint64_t)];
};

/* What one thread works with. */
typedef struct Worker {
  SharedSearch *search;
  Evaluator *evaluator;
  char *states;      /* [batch][state_size] */
  uint32_t *paths;   /* [batch][max_plies + 1], nodes from the root */
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

static void back_up(SharedSearch *search, const uint32_t *path, int length, float value, float draw) {
  for (int i = length - 1; i >= 0; i--) {
    SharedNode *node = &search->nodes[path[i]];
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
  float value = own > 0 ? (float)((double)atomic_load(&node->value_sum) / UNIT / own) : 0;
  for (int i = 0; i < count; i++)
    if (atomic_load_explicit(&edges[i].child, memory_order_acquire) != NO_CHILD) mass += edges[i].prior;
  float first_play = puct_first_play(&search->config, value, mass);
  for (int i = 0; i < count; i++) {
    uint32_t child = atomic_load_explicit(&edges[i].child, memory_order_acquire);
    float n = 0, q = first_play;
    if (child != NO_CHILD) {
      const SharedNode *node_below = &search->nodes[child];
      float pending = (float)atomic_load(&node_below->virtual_losses);
      n = (float)atomic_load(&node_below->visits) + pending;
      if (n > 0) q = (float)(-(double)atomic_load(&node_below->value_sum) / UNIT - pending) / n;
    }
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

/* One simulation down to a leaf, which becomes entry `slot` of the worker's batch. */
static Descent descend(Worker *worker, int slot) {
  SharedSearch *search = worker->search;
  const Game *game = search->game;
  char *state = worker->states + (size_t)slot * game->state_size;
  uint32_t *path = worker->paths + (size_t)slot * (size_t)(game->max_plies + 2);
  uint32_t index = search->root;
  int length = 0;
  memcpy(state, search->root_state, game->state_size);
  worker->expand[slot] = true;
  for (;;) {
    SharedNode *node = &search->nodes[index];
    path[length++] = index;
    if (length > 1) atomic_fetch_add(&node->virtual_losses, 1);
    uint32_t phase = PHASE_NEW;
    if (atomic_compare_exchange_strong(&node->phase, &phase, PHASE_CLAIMED)) {
      float value;
      worker->path_lengths[slot] = length;
      if (!game->over(state, &value)) return DESCENT_LEAF;
      node->value = value;
      atomic_store_explicit(&node->phase, PHASE_FINISHED, memory_order_release);
      phase = PHASE_FINISHED;
    }
    if (phase == PHASE_FINISHED) {
      back_up(search, path, length, node->value, node->value == 0);
      return DESCENT_DONE;
    }
    if (phase == PHASE_CLAIMED) {
      undo_virtual_losses(search, path, length);
      return DESCENT_COLLISION;
    }
    SharedEdge *edge = select_edge(search, node);
    game->play(state, edge->move);
    index = follow(search, edge);
    if (index == NO_CHILD) { /* full: evaluate below this node without a node of its own */
      float value;
      worker->path_lengths[slot] = length;
      worker->expand[slot] = false;
      if (!game->over(state, &value)) return DESCENT_LEAF;
      back_up(search, path, length, -value, value == 0);
      return DESCENT_DONE;
    }
  }
}

static void expand(Worker *worker, SharedNode *node, const void *state, const float *logits) {
  SharedSearch *search = worker->search;
  int moves[GAME_MOVES_MAX], count = search->game->legal(state, moves);
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
    const uint32_t *path = worker->paths + (size_t)i * (size_t)(game->max_plies + 2);
    int length = worker->path_lengths[i];
    const float *wdl = worker->wdl + 3 * i;
    float value = wdl[0] - wdl[2];
    if (worker->expand[i])
      expand(worker, &search->nodes[path[length - 1]], worker->states + (size_t)i * game->state_size,
             worker->logits + (size_t)i * (size_t)game->moves);
    back_up(search, path, length, worker->expand[i] ? value : -value, wdl[1]);
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
                     .path_lengths = memory_new(batch, sizeof(int)),
                     .expand = memory_new(batch, sizeof(bool)),
                     .logits = memory_new(batch * moves, sizeof(float)),
                     .wdl = memory_new(batch * 3, sizeof(float)),
                     .scores = memory_new(moves, sizeof(float))};
}

static void worker_release(Worker *worker) {
  free(worker->states);
  free(worker->paths);
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

static const SharedNode *child_of(const SharedSearch *search, const SharedEdge *edge) {
  uint32_t child = atomic_load(&edge->child);
  return child == NO_CHILD ? NULL : &search->nodes[child];
}

int shared_search_children(const SharedSearch *search, SearchChild *children) {
  const SharedNode *root = &search->nodes[search->root];
  int own = atomic_load(&root->visits);
  float value = own ? (float)((double)atomic_load(&root->value_sum) / UNIT / own) : 0;
  for (uint32_t i = 0; i < root->edge_count; i++) {
    const SharedEdge *edge = &search->edges[root->first_edge + i];
    const SharedNode *child = child_of(search, edge);
    int visits = child ? atomic_load(&child->visits) : 0;
    children[i] = (SearchChild){
        .move = edge->move,
        .visits = visits,
        .prior = edge->prior,
        .value = visits ? (float)(-(double)atomic_load(&child->value_sum) / UNIT / visits) : value};
  }
  return (int)root->edge_count;
}

void shared_search_root_wdl(const SharedSearch *search, float wdl[3]) {
  const SharedNode *root = &search->nodes[search->root];
  double visits = fmax(1, atomic_load(&root->visits));
  double value = (double)atomic_load(&root->value_sum) / UNIT / visits;
  double draw = (double)atomic_load(&root->draw_sum) / UNIT / visits;
  wdl[0] = (float)fmax(0, (1 - draw + value) / 2);
  wdl[1] = (float)draw;
  wdl[2] = (float)fmax(0, 1 - wdl[0] - draw);
}

/* The most visited edge of a node; NULL where none was. */
static const SharedEdge *most_visited(const SharedSearch *search, const SharedNode *node) {
  const SharedEdge *best = NULL;
  int most = 0;
  for (uint32_t i = 0; i < node->edge_count; i++) {
    const SharedEdge *edge = &search->edges[node->first_edge + i];
    const SharedNode *child = child_of(search, edge);
    int visits = child ? atomic_load(&child->visits) : 0;
    if (visits > most) most = visits, best = edge;
  }
  return best;
}

int shared_search_move(const SharedSearch *search) {
  const SharedNode *root = &search->nodes[search->root];
  const SharedEdge *best = most_visited(search, root);
  return best ? best->move : search->edges[root->first_edge].move;
}

int shared_search_pv(const SharedSearch *search, int *moves, int max) {
  const SharedNode *node = &search->nodes[search->root];
  int length = 0;
  while (length < max && node) {
    const SharedEdge *best = most_visited(search, node);
    if (!best) break;
    moves[length++] = best->move;
    node = child_of(search, best);
  }
  return length;
}

size_t shared_search_nodes(const SharedSearch *search) {
  return atomic_load(&search->node_count);
}
