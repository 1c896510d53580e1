/* The network's residual blocks by oneDNN (Debian's libdnnl-dev, version 2) beside ours: `make bench-onednn`.
 * Not part of the program.
 *
 * oneDNN's side is a lower bound of what a network built of it would take: the 3x3 convolutions of the blocks
 * alone, with bias, ReLU and residual sum fused, in the layouts that it asks for, memory and primitives made
 * beforehand. Ours is the whole network, stem and heads too, and its blocks alone. Rooflines are those of
 * `selfplay bench`, each by the multiply-adds of what it does. Each thread has its own of everything, as in
 * self-play. */
#include "cli/bench.h"

#include "base/memory.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 64, TAPS = 3, MOST_LAYERS = 12, ARGS = 5 };
static const double SECONDS = 1;

typedef struct Kind {
  const char *name;
  dnnl_alg_kind_t algorithm;
  dnnl_data_type_t activations, weights, bias;
} Kind;

static const Kind kinds[] = {
    {"oneDNN direct, f32", dnnl_convolution_direct, dnnl_f32, dnnl_f32, dnnl_f32},
    {"oneDNN Winograd, f32", dnnl_convolution_winograd, dnnl_f32, dnnl_f32, dnnl_f32},
    {"oneDNN automatic, f32", dnnl_convolution_auto, dnnl_f32, dnnl_f32, dnnl_f32},
    {"oneDNN direct, bf16", dnnl_convolution_direct, dnnl_bf16, dnnl_bf16, dnnl_f32},
    {"oneDNN direct, u8 s8", dnnl_convolution_direct, dnnl_u8, dnnl_s8, dnnl_f32},
    {"oneDNN Winograd, u8 s8", dnnl_convolution_winograd, dnnl_u8, dnnl_s8, dnnl_f32},
};

/* One convolution of a block: into the branch, or with the residual into the trunk. */
typedef struct Layer {
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t args[ARGS];
} Layer;

typedef struct Tower {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  Layer layers[MOST_LAYERS];
  int layer_count, batch;
  const char *implementation;
} Tower;

static void check(dnnl_status_t status, const char *what) {
  if (status == dnnl_success) return;
  fprintf(stderr, "bench-onednn: %s: status %d\n", what, status);
  exit(1);
}

/* NULL where oneDNN has no such convolution on this CPU. */
static dnnl_primitive_desc_t describe(dnnl_engine_t engine, const Kind *kind, int rows, int cols, int batch,
                                      bool residual) {
  dnnl_dims_t x = {batch, CHANNELS, rows, cols}, w = {CHANNELS, CHANNELS, TAPS, TAPS}, b = {CHANNELS},
              one = {1, 1};
  dnnl_memory_desc_t x_md, w_md, b_md;
  dnnl_convolution_desc_t convolution;
  dnnl_primitive_attr_t attributes;
  dnnl_post_ops_t after;
  dnnl_primitive_desc_t out = NULL;
  check(dnnl_memory_desc_init_by_tag(&x_md, 4, x, kind->activations, dnnl_format_tag_any), "activations");
  check(dnnl_memory_desc_init_by_tag(&w_md, 4, w, kind->weights, dnnl_format_tag_any), "weights");
  check(dnnl_memory_desc_init_by_tag(&b_md, 1, b, kind->bias, dnnl_a), "bias");
  if (dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_inference, kind->algorithm, &x_md, &w_md,
                                         &b_md, &x_md, one, one, one) != dnnl_success)
    return NULL;
  check(dnnl_post_ops_create(&after), "post-ops");
  if (residual) check(dnnl_post_ops_append_sum(after, 1), "sum");
  check(dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0), "ReLU");
  check(dnnl_primitive_attr_create(&attributes), "attributes");
  check(dnnl_primitive_attr_set_post_ops(attributes, after), "attributes");
  /* The library's own scratch belongs to the thread that made the primitive. */
  check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), "scratch");
  if (dnnl_primitive_desc_create(&out, &convolution, attributes, engine, NULL) != dnnl_success) out = NULL;
  dnnl_post_ops_destroy(after), dnnl_primitive_attr_destroy(attributes);
  return out;
}

