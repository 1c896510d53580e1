#include "base/memory.h"
#include "net/core.h"

#include <assert.h>
#include <stdlib.h>

/* The same walk is made twice: with arena == NULL to measure, then to hand out. */
typedef struct Arena {
  real *base;
  size_t used;
} Arena;

static real *take(Arena *arena, size_t count) {
  real *block = arena->base ? arena->base + arena->used : NULL;
  arena->used += (count + 15) / 16 * 16; /* whole cache lines */
  return block;
}

static int largest(int a, int b) {
  return a > b ? a : b;
}

static void lay_out_activations(NetWorkspace *ws, Arena *arena, size_t n, int first) {
  int count = ws->layout.conv_count;
  for (int i = first; i < count; i++) {
    ws->raw[i] = take(arena, (size_t)ws->layout.convs[i].out * n);
    ws->out[i] = take(arena, (size_t)ws->layout.convs[i].out * n);
  }
}

/* Without training nothing is kept for the way back: the tower turns in three buffers. A block reads its
 * input from one, uses the second inside and writes the third; batch norm and ReLU work in place. */
static void lay_out_rotation(NetWorkspace *ws, Arena *arena, size_t n) {
  int tower = ws->layout.conv_count - 2;
  real *trunk = take(arena, (size_t)ws->shape.channels * n),
       *inner = take(arena, (size_t)ws->shape.channels * n);
  real *next = take(arena, (size_t)ws->shape.channels * n);
  ws->raw[0] = ws->out[0] = trunk;
  for (int i = 1; i < tower; i += 2) {
    real *block_out = next;
    ws->raw[i] = ws->out[i] = inner;
    ws->raw[i + 1] = ws->out[i + 1] = block_out;
    next = trunk, trunk = block_out;
  }
  for (int i = tower; i < ws->layout.conv_count; i++)
    ws->raw[i] = ws->out[i] = take(arena, (size_t)ws->layout.convs[i].out * n);
}

static void lay_out_gradients(NetWorkspace *ws, Arena *arena, size_t n, CoreUse use) {
  const NetShape *shape = &ws->shape;
  int widest = largest(shape->channels, largest(shape->policy_channels, shape->value_channels));
  size_t batch = (size_t)ws->max_batch;
  ws->stats = take(arena, ws->layout.stat_count);
  ws->d_trunk = take(arena, (size_t)widest * n);
  ws->d_branch = take(arena, (size_t)widest * n);
  ws->d_spare = use == CORE_HEADS ? NULL : take(arena, (size_t)widest * n);
  ws->d_flat = take(arena, (size_t)largest(shape->policy_channels, shape->value_channels) * n);
  ws->d_hidden = take(arena, batch * (size_t)shape->value_hidden);
  ws->d_logits = take(arena, batch * (size_t)shape->moves);
  ws->d_value = take(arena, batch * 3);
  ws->d_plies = take(arena, batch);
  ws->d_reply = take(arena, batch * (size_t)shape->moves);
}

static void lay_out(NetWorkspace *ws, Arena *arena, CoreUse use) {
  const NetShape *shape = &ws->shape;
  size_t batch = (size_t)ws->max_batch, n = batch * (size_t)(shape->rows * shape->cols);
  ws->input = use == CORE_HEADS ? NULL : take(arena, (size_t)shape->planes * n);
  if (use == CORE_INFERENCE)
    lay_out_rotation(ws, arena, n);
  else
    lay_out_activations(ws, arena, n, use == CORE_HEADS ? ws->layout.conv_count - 2 : 0);
  ws->policy_flat = take(arena, (size_t)shape->policy_channels * n);
  ws->value_flat = take(arena, (size_t)shape->value_channels * n);
  ws->hidden = take(arena, batch * (size_t)shape->value_hidden);
  ws->logits = take(arena, batch * (size_t)shape->moves);
  ws->value = take(arena, batch * 3);
  if (use != CORE_INFERENCE) lay_out_gradients(ws, arena, n, use);
}

NetWorkspace *core_workspace_new(const NetShape *shape, int max_batch, CoreUse use) {
  assert(max_batch > 0);
  NetWorkspace *ws = memory_new(1, sizeof *ws);
  ws->shape = *shape;
  ws->max_batch = max_batch;
  layout_make(shape, &ws->layout);
  Arena arena = {0};
  lay_out(ws, &arena, use);
  arena = (Arena){.base = ws->arena = memory_new(arena.used, sizeof(real))};
  lay_out(ws, &arena, use);
  if (use != CORE_HEADS)
    ws->scratch = conv_scratch_new(shape->rows, shape->cols, largest(shape->channels, shape->planes),
                                   max_batch, use == CORE_TRAINING);
  return ws;
}

void core_workspace_free(NetWorkspace *ws) {
  if (!ws) return;
  conv_scratch_free(ws->scratch);
  free(ws->arena);
  free(ws);
}
