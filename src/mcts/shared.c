#include "base/memory.h"
#include "mcts/shared_worker.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* As many as there is room for, for each node: few positions of any game have more. */
static size_t edges_of_a_node(const Game *game) {
  return (size_t)(game->moves < 32 ? game->moves : 32);
}

SharedSearch *shared_search_new(const Game *game, const SearchConfig *config, Evaluator *const *evaluators,
                                int threads, int batch, size_t capacity) {
  assert(threads > 0 && batch > 0 && batch <= UINT16_MAX && capacity > 0 && capacity < NO_CHILD);
  SharedSearch *search = memory_new(1, sizeof *search);
  search->game = game;
  search->config = *config;
  search->evaluators = memory_new((size_t)threads, sizeof *search->evaluators);
  memcpy(search->evaluators, evaluators, (size_t)threads * sizeof *search->evaluators);
  search->threads = threads;
  search->batch = batch;
  search->spare_nodes = memory_new((size_t)threads, sizeof(Reserve));
  search->spare_edges = memory_new((size_t)threads, sizeof(Reserve));
  search->node_capacity = capacity;
  search->edge_capacity = capacity * edges_of_a_node(game) + (size_t)(game->moves + threads * EDGES_ASIDE);
  search->nodes = memory_new(search->node_capacity, sizeof *search->nodes);
  search->edges = memory_new(search->edge_capacity, sizeof *search->edges);
  return search;
}

void shared_search_free(SharedSearch *search) {
  if (!search) return;
  free(search->evaluators);
  free(search->spare_nodes);
  free(search->spare_edges);
  free(search->nodes);
  free(search->edges);
  free(search);
}

/* As many of the `wanted` simulations as may still begin. */
static int take_tickets(SharedSearch *search, int wanted) {
  int left = atomic_load(&search->tickets), taken;
  do {
    taken = left < wanted ? left : wanted;
    if (taken == 0 || atomic_load(&search->stop)) return 0;
  } while (!atomic_compare_exchange_weak(&search->tickets, &left, left - taken));
  return taken;
}

static void *work(void *argument) {
  Worker *worker = argument;
  SharedSearch *search = worker->search;
  int most = search->batch; /* one after another where all it began met leaves that others evaluate */
  for (;;) {
    bool collided = false, more = true;
    while (worker->leaf_count < search->batch && !collided) {
      int room = search->batch - worker->leaf_count, count = take_tickets(search, most < room ? most : room);
      more = count > 0;
      if (!more) break;
      Sum sum = worker_spread(worker, count);
      collided = sum.undone > 0;
      most = sum.undone < count ? search->batch : 1;
      if (collided) atomic_fetch_add(&search->tickets, sum.undone);
      if (sum.visits) atomic_fetch_add(&search->done, sum.visits);
    }
    bool waits = worker->leaf_count > 0;
    worker_evaluate(worker);
    if (!waits && collided) sched_yield();
    if (!waits && !more) return NULL;
  }
}

static void worker_init(Worker *worker, SharedSearch *search, int number) {
  const Game *game = search->game;
  size_t batch = (size_t)search->batch, moves = (size_t)game->moves, line = (size_t)game->max_plies + 2;
  *worker = (Worker){.search = search,
                     .evaluator = search->evaluators[number],
                     .spare_nodes = &search->spare_nodes[number],
                     .spare_edges = &search->spare_edges[number],
                     .line = memory_new(line, game->state_size),
                     .nodes = memory_new(line, sizeof(uint32_t)),
                     .edges = memory_new(line, sizeof(uint32_t)),
                     .placed = memory_new(line * moves, sizeof(uint16_t)),
                     .sums = memory_new(line, sizeof(Sum)),
                     .visits = memory_new(moves, sizeof(float)),
                     .values = memory_new(moves, sizeof(float)),
                     .bounds = memory_new(moves, sizeof(Bounds)),
                     .priors = memory_new(moves, sizeof(float)),
                     .leaves = memory_new(batch, sizeof(Leaf)),
                     .states = memory_new(batch, game->state_size),
                     .logits = memory_new(batch * moves, sizeof(float)),
                     .wdl = memory_new(batch * 3, sizeof(float))};
  for (size_t i = 0; i < batch; i++) {
    worker->leaves[i].nodes = memory_new(line, sizeof(uint32_t));
    worker->leaves[i].edges = memory_new(line, sizeof(uint32_t));
  }
  if (search->config.solve && search->config.probe_nodes > 0)
    worker->probe = probe_new(game, search->config.probe_nodes);
}

static void worker_release(Worker *worker) {
  for (int i = 0; i < worker->search->batch; i++)
    free(worker->leaves[i].nodes), free(worker->leaves[i].edges);
  free(worker->line);
  free(worker->nodes);
  free(worker->edges);
  free(worker->placed);
  free(worker->sums);
  free(worker->visits);
  free(worker->values);
  free(worker->bounds);
  free(worker->priors);
  free(worker->leaves);
  free(worker->states);
  free(worker->logits);
  free(worker->wdl);
  probe_free(worker->probe);
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

static void begin(SharedSearch *search, const void *state) {
  memcpy(search->root_state, state, search->game->state_size);
  atomic_store(&search->node_count, 1);
  atomic_store(&search->edge_count, 0);
  memset(search->spare_nodes, 0, (size_t)search->threads * sizeof(Reserve));
  memset(search->spare_edges, 0, (size_t)search->threads * sizeof(Reserve));
  shared_node_init(&search->nodes[0]);
  atomic_store(&search->stop, false);
}

int shared_search_run(SharedSearch *search, const void *state, int visits) {
  begin(search, state);
  atomic_store(&search->tickets, 1); /* the root's own evaluation, which no thread should wait for */
  run_workers(search, 1);
  atomic_store(&search->done, 0);
  atomic_store(&search->tickets, visits);
  run_workers(search, search->threads);
  return atomic_load(&search->done);
}