static dnnl_memory_t memory_of(dnnl_engine_t engine, dnnl_primitive_desc_t of, dnnl_query_t what) {
  dnnl_memory_t memory;
  const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(of, what, 0);
  void *bytes;
  check(dnnl_memory_create(&memory, layout, engine, DNNL_MEMORY_ALLOCATE), "memory");
  check(dnnl_memory_get_data_handle(memory, &bytes), "memory");
  if (bytes)
    memset(bytes, 0, dnnl_memory_desc_get_size(layout)); /* no denormal numbers, no page faults later */
  return memory;
}

static bool same_layout(dnnl_primitive_desc_t a, dnnl_query_t of_a, dnnl_primitive_desc_t b,
                        dnnl_query_t of_b) {
  return dnnl_memory_desc_equal(dnnl_primitive_desc_query_md(a, of_a, 0),
                                dnnl_primitive_desc_query_md(b, of_b, 0));
}

/* False where there is none. What is never freed ends with the program. */
static bool tower_make(Tower *tower, const Kind *kind, int rows, int cols, int blocks, int batch) {
  *tower = (Tower){.layer_count = 2 * blocks, .batch = batch};
  check(dnnl_engine_create(&tower->engine, dnnl_cpu, 0), "engine");
  check(dnnl_stream_create(&tower->stream, tower->engine, dnnl_stream_default_flags), "stream");
  dnnl_primitive_desc_t into[2]; /* the branch, the trunk */
  for (int i = 0; i < 2; i++)
    if (!(into[i] = describe(tower->engine, kind, rows, cols, batch, i == 1))) return false;
  if (!same_layout(into[0], dnnl_query_src_md, into[1], dnnl_query_dst_md) ||
      !same_layout(into[0], dnnl_query_dst_md, into[1], dnnl_query_src_md)) {
    fprintf(stderr, "bench-onednn: %s would need its activations in two layouts\n", kind->name);
    return false;
  }
  check(dnnl_primitive_desc_query(into[0], dnnl_query_impl_info_str, 0, &tower->implementation), "name");
  dnnl_memory_t trunk = memory_of(tower->engine, into[0], dnnl_query_src_md);
  dnnl_memory_t branch = memory_of(tower->engine, into[0], dnnl_query_dst_md);
  dnnl_memory_t scratch[2];
  for (int i = 0; i < 2; i++) scratch[i] = memory_of(tower->engine, into[i], dnnl_query_scratchpad_md);
  for (int i = 0; i < tower->layer_count; i++) {
    dnnl_primitive_desc_t of = into[i % 2];
    Layer *layer = &tower->layers[i];
    check(dnnl_primitive_create(&layer->primitive, of), "primitive");
    layer->args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, i % 2 ? branch : trunk};
    layer->args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, memory_of(tower->engine, of, dnnl_query_weights_md)};
    dnnl_memory_t bias;
    dnnl_dims_t b = {CHANNELS};
    dnnl_memory_desc_t b_md;
    check(dnnl_memory_desc_init_by_tag(&b_md, 1, b, kind->bias, dnnl_a), "bias");
    check(dnnl_memory_create(&bias, &b_md, tower->engine, DNNL_MEMORY_ALLOCATE), "bias");
    layer->args[2] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, bias};
    layer->args[3] = (dnnl_exec_arg_t){DNNL_ARG_DST, i % 2 ? trunk : branch};
    layer->args[4] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, scratch[i % 2]};
  }
  return true;
}

static double tower_run(void *context) {
  Tower *tower = context;
  for (int i = 0; i < tower->layer_count; i++)
    check(dnnl_primitive_execute(tower->layers[i].primitive, tower->stream, ARGS, tower->layers[i].args),
          "execution");
  check(dnnl_stream_wait(tower->stream), "execution");
  return tower->batch;
}

static double blocks_multiply_adds(const NetShape *shape) {
  return 2.0 * shape->blocks * CHANNELS * CHANNELS * TAPS * TAPS * shape->rows * shape->cols;
}

