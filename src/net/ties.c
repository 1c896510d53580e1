#include "net/ties.h"

#include "base/memory.h"
#include "net/layout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Indices that are tied to each other, `order` a set; one that a symmetry leaves where it is, is named again.
 */
typedef struct Sets {
  size_t count;
  uint32_t *members; /* [count][order] */
} Sets;

struct NetTies {
  int order;
  Sets params, stats;
};

/* What one symmetry does to everything that has an index. */
typedef struct Action {
  const int *squares, *moves;
  int order;
  int kernel[9];              /* 3x3 offsets as row * 3 + col */
  int member[TIES_ORDER_MAX]; /* of a set of channels: the symmetry composed with each */
  uint32_t *params, *stats;   /* the images of all indices */
} Action;

/* --- the symmetries --- */

/* The symmetry that is `first`, then `second`; -1 where it is not among them. */
static int compose(const BoardSymmetries *symmetries, int cells, int second, int first) {
  for (int s = 0; s < symmetries->order; s++) {
    bool same = true;
    for (int q = 0; q < cells && same; q++)
      same = symmetries->squares[s * cells + q] ==
             symmetries->squares[second * cells + symmetries->squares[first * cells + q]];
    if (same) return s;
  }
  return -1;
}

/* Where the symmetry takes the 3x3 offsets; false where that depends on the square. */
static bool kernel_action(const NetShape *shape, const int *squares, int kernel[9]) {
  for (int k = 0; k < 9; k++) kernel[k] = -1;
  for (int row = 0; row < shape->rows; row++)
    for (int col = 0; col < shape->cols; col++)
      for (int k = 0; k < 9; k++) {
        int near_row = row + k / 3 - 1, near_col = col + k % 3 - 1;
        if (near_row < 0 || near_row >= shape->rows || near_col < 0 || near_col >= shape->cols) continue;
        int centre = squares[row * shape->cols + col], near = squares[near_row * shape->cols + near_col];
        int rows = near / shape->cols - centre / shape->cols,
            cols = near % shape->cols - centre % shape->cols;
        if (abs(rows) > 1 || abs(cols) > 1) return false;
        int image = (rows + 1) * 3 + cols + 1;
        if (kernel[k] >= 0 && kernel[k] != image) return false;
        kernel[k] = image;
      }
  for (int k = 0; k < 9; k++)
    if (kernel[k] < 0) return false;
  return true;
}

static bool divides_layers(const NetShape *shape, int order, Error *err) {
  const struct {
    const char *name;
    int size;
  } layers[] = {{"channels", shape->channels},
                {"policy channels", shape->policy_channels},
                {"value channels", shape->value_channels},
                {"hidden units of the value head", shape->value_hidden}};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    if (layers[i].size % order != 0)
      return error_set(err, "%d %s cannot be tied by %d symmetries: they must be a multiple", layers[i].size,
                       layers[i].name, order);
  return true;
}

bool ties_valid(const NetShape *shape, const BoardSymmetries *symmetries, Error *err) {
  int order = symmetries->order, cells = shape->rows * shape->cols, kernel[9];
  if (order == 1) return true;
  if (order < 1 || order > TIES_ORDER_MAX)
    return error_set(err, "%d symmetries cannot be tied; at most %d can", order, TIES_ORDER_MAX);
  for (int a = 0; a < order; a++) {
    if (!kernel_action(shape, symmetries->squares + a * cells, kernel))
      return error_set(err, "symmetry %d is no motion of a board of %d rows and %d columns", a, shape->rows,
                       shape->cols);
    for (int b = 0; b < order; b++)
      if (compose(symmetries, cells, a, b) < 0)
        return error_set(
            err, "the first %d symmetries are no group: two of them make one that is not among them", order);
  }
  return divides_layers(shape, order, err);
}

/* --- the images of indices --- */

static int channel_image(const Action *action, int channel) {
  return channel / action->order * action->order + action->member[channel % action->order];
}

static void conv_action(const Action *action, const LayoutConv *conv, bool stem) {
  size_t area = (size_t)(conv->kernel * conv->kernel), inputs = (size_t)conv->in;
  for (int o = 0; o < conv->out; o++) {
    size_t row = (size_t)o, image = (size_t)channel_image(action, o);
    for (int i = 0; i < conv->in; i++) {
      size_t from = conv->weight + (row * inputs + (size_t)i) * area;
      size_t to = conv->weight + (image * inputs + (size_t)(stem ? i : channel_image(action, i))) * area;
      for (size_t k = 0; k < area; k++)
        action->params[from + k] = (uint32_t)(to + (area == 9 ? (size_t)action->kernel[k] : k));
    }
    action->params[conv->scale + row] = (uint32_t)(conv->scale + image);
    action->params[conv->bias + row] = (uint32_t)(conv->bias + image);
    action->stats[conv->mean + row] = (uint32_t)(conv->mean + image);
    action->stats[conv->variance + row] = (uint32_t)(conv->variance + image);
  }
}

