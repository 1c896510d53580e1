/* One convolution of one group of positions, forward and both ways back. */
#include "net/trainer_internal.h"

/* Floats by which the planes of products are moved apart in the nearest cache. */
enum { SKEW = PLAN_PAD };

typedef void Transform(const WinogradTiling *tiling, int channels, const float *x, float *scratch, float *v,
                       size_t stride);

static size_t plane_of(const NetTrainer *trainer, int count, int channels) {
  return (size_t)(count * winograd_tiles(&trainer->tiling)) * (size_t)channels + SKEW;
}

static size_t board_of(const NetTrainer *trainer, int channels) {
  return (size_t)(trainer->tiling.rows * trainer->tiling.cols) * (size_t)channels;
}

static void transform(const NetTrainer *trainer, TrainerWorkspace *ws, Transform *kernel, int channels,
                      int count, const float *x, float *v) {
  const WinogradTiling *tiling = &trainer->tiling;
  size_t board = board_of(trainer, channels), tiles = (size_t)(winograd_tiles(tiling) * channels);
  for (size_t i = 0; i < (size_t)count; i++)
    kernel(tiling, channels, x + i * board, ws->scratch, v + i * tiles, plane_of(trainer, count, channels));
}

/* y = results of in_products [+ residual] */
static void multiply(const NetTrainer *trainer, TrainerWorkspace *ws, int in, int out, const float *panels,
                     int count, const float *residual, float *y) {
  const PlanKernels *kernels = trainer->kernels->plan;
  const WinogradTiling *tiling = &trainer->tiling;
  int rows = count * winograd_tiles(tiling);
  size_t size = (size_t)in * (size_t)out, board = board_of(trainer, out);
  size_t in_plane = plane_of(trainer, count, in), out_plane = plane_of(trainer, count, out);
  size_t tiles = (size_t)(winograd_tiles(tiling) * out);
  for (size_t p = 0; p < (size_t)winograd_products(tiling); p++)
    kernels->gemm(rows, in, out, ws->in_products + p * in_plane, (size_t)in, panels + p * size,
                  ws->out_products + p * out_plane, (size_t)out);
  for (size_t i = 0; i < (size_t)count; i++)
    kernels->winograd_output(tiling, out, ws->out_products + i * tiles, out_plane, NULL,
                             residual ? residual + i * board : NULL, ws->scratch, y + i * board);
}

void trainer_conv_forward(const NetTrainer *trainer, TrainerWorkspace *ws, int index, int count,
                          const float *x, float *y) {
  const TrainerConv *conv = &trainer->convs[index];
  transform(trainer, ws, trainer->kernels->plan->winograd_input, conv->in, count, x, ws->in_products);
  multiply(trainer, ws, conv->in, conv->out, conv->forward, count, NULL, y);
}

/* dU' (+)= V(dy)^T (A x A^T), product by product. */
static void multiply_weights(const NetTrainer *trainer, TrainerWorkspace *ws, const TrainerConv *conv,
                             int count, bool add) {
  int rows = count * winograd_tiles(&trainer->tiling);
  size_t size = (size_t)conv->in * (size_t)conv->out;
  size_t in_plane = plane_of(trainer, count, conv->in), out_plane = plane_of(trainer, count, conv->out);
  for (size_t p = 0; p < (size_t)winograd_products(&trainer->tiling); p++)
    trainer->kernels->outer(rows, conv->out, conv->in, ws->in_products + p * out_plane, (size_t)conv->out,
                            ws->adjoint + p * in_plane, (size_t)conv->in, add, ws->d_weights + p * size);
}

void trainer_conv_backward(const NetTrainer *trainer, TrainerWorkspace *ws, int index, int count, bool add,
                           const float *x, const float *dy, const float *residual, float *dx) {
  const TrainerConv *conv = &trainer->convs[index];
  transform(trainer, ws, trainer->kernels->plan->winograd_input, conv->out, count, dy, ws->in_products);
  transform(trainer, ws, trainer->kernels->winograd_adjoint, conv->in, count, x, ws->adjoint);
  multiply_weights(trainer, ws, conv, count, add);
  if (conv->backward) multiply(trainer, ws, conv->out, conv->in, conv->backward, count, residual, dx);
}
