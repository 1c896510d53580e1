/* The shared tree: what its threads do to nodes and edges, without locks. */
#include "mcts/shared_internal.h"

#include <stddef.h>
#include <string.h>

enum { REST = 12 };
_Static_assert(offsetof(Edge, child) + sizeof(uint32_t) == REST, "an Edge's last four bytes are the rest");

/* --- room --- */

/* `count` slots in a row; false where there are no more. The counter never goes beyond the capacity, not even
 * for a moment: taking back what was too much could take what another thread has got meanwhile. */
static bool claim(SharedSearch *search, size_t count, Reserve *out) {
  size_t start = atomic_load(&search->slot_count);
  do
    if (search->slot_capacity - start < count) return false;
  while (!atomic_compare_exchange_weak(&search->slot_count, &start, start + count));
  *out = (Reserve){.next = start, .end = start + count};
  return true;
}

/* The same from the reserve, which is filled up again where it is too short; what was left of it is lost.
 * Where there is no room to fill it up, `count` will do. */
static bool take(SharedSearch *search, Reserve *reserve, size_t count, size_t *first) {
  if (reserve->end - reserve->next < count && !claim(search, SHARED_NODES_ASIDE * count, reserve) &&
      !claim(search, count, reserve))
    return false;
  *first = reserve->next;
  reserve->next += count;
  return true;
}

/* --- edges --- */

static uint32_t rest_of(const Edge *edge) {
  uint32_t rest;
  memcpy(&rest, (const char *)edge + REST, sizeof rest);
  return rest;
}

static void set_rest(Edge *edge, uint32_t rest) {
  memcpy((char *)edge + REST, &rest, sizeof rest);
}

Edge shared_edge_read(const SharedEdge *edge) {
  Mean mean = shared_mean_read(&edge->mean);
  Edge out = {.value_sum = mean.value * (float)mean.visits,
              .visits = mean.visits,
              .child = atomic_load_explicit(&edge->child, memory_order_acquire)};
  set_rest(&out, atomic_load(&edge->rest));
  return out;
}

bool shared_edge_prove(SharedEdge *edge, int lower, int upper) {
  uint32_t now = atomic_load(&edge->rest), then;
  do {
    Edge closed;
    set_rest(&closed, now);
    int least = edge_lower(&closed), most = edge_upper(&closed);
    if (lower <= least && upper >= most) return false;
    edge_prove(&closed, lower > least ? lower : least, upper < most ? upper : most);
    then = rest_of(&closed);
  } while (!atomic_compare_exchange_weak(&edge->rest, &now, then));
  return true;
}

/* --- means --- */

static Mean unpack(uint64_t bits) {
  Mean mean;
  memcpy(&mean, &bits, sizeof mean);
  return mean;
}

static uint64_t pack(Mean mean) {
  uint64_t bits;
  memcpy(&bits, &mean, sizeof bits);
  return bits;
}

Mean shared_mean_read(const _Atomic uint64_t *mean) {
  return unpack(atomic_load_explicit(mean, memory_order_relaxed));
}

void shared_mean_add(_Atomic uint64_t *mean, int visits, double sum) {
  uint64_t now = atomic_load_explicit(mean, memory_order_relaxed), then;
  do {
    Mean old = unpack(now), new = {.visits = old.visits + (uint32_t)visits};
    if (new.visits) new.value = (float)((old.value * (double)old.visits + sum) / new.visits);
    then = pack(new);
  } while (
      !atomic_compare_exchange_weak_explicit(mean, &now, then, memory_order_relaxed, memory_order_relaxed));
}

/* --- nodes --- */

uint32_t shared_node_new(SharedSearch *search, Reserve *reserve, const LookAhead *look, const float *priors,
                         float value) {
  size_t first;
  if (!take(search, reserve, shared_slots((size_t)look->count), &first)) return NO_CHILD;
  SharedNode *node = &search->slots[first].node;
  atomic_store_explicit(&node->mean, pack((Mean){.value = value, .visits = 1}), memory_order_relaxed);
  node->edge_count = (uint32_t)look->count;
  for (int i = 0; i < look->count; i++) {
    SharedEdge *edge = &search->slots[first + 1 + (size_t)i].edge;
    Edge new = edge_new(look->moves[i], priors[i]);
    if (look->known[i] != MOVE_OPEN) edge_prove(&new, look->known[i], look->known[i]);
    atomic_store_explicit(&edge->mean, 0, memory_order_relaxed);
    atomic_store_explicit(&edge->child, NO_CHILD, memory_order_relaxed);
    atomic_store_explicit(&edge->rest, rest_of(&new), memory_order_relaxed);
  }
  return (uint32_t)first;
}

Bounds shared_node_bounds(const SharedSearch *search, uint32_t node) {
  Bounds best = {-1, -1};
  if (!search->config.solve) return (Bounds){-1, 1};
  for (uint32_t i = 0; i < search->slots[node].node.edge_count; i++) {
    Edge edge;
    set_rest(&edge, atomic_load(&search->slots[node + 1 + i].edge.rest));
    if (edge_lower(&edge) > best.lower) best.lower = edge_lower(&edge);
    if (edge_upper(&edge) > best.upper) best.upper = edge_upper(&edge);
  }
  return best;
}
