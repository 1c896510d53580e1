#include "base/memory.h"
#include "mcts/shared_worker.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Nodes have room for as many edges as the game has moves, but few positions of any game have more than 31.
 */
static size_t usual_slots(const Game *game) {
  return shared_slots((size_t)(game->moves < 31 ? game->moves : 31));
}

SharedSearch *shared_search_new(const Game *game, const SearchConfig *config, Evaluator *const *evaluators,
                                int threads, int batch, size_t capacity) {
  assert(threads > 0 && batch > 0 && capacity > 0);
  SharedSearch *search = memory_new(1, sizeof *search);
  search->game = game;
  search->config = *config;
  search->evaluators = memory_new((size_t)threads, sizeof *search->evaluators);
  memcpy(search->evaluators, evaluators, (size_t)threads * sizeof *search->evaluators);
  search->threads = threads;
  search->batch = batch;
  search->reserves = memory_new((size_t)threads, sizeof *search->reserves);
  search->slot_capacity = (capacity - 1) * usual_slots(game) + shared_slots((size_t)game->moves);
  assert(search->slot_capacity < CLAIMED);
  /* Set when they become a node: for many visits that is room for gigabytes, of which little may be used. */
  search->slots = memory_reserve(search->slot_capacity, sizeof *search->slots);
  return search;
}

void shared_search_free(SharedSearch *search) {
  if (!search) return;
  free(search->evaluators);
  free(search->reserves);
  free(search->slots);
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
    if (waits) atomic_fetch_add(&search->done, worker_evaluate(worker));
    if (!waits && collided) sched_yield();
    if (!waits && !more) return NULL;
  }
}

static void worker_init(Worker *worker, SharedSearch *search, int number) {
  const Game *game = search->game;
  size_t batch = (size_t)search->batch, moves = (size_t)game->moves;
  *worker = (Worker){.search = search,
                     .evaluator = search->evaluators[number],
                     .reserve = &search->reserves[number],
                     .positions = memory_new(batch + 1, game->state_size),
                     .edges = memory_new(moves + EDGES_BEHIND, sizeof(Edge)),
                     .placed = memory_new(moves, sizeof(int)),
                     .leaves = memory_new(batch, sizeof(Leaf)),
                     .states = memory_new(batch, game->state_size),
                     .logits = memory_new(batch * moves, sizeof(float)),
                     .wdl = memory_new(batch * 3, sizeof(float))};
  if (search->config.solve && search->config.probe_nodes > 0)
    worker->probe = probe_new(game, search->config.probe_nodes);
}

static void worker_release(Worker *worker) {
  free(worker->descents);
  free(worker->positions);
  free(worker->edges);
  free(worker->placed);
  free(worker->leaves);
  free(worker->states);
  free(worker->logits);
  free(worker->wdl);
  probe_free(worker->probe);
}

static void begin(SharedSearch *search, const void *state, int visits) {
  memcpy(search->root_state, state, search->game->state_size);
  memset(search->reserves, 0, (size_t)search->threads * sizeof *search->reserves);
  search->root_draws = 0;
  atomic_store(&search->slot_count, 0);
  atomic_store(&search->stop, false);
  atomic_store(&search->done, 0);
  atomic_store(&search->tickets, visits);
}

int shared_search_run(SharedSearch *search, const void *state, int visits) {
  int threads = search->threads, started = 1;
  Worker *workers = memory_new((size_t)threads, sizeof *workers);
  pthread_t *others = memory_new((size_t)threads, sizeof *others);
  begin(search, state, visits);
  for (int i = 0; i < threads; i++) worker_init(&workers[i], search, i);
  worker_open_root(&workers[0]);
  while (started < threads && pthread_create(&others[started], NULL, work, &workers[started]) == 0) started++;
  work(&workers[0]);
  for (int i = 1; i < started; i++) pthread_join(others[i], NULL);
  for (int i = 0; i < threads; i++) search->root_draws += workers[i].draws, worker_release(&workers[i]);
  free(workers);
  free(others);
  return atomic_load(&search->done);
}