/* Inputs are boards of `cells` squares, one for each channel; with cells = 1 they are channels. */
static void linear_action(const Action *action, const LayoutLinear *linear, int cells, const int *outputs) {
  for (int o = 0; o < linear->out; o++) {
    int output = outputs ? outputs[o] : channel_image(action, o);
    for (int i = 0; i < linear->in; i++) {
      int square = cells > 1 ? action->squares[i % cells] : 0;
      int input = channel_image(action, i / cells) * cells + square;
      action->params[linear->weight + (size_t)o * (size_t)linear->in + (size_t)i] =
          (uint32_t)(linear->weight + (size_t)output * (size_t)linear->in + (size_t)input);
    }
    action->params[linear->bias + (size_t)o] = (uint32_t)(linear->bias + (size_t)output);
  }
}

static void action_init(Action *action, const NetShape *shape, const NetLayout *layout,
                        const BoardSymmetries *symmetries, int s) {
  static const int wdl[3] = {0, 1, 2};
  int cells = shape->rows * shape->cols;
  *action = (Action){.squares = symmetries->squares + s * cells,
                     .moves = symmetries->moves + s * shape->moves,
                     .order = symmetries->order,
                     .params = memory_new(layout->param_count, sizeof(uint32_t)),
                     .stats = memory_new(layout->stat_count, sizeof(uint32_t))};
  kernel_action(shape, action->squares, action->kernel);
  for (int h = 0; h < symmetries->order; h++) action->member[h] = compose(symmetries, cells, s, h);
  for (int c = 0; c < layout->conv_count; c++) conv_action(action, &layout->convs[c], c == 0);
  linear_action(action, &layout->policy, cells, action->moves);
  linear_action(action, &layout->hidden, cells, NULL);
  linear_action(action, &layout->value, 1, wdl);
}

/* --- the sets --- */

static Sets sets_make(uint32_t *const images[], int order, size_t count) {
  Sets sets = {.members = memory_new(count * (size_t)order, sizeof(uint32_t))};
  bool *seen = memory_new(count, sizeof *seen);
  for (size_t i = 0; i < count; i++) {
    if (seen[i]) continue;
    for (int s = 0; s < order; s++) {
      uint32_t image = images[s][i];
      sets.members[sets.count * (size_t)order + (size_t)s] = image;
      seen[image] = true;
    }
    sets.count++;
  }
  free(seen);
  return sets;
}

NetTies *ties_new(const NetShape *shape, const BoardSymmetries *symmetries) {
  NetTies *ties = memory_new(1, sizeof *ties);
  NetLayout *layout = memory_new(1, sizeof *layout);
  Action actions[TIES_ORDER_MAX];
  uint32_t *params[TIES_ORDER_MAX], *stats[TIES_ORDER_MAX];
  int order = ties->order = symmetries->order;
  layout_make(shape, layout);
  for (int s = 0; order > 1 && s < order; s++) {
    action_init(&actions[s], shape, layout, symmetries, s);
    params[s] = actions[s].params, stats[s] = actions[s].stats;
  }
  if (order > 1) {
    ties->params = sets_make(params, order, layout->param_count);
    ties->stats = sets_make(stats, order, layout->stat_count);
    for (int s = 0; s < order; s++) free(params[s]), free(stats[s]);
  }
  free(layout);
  return ties;
}

void ties_free(NetTies *ties) {
  if (!ties) return;
  free(ties->params.members);
  free(ties->stats.members);
  free(ties);
}

static void share(const Sets *sets, int order, float *values) {
  for (size_t i = 0; i < sets->count; i++) {
    const uint32_t *set = sets->members + i * (size_t)order;
    for (int s = 1; s < order; s++) values[set[s]] = values[set[0]];
  }
}

void ties_share(const NetTies *ties, Net *net) {
  share(&ties->params, ties->order, net->params);
  share(&ties->stats, ties->order, net->stats);
}

static void average(const Sets *sets, int order, float *values, int threads) {
  float scale = 1 / (float)order;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (size_t i = 0; i < sets->count; i++) {
    const uint32_t *set = sets->members + i * (size_t)order;
    float sum = 0;
    for (int s = 0; s < order; s++) sum += values[set[s]];
    for (int s = 0; s < order; s++) values[set[s]] = sum * scale;
  }
}

void ties_average(const NetTies *ties, float *gradient, float *stats, int threads) {
  average(&ties->params, ties->order, gradient, threads);
  average(&ties->stats, ties->order, stats, 1);
}