static void row(const char *name, const char *what, int batch, const BenchRates *rates, double multiply_adds,
                const BenchLimit *limit) {
  printf("  %-24s %-32s %5d %12.0f %9.2f %7.0f%%\n", name, what, batch, rates->best,
         rates->best * 2e-9 * multiply_adds / limit->gflops.best, 100 * bench_spread(rates));
  fflush(stdout);
}

/* Our blocks alone too, by the difference that more of them make. */
static void ours(Bench *bench, const NetShape *shape, int batch, const BenchLimit *limit) {
  for (PlanPrecision precision = PLAN_FLOAT32; precision <= PLAN_INT8; precision++) {
    double seconds[2], per_block;
    for (int k = 0; k < 2; k++) {
      NetShape part = *shape;
      part.blocks = k ? shape->blocks : 1;
      Net *net = bench_net(&part);
      NetPlan *plan = plan_new_as(net, precision);
      BenchRates rates = bench_plan(plan, batch, bench->common.threads, SECONDS);
      seconds[k] = 1 / rates.best;
      if (k)
        row("selfplay, whole network", plan_kernel(plan), batch, &rates, net_multiply_adds(shape), limit);
      plan_free(plan);
      net_free(net);
    }
    per_block = (seconds[1] - seconds[0]) / (shape->blocks - 1);
    const BenchRates alone = {.best = 1 / (shape->blocks * per_block),
                              .lowest = 1 / (shape->blocks * per_block)};
    row("selfplay, blocks alone", "the difference of two networks", batch, &alone,
        blocks_multiply_adds(shape), limit);
  }
}

static void theirs(Bench *bench, const NetShape *shape, const Kind *kind, int batch,
                   const BenchLimit *limit) {
  int threads = bench->common.threads;
  Tower *towers = memory_new((size_t)threads, sizeof *towers);
  void **contexts = memory_new((size_t)threads, sizeof *contexts);
  bool fine = true;
  for (int t = 0; t < threads && fine; t++) {
    fine = tower_make(&towers[t], kind, shape->rows, shape->cols, shape->blocks, batch);
    contexts[t] = &towers[t];
  }
  if (fine) {
    BenchRates rates = bench_measure(tower_run, contexts, threads, SECONDS);
    row(kind->name, towers[0].implementation, batch, &rates, blocks_multiply_adds(shape), limit);
  } else {
    printf("  %-24s not on this CPU\n", kind->name);
  }
  free(towers);
  free(contexts);
}

int main(void) {
  static const int boards[][3] = {{6, 7, 5}, {8, 8, 6}, {9, 9, 6}}, batches[] = {8, 64};
  Bench bench = {.common = cli_common_defaults(), .root = json_pack("{s:[]}", "limits")};
  Error err;
  if (!run_config_shipped(bench.common.game, &bench.config, &err))
    return fprintf(stderr, "%s\n", err.message), 1;
  const dnnl_version_t *version = dnnl_version();
  printf("oneDNN %d.%d.%d; %d threads, each by itself\n", version->major, version->minor, version->patch,
         bench.common.threads);
  for (size_t i = 0; i < sizeof boards / sizeof *boards; i++) {
    NetShape shape = bench_shape(&bench, boards[i][0], boards[i][1], boards[i][2], CHANNELS);
    const BenchLimit *limit = bench_limit(&bench, CHANNELS, shape.rows * shape.cols, bench.common.threads);
    printf("\n%d x %d on %d x %d; SGEMM %.1f GFLOP/s (spread %.0f%%)\n", shape.blocks, CHANNELS, shape.rows,
           shape.cols, limit->gflops.best, 100 * bench_spread(&limit->gflops));
    printf("  %-24s %-32s %5s %12s %9s %8s\n", "what", "by", "batch", "positions/s", "roofline", "spread");
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
      ours(&bench, &shape, batches[b], limit);
      for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        theirs(&bench, &shape, &kinds[k], batches[b], limit);
    }
  }
  json_decref(bench.root);
  return 0;
}
